"""Rooms are made, hardened, read back and, when something is wrong, paused."""
