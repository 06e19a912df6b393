"""The embedded store: one SQLite file, one writer, state and proof in the same transaction."""
