"""One row that permits, changed on disk as whoever owns the disk can; and what may be sent then."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.port.errors import ConnectorError
from orchestrator.clock import now
from orchestrator.deals.book import DealView
from orchestrator.flow.plan import Waiting
from orchestrator.flow.resolve import Asked, resolve
from orchestrator.journal.errors import NoJournalKey
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConversationId, RoomId
from tiers.routing import Placed, Route, place
from tiers.tier import Strength, Tier
from tiers.trust import KeyState

from .conftest import House
from .house import CHANNEL, HIGHEST

PERMITTING = {
    "peer_key": ("n", "account", "device", "key", "state"),
    "attestation": ("n", "room", "guarantee", "value", "person_id", "at", "deal_id"),
    "conversation": ("label", "floor", "compartment", "side", "state", "deal_id"),
    "room": ("room", "conversation_id", "host", "paused", "deal_id", "alternate_room"),
    "journal_key": ("key_id", "scope", "recipient", "deal_id", "adopted_at"),
}
SPECIAL: dict[str, tuple[Any, ...]] = {
    "floor": tuple(t.value for t in Tier),
    "state": (*(s.value for s in KeyState), "open", "closed"),
    "side": (None, "kestrel", "marlow"),
    "host": ("kestrel", "marlow"),
    "paused": (None, "reading:a reader", "a person"),
    "compartment": ("deal", "clean"),
    "n": (0, 10_000),
    "scope": ("joint", "kestrel", "marlow"),
    "deal_id": ("deal_" + "0" * 32,),
    "label": (None, "price", "lunch"),
    "alternate_room": ("!another",),
}


@dataclass(frozen=True, slots=True)
class Tampering:
    """One change of one row. ``column`` None: the row is deleted; ``copied``: a row is added."""

    table: str
    row: tuple[Any, ...]
    column: str | None
    value: Any = None
    copied: bool = False


def tamperings(path: Path) -> list[Tampering]:
    """Every change of a permitting column to a value that stands there elsewhere or would suit."""
    found = []
    with closing(sqlite3.connect(path)) as store:
        for table, columns in PERMITTING.items():
            names = [r[1] for r in store.execute(f"PRAGMA table_info({table})")]
            rows = store.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - ours
            for row in rows:
                found.append(Tampering(table, row, None))
                for column in columns:
                    there = {r[names.index(column)] for r in rows}
                    values = there | set(SPECIAL.get(column, ())) | _timers(column)
                    for value in values - {row[names.index(column)]}:
                        both = (False, True)
                        found += [Tampering(table, row, column, value, copied=c) for c in both]
    return found


def _timers(column: str) -> set[Any]:
    return {86_400, 604_800, 86_400_000_000, 604_800_000_000} if column == "value" else set()


@contextmanager
def tampered(path: Path, act: Tampering) -> Iterator[bool]:
    """Changes the row on disk and puts the table back; yields whether the store took it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute("PRAGMA busy_timeout = 5000")
        store.execute("PRAGMA ignore_check_constraints = ON")
        before = store.execute(f"SELECT * FROM {act.table}").fetchall()  # noqa: S608 - ours
        names = [r[1] for r in store.execute(f"PRAGMA table_info({act.table})")]
        after = [row for row in before if row != act.row or act.copied]
        if act.column is not None:
            at = names.index(act.column)
            changed = list(act.row)
            changed[at] = act.value
            if act.copied and "n" in names and act.column != "n":
                changed[names.index("n")] = max(r[names.index("n")] for r in before) + 1
            after.append(tuple(changed))
        try:
            yield _write(store, act.table, after)
        finally:
            assert _write(store, act.table, before)


def _write(store: sqlite3.Connection, table: str, rows: list[tuple[Any, ...]]) -> bool:
    store.execute("BEGIN IMMEDIATE")
    try:
        store.execute(f"DELETE FROM {table}")  # noqa: S608 - ours
        for row in rows:
            marks = ", ".join("?" for _ in row)
            store.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608 - ours
    except sqlite3.IntegrityError:
        store.execute("ROLLBACK")
        return False
    store.execute("COMMIT")
    return True


@dataclass(frozen=True, slots=True)
class Sent:
    """Where one message would go, as what, and who could open its copy."""

    rooms: frozenset[str]
    as_tier: Tier
    copy: str

    def within(self, before: "Sent | None") -> bool:
        """Whether that much was allowed before."""
        if before is None:
            return False
        same = self.copy == before.copy and self.as_tier >= before.as_tier
        return same and self.rooms <= before.rooms


Sends = dict[tuple[str, str, str, Tier], Sent]


@dataclass(frozen=True, slots=True)
class Ways:
    """How messages can be handed in: rooms and conversations as they were before anything."""

    rooms: dict[str, RoomId]
    named: dict[str, ConversationId]


def ways(house: House) -> Ways:
    view = house.home.runtime.book.deals[house.deal]
    named = {c.label: c.conversation_id for c in view.conversations.values()}
    return Ways({label: view.rooms[cid][0].room for label, cid in named.items()}, named)


async def read_again(house: House) -> None:
    """What a start reads."""
    runtime = house.home.runtime
    await runtime.store.read(runtime.book.load_all)
    await runtime.store.read(runtime.keyring.load)
    runtime.counsel.forget()


async def sends(house: House, how: Ways) -> Sends:
    """Everything that would go out now, of every author, by every way, in every tier."""
    found: Sends = {}
    routed: Routed = {}
    for author in HIGHEST:
        for way, target in _targets(how):
            for tier in Tier:
                sent = await _sent(house, how, author, way, target, tier, routed)
                if sent is not None:
                    found[author, way, target, tier] = sent
    return found


Routed = dict[tuple[Placed, RoomId | None], Sent | None]
"""What became of each placing from each room: who wrote it changes where it is placed, no more."""


def _targets(how: Ways) -> list[tuple[str, str]]:
    by = [(way, label) for way in ("named", "prefix", "room") for label in how.named]
    return [*by, ("intake", "")]


async def _sent(
    house: House, how: Ways, author: str, way: str, target: str, tier: Tier, routed: Routed
) -> Sent | None:
    runtime = house.home.runtime
    room = how.rooms[target] if way == "room" else None
    named = how.named[target] if way == "named" else None
    asked = Asked(house.deal, CHANNEL, room, AccountId(author), named, None)
    text = f"#{target} said" if way == "prefix" else "said"
    resolved = resolve(runtime.book, asked, text, now())
    if resolved.ambiguous or resolved.deal is None:
        return None
    placed = place(resolved.bound, tier, Strength.NONE, resolved.choices)
    if not isinstance(placed, Placed):
        return None
    if (placed, room) not in routed:
        row = _row(house, author, room)
        routed[placed, room] = await _goes(house, resolved.deal, placed, row)
    return routed[placed, room]


async def _goes(house: House, deal: DealView, placed: Placed, row: Waiting) -> Sent | None:
    runtime = house.home.runtime
    try:
        outcome = await runtime.router.route(deal, placed, row)
    except ConnectorError:
        return None
    if not isinstance(outcome, Route):
        return None
    scope = deal.scope(placed.conversation)
    copy = await runtime.store.read(lambda tx: _copy(house, tx, scope, placed.as_tier))
    if copy is None:
        return None
    rooms = frozenset(leg.binding.room for leg in outcome.legs)
    return Sent(rooms, outcome.placed.as_tier, f"{scope} {copy}")


def _copy(house: House, tx: Tx, scope: str, tier: Tier) -> str | None:
    try:
        duty = house.home.runtime.journal.duty(tx, house.deal, (scope,), tier.value, now())
    except NoJournalKey:
        return None
    return duty.key.recipient if duty.key is not None else "exempt"


def _row(house: House, author: str, room: RoomId | None) -> Waiting:
    return Waiting(
        "msg_" + "0" * 32,
        house.deal,
        CHANNEL,
        "remote",
        room,
        AccountId(author),
        author,
        None,
        None,
        None,
        now(),
        "accepted",
        None,
    )
