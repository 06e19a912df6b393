"""OMEMO 0.3 (namespace ``eu.siacs.conversations.axolotl``), which the clients of rooms speak.

Rules kept here: the libraries of this folder are AGPL-3.0-only and an extra of their own
(``wallcross[omemo]``), so nothing outside imports them, and this folder is imported only where the
setting ``omemo`` asks for it. Trust is never given by itself: it comes from ``trust`` alone.
"""
