"""Sealing at rest: a random key for each message, wrapped by the deal's epoch key.

Rule kept here: destroying a row destroys the message, and the end of the epoch destroys every old
copy of that row with it.
"""
