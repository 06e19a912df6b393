"""Turns the ways a call can fail into what the port says of them.

Rule kept here: this is the one place where a foreign error becomes one of the port's. An act that
may have happened is ``Uncertain``; a question that was not answered is ``Unavailable``, for nothing
was done. The foreign error is let go before ours is raised, for it may hold what a person wrote.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

from connectors.memory.translate import BadAnswerError
from connectors.memory.wire import BrokenError, JsonObject, Link, NotSentError, Refusal
from connectors.port.errors import (
    NOT_A_MEMBER,
    ROOM_UNKNOWN,
    ConnectorError,
    IdentityChanged,
    NoRoom,
    ReadersChanged,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)

T = TypeVar("T")

KINDS: dict[str, type[ConnectorError]] = {
    "rejected": Rejected,
    "readers": ReadersChanged,
    "identity": IdentityChanged,
    "unavailable": Unavailable,
    "unreadable": Unreadable,
    "no_room": Rejected,
}
_CODES = {ROOM_UNKNOWN, NOT_A_MEMBER}


def refused(refusal: Refusal) -> ConnectorError:
    """The port's error for the network's no; one that we do not know is the cautious one."""
    kind = KINDS.get(refusal.kind, Uncertain)
    return kind(refusal.code, refusal.hint, retry_after=refusal.retry_after)


def _untold(refusal: Refusal) -> ConnectorError:
    """The port's error for a question that was refused."""
    if refusal.kind == "no_room" and refusal.code in _CODES:
        return NoRoom(refusal.code, refusal.hint)
    known = refused(refusal)
    return known if isinstance(known, Unavailable) else Unreadable(known.code, known.hint)


def _unanswered(error: Exception) -> ConnectorError:
    return Unavailable(str(error), "the network does not answer")


class Calls:
    """Acts and questions over one link.

    Args:
        link: the way to the network.
        heard: is told the network's time with every answer, microseconds UTC.
    """

    def __init__(self, link: Link, heard: Callable[[int], None]) -> None:
        self._link = link
        self._heard = heard

    async def act(self, verb: str, fields: JsonObject, read: Callable[[JsonObject], T]) -> T:
        """Does something. Raises: ConnectorError."""
        try:
            return read(await self._call(verb, fields))
        except Refusal as refusal:
            error = refused(refusal)
        except NotSentError:
            error = Unavailable("unreachable", "no connection to the network")
        except BrokenError as broken:
            error = Uncertain(str(broken), "the network's answer did not come")
        except BadAnswerError:
            error = Uncertain("bad_answer", "the network's answer makes no sense")
        except Exception:  # noqa: BLE001 (the port: every foreign exception becomes Uncertain)
            error = Uncertain("unexpected", "something failed that was not foreseen")
        raise error

    async def ask(self, verb: str, fields: JsonObject, read: Callable[[JsonObject], T]) -> T:
        """Reads something. Raises: NoRoom, Unreadable, Unavailable."""
        try:
            return read(await self._call(verb, fields))
        except Refusal as refusal:
            error = _untold(refusal)
        except (NotSentError, BrokenError) as broken:
            error = _unanswered(broken)
        except BadAnswerError:
            error = Unreadable("bad_answer", "the network's answer makes no sense")
        except Exception:  # noqa: BLE001 (nothing was done: what is not understood is not held)
            error = Unreadable("unexpected", "something failed that was not foreseen")
        raise error

    async def upload(self, body: AsyncIterator[bytes]) -> JsonObject:
        """Brings a file; nobody can see it before a message names it. Raises: ConnectorError."""
        try:
            return self._timed(await self._link.call("upload", {}, body))
        except ConnectorError as ours:
            error = ours
        except Refusal as refusal:
            error = refused(refusal)
        except (NotSentError, BrokenError) as broken:
            error = _unanswered(broken)
        raise error

    async def fetch(self, file: str) -> AsyncGenerator[bytes, None]:
        """A file in pieces. Raises: Unreadable, Unavailable."""
        try:
            async for piece in self._link.fetch("fetch", {"file": file}):
                yield piece
        except Refusal as refusal:
            error: ConnectorError = Unreadable(refusal.code, refusal.hint)
        except (NotSentError, BrokenError) as broken:
            error = _unanswered(broken)
        else:
            return
        raise error

    async def _call(self, verb: str, fields: JsonObject) -> JsonObject:
        return self._timed(await self._link.call(verb, fields))

    def _timed(self, answer: JsonObject) -> JsonObject:
        time = answer.get("t")
        if isinstance(time, int):
            self._heard(time)
        return answer
