"""How often unrelated texts are taken for passages of stricter ones: `bench leaks --texts`.

Rules kept here:

1. The texts are those of the machine (``leaks_corpus``), 20,000 looks and more where it has them.
   Keys, marks, store and look are the product's; only the classifier is left out, since marks do
   not ask it. Strict texts are kept first, so that each lower one meets all of them.
2. As in the product, a lower text that is let through is kept, and what it says is known below.
3. Everything counts but texts of licences, which are told beside: they are public, and copied
   whole. Of what counts, hits of twenty words and more in one passage are told apart, too: those
   are copies, such as of one project that two packages hold, and no chance.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from orchestrator.bench.home import OpensRuntime
from orchestrator.bench.leaks_corpus import Draw, Text, collect, draws
from orchestrator.bench.leaks_home import Room, room
from orchestrator.flow.port import Classifies
from tiers.classify import Evidence, Part
from tiers.tier import Tier

STRICT, LOOKS, TEXTS = 600, 5_000, 100_000
APART: Final = "licences"
"""The kind of text that is told beside the others."""
COPY: Final = 20
"""Words of one passage from which a hit is a copy."""
MOST: Final = 1.0
"""False alarms in 1,000 texts."""


@dataclass(slots=True)
class Drawn:
    """What a draw came to, by the kind of the text that was looked at.

    Attributes:
        hits: taken for passages.
        copies: of these, with a passage of twenty words and more.
    """

    kind: str
    looks: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    copies: Counter[str] = field(default_factory=Counter)


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
    told = Drawn(draw.kind)
    for one in draw.below:
        told.looks[one.of] += 1
        found = await _seen(home, one, Tier.COORDINATION)
        if found:
            told.hits[one.of] += 1
            longest = max(len(one.text[e.start : e.end].split()) for e in found)
            told.copies[one.of] += longest >= COPY
    return told


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
    yield "texts_of_this_machine", dict(Counter(one.kind for one in texts))
    counted = [one for one in each if one.kind != APART]
    looks, hits, copies = (
        sum((of - Counter({APART: of[APART]})).total() for of in counters)
        for counters in (
            [one.looks for one in counted],
            [one.hits for one in counted],
            [one.copies for one in counted],
        )
    )
    yield "looks", looks
    yield "taken_for_passages", hits
    yield "of_these_20_words_and_more", copies
    yield "false_alarms_per_1000", _per_1000(hits, looks)
    yield "without_copies_per_1000", _per_1000(hits - copies, looks)
    every, all_hits = (
        sum(of.total() for of in counters)
        for counters in ([one.looks for one in each], [one.hits for one in each])
    )
    yield "looks_with_licences", every
    yield "with_licences_per_1000", _per_1000(all_hits, every)
    yield "by_strict_kind", {one.kind: f"{one.hits.total()}/{one.looks.total()}" for one in each}
    yield "ok", hits <= MOST * looks / 1000


def _per_1000(hits: int, looks: int) -> float:
    return round(1000 * hits / looks, 2) if looks else 0.0
