"""Makes our own identifiers: a prefix that names the kind, then 128 random bits.

Rule kept here: an identifier carries nothing but its kind: no time, no counter, no meaning. Order
comes from ``seq`` alone.
"""

import secrets


def new_id(kind: str) -> str:
    """Returns ``kind`` + ``_`` + 32 hexadecimal digits."""
    return f"{kind}_{secrets.token_hex(16)}"
