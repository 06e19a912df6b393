"""What a room was last read whole to promise, and who was in it: kept for when it cannot be read.

Rule kept here: nothing is allowed by what stands here. It only measures whether another room may
stand in for one that fails, and says where people have their seats while a network is away. A row
that this home did not write says nothing.
"""

import json
from collections.abc import Iterable

from orchestrator.store.unit import Store, Tx
from tiers.conversation import Place
from tiers.guarantees import Evidence, Guarantee, Holding, Source
from tiers.ids import AccountId
from tiers.routing import Known


def known_as(holdings: Iterable[Holding], accounts: Iterable[AccountId]) -> Known:
    """A whole reading without its instants, so that the same again is equal."""
    undated = {Holding(h.guarantee, h.evidence, h.source, 0, h.value) for h in holdings}
    return Known(tuple(sorted(undated, key=_order)), frozenset(accounts))


def _order(holding: Holding) -> tuple[str, int, str, int]:
    return holding.guarantee.value, holding.evidence, holding.source.value, holding.value or 0


class LastKnown:
    """The last whole reading of each room of a conversation that has several.

    Args:
        store: outlives this process, as a network may be away for longer.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[Place, Known | None] = {}

    async def recall(self, place: Place) -> Known | None:
        """What was kept of a room; None when it was never read whole."""
        if place not in self._kept:
            found = await self._store.read(lambda tx: _load(tx, place))
            self._kept.setdefault(place, found)
        return self._kept[place]

    async def keep(self, place: Place, known: Known, at: int) -> None:
        """Keeps a whole reading; costs nothing while it is as it was."""
        if await self.recall(place) != known:
            await self._store.write(lambda tx: _save(tx, place, known, at))
            self._kept[place] = known


def _load(tx: Tx, place: Place) -> Known | None:
    sql = "SELECT holdings, accounts, mark FROM known WHERE connector = ? AND room = ?"
    row = tx.one(sql, place)
    if row is None or not (tx.pen is None or tx.pen.made(row[2], "known", *place, *row[:2])):
        return None
    holdings = (
        Holding(Guarantee(guarantee), Evidence(evidence), Source(source), 0, value)
        for guarantee, evidence, source, value in json.loads(row[0])
    )
    return known_as(holdings, (AccountId(a) for a in json.loads(row[1])))


def _save(tx: Tx, place: Place, known: Known, at: int) -> None:
    holdings = [[h.guarantee.value, h.evidence, h.source.value, h.value] for h in known.holdings]
    said = (*place, json.dumps(holdings), json.dumps(sorted(known.accounts)))
    tx.run(
        "INSERT INTO known VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (connector, room) DO UPDATE SET "
        "holdings = excluded.holdings, accounts = excluded.accounts, read_at = excluded.read_at, "
        "mark = excluded.mark",
        (*said, at, tx.pen.mark("known", *said) if tx.pen is not None else None),
    )
