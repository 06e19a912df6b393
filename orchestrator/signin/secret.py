"""Secrets that whoever signs in holds: made here, kept by us as a hash alone.

Rules kept here:

1. A secret has 256 random bits and is given out once; what is kept of it is its sha256, from which
   nobody comes back to it, so that memory, a dump or a chain signs nobody in.
2. It is found by its hash and compared in constant time: how long a look takes tells nothing.
"""

import hmac
import secrets
from hashlib import sha256

BYTES = 32
COOKIE = "__Host-wallcross"
"""Browsers keep a name that begins so to one host, the whole of it, and to encrypted transport."""
UNDER_WAY = "__Host-wallcross-oidc"
"""What a browser keeps while it is at a provider."""
LONGEST = 128
"""Characters of a secret that are looked at at all."""


def new_secret(prefix: str = "") -> str:
    """A secret, safe in a URL, a header and a cookie."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest(secret: str) -> bytes:
    """What is kept of a secret."""
    return sha256(secret[: LONGEST + 1].encode("utf-8", "surrogatepass")).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two digests are one, in constant time."""
    return hmac.compare_digest(one, other)
