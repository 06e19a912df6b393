"""Marks that only this home can make: what the program wrote is told from what was planted.

Rules kept here:

1. The key is derived from a secret of the home and lies in no table: whoever can write every row
   of the database, and nothing else, can make no mark.
2. A mark is over the name of what it marks and all of its parts, each written so that no two
   different things have the same bytes under it (``ascii``: quoted, escaped, the same in every
   version of Unicode).
3. A store without a pen (a copy, a tool, a part on its own) makes no marks and believes none less:
   ``orchestrator.wiring`` gives every home its pen before anything is read.
"""

import hmac
from functools import lru_cache
from hashlib import blake2b, sha256

MARK_BYTES = 32
REMEMBERED = 4096
"""Marks of messages and deliveries that are looked at again soon: some megabytes."""
_PURPOSE = b"wallcross marks of rows and entries v1"
Part = str | bytes | int | None


class Pen:
    """Makes and checks marks.

    Args:
        secret: the home's; the key is derived from it and used for nothing else.
    """

    __slots__ = ("_again", "_key")

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, _PURPOSE, sha256)
        self._again = lru_cache(maxsize=REMEMBERED, typed=True)(self.mark)

    def mark(self, about: str, *parts: Part) -> bytes:
        """Returns the mark (keyed BLAKE2b, RFC 7693) of something that consists of ``parts``."""
        text = ascii((about, *parts)).encode()
        return blake2b(text, key=self._key, digest_size=MARK_BYTES).digest()

    def mark_again(self, about: str, *parts: Part) -> bytes:
        """The same as ``mark``, remembered: for what is marked now and looked at soon."""
        return self._again(about, *parts)

    def made(self, mark: bytes | None, about: str, *parts: Part) -> bool:
        """Whether this home made exactly this mark of these parts."""
        return mark is not None and hmac.compare_digest(mark, self.mark(about, *parts))
