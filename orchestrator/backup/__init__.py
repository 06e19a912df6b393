"""Backups of a home: made while it runs, checked and restored offline, without its secrets."""
