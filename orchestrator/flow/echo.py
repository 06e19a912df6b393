"""Notices when a message is one that we brought to its room ourselves, posted anew by a bridge.

Our own deliveries that come back under our account or with our mark never get here
(``orchestrator.flow.listen``). This is for somebody who posts what he reads under an account of his
own, so that two rooms that we mirror would feed each other for ever.

Rules kept here:

1. The same text as one that we brought into that very room, or as another wrote in it, with an
   author or quotation marks around it, is an echo: whoever has a seat has it already. Without any
   it may as well be a person who says the same: it is held, and its author told. Nothing is an echo
   of what was taken back, held, dropped or never arrived.
2. What repeats a text with more to it may be an answer that quotes, and a short text may be said by
   many. What grew out of each other so often is held: so every loop ends, whatever a bridge adds.
3. Nobody writes as fast as a loop runs: what one account writes beyond a pace is held, so that
   every loop ends whatever it does to the words.
4. Texts are kept as hashes under a key of this process, in memory, for an hour.
"""

import hashlib
import secrets
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from orchestrator.clock import HOUR, MINUTE, Clock
from orchestrator.flow.body import Body
from tiers.conversation import Place
from tiers.ids import AccountId, ConversationId

LONG: Final = 24
"""Letters and digits from which on nobody says the same as somebody else by chance."""
DEEPEST: Final = 8
OFTEN: Final = 24
"""How often in an hour a text may grow out of another; the second figure: a short one be said."""
PACE: Final = ((MINUTE, 30), (HOUR, 300))
"""Messages of one account in one mirrored conversation that are carried in such a time."""
_MOST: Final = 512
_LEVELS: Final = 8
_FAR: Final = 16_384
"""Letters of a text in which others are looked for."""
_MARKS: Final = ">|│❯»›▏"  # noqa: RUF001 - the marks that networks quote with


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says, and where.

    Attributes:
        place: the conversation's room that it was written in; None for another door.
        author: the account that wrote it.
        message: its id.
    """

    place: Place | None
    author: AccountId
    message: str
    body: Body = field(repr=False)

    def letters(self) -> str:
        """All of it that a bridge does not change at will."""
        return _letters(self._text())

    def forms(self) -> set[str]:
        """The same without what a network puts around a text."""
        return {_letters(form) for form in _bare(self._text())}

    def _text(self) -> str:
        files = "\n".join(f"{f.name} {f.size}" for f in self.body.files)
        return "\n".join(part for part in (self.body.text, files) if part)


@dataclass(frozen=True, slots=True)
class _Print:
    """A text as its length and keyed hashes of its first and last letters."""

    size: int
    head: bytes
    tail: bytes


class _Brought:
    """A text of a conversation: where it was written and by whom, how often it grew."""

    __slots__ = ("at", "author", "depth", "message", "origin", "print")

    def __init__(self, said: Said, found: _Print, depth: int, at: int) -> None:
        self.origin, self.author, self.message = said.place, said.author, said.message
        self.print, self.depth, self.at = found, depth, at


class Heard(Enum):
    """What a message is beside what went before."""

    NEWS = "news"
    ECHO = "echo"
    """Whoever has a seat has it already."""
    AGAIN = "again"
    """The very words of somebody else, bare: a bridge posts so, and a person may say so too."""
    LOOP = "loop"
    """Said too often to be people's doing, and not surely the same."""


class Echoes:
    """Remembers what went through mirrored conversations.

    Args:
        now: the clock.
    """

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._key = secrets.token_bytes(32)
        self._brought: dict[ConversationId, deque[_Brought]] = {}
        self._paces: dict[tuple[ConversationId, AccountId], deque[int]] = {}

    def hears(self, conversation: ConversationId, said: Said, ended: Collection[str] = ()) -> Heard:
        """What a message written in a room of a mirrored conversation is.

        Args:
            conversation: whose room.
            said: the message.
            ended: earlier messages that stand in no other room: nothing is an echo of them.
        """
        if said.place is None or not said.letters():
            return Heard.NEWS
        earlier = self._before(conversation, said)
        same = self._same(said, (b for b in earlier if b.message not in ended))
        if same is not Heard.NEWS:
            return same
        if self._runs(conversation, said.author):
            return Heard.LOOP
        most = DEEPEST if len(said.letters()) >= LONG else OFTEN
        return Heard.LOOP if self._depth(said, earlier) > most else Heard.NEWS

    def remember(self, conversation: ConversationId, said: Said) -> None:
        """Remembers what goes to the rooms of a mirrored conversation."""
        letters = said.letters()
        if not letters:
            return
        if said.place is not None:
            longest = max(most for _, most in PACE)
            pace = self._paces.setdefault((conversation, said.author), deque(maxlen=longest))
            pace.append(self._now())
        earlier = self._before(conversation, said)
        depth = self._depth(said, earlier) if said.place is not None else 0
        kept = self._brought.setdefault(conversation, deque(maxlen=_MOST))
        kept.append(_Brought(said, self._print(letters), depth, self._now()))

    def _runs(self, conversation: ConversationId, author: AccountId) -> bool:
        """Whether an account has written more than a person would."""
        at, pace = self._now(), self._paces.get((conversation, author), deque())
        return any(sum(at - then < time for then in pace) >= most for time, most in PACE)

    def _before(self, conversation: ConversationId, said: Said) -> list[_Brought]:
        """What went through it lately; a message that is looked at anew is not its own echo."""
        at = self._now()
        lately = (b for b in self._brought.get(conversation, ()) if 0 <= at - b.at < HOUR)
        return [b for b in lately if b.message != said.message]

    def _depth(self, said: Said, earlier: list[_Brought]) -> int:
        letters = said.letters()
        windows = self._windows(letters) if earlier else {}
        grown = (b.depth for b in earlier if self._within(b.print, letters, windows))
        return 1 + max(grown, default=0)

    def lately(self, conversation: ConversationId) -> tuple[str, ...]:
        """The messages that one may be an echo of."""
        return tuple(b.message for b in self._brought.get(conversation, ()))

    def _same(self, said: Said, earlier: Iterable[_Brought]) -> Heard:
        others = (b for b in earlier if (b.origin, b.author) != (said.place, said.author))
        long = {b.print for b in others if b.print.size >= LONG}
        if long and self._print(said.letters()) in long:
            return Heard.AGAIN
        echo = bool(long) and any(self._print(form) in long for form in said.forms())
        return Heard.ECHO if echo else Heard.NEWS

    def _windows(self, letters: str) -> dict[bytes, list[int]]:
        """Where each stretch of so many letters begins."""
        found: dict[bytes, list[int]] = {}
        for start in range(len(letters) - LONG + 1):
            found.setdefault(self._hash(letters[start : start + LONG]), []).append(start)
        return found

    def _within(self, one: _Print, letters: str, windows: dict[bytes, list[int]]) -> bool:
        """Whether a text begins and ends somewhere in another, as far apart as it is long."""
        if one.size < LONG:
            return len(letters) == one.size and self._hash(letters) == one.head
        ends = set(windows.get(one.tail, ()))
        apart = one.size - LONG
        return any(start + apart in ends for start in windows.get(one.head, ()))

    def _print(self, letters: str) -> _Print:
        return _Print(len(letters), self._hash(letters[:LONG]), self._hash(letters[-LONG:]))

    def _hash(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(), key=self._key, digest_size=16).digest()


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())[:_FAR]


def _bare(text: str) -> Iterator[str]:
    """The text, and what is left of it without a first line and quotation marks, time and again."""
    for _ in range(_LEVELS):
        yield text
        lines = text.splitlines()
        marked = [line.lstrip().startswith(tuple(_MARKS)) for line in lines]
        if any(marked):
            text = "\n".join(line.lstrip().lstrip(_MARKS).lstrip() for line in lines)
            yield text
            lines = text.splitlines()
        if len(lines) < 2:  # noqa: PLR2004 - an author's line has a text below it
            return
        text = "\n".join(lines[1:])
