"""What is posted to a connector by its network's server, through the API: the port's side of it.

Rules kept here:

1. Whoever posts knows a secret, and the connector alone compares it: whoever hands a post on knows
   none, reads nothing of the body, and answers what the connector says.
2. A post is ``STORED`` once it is on disk, and no other answer says that it was taken.
"""

from collections.abc import AsyncIterator
from enum import IntEnum
from typing import Protocol, runtime_checkable


class Said(IntEnum):
    """What a post is answered with, as HTTP has it."""

    STORED = 200
    THERE = 204
    MALFORMED = 400
    OTHER_ACCOUNT = 403
    WRONG_PATH = 404
    WRONG_METHOD = 405
    BROKEN_OFF = 408
    TOO_LARGE = 413
    NOT_STORED = 503


@runtime_checkable
class TakesPosts(Protocol):
    """Is posted to through the API, if it is set up so."""

    async def posted(self, secret: str, pieces: AsyncIterator[bytes]) -> Said:
        """Takes one post; what came of it.

        Whoever does not know the secret, and everybody where the account is not posted to through
        the API, or not open, is told ``WRONG_PATH``; then nothing of the body was asked for.

        Args:
            secret: the last part of the path, as it was asked for.
            pieces: the body as it arrives; raises where it breaks off.
        """
        ...


@runtime_checkable
class HoldsPosts(Protocol):
    """Can have what would be posted to it wait at its network, while nobody takes posts."""

    async def hold_posts(self) -> None:
        """The API is about to end: from now on, what comes waits until we are open again.

        Prompt, and raises nothing: where it cannot be held, what was missed is told.
        """
        ...
