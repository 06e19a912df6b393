"""Who writes what, where and how on a made-up day, drawn from a seed. Pure.

Rules kept here:

1. The same seed and count give the same day.
2. Whoever types on his own client types in one conversation only: two hands never hold one phone.
3. What is misplaced is typed or handed in where the network or our gate can still undo it. On
   Signal we cannot take back what others typed; nobody misplaces anything there.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from orchestrator.demo import halcyon
from orchestrator.demo.day_texts import BY_TIER, SOFT, references, text, with_reference
from orchestrator.demo.day_texts import MISPLACED as MISPLACED_TEXTS
from tiers.people import DEAL
from tiers.tier import Tier

API, MATRIX, SIGNAL, MAIL = "api", "matrix", "signal", "mail"
VALUATION = tuple(sorted(halcyon.VALUATION))
ADVISERS = ("laura-penn", "nadia-frost", "sofia-lang", "timo-berg")
DRAFTERS = (*ADVISERS, "idris-costa", "jonas-lind", "viktor-sand")


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of the day.

    Attributes:
        channels: people sit on the first that they have an account on.
        members: None for everybody whom the roster clears.
        owners: one for each channel.
        share: of the day's messages.
        ways: how they are handed in: the way's share, and who writes so.
    """

    label: str
    floor: Tier
    channels: tuple[str, ...]
    owners: tuple[str, ...]
    share: float
    ways: dict[str, tuple[float, tuple[str, ...]]] = field(hash=False)
    members: tuple[str, ...] | None = None
    compartment: str = DEAL


TALKS: Final = (
    Talk(
        "price",
        Tier.VALUATION,
        (SIGNAL,),
        ("farid-novak",),
        0.15,
        {
            SIGNAL: (0.6, ("farid-novak", "greta-bergmann", "xavier-roux")),
            API: (0.4, ("viktor-sand", "ximena-park", "laura-penn")),
        },
        VALUATION,
    ),
    Talk(
        "diligence",
        Tier.OPERATIONS,
        (SIGNAL, MATRIX),
        ("hana-ferri", "stefan-huber"),
        0.30,
        {
            MATRIX: (0.35, ("stefan-huber", "mei-tanaka", "anton-bauer", "goran-petrov")),
            SIGNAL: (0.25, ("hana-ferri", "viktor-sand", "yara-nassar")),
            API: (0.40, ("priya-raman", "nadia-frost", "zeno-fabbri", "greta-bergmann")),
        },
    ),
    Talk(
        "drafting",
        Tier.OPERATIONS,
        (MAIL, SIGNAL, MATRIX),
        ("laura-penn", "viktor-sand", "idris-costa"),
        0.15,
        {
            MAIL: (0.4, ADVISERS),
            MATRIX: (0.25, ("idris-costa", "jonas-lind")),
            API: (0.35, ("idris-costa", "viktor-sand", "sofia-lang")),
        },
        DRAFTERS,
        halcyon.DRAFTING,
    ),
    Talk(
        "logistics",
        Tier.COORDINATION,
        (MATRIX,),
        ("farid-novak",),
        0.40,
        {
            MATRIX: (
                0.5,
                ("noor-ivanova", "oscar-brandt", "tara-quinn", "felix-brandl", "dora-nagy"),
            ),
            API: (0.5, ("ulrich-weiss", "paula-reyes", "wendy-marsh", "hana-ferri", "emil-larsen")),
        },
    ),
)
MISPLACED: Final = (
    ("logistics", API, "greta-bergmann"),
    ("logistics", MATRIX, "noor-ivanova"),
    ("diligence", API, "hana-ferri"),
    ("drafting", MAIL, "laura-penn"),
    ("diligence", MATRIX, "stefan-huber"),
)
"""Where a price is written that does not belong there: held where we are the gate, or withdrawn."""
_MISPLACED, _SOFT = 0.02, 0.02


@dataclass(frozen=True, slots=True)
class Planned:
    """One message of the day.

    Attributes:
        way: ``api``, or the network on which its author types.
        due: when, as a share of the day.
    """

    reference: str
    label: str
    way: str
    author: str
    tier: Tier
    misplaced: bool
    due: float
    text: str = field(repr=False)

    @property
    def lane(self) -> str:
        """What is handed in one after the other."""
        return f"{self.label}/{self.way}"


def plan(seed: int, messages: int) -> list[Planned]:
    """A day in the order in which it is written.

    Args:
        seed: the same gives the same.
        messages: how many; at least twenty.
    """
    dice = random.Random(seed)  # noqa: S311 (a made-up day is to be the same again, no secret)
    drawn = [*_misplaced(dice, messages), *_soft(dice, messages)]
    missing = messages - len(drawn)
    counts = Counter({talk.label: round(missing * talk.share) for talk in TALKS})
    counts["logistics"] += missing - counts.total()
    for talk in TALKS:
        drawn += [_plain(dice, talk) for _ in range(counts[talk.label])]
    dice.shuffle(drawn)
    words = references(dice)
    made = [
        Planned(
            word,
            label,
            way,
            author,
            tier,
            misplaced,
            n / messages,
            with_reference(said, word),
        )
        for n, ((label, way, author, tier, misplaced, said), word) in enumerate(
            zip(drawn, words, strict=False)
        )
    ]
    return sorted(made, key=lambda m: m.due)


_Drawn = tuple[str, str, str, Tier, bool, str]


def _plain(dice: random.Random, talk: Talk) -> _Drawn:
    ways = list(talk.ways)
    [way] = dice.choices(ways, [talk.ways[w][0] for w in ways])
    author = dice.choice(talk.ways[way][1])
    return talk.label, way, author, talk.floor, False, text(dice, BY_TIER[talk.floor])


def _misplaced(dice: random.Random, messages: int) -> Iterator[_Drawn]:
    for n in range(max(len(MISPLACED), round(messages * _MISPLACED))):
        label, way, author = MISPLACED[n % len(MISPLACED)]
        yield label, way, author, Tier.VALUATION, True, text(dice, MISPLACED_TEXTS)


def _soft(dice: random.Random, messages: int) -> Iterator[_Drawn]:
    for _ in range(max(1, round(messages * _SOFT))):
        said = text(dice, SOFT)
        yield "diligence", API, "greta-bergmann", Tier.OPERATIONS, False, said
