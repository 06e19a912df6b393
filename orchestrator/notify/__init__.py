"""Tells people that something needs them, and nothing of what it is about."""
