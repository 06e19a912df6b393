"""What each cell of a roster may hold, and how a roster is put into its one order.

Rule kept here: two rosters that say the same are equal, so that they have the same hash; the order
in which a spreadsheet lists people means nothing.
"""

import re
import unicodedata
from dataclasses import replace

from orchestrator.clock import DAY, iso, parse
from tiers.people import Delegation, Grant, Phase, Phases, Roster, Side, Span, Wall
from tiers.tier import Tier

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
COMPARTMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
CHANNEL = re.compile(r"[a-z][a-z0-9_-]{0,31}")
LONGEST = 200
"""Characters of a name or role."""
LONGEST_ACCOUNT = 255
"""Characters: the longest Matrix identifier."""
LONGEST_NOTICE = 20_000
"""Characters of a side's insider notice: ten pages."""
LATEST = parse("2200-01-01")


def is_name(text: str) -> bool:
    """A text for people: short, printable, with plain single spaces (or none at all)."""
    return len(text) <= LONGEST and text.isprintable() and text == " ".join(text.split())


def is_account(text: str) -> bool:
    """An account as a network writes it: no spaces, nothing invisible."""
    return 0 < len(text) <= LONGEST_ACCOUNT and text.isprintable() and text.split() == [text]


def is_notice(text: str) -> bool:
    """A notice's wording: lines of what can be seen, with nothing that turns or hides letters."""
    seen = all(c.isprintable() or c in "\n\t" or unicodedata.category(c) == "Zs" for c in text)
    return 0 < len(text) <= LONGEST_NOTICE and seen and text == text.strip()


def instant(text: str) -> int:
    """The instant of a cell.

    Raises:
        ValueError: neither a date nor an instant with an offset, or before 1970 or after 2199.
    """
    found = parse(text)
    if not 0 <= found < LATEST:
        raise ValueError("outside 1970 to 2199")
    return found


def date(at: int) -> str:
    """An instant as a cell: a date alone when it is midnight UTC."""
    return iso(at)[: len("2026-01-31")] if at % DAY == 0 else iso(at)


def in_order(roster: Roster) -> Roster:
    """The same roster in its one order."""
    return Roster(
        host=roster.host,
        sides=tuple(sorted(map(_side, roster.sides), key=lambda s: s.side_id)),
        people=tuple(sorted(roster.people, key=lambda p: p.person_id)),
        grants=tuple(sorted({_grant(g) for g in roster.grants}, key=_grant_key)),
        walls=tuple(sorted({_turned(w) for w in roster.walls}, key=_wall_key)),
        delegations=tuple(sorted(set(roster.delegations), key=_delegation_key)),
    )


def in_words(phases: Phases) -> list[str] | None:
    """Phases by name in the order of a deal; None: each of them."""
    return None if phases is None else [p.value for p in Phase if p in phases]


def _span_key(span: Span) -> tuple[int, int]:
    return span.start, LATEST if span.end is None else span.end


def _grant_key(grant: Grant) -> tuple[str, str, int, tuple[int, int], list[str]]:
    told = in_words(grant.phases) or []
    return grant.person_id, grant.compartment, _rank(grant.highest), _span_key(grant.span), told


def _wall_key(wall: Wall) -> tuple[str, str, tuple[int, int], list[str]]:
    return wall.one, wall.other, _span_key(wall.span), in_words(wall.phases) or []


def _delegation_key(lent: Delegation) -> tuple[str, str, int, tuple[int, int]]:
    return lent.principal, lent.delegate, _rank(lent.highest), _span_key(lent.span)


def _rank(tier: Tier) -> int:
    return list(Tier).index(tier)


def _side(side: Side) -> Side:
    return replace(side, control_room=tuple(sorted(set(side.control_room))))


def _grant(grant: Grant) -> Grant:
    return replace(grant, phases=_whole(grant.phases))


def _turned(wall: Wall) -> Wall:
    one, other = sorted((wall.one, wall.other))
    return Wall(one, other, wall.span, _whole(wall.phases))


def _whole(phases: Phases) -> Phases:
    """Every phase is said in one way: by not naming any."""
    return None if phases is not None and len(phases) == len(Phase) else phases
