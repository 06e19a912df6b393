"""Entries of a chain by what they say: kinds, who acted, whom and what they are about, and when.

Rules kept here:

1. A page costs by its own length or looks through so many entries at most, and says how far it
   came (``orchestrator.audit.paging``): a page may be empty and not the last one.
2. Every filter is held against the entry itself; an index only says where to look.
3. Instants narrow where to look only while nobody set the clock of this chain back; else every
   entry is looked at. Entries are written in the order of their instants, but for the moment that
   a writer waits: ``SLACK`` is far more than that.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.audit.body import named
from orchestrator.audit.instants import entry_instant
from orchestrator.audit.kinds import Kind
from orchestrator.audit.paging import COMMON, Leaf, about, looked_through, page, top_of
from orchestrator.audit.state import Told
from orchestrator.clock import DAY
from orchestrator.store.unit import Tx

SLACK = DAY
"""Microseconds by which a later entry may be dated earlier."""
READ = 500
"""Entries that are read at once by an index, to be held against further filters."""
_WRITTEN = "SELECT entry FROM audit WHERE deal_id = ? AND n = ?"


@dataclass(frozen=True, slots=True)
class Thing:
    """A conversation as entries name it: by its id, or by one of its rooms.

    Attributes:
        conversation: its id.
        rooms: channel and room.
    """

    conversation: str
    rooms: frozenset[tuple[str, str]] = frozenset()

    def is_in(self, body: object) -> bool:
        """Whether a body names it anywhere."""
        if isinstance(body, dict):
            room = (str(body.get("channel")), str(body.get("room")))
            return room in self._named() or any(self.is_in(v) for v in body.values())
        if isinstance(body, list):
            return any(self.is_in(v) for v in body)
        return body == self.conversation

    def _named(self) -> frozenset[tuple[str, str]]:
        return self.rooms | {(channel, named(room)) for channel, room in self.rooms}


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; what is left out is not asked about.

    Attributes:
        kinds: one of these.
        actor: under this name, whole (``local:ada``) or without what kind of name it is (``ada``).
        person: about this person, or done by him at the desk.
        thing: about this conversation.
        since: dated then or later, microseconds UTC.
        until: dated before.
        mine: done under this very name.
    """

    kinds: frozenset[str] = frozenset()
    actor: str | None = None
    person: str | None = None
    thing: Thing | None = None
    since: int | None = None
    until: int | None = None
    mine: str | None = None

    def fits(self, entry: Told) -> bool:
        """Whether an entry is one of them."""
        return (
            (not self.kinds or entry.kind in self.kinds)
            and (self.actor is None or self.actor in _names_of(entry.actor))
            and (self.mine is None or self.mine == entry.actor)
            and (self.person is None or about(entry, self.person))
            and (self.thing is None or self.thing.is_in(entry.body))
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )


def search(tx: Tx, deal_id: str, sought: Sought, *, before: int | None, limit: int) -> Leaf:
    """A page of the entries that are looked for, newest first.

    Args:
        tx: a view of the store.
        deal_id: the chain.
        sought: what is looked for.
        before: entries of smaller numbers only; None: from the newest.
        limit: at most so many.
    """
    low, top = _between(tx, deal_id, sought)
    high = top if before is None else min(before, top)
    if high <= low:
        return Leaf((), None)
    indexed = sought.person is not None or (sought.kinds and COMMON.isdisjoint(sought.kinds))
    if not indexed:
        return looked_through(tx, deal_id, sought.fits, high, limit, low)
    kinds = tuple(sorted(sought.kinds))
    leaf = page(tx, deal_id, before=high, limit=READ, kinds=kinds, person=sought.person)
    found = [e for e in leaf.entries if sought.fits(e)]
    if len(found) > limit:
        return Leaf(tuple(found[:limit]), found[limit - 1].n)
    return Leaf(tuple(found), leaf.after if leaf.after is not None and leaf.after > low else None)


def _names_of(actor: str) -> Iterable[str]:
    return (actor, actor.partition(":")[2] or actor)


def _between(tx: Tx, deal_id: str, sought: Sought) -> tuple[int, int]:
    """The numbers between which it is: from the first one up to, and without, the second."""
    top = top_of(tx, deal_id)
    if (sought.since is None and sought.until is None) or _set_back(tx, deal_id):
        return 1, top
    low = 1 if sought.since is None else _first_at(tx, deal_id, sought.since - SLACK, top)
    high = top if sought.until is None else _first_at(tx, deal_id, sought.until + SLACK, top)
    return low, high


def _set_back(tx: Tx, deal_id: str) -> bool:
    return bool(page(tx, deal_id, limit=1, kinds=(Kind.CLOCK_RESET.value,)).entries)


def _first_at(tx: Tx, deal_id: str, at: int, top: int) -> int:
    """The number of an entry of ``at`` or later before which one is earlier, by halving."""
    low, high = 1, top
    while low < high:
        middle = (low + high) // 2
        row = tx.one(_WRITTEN, (deal_id, middle))
        if row is not None and entry_instant(row[0]) < at:
            low = middle + 1
        else:
            high = middle
    return low
