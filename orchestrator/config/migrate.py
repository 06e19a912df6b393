"""Brings a `wallcross.toml` that an older Wallcross took to the form that this one takes.

Rules kept here:

1. What is known to have changed stands in one table, each with what became of it. Anything else is
   left as it is: what this Wallcross does not take of it, the settings' own check says.
2. Nothing that somebody wrote is lost: a setting that is no more becomes a comment where it
   stands, and comments, order and spelling of everything else stay to the byte.
3. An edit counts only when the parser then reads exactly the settings that were meant; one that
   cannot be made so, or that a person is to decide, is told and changes nothing.
4. No value is repeated in what is told: it may be a name.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.config.layers import Path, flat
from orchestrator.config.mistakes import Mistake
from orchestrator.config.places import lines_of, nearest
from orchestrator.config.smell import secrets_in

FORM: Final = 1
"""Of the file, as its ``version`` says; a file without one is of this form."""
GONE: Final = "# No setting any more; wallcross config migrate put it aside: "
ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Out:
    """A setting that is no more. ``why``: what does its work now."""

    why: str


@dataclass(frozen=True, slots=True)
class Now:
    """A setting that takes another value: ``value`` instead, because of ``why``."""

    value: str | int = field(repr=False)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """What only a person can decide: ``why``, and what he may write."""

    why: str
    then: str


Verdict = Out | Now | Ask | None
Decides = Callable[[Any, Mapping[str, Any], Path], Verdict]
"""What becomes of a value, from the whole file and its place; None: it is as it should be."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was changed.

    Attributes:
        place: dotted path.
        line: where it stood.
        what: ``put aside`` or ``written anew``.
        why: in words.
    """

    place: str
    line: int | None
    what: str
    why: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        return f"{where}{self.place}: {self.what}. {self.why}."


@dataclass(frozen=True, slots=True)
class Migrated:
    """Settings as this Wallcross takes them.

    Attributes:
        text: of the file.
        changes: what was changed, in the order of the table.
        undecided: what was not, and what a person may write.
    """

    text: str = field(repr=False)
    changes: tuple[Change, ...]
    undecided: tuple[Mistake, ...]


def _host(value: Any, data: Mapping[str, Any], _place: Path) -> Verdict:
    home = data.get("home")
    if isinstance(home, dict) and home.get("host") == value:
        return Out("A deal's roster says whose host carries its rooms")
    return Ask(
        "it names another side than home.host, and a roster says whose host carries its rooms",
        "Take it out if all channels here are home.host's; else give that side a home of its own",
    )


def _level(value: Any, _data: Mapping[str, Any], _place: Path) -> Verdict:
    quieter = isinstance(value, str) and value in {"warning", "error"}
    return Now("info", "The least that serve writes is info") if quieter else None


def _sync_wait(value: Any, data: Mapping[str, Any], place: Path) -> Verdict:
    channel = data["channels"][place[1]]
    known = channel.get("kind") == "matrix" and isinstance(value, int)
    longest = Now(50, "A Matrix server is waited for 50 seconds at most")
    return longest if known and value > 50 else None  # noqa: PLR2004 - seconds, as the reason says


_SECRET = Ask("this looks like a secret", "Take it out, here and wherever this file was copied to")


def _gone(why: str) -> Decides:
    return lambda _value, _data, _place: Out(why)


KNOWN: Final[tuple[tuple[Path, Decides], ...]] = (
    (
        ("deals", ANY, "owner"),
        _gone("Who owns what is held follows from the roster; see wallcross on-call show"),
    ),
    (("deals", ANY, "on_call"), _gone("Write the list anew with: wallcross on-call set")),
    (("channels", ANY, "host"), _host),
    (
        ("secrets", "store"),
        _gone("The keyring is used where one answers, else files; what lies in files is found"),
    ),
    (("log", "form"), _gone("serve writes JSON alone")),
    (("log", "level"), _level),
    (("channels", ANY, "settings", "sync_wait"), _sync_wait),
)
"""Every setting that a file of form 1 could hold and that changed since, with what becomes of it.
(Values of a setting that are refused since, where nobody but its owner knows a better one, are told
by the settings' own check.)"""


def migrate(text: str) -> Migrated:
    """What the settings of an older Wallcross come to.

    Args:
        text: TOML; its ``version`` is ``FORM`` or absent.

    Raises:
        tomllib.TOMLDecodeError: it is none.
    """
    changes: list[Change] = []
    undecided: list[Mistake] = []
    now = text
    for pattern, decides in KNOWN:
        data = tomllib.loads(now)
        for place, value in list(_matching(data, pattern)):
            verdict = _SECRET if any(secrets_in(value, place)) else decides(value, data, place)
            line = nearest(lines_of(text), place)
            if isinstance(verdict, Ask):
                undecided.append(Mistake(".".join(place), verdict.why, verdict.then, line))
            elif verdict is not None:
                edited = _edited(now, place, verdict)
                if edited is None:
                    undecided.append(_by_hand(place, verdict, line))
                else:
                    now = edited
                    what = "put aside" if isinstance(verdict, Out) else "written anew"
                    changes.append(Change(".".join(place), line, what, verdict.why))
    return Migrated(now, tuple(changes), tuple(undecided))


def of_an_older_form(data: Mapping[str, Any]) -> frozenset[str]:
    """Places of parsed settings that are as only an older Wallcross took them."""
    return frozenset(
        ".".join(place)
        for pattern, decides in KNOWN
        for place, value in _matching(data, pattern)
        if decides(value, data, place) is not None
    )


def _matching(data: object, pattern: Path, place: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Places of a pattern that are there, with their values."""
    if not pattern:
        yield place, data
    elif isinstance(data, dict):
        first, *rest = pattern
        for key in data if first == ANY else (first,) if first in data else ():
            yield from _matching(data[key], tuple(rest), (*place, key))


def _by_hand(place: Path, verdict: Out | Now, line: int | None) -> Mistake:
    then = "Take it out" if isinstance(verdict, Out) else "Write it anew"
    why = "it is to be changed, and it stands where only a person can"
    return Mistake(".".join(place), why, f"{then} by hand. {verdict.why}", line)


def _edited(text: str, place: Path, verdict: Out | Now) -> str | None:
    """The text with one setting changed; None where that cannot be done to the letter."""
    start = lines_of(text).get(place)
    lines = text.splitlines(keepends=True)
    length = None if start is None else _length(lines[start - 1 :])
    if start is None or length is None:
        return None
    own = lines[start - 1 : start - 1 + length]
    new = _aside(own) if isinstance(verdict, Out) else _written(own, verdict.value)
    made = "".join([*lines[: start - 1], *new, *lines[start - 1 + length :]])
    return made if _reads(made, text, place, verdict) else None


def _length(lines: list[str]) -> int | None:
    """How many lines the assignment takes that begins them."""
    for length in range(1, len(lines) + 1):
        if _parses("".join(lines[:length])):
            return length
    return None


def _aside(own: list[str]) -> list[str]:
    """An assignment as a comment, its own comments with it."""
    first, *rest = own
    return [GONE + first.lstrip(" \t"), *("# " + line for line in rest)]


def _written(own: list[str], value: str | int) -> list[str]:
    """An assignment of one line with another value; its comment stays."""
    line = "".join(own)
    key, _, behind = line.partition("=")
    ends = (n for n, sign in enumerate(behind) if sign == "#" and _parses(f"v ={behind[:n]}"))
    end = next(ends, len(behind.rstrip("\r\n")))
    room = behind[:end]
    space = room[len(room.rstrip()) :]
    return [f"{key}= {_toml(value)}{space}{behind[end:]}"]


def _toml(value: str | int) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _parses(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _reads(made: str, before: str, place: Path, verdict: Out | Now) -> bool:
    """Whether the parser reads exactly what was meant; a table that came to be empty is none."""
    meant = deepcopy(tomllib.loads(before))
    table = meant
    for part in place[:-1]:
        table = table[part]
    if isinstance(verdict, Out):
        del table[place[-1]]
    else:
        table[place[-1]] = verdict.value
    return _parses(made) and _values(tomllib.loads(made)) == _values(meant)


def _values(data: Mapping[str, Any]) -> dict[Path, object]:
    return {path: value for path, value in flat(data) if value != {}}
