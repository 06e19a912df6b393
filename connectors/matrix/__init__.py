"""One account on one Matrix homeserver, end-to-end encrypted with one device of its own."""
