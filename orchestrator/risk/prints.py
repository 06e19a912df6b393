"""Fingerprints of what went to conversations, and whether a text has a passage of a stricter one.

Rules kept here:

1. A mark is a keyed hash (``tiers.winnowing``). Keys are random, one for each deal, tier and week,
   and lie sealed like every text: once a key is destroyed, marks under it are noise, in old copies
   too. No key outlives the texts of its tier because a lower tier's live longer.
2. A text's marks live as long as the text may stand with its readers: for the time of the timer
   that its tier demands, 90 days without one, never longer than the journal keeps it; and no longer
   than its author lets it stand.
3. Marks of a tier as low as the room's do not count against a text: it stands there already. Runs
   of words that everybody writes stand everywhere: they are looked up only in texts that share
   others with it, and count there wherever else they stand.
"""

import asyncio
import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
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
SHORT_TEXT: Final = 2_000
"""Characters that are read here and now: another thread's turn costs more."""
FEW: Final = 600
"""Marks that are looked up here and now, which takes a millisecond."""
LIKELY: Final = 8
"""Sources of a part that are looked at: those that share most runs with it."""
SHARED: Final = 2
"""Runs that say something, of those that a source shares, below which there is no passage."""
# Which runs stand in a stricter text at all: of nearly every text none does.
_HIT = """
SELECT DISTINCT json_extract(v.value, '$[1]') FROM json_each(?1) AS v
CROSS JOIN fingerprint AS f ON f.deal_id = ?2
    AND f.period = json_extract(v.value, '$[0]') AND f.mark = json_extract(v.value, '$[2]')
CROSS JOIN fingerprinted AS p ON p.message_id = f.message_id
    AND p.floor = json_extract(v.value, '$[3]') AND p.expires_at > ?3"""
# What stands in a text of a tier as low is not restricted: of it no other row is looked at.
_SAME = """
WITH v AS MATERIALIZED (
    SELECT json_extract(value, '$[0]') AS period, json_extract(value, '$[1]') AS n,
        json_extract(value, '$[2]') AS mark, json_extract(value, '$[3]') AS floor,
        json_extract(value, '$[4]') AS low FROM json_each(?1)),
known AS MATERIALIZED (
    SELECT DISTINCT n FROM v WHERE low AND EXISTS (
        SELECT 1 FROM fingerprint AS f CROSS JOIN fingerprinted AS p
            ON p.message_id = f.message_id AND p.floor = v.floor AND p.expires_at > ?3
        WHERE f.deal_id = ?2 AND f.period = v.period AND f.mark = v.mark))
SELECT v.n, f.message_id, p.floor, v.period FROM v CROSS JOIN fingerprint AS f
    ON f.deal_id = ?2 AND f.period = v.period AND f.mark = v.mark
CROSS JOIN fingerprinted AS p
    ON p.message_id = f.message_id AND p.floor = v.floor AND p.expires_at > ?3
WHERE NOT v.low AND v.n NOT IN known LIMIT ?4"""
# Of runs that everybody writes: in which of a few texts they stand.
_AMONG = """
SELECT json_extract(v.value, '$[1]'), f.message_id FROM json_each(?1) AS v
CROSS JOIN json_each(?3) AS l CROSS JOIN fingerprint AS f
    ON f.deal_id = ?2 AND f.period = json_extract(v.value, '$[0]')
    AND f.mark = json_extract(v.value, '$[2]') AND f.message_id = l.value"""
_OVER = """
SELECT p.message_id FROM fingerprinted p LEFT JOIN message m USING (message_id)
WHERE p.expires_at <= ? OR m.taken_back_at IS NOT NULL LIMIT 1000"""
_KEYS = "SELECT owner FROM sealed WHERE owner >= ?1 || '.prints.' AND owner < ?1 || '.prints/'"
_USED = "SELECT 1 FROM fingerprinted WHERE deal_id = ? AND period = ? AND floor = ? LIMIT 1"
_DEALS = "SELECT deal_id FROM deal"


_Wanted = list[tuple[int, int, int, str, bool]]
"""Week, number of the run, its mark under a key of that week, the key's tier, and whether what
stands there is as low as the text."""

_Above = Mapping[bytes, Mapping[str, Tier]]
"""By what a run is hashed from: the stricter texts that it stands in, with their tiers."""


@dataclass(frozen=True, slots=True)
class Named:
    """Which key: of which tier's texts, and of which week since 1970."""

    tier: Tier
    period: int

    def owner(self, deal_id: DealId) -> str:
        """What it is sealed under."""
        return f"{deal_id}.prints.{self.tier.value}.{self.period}"

    @classmethod
    def of(cls, owner: str) -> "Named | None":
        """The key that something sealed is; None: it is none of those that are made now."""
        tier, _, period = owner.rpartition(".prints.")[2].partition(".")
        try:
            return cls(Tier(tier), int(period))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class _Read:
    """A part's runs and what they are hashed from."""

    found: tuple[Run, ...] = field(repr=False)
    digests: tuple[bytes, ...] = field(repr=False)

    def likely(self, above: _Above) -> frozenset[str]:
        """The texts that share most runs with it: only these are looked at."""
        counted = Counter(message_id for one in self.digests for message_id in above.get(one, ()))
        most = counted.most_common(LIKELY)
        return frozenset(message_id for message_id, shared in most if shared >= SHARED)


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
    _keys: dict[DealId, dict[Named, bytes]] = field(default_factory=dict, repr=False)
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
        at, lowest = self.now(), floor or min(Tier)
        keys, period = await self._ready(deal.deal_id)
        short = sum(len(part.text) for part in parts) <= SHORT_TEXT
        work = partial(_read, parts, keys, period, lowest)
        read, wanted, prints = work() if short else await asyncio.to_thread(work)
        hit = await self._hit(deal.deal_id, wanted, at) if wanted else frozenset[int]()
        if not hit:
            return (), prints
        known = [*(w for w in wanted if w[1] in hit), *_beside(read, keys, lowest, hit)]
        return await self.store.read(partial(_found, read, keys, known, (deal, at))), prints

    async def _hit(self, deal_id: DealId, wanted: _Wanted, at: int) -> frozenset[int]:
        """Numbers of the runs that stand in a stricter text."""

        def read(tx: Tx) -> frozenset[int]:
            return frozenset(n for (n,) in tx.all(_HIT, (json.dumps(wanted), deal_id, at)))

        return self.store.glance(read) if len(wanted) <= FEW else await self.store.read(read)

    async def _ready(self, deal_id: DealId) -> tuple[Mapping[Named, bytes], int]:
        """The keys of a deal as they are now, this week's among them."""
        period = self.now() // WEEK
        if Named(max(Tier), period) in self._keys.get(deal_id, {}):
            return dict(self._keys[deal_id]), period
        async with self._making[deal_id]:
            await self.store.write(lambda tx: self._make(tx, deal_id, period))
            self._keys[deal_id] = await self.store.read(lambda tx: self._open(tx, deal_id))
        return dict(self._keys[deal_id]), period

    def _make(self, tx: Tx, deal_id: DealId, period: int) -> None:
        for owner in (Named(tier, period).owner(deal_id) for tier in Tier):
            if not self.sealer.exists(tx, owner):
                key = secrets.token_bytes(KEY_BYTES)
                self.sealer.insert(tx, self.sealer.prepare(deal_id, owner, key))

    def _open(self, tx: Tx, deal_id: DealId) -> dict[Named, bytes]:
        """Every key that can be opened: under one that is lost nothing is found any more."""
        found = dict[Named, bytes]()
        for (owner,) in tx.all(_KEYS, (deal_id,)):
            named = Named.of(owner)
            try:
                if named is not None:
                    found[named] = self.sealer.open(tx, owner)
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
            [(deal.deal_id, prints.period, one, message_id) for one in prints.marks.get(floor, ())],
        )

    async def expire(self) -> None:
        """Forgets what is over, and destroys keys that nothing stands under any more."""
        at = self.now()
        while await self.store.read(lambda tx: tx.one(_OVER, (at,))) is not None:
            await self.store.write(lambda tx: _forget(tx, at))
        if await self.store.read(lambda tx: _over(tx, at)):
            for deal_id, named in await self.store.write(lambda tx: self._end_keys(tx, at)):
                self._keys.get(deal_id, {}).pop(named, None)

    def _end_keys(self, tx: Tx, at: int) -> list[tuple[DealId, Named]]:
        over = _over(tx, at)
        for owner, *_ in over:
            self.sealer.destroy(tx, owner)
        return [(deal_id, named) for _, deal_id, named in over if named is not None]


def _over(tx: Tx, at: int) -> list[tuple[str, DealId, Named | None]]:
    """Keys under which nothing stands any more, of every deal, whether or not it was looked at."""
    over = []
    for (deal_id,) in tx.all(_DEALS):
        for (owner,) in tx.all(_KEYS, (deal_id,)):
            named = Named.of(owner)
            if named is None or not _stands(tx, deal_id, named, at):
                over.append((owner, deal_id, named))
    return over


def _stands(tx: Tx, deal_id: DealId, named: Named, at: int) -> bool:
    used = (deal_id, named.period, named.tier.value)
    return named.period == at // WEEK or tx.one(_USED, used) is not None


def lives(rules: TierPolicy) -> int:
    """For how long a text's marks live, microseconds."""
    timers = [d.at_most for d in rules.demands if d.guarantee is Guarantee.TIMER]
    timed = min((t for t in timers if t is not None), default=LONGEST)
    return min(timed, LONGEST, rules.keep_for)


def _read(
    parts: Sequence[Part], keys: Mapping[Named, bytes], period: int, lowest: Tier
) -> tuple[tuple[_Read, ...], _Wanted, Prints]:
    """What a text says, what is asked for of stricter ones, and what is to be kept."""
    found = [runs(part.text) for part in parts]
    read = tuple(_Read(those, tuple(digest(run.words) for run in those)) for those in found)
    said = [one for part in read for one in part.digests]
    digests, wanted, kept = list(dict.fromkeys(said)), _Wanted(), dict[Tier, tuple[int, ...]]()
    telling = {digest(run.words) for those in found for run in those if not run.usual}
    for named, key in keys.items():
        keeps, asks = named.period == period and named.tier >= lowest, named.tier > lowest
        if not (keeps or asks):
            continue
        marks = {one: mark(one, key) for one in digests}
        thinned = winnowed(tuple(marks[one] for one in said))
        if keeps:
            kept[named.tier] = thinned
        if asks:
            number = {marks[one]: n for n, one in enumerate(digests) if one in telling}
            asked = (m for m in thinned if m in number)
            wanted += [(named.period, number[m], m, named.tier.value, False) for m in asked]
    return read, wanted, Prints(period, kept)


def _beside(
    read: Sequence[_Read], keys: Mapping[Named, bytes], lowest: Tier, hit: Collection[int]
) -> _Wanted:
    """What is asked for of texts of a tier as low, of the runs that stand in a stricter one."""
    digests = list(dict.fromkeys(one for part in read for one in part.digests))
    return [
        (named.period, n, mark(digests[n], key), named.tier.value, True)
        for named, key in keys.items()
        for n in hit
        if named.tier <= lowest
    ]


def _found(
    read: Sequence[_Read],
    keys: Mapping[Named, bytes],
    known: _Wanted,
    of: tuple[DealView, int],
    tx: Tx,
) -> tuple[Evidence, ...]:
    """Passages, from what is known of the runs that stand in a stricter text."""
    digests = list(dict.fromkeys(one for part in read for one in part.digests))
    above: defaultdict[bytes, dict[str, Tier]] = defaultdict(dict)
    under: dict[str, Named] = {}
    for n, message_id, name, period in tx.all(
        _SAME, (json.dumps(known), of[0].deal_id, of[1], MOST)
    ):
        under[message_id] = Named(Tier(name), period)
        above[digests[n]][message_id] = Tier(name)
    likely = sorted(frozenset[str]().union(*(part.likely(above) for part in read)))
    usual = _usual(read, {named: keys[named] for named in {under[one] for one in likely}}, digests)
    for n, message_id in (
        tx.all(_AMONG, (json.dumps(usual), of[0].deal_id, json.dumps(likely))) if usual else ()
    ):
        above[digests[n]][message_id] = under[message_id].tier
    return tuple(
        Evidence(RESTRICTED, one.start, one.end, n, Strength.HOLD, under[one.source].tier)
        for n, part in enumerate(read)
        for one in _passages(part, above)
    )


def _usual(
    read: Sequence[_Read], keys: Mapping[Named, bytes], digests: Sequence[bytes]
) -> list[tuple[int, int, int]]:
    """Week, number and mark under some keys, of the runs that say nothing by themselves."""
    number = {one: n for n, one in enumerate(digests)}
    asked = {
        number[one]
        for part in read
        for run, one in zip(part.found, part.digests, strict=True)
        if run.usual
    }
    return [
        (named.period, n, mark(digests[n], key))
        for named, key in keys.items()
        for n in sorted(asked)
    ]


def _passages(part: _Read, above: _Above) -> tuple[Passage, ...]:
    likely = part.likely(above)
    looked = {
        run.at: likely.intersection(above[one])
        for run, one in zip(part.found, part.digests, strict=True)
        if one in above
    }
    return passages(part.found, looked)[:1]


def _forget(tx: Tx, at: int) -> None:
    gone = [message_id for (message_id,) in tx.all(_OVER, (at,))]
    for table in ("fingerprint", "fingerprinted"):
        tx.run(
            f"DELETE FROM {table} WHERE message_id IN (SELECT value FROM json_each(?))",  # noqa: S608 - our own names
            (json.dumps(gone),),
        )
