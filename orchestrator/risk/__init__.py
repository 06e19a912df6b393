"""Leak risk: rules over facts, findings that new facts open and close, a score that adds up."""
