"""Secrets: named by reference, held outside the home, never shown by accident.

Rule kept here: settings hold references only; a value leaves its ``Secret`` by ``reveal`` alone.
"""
