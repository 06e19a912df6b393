"""Fingerprints of what went to conversations, and whether a text has a passage of a stricter one.

Rules kept here:

1. A mark is a keyed hash (``tiers.winnowing``). Keys are random, one for each deal and week, and
   lie sealed like every text: once a key is destroyed, marks under it are noise, in old copies too.
2. A text's marks live as long as the text may stand with its readers: for the time of the timer
   that its tier demands, 90 days without one, never longer than the journal keeps it; and no longer
   than its author lets it stand.
3. Marks of a tier as low as the room's do not count against a text: it stands there already.
"""

import asyncio
import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from orchestrator.clock import DAY, Clock
from orchestrator.deals.book import DealView
from orchestrator.seal.errors import SealError
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.classify import Evidence, Part
from tiers.guarantees import Guarantee
from tiers.ids import DealId
from tiers.policy import TierPolicy
from tiers.tier import Strength, Tier
from tiers.winnowing import RESTRICTED, Passage, Prints, Run, digest, mark, passages, runs, winnowed

WEEK: Final = 7 * DAY
LONGEST: Final = 90 * DAY
KEY_BYTES: Final = 32
MOST: Final = 20_000
"""Rows of one look at most: what stands in so many texts is nobody's."""
LIKELY: Final = 8
"""Sources of a part that are looked at: those that share most runs with it."""
_SAME = """
SELECT json_extract(v.value, '$[1]'), f.message_id, p.floor
FROM json_each(?1) AS v CROSS JOIN fingerprint AS f ON f.deal_id = ?2
    AND f.period = json_extract(v.value, '$[0]') AND f.mark = json_extract(v.value, '$[2]')
JOIN fingerprinted AS p ON p.message_id = f.message_id AND p.expires_at > ?3 LIMIT ?4"""
_OVER = """
SELECT p.message_id FROM fingerprinted p LEFT JOIN message m USING (message_id)
WHERE p.expires_at <= ? OR m.taken_back_at IS NOT NULL LIMIT 1000"""
_SEALED = "SELECT owner FROM sealed WHERE deal_id = ?1 AND substr(owner, 1, length(?2)) = ?2"


@dataclass(frozen=True, slots=True)
class _Read:
    """A part's runs and what they are hashed from."""

    found: tuple[Run, ...] = field(repr=False)
    digests: tuple[bytes, ...] = field(repr=False)


@dataclass(slots=True)
class Fingerprints:
    """Looks, keeps and forgets.

    Args:
        store: the home's.
        sealer: seals the keys.
        now: the clock.
    """

    store: Store
    sealer: Sealer
    now: Clock
    _keys: dict[DealId, dict[int, bytes]] = field(default_factory=dict, repr=False)
    _making: defaultdict[DealId, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), repr=False
    )

    async def look(
        self, deal: DealView, floor: Tier | None, parts: Sequence[Part]
    ) -> tuple[tuple[Evidence, ...], Prints]:
        """Where a text has a passage of one of a stricter tier, and what is to be kept of it.

        Args:
            deal: in force.
            floor: of the conversation that it was written to; None: it names none.
            parts: everything of it that would be delivered.
        """
        keys, period = await self._ready(deal.deal_id)
        read, marks = await asyncio.to_thread(_read, parts, keys, period)
        prints = Prints(period, winnowed(marks))
        if floor is max(Tier):
            return (), prints
        at, lowest = self.now(), floor or min(Tier)
        wanted = await asyncio.to_thread(_wanted, read, keys)

        def same(tx: Tx) -> list[tuple[int, str, str]]:
            rows = tx.all(_SAME, (json.dumps(wanted), deal.deal_id, at, MOST))
            return [(n, message_id, name) for n, message_id, name in rows]

        found = await self.store.read(same)
        return _evidence(read, found, lowest) if found else (), prints

    async def _ready(self, deal_id: DealId) -> tuple[Mapping[int, bytes], int]:
        """The keys of a deal, this week's among them."""
        period = self.now() // WEEK
        if period in self._keys.get(deal_id, {}):
            return self._keys[deal_id], period
        async with self._making[deal_id]:
            await self.store.write(lambda tx: self._make(tx, deal_id, period))
            self._keys[deal_id] = await self.store.read(lambda tx: self._open(tx, deal_id))
        return self._keys[deal_id], period

    def _make(self, tx: Tx, deal_id: DealId, period: int) -> None:
        owner = f"{_owners(deal_id)}{period}"
        if not self.sealer.exists(tx, owner):
            key = secrets.token_bytes(KEY_BYTES)
            self.sealer.insert(tx, self.sealer.prepare(deal_id, owner, key))

    def _open(self, tx: Tx, deal_id: DealId) -> dict[int, bytes]:
        """Every key that can be opened: under one that is lost nothing is found any more."""
        begins, found = _owners(deal_id), dict[int, bytes]()
        for (owner,) in tx.all(_SEALED, (deal_id, begins)):
            try:
                found[int(owner.removeprefix(begins))] = self.sealer.open(tx, owner)
            except SealError:
                continue
        return found

    def keep(
        self, tx: Tx, deal: DealView, message_id: str, prints: Prints, floor: Tier, at: int
    ) -> None:
        """Keeps a text's marks, in the unit that routes it.

        Args:
            tx: writes.
            deal: in force.
            message_id: whose they are.
            prints: of ``look``.
            floor: of the conversation that it goes to.
            at: now, microseconds UTC.
        """
        ends = at + lives(deal.policy.tiers[floor])
        row = (message_id, deal.deal_id, prints.period, floor.value, ends)
        tx.run("INSERT OR IGNORE INTO fingerprinted VALUES (?, ?, ?, ?, ?)", row)
        tx.many(
            "INSERT OR IGNORE INTO fingerprint VALUES (?, ?, ?, ?)",
            [(deal.deal_id, prints.period, one, message_id) for one in prints.marks],
        )

    async def expire(self) -> None:
        """Forgets what is over, and destroys keys that nothing stands under any more."""
        at = self.now()
        while await self.store.read(lambda tx: tx.one(_OVER, (at,))) is not None:
            await self.store.write(lambda tx: _forget(tx, at))
        for deal_id, period in await self.store.write(lambda tx: self._end_keys(tx, at)):
            self._keys[deal_id].pop(period, None)

    def _end_keys(self, tx: Tx, at: int) -> list[tuple[DealId, int]]:
        ended = []
        for deal_id in list(self._keys):
            used = {
                period
                for (period,) in tx.all(
                    "SELECT DISTINCT period FROM fingerprinted WHERE deal_id = ?", (deal_id,)
                )
            }
            for period in self._keys[deal_id].keys() - used - {at // WEEK}:
                self.sealer.destroy(tx, f"{_owners(deal_id)}{period}")
                ended.append((deal_id, period))
        return ended


def _owners(deal_id: DealId) -> str:
    return f"{deal_id}.prints."


def lives(rules: TierPolicy) -> int:
    """For how long a text's marks live, microseconds."""
    timers = [d.at_most for d in rules.demands if d.guarantee is Guarantee.TIMER]
    timed = min((t for t in timers if t is not None), default=LONGEST)
    return min(timed, LONGEST, rules.keep_for)


def _read(
    parts: Sequence[Part], keys: Mapping[int, bytes], period: int
) -> tuple[tuple[_Read, ...], tuple[int, ...]]:
    read = []
    for part in parts:
        found = runs(part.text)
        read.append(_Read(found, tuple(digest(run.words) for run in found)))
    marks = tuple(mark(one, keys[period]) for part in read for one in part.digests)
    return tuple(read), marks


def _wanted(read: Sequence[_Read], keys: Mapping[int, bytes]) -> list[tuple[int, int, int]]:
    """Week, number of the run, and its mark under that week's key."""
    digests = dict.fromkeys(one for part in read for one in part.digests)
    wanted = []
    for period, key in keys.items():
        marks = {mark(one, key): n for n, one in enumerate(digests)}
        wanted += [(period, marks[one], one) for one in winnowed(tuple(marks))]
    return wanted


def _evidence(
    read: Sequence[_Read], found: Iterable[tuple[int, str, str]], floor: Tier
) -> tuple[Evidence, ...]:
    digests = list(dict.fromkeys(one for part in read for one in part.digests))
    stands: defaultdict[bytes, dict[str, Tier]] = defaultdict(dict)
    for n, message_id, name in found:
        stands[digests[n]][message_id] = Tier(name)
    above = {one: of for one, of in stands.items() if min(of.values()) > floor}
    return tuple(
        Evidence(RESTRICTED, one.start, one.end, n, Strength.HOLD, tier)
        for n, part in enumerate(read)
        for one, tier in _passages(part, above)
    )


def _passages(
    part: _Read, above: Mapping[bytes, Mapping[str, Tier]]
) -> Iterable[tuple[Passage, Tier]]:
    sources = {
        run.at: above[one]
        for run, one in zip(part.found, part.digests, strict=True)
        if one in above
    }
    tiers = {message_id: tier for of in sources.values() for message_id, tier in of.items()}
    counted = Counter(message_id for of in sources.values() for message_id in of)
    likely = {message_id for message_id, _ in counted.most_common(LIKELY)}
    looked = {at: likely.intersection(of) for at, of in sources.items()}
    for passage in passages(part.found, looked)[:1]:
        yield passage, tiers[passage.source]


def _forget(tx: Tx, at: int) -> None:
    gone = [message_id for (message_id,) in tx.all(_OVER, (at,))]
    for table in ("fingerprint", "fingerprinted"):
        tx.run(
            f"DELETE FROM {table} WHERE message_id IN (SELECT value FROM json_each(?))",  # noqa: S608 - our own names
            (json.dumps(gone),),
        )
