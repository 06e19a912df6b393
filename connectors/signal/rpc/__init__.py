"""Signal through signal-cli's own daemon: JSON-RPC over HTTP, and a stream of events.

Rule kept here: only what is of this protocol lies here. What a group, a key or a message means, and
what is done with it, is the same for both programs and lies one folder up.
"""
