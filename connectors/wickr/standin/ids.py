"""Names of Wickr: conversations and messages.

Rule kept here: they have the form and the length of the real ones, because a connector goes wrong
exactly where they differ from what it expects.
"""

import hashlib
import secrets

DOMAIN = "example.test"
ROOM, GROUP = "S", "G"


def account(name: str) -> str:
    """The account of a person's name."""
    return name if "@" in name else f"{name}@{DOMAIN}"


def message_id() -> str:
    """A message's name, known to every client."""
    return secrets.token_hex(16)


def conversation(kind: str) -> str:
    """A room's (``S``) or a group's (``G``) vGroupID."""
    return kind + secrets.token_hex(32)[1:]


def line(one: str, other: str) -> str:
    """The vGroupID of the private line between two accounts; begins with no S and no G."""
    return hashlib.sha256("\n".join(sorted((one, other))).encode()).hexdigest()
