"""How often unrelated texts are taken for passages of stricter ones: `bench leaks --texts`.

Rules kept here:

1. The texts are those of the machine (``leaks_corpus``), 20,000 looks and more where it has them.
   Keys, marks, store and look are the product's; only the classifier is left out, since marks do
   not ask it. Strict texts are kept first, so that each lower one meets all of them.
2. As in the product, a lower text that is let through is kept, and what it says is known below.
3. Everything counts. Hits of twenty words and more in one passage are told apart beside: those are
   copies, of a licence, or of one project that two packages hold, and no chance.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.bench.home import OpensRuntime
from orchestrator.bench.leaks_corpus import Draw, Text, collect, draws
from orchestrator.bench.leaks_home import Room, room
from orchestrator.flow.port import Classifies
from tiers.classify import Evidence, Part
from tiers.tier import Tier

STRICT, LOOKS, TEXTS = 600, 4_000, 100_000
COPY: Final = 20
"""Words of one passage from which a hit is a copy."""
MOST: Final = 1.0
"""False alarms in 1,000 texts that are no copies; how many are copies is the machine's affair."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a draw came to.

    Attributes:
        hits: by the kind of the text that was looked at.
        copies: of these, with a passage of twenty words and more.
    """

    kind: str
    above: int
    looks: int
    hits: Counter[str]
    copies: int


async def false_alarms(
    opens: OpensRuntime, classifier: Classifies, note: Callable[[str], None], folder: Path
) -> dict[str, object]:
    """Runs a draw for each kind of text that the machine has; figures of all, and of each."""
    note("texts of this machine")
    texts = collect(TEXTS)
    told = []
    for n, draw in enumerate(draws(texts, STRICT, LOOKS)):
        note(f"{len(draw.below)} texts below {len(draw.above)} of {draw.kind}")
        async with room(opens, classifier, folder, f"false-{n}") as home:
            told.append(await drawn(home, draw))
    return dict(_told(texts, told))


async def drawn(home: Room, draw: Draw) -> Drawn:
    """Keeps the strict texts, then looks at each lower one and keeps it where nothing is found."""
    for one in draw.above:
        await _seen(home, one, Tier.VALUATION)
    hits, copies = Counter[str](), 0
    for one in draw.below:
        found = await _seen(home, one, Tier.COORDINATION)
        if found:
            hits[one.of] += 1
            longest = max(len(one.text[e.start : e.end].split()) for e in found)
            copies += longest >= COPY
    return Drawn(draw.kind, len(draw.above), len(draw.below), hits, copies)


async def _seen(home: Room, one: Text, tier: Tier) -> Sequence[Evidence]:
    runtime = home.runtime
    deal = runtime.book.deals[home.deal]
    found, prints = await runtime.texts.look(deal, tier, [Part("body", one.text)])
    if not found:
        home.sent += 1
        name = f"msg_{home.sent:032x}"
        at = runtime.now()
        await runtime.store.write(lambda tx: runtime.texts.keep(tx, deal, name, prints, tier, at))
    return found


def _told(texts: Sequence[Text], each: Sequence[Drawn]) -> Iterator[tuple[str, object]]:
    looks, hits = sum(one.looks for one in each), sum(one.hits.total() for one in each)
    copies = sum(one.copies for one in each)
    yield "texts_of_this_machine", dict(Counter(one.kind for one in texts))
    yield "looks", looks
    yield "taken_for_passages", hits
    yield "false_alarms_per_1000", round(1000 * hits / looks, 2) if looks else 0.0
    yield "of_these_20_words_and_more", copies
    yield "ok", 1000 * (hits - copies) <= MOST * looks
    yield "without_these_per_1000", round(1000 * (hits - copies) / looks, 2) if looks else 0.0
    yield "by_strict_kind", {one.kind: f"{one.hits.total()}/{one.looks}" for one in each}
    by = sum((one.hits for one in each), Counter[str]())
    yield "by_kind_looked_at", {kind: by[kind] for kind in sorted(by)}
