"""The same request twice is done once: ``Idempotency-Key``.

Rules kept here:

1. A key is one caller's at one home: nobody learns from it what another asked, nor another
   session of his own.
2. The same key with the same request is given the same answer; with another request it is refused,
   and while the first is under way it waits (409).
3. What was refused as malformed, not admitted or too early was not done, and is not remembered.
4. All of it is in this process's memory, within bounds, for a day at most. A restart forgets it:
   for messages, files and documents there is a key that lasts (``key``, ``wallcross-key``).
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic
from weakref import WeakKeyDictionary

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.api.access import OPEN
from orchestrator.api.guard import ADMITTED
from orchestrator.api.port import Home
from orchestrator.api.reach import HOME_IN_SCOPE
from orchestrator.api.who import viewer
from orchestrator.client.problems import Busy, Wrong

HEADER = "idempotency-key"
LASTS_S = 24 * 3600.0
MOST, MOST_OF_ONE, MOST_BYTES, LARGEST = 20_000, 2_000, 32 << 20, 64 << 10
"""Answers that are remembered: in all, of one caller, their bytes in all, and of one."""
STREAMED = frozenset({"send_file", "document_send"})
TOLD_ONCE = frozenset(
    {"held_reveal_open", "person_enrol", "quarantine_admit", "key_link", "token_new"}
    | {"export_link", "prevented_link", "desk_link", "desk_home_link"}
)
"""Operations whose answers are shown once: that they were done is remembered, and no more."""
NOT_DONE = frozenset({401, 403, 404, 405, 413, 422, 429, 503})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_STILL = "Nothing was done now"
_KEY = re.compile(r"[ -~]{1,255}")
Key = tuple[str, str]


@dataclass(slots=True)
class Answer:
    """What became of a request.

    Attributes:
        asked: hash of the request.
        until: when it is forgotten, on this process's own clock.
        messages: what was answered; None while it is under way.
        kept: what was answered can be said again.
    """

    asked: bytes
    until: float
    messages: list[Message] | None = field(default=None, repr=False)
    kept: bool = True

    @property
    def size(self) -> int:
        """Bytes of what is kept."""
        return sum(len(m.get("body", b"")) for m in self.messages or ())


class Remembered:
    """Answers by caller and key, the oldest first."""

    def __init__(self) -> None:
        self._found: OrderedDict[Key, Answer] = OrderedDict()
        self._of: dict[str, int] = {}
        self._bytes = 0

    def begin(self, key: Key, asked: bytes) -> Answer | None:
        """Notes a request as under way; what is known of its key, if anything.

        Raises:
            Busy: so many of this caller are remembered that no more is promised.
        """
        self._forget_old()
        found = self._found.get(key)
        if found is not None:
            return found
        if self._of.get(key[0], 0) >= MOST_OF_ONE:
            raise Busy("So many keys are in use that no more is promised", still=_STILL)
        while len(self._found) >= MOST:
            self.forget(next(iter(self._found)))
        self._found[key] = Answer(asked, monotonic() + LASTS_S)
        self._of[key[0]] = self._of.get(key[0], 0) + 1
        return None

    def end(self, key: Key, messages: list[Message], *, kept: bool) -> None:
        """Notes what was answered."""
        found = self._found.get(key)
        if found is None:
            return
        found.messages, found.kept = (messages if kept else []), kept
        self._bytes += found.size
        for other in list(self._found):
            if self._bytes <= MOST_BYTES:
                break
            self._let_go(self._found[other])

    def forget(self, key: Key) -> None:
        """Forgets one."""
        found = self._found.pop(key, None)
        if found is None:
            return
        self._bytes -= found.size
        self._of[key[0]] -= 1
        if not self._of[key[0]]:
            del self._of[key[0]]

    def _let_go(self, answer: Answer) -> None:
        """Remembers that it was answered, and no more what."""
        if answer.messages:
            self._bytes -= answer.size
            answer.messages, answer.kept = [], False

    def _forget_old(self) -> None:
        now = monotonic()
        while self._found and next(iter(self._found.values())).until <= now:
            self.forget(next(iter(self._found)))


class Once:
    """Does a request that names a key once.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._of: WeakKeyDictionary[Home, Remembered] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or says again what was answered. Raises: Wrong, Busy."""
        given = Headers(scope=scope).getlist(HEADER)
        if scope["method"] in _SAFE or not given or scope.get(ADMITTED) in OPEN:
            await self._app(scope, receive, send)
            return
        asker = viewer(Request(scope))
        key = f"{asker.actor} {asker.session or ''}", _checked(given, scope)
        request = Request(scope, receive)
        body = await request.body()
        asked = _hash(scope, body)
        remembered = self._of.setdefault(scope[HOME_IN_SCOPE], Remembered())
        known = remembered.begin(key, asked)
        if known is not None:
            await _again(known, asked, send)
            return
        await self._first(remembered, key, scope, body, send)

    async def _first(
        self, remembered: Remembered, key: Key, scope: Scope, body: bytes, send: Send
    ) -> None:
        answered: list[Message] = []

        async def noted(message: Message) -> None:
            answered.append(message)
            await send(message)

        done = False
        try:
            await self._app(scope, _body(body), noted)
            done = bool(answered) and answered[0]["status"] not in NOT_DONE
        finally:
            if done:
                kept = _may_keep(answered) and scope.get(ADMITTED) not in TOLD_ONCE
                remembered.end(key, answered, kept=kept)
            else:
                remembered.forget(key)


def _checked(given: list[str], scope: Scope) -> str:
    key = given[0]
    if scope.get(ADMITTED) in STREAMED:
        raise Wrong("What is read as it arrives has a key of its own", then="wallcross-key")
    if len(given) > 1 or _KEY.fullmatch(key) is None:
        raise Wrong("An Idempotency-Key is 1 to 255 printable ASCII characters")
    return key


def _hash(scope: Scope, body: bytes) -> bytes:
    head = f"{scope['method']} {scope['path']}?".encode() + scope.get("query_string", b"")
    return sha256(sha256(head).digest() + sha256(body).digest()).digest()


async def _again(known: Answer, asked: bytes, send: Send) -> None:
    if known.asked != asked:
        raise Wrong("This Idempotency-Key was used for another request", still=_STILL)
    if known.messages is None:
        raise Busy("The first request of this key is under way", still=_STILL, then="ask again")
    if not known.kept:
        raise Busy("This was done; what was answered is not kept", still=_STILL)
    for message in known.messages:
        await send(message)


def _may_keep(answered: list[Message]) -> bool:
    """Whether an answer may be said again: it is short, and hands out no session."""
    size = sum(len(m.get("body", b"")) for m in answered)
    names = {name.lower() for name, _ in answered[0].get("headers", ())}
    return size <= LARGEST and b"set-cookie" not in names


def _body(body: bytes) -> Receive:
    """A body that was read, once more."""
    left = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return left.pop() if left else {"type": "http.disconnect"}

    return receive
