"""Who looks like somebody he is not: names, and first words, that play on a reader's eye. Pure.

Rules kept here:

1. A finding is a reason for people to look. It allows nothing and refuses nothing: no decision
   takes one (``tests/tiers/test_lookalike.py`` holds the decisions to that).
2. Names are compared as they are read: look-alike characters folded, marks and case dropped.
3. What a stranger says of himself is data: it is cut, and bears no control or bidi character.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Final

from tiers.confusables import bare, fold, is_mark
from tiers.ids import PersonId
from tiers.people import Person

LONGEST_NAME: Final = 64
"""Characters of a name that are looked at and shown."""
_READ: Final = 400
"""Characters of a first message that are looked at."""
_SHORT: Final = 4
"""Letters of a name below which nearly everything is near to everything."""
_LONG: Final = 9
"""Letters from which two mistakes may be one name."""

_OFFICES = (
    *("support", "helpdesk", "servicedesk", "security", "admin", "administrator", "moderator"),
    *("verification", "verify", "official", "helpcenter", "customerservice", "wallcross", "bot"),
    *("signal", "whatsapp", "matrix", "element", "assistance", "administrateur", "securite"),
    *("sicherheit", "kundendienst", "hilfe"),
)
"""What attackers call themselves; a word of the name, in English, German or French."""
_URGENT = (
    *("urgent", "immediately", "right now", "verification code", "code you received", "asap"),
    *(
        "account will be",
        "suspicious activity",
        "data leak",
        "verify your",
        "scan this",
        "keep this",
    ),
    *("between us", "do not tell", "dringend", "sofort", "bestatigungscode", "verifizieren"),
    *("gesperrt", "niemandem", "tout de suite", "immediatement", "code de verification"),
    *("confidentiel", "n'en parlez", "entre nous", "qr code", "qr-code", "pin"),
)
_SIMILAR = str.maketrans({"0": "o", "1": "l", "3": "e", "5": "s", "7": "t", "8": "b", "i": "l"})


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something that people should look at.

    Attributes:
        code: short and stable.
        because: in words, without a word of the message.
        person: whom it looks like; None where it is nobody in particular.
    """

    code: str
    because: str
    person: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody whom nobody knows says of himself.

    Attributes:
        account: as his network names it.
        name: as he shows himself; empty where the network shows none.
        text: of what he wrote first.
    """

    account: str
    name: str
    text: str = field(default="", repr=False)


def shown(name: str) -> str:
    """A stranger's name as it may be printed: one line, cut, nothing that turns or hides text."""
    letters = (" " if c.isspace() else c for c in name[: 4 * LONGEST_NAME])
    kept = "".join(c for c in letters if unicodedata.category(c)[0] != "C")
    cut = " ".join(kept.split())
    return cut if len(cut) <= LONGEST_NAME else cut[: LONGEST_NAME - 1] + "…"


def oddities(claim: Claim, people: Iterable[Person]) -> tuple[Oddity, ...]:
    """Everything that is odd about a stranger, those that name a person first.

    Args:
        claim: what he says of himself.
        people: of the deals that he may be after.
    """
    found = [*_like(claim, people), *_office(claim)]
    urgent = _urgent(claim.text)
    if urgent:
        found.append(urgent)
    return tuple(found)


@lru_cache(maxsize=16_384)
def skeleton(name: str) -> tuple[str, ...]:
    """The words of a name as they are read, in the order of the alphabet."""
    folded = "".join(_read(c) for c in name[:LONGEST_NAME]).casefold()
    letters = "".join(c if c.isalnum() else " " for c in folded)
    read = letters.translate(_SIMILAR).replace("rn", "m").replace("vv", "w").replace("cl", "d")
    return tuple(sorted(read.split()))


def near(one: str, other: str) -> bool:
    """Whether two names, as they are read, are one mistake of the hand apart, or two in long ones.

    Args:
        one: words of ``skeleton``, joined.
        other: likewise.
    """
    if one == other:
        return True
    least = min(len(one), len(other))
    allowed = 0 if least < _SHORT else 1 if least < _LONG else 2
    return abs(len(one) - len(other)) <= allowed and distance(one, other, allowed) <= allowed


@lru_cache(maxsize=8)
def near_pairs(names: tuple[str, ...], most: int | None = None) -> tuple[tuple[int, int], ...]:
    """Every two of many names that are ``near``, by their numbers; not each with each other.

    Two that are so near share a form of each with as many letters left out: only those that share
    one are compared.

    Args:
        names: words of ``skeleton``, joined; an empty one is near to none.
        most: where there are more than so many, looking ends; any ``most + 1`` of them are given.
    """
    sharing: dict[str, list[int]] = {}
    for n, name in enumerate(names):
        for form in _shortened(name) if name else ():
            sharing.setdefault(form, []).append(n)
    found: set[tuple[int, int]] = set()
    for same in sharing.values():
        for n, m in combinations(same, 2):
            if (n, m) not in found and near(names[n], names[m]):
                found.add((n, m))
                if most is not None and len(found) > most:
                    return tuple(sorted(found))
    return tuple(sorted(found))


def _shortened(name: str) -> set[str]:
    """A name with none of its letters left out, with one, and where it is long with two."""
    found = {name}
    for _ in range(0 if len(name) < _SHORT else 1 if len(name) < _LONG else 2):
        found |= {form[:i] + form[i + 1 :] for form in found for i in range(len(form))}
    return found


def distance(one: str, other: str, most: int | None = None) -> int:
    """How many letters to put in, leave out, change, or swap with the next one.

    Args:
        one: a word.
        other: another.
        most: more than so many need not be counted: the answer is then more, and may be too few.

    Source: Damerau (1964), in the form of optimal string alignment.
    """
    before, last = list[int](), list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
        if most is not None and min(*before, *last) > most:
            return most + 1  # no later row is below both
    return last[-1]


def _read(character: str) -> str:
    if is_mark(character):
        return ""
    return "".join(bare(c) for c in fold(character))


def _like(claim: Claim, people: Iterable[Person]) -> Iterable[Oddity]:
    names = {n for n in ("".join(skeleton(claim.name)), _local(claim.account)) if n}
    for person in people:
        own = "".join(skeleton(person.name))
        if any(near(name, own) for name in names):
            same = own in names
            how = "reads exactly like" if same else "is a letter or two from"
            code = "name_same" if same else "name_near"
            yield Oddity(code, f"the name {how} {person.name}'s", person.person_id)


def _local(account: str) -> str:
    """What of an account's id a person reads as a name."""
    part = account.lstrip("@+").partition(":")[0].partition("@")[0]
    return "" if part.replace("-", "").isdigit() else "".join(skeleton(part))


def _office(claim: Claim) -> Iterable[Oddity]:
    for words in (skeleton(claim.name), skeleton(_plain(claim.account))):
        if _OFFICE_WORDS & {*words, "".join(words)}:
            yield Oddity("office", "he calls himself an office: support, security, an admin")
            return


def _plain(account: str) -> str:
    return account.lstrip("@").partition(":")[0].partition("@")[0]


def _urgent(text: str) -> Oddity | None:
    read = " ".join("".join(_read(c) for c in text[:_READ]).casefold().split())
    padded = f" {''.join(c if c.isalnum() else ' ' for c in read)} "
    hurried = any(f" {' '.join(_only(word).split())} " in padded for word in _URGENT)
    if not hurried:
        return None
    return Oddity("urgent", "his first words press, or ask for a code or for silence")


def _only(word: str) -> str:
    return "".join(c if c.isalnum() else " " for c in word)


_OFFICE_WORDS = frozenset(word for office in _OFFICES for word in skeleton(office))
