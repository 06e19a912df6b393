"""What several adapters do alike, written once.

Rule kept here: only what is the same by meaning stands here, not what happens to look alike; it
knows the port and no network, and what one network needs besides, its adapter hands in.
"""
