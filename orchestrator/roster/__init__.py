"""Who may see what: read from spreadsheets, adopted with a hash in the audit, never edited."""
