"""One XMPP account: members-only rooms that show whose address is behind a name, over TLS."""
