"""What each cell of a roster may hold, and how a roster is put into its one order.

Rule kept here: two rosters that say the same are equal, so that they have the same hash; the order
in which a spreadsheet lists people means nothing.
"""

import re

from orchestrator.clock import DAY, iso, parse
from tiers.people import Grant, Roster, Span, Wall
from tiers.tier import Tier

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
COMPARTMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
CHANNEL = re.compile(r"[a-z][a-z0-9_-]{0,31}")
LONGEST = 200
"""Characters of a name or role."""
LONGEST_ACCOUNT = 255
"""Characters: the longest Matrix identifier."""
LATEST = parse("2200-01-01")


def is_name(text: str) -> bool:
    """A text for people: short, printable, with plain single spaces (or none at all)."""
    return len(text) <= LONGEST and text.isprintable() and text == " ".join(text.split())


def is_account(text: str) -> bool:
    """An account as a network writes it: no spaces, nothing invisible."""
    return 0 < len(text) <= LONGEST_ACCOUNT and text.isprintable() and text.split() == [text]


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
        sides=tuple(sorted(roster.sides, key=lambda s: s.side_id)),
        people=tuple(sorted(roster.people, key=lambda p: p.person_id)),
        grants=tuple(sorted(set(roster.grants), key=_grant_key)),
        walls=tuple(sorted({_turned(w) for w in roster.walls}, key=_wall_key)),
    )


def _span_key(span: Span) -> tuple[int, int]:
    return span.start, LATEST if span.end is None else span.end


def _grant_key(grant: Grant) -> tuple[str, str, int, tuple[int, int]]:
    tier = list(Tier).index(grant.highest)
    return grant.person_id, grant.compartment, tier, _span_key(grant.span)


def _wall_key(wall: Wall) -> tuple[str, str, tuple[int, int]]:
    return wall.one, wall.other, _span_key(wall.span)


def _turned(wall: Wall) -> Wall:
    return wall if wall.one <= wall.other else Wall(wall.other, wall.one, wall.span)
