"""A small made-up deal and a classifier that needs no model: the ground of every scenario.

The classifier is the product's own but for its scorer, which reads a word of the text, so that a
scenario says by itself what it wants to be seen as.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from orchestrator.client.views import NewConversation
from orchestrator.command.home import OpenHome
from orchestrator.config.policy import default_text, read_policy
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from tiers.classify import Classification, Classifier, Context, Part
from tiers.ids import AccountId, ConnectorName, DealId, PersonId, SideId
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.scoring import LogOdds
from tiers.tier import Strength, Tier

BEGINS: Final = 1_767_225_600_000_000
ACTOR: Final = "local:test"
CHANNEL: Final = ConnectorName("memory")
PRICE, SUPPLY = "zvaluation", "zoperations"
"""Words that the scorer knows."""
HIGHEST: Final = {
    "ada": Tier.VALUATION,
    "bo": Tier.VALUATION,
    "cy": Tier.VALUATION,
    "di": Tier.OPERATIONS,
    "el": Tier.COORDINATION,
}
_SIDES: Final = {"ada": "kestrel", "bo": "kestrel", "cy": "marlow", "di": "marlow", "el": "kestrel"}


@dataclass(frozen=True, slots=True)
class Words:
    """A scorer that knows two words."""

    fingerprint: str = "words"

    @property
    def lexicon(self) -> Mapping[str, float]:
        return {}

    def windows(self, text: str) -> Iterator[LogOdds]:
        valuation = 5.0 if PRICE in text.casefold() else -5.0
        operations = 5.0 if SUPPLY in text.casefold() else valuation
        yield LogOdds(valuation, operations)


def by_words() -> Classifier:
    """The product's classifier with a scorer that knows two words."""
    return Classifier(Words())


@dataclass(frozen=True, slots=True)
class Preclassified:
    """Says the same of everything, at once: where only what follows is under test."""

    tier: Tier = Tier.COORDINATION

    def classify(self, parts: Sequence[Part], context: Context) -> Classification:
        del parts, context
        word = self.tier.value
        return Classification(
            tier=self.tier,
            strength=Strength.NONE,
            topic=word,
            scores={},
            evidence=(),
            language="en",
            degraded=False,
            classifier="preclassified",
            odds=None,
            running=None,
        )


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation to be made."""

    label: str
    floor: Tier
    gate: bool = False
    side: str | None = None
    members: tuple[str, ...] | None = None


TALKS: Final = (
    Talk("price", Tier.VALUATION),
    Talk("supply", Tier.OPERATIONS),
    Talk("lunch", Tier.COORDINATION),
)


def person(name: str, channels: Iterable[str] = (CHANNEL,)) -> Person:
    """A made-up person, whose account bears his name on every channel."""
    role = "deal owner" if name in {"ada", "bo"} else "member"
    accounts = {ConnectorName(channel): AccountId(name) for channel in channels}
    return Person(
        PersonId(name), name.title(), SideId(_SIDES[name]), role, Profile.ORGANISATIONAL, accounts
    )


def roster(channels: Iterable[str] = (CHANNEL,), names: Iterable[str] = HIGHEST) -> Roster:
    """The made-up roster; ``names`` of those who are on it."""
    channels, people = tuple(channels), tuple(names)
    return Roster(
        host=SideId("kestrel"),
        sides=(
            Side(SideId("kestrel"), "Kestrel Industries", Party.ACQUIRER),
            Side(SideId("marlow"), "Marlow Systems", Party.TARGET),
        ),
        people=tuple(person(name, channels) for name in people),
        grants=tuple(Grant(PersonId(n), DEAL, HIGHEST[n], Span(BEGINS)) for n in people),
    )


@cache
def _policy() -> str:
    """The policy that ships, read once: every deal of every test begins with it."""
    return read_policy(default_text())


@cache
def _journal_key(scope: str) -> str:
    """A journal key, made once: its ceremony is slow on purpose and not what is tested here."""
    return json.dumps(generate(scope, [Group("nobody", 1, 1)]).public)


async def make_deal(
    home: OpenHome,
    talks: Iterable[Talk] = TALKS,
    *,
    channel: str = CHANNEL,
    people: Roster | None = None,
    journal: bool = True,
) -> DealId:
    """Makes the deal with its rooms, every device that sees valuation verified."""
    made = await home.deal_new("HERON", made_up=True, policy=_policy(), actor=ACTOR)
    deal = DealId(made.deal_id)
    await home.adopt(deal, "roster", to_document(people or roster((channel,))), actor=ACTOR)
    if journal:
        for scope in ("joint", "kestrel"):
            await home.journal_key_add(deal, scope, _journal_key(scope), actor=ACTOR)
        for talk in talks:
            await make_talk(home, deal, talk, channel=channel)
    return deal


async def make_talk(home: OpenHome, deal: DealId, talk: Talk, *, channel: str = CHANNEL) -> None:
    """Makes a conversation with its room, and verifies who is to be."""
    new = NewConversation(
        label=talk.label,
        floor=talk.floor.value,
        channel=channel,
        owner=PersonId("ada"),
        gate=talk.gate,
        side=talk.side,
        members=talk.members,
    )
    await home.conv_new(deal, new, actor=ACTOR)
    if talk.floor is Tier.VALUATION:
        await verify_all(home, deal)


async def verify_all(home: OpenHome, deal: DealId) -> None:
    """Has two others compare the devices of everybody who sees valuation."""
    insiders = [n for n, tier in HIGHEST.items() if tier is Tier.VALUATION]
    for name in insiders:
        keys = await home.key_list(deal, PersonId(name))
        if any(key.state != "verified" for key in keys):
            one, other = (PersonId(n) for n in insiders if n != name)
            await home.key_verify(deal, PersonId(name), one, other, actor=ACTOR)


def without(roster_now: Roster, name: str) -> Roster:
    """The roster without a person's grants: his clearance is over."""
    grants = tuple(g for g in roster_now.grants if g.person_id != name)
    return replace(roster_now, grants=grants)
