"""Project Halcyon: a made-up merger with 52 people, for the demo, the sample and tests.

Rule kept here: nobody and nothing in it is real; the deal is marked made-up, so that every page
and export says so and no channel proven in a lab is taken for more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from orchestrator.client.views import KeyView
from tiers.ids import AccountId, CompartmentId, ConnectorName, DealId, PersonId, SideId
from tiers.people import DEAL, Grant, Party, Person, Profile, Roster, Side, Span
from tiers.tier import Tier

CODE: Final = "HALCYON"
BEGINS: Final = 1_767_225_600_000_000
"""2026-01-01, when everybody's clearance begins."""

_SIDES = (
    ("kestrel", "Kestrel Industries", Party.ACQUIRER),
    ("marlow", "Marlow Systems", Party.TARGET),
    ("birch", "Birch & Vance LLP", Party.ACQUIRER),
    ("oakes", "Oakes Legal", Party.TARGET),
    ("alder", "Alder Bank", Party.ACQUIRER),
    ("tern", "Tern Audit", Party.TARGET),
)
_NAMES = {
    "kestrel": (
        "Farid Novak,Greta Bergmann,Hana Ferri,Idris Costa,Jonas Lind,Katya Orlova,Liam Okafor,"
        "Mei Tanaka,Noor Ivanova,Oscar Brandt,Priya Raman,Quentin Dubois,Rosa Alvarez,Stefan Huber,"
        "Tara Quinn,Ulrich Weiss"
    ),
    "marlow": (
        "Ximena Park,Viktor Sand,Wanda Kowalska,Yusuf Demir,Zoe Hartmann,Anton Bauer,Bella Rossi,"
        "Casper Weber,Dora Nagy,Emil Larsen,Fiona Walsh,Goran Petrov,Helga Moen,Ivan Horvat,"
        "Julia Stein,Karim Haddad"
    ),
    "birch": "Laura Penn,Marco Silva,Nadia Frost,Otto Keller,Paula Reyes,Rafael Cruz",
    "oakes": "Sofia Lang,Timo Berg,Ursula Kern,Victor Hale,Wendy Marsh",
    "alder": "Xavier Roux,Yara Nassar,Zeno Fabbri,Ada Lindqvist,Boris Klein",
    "tern": "Clara Voss,Dario Conti,Edda Sommer,Felix Brandl",
}
OWNER: Final = PersonId("farid-novak")
VALUATION = frozenset(
    [
        "farid-novak",
        "greta-bergmann",
        "hana-ferri",
        "ximena-park",
        "viktor-sand",
        "laura-penn",
        "sofia-lang",
        "xavier-roux",
        "yara-nassar",
    ]
)
_COORDINATION_ONLY = frozenset(
    [
        "noor-ivanova",
        "oscar-brandt",
        "tara-quinn",
        "ulrich-weiss",
        "julia-stein",
        "karim-haddad",
        "paula-reyes",
        "rafael-cruz",
        "wendy-marsh",
        "edda-sommer",
        "felix-brandl",
        "clara-voss",
    ]
)

Accounts = Callable[[PersonId], dict[ConnectorName, AccountId]]
"""Gives a person's accounts by channel."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation of the made-up deal.

    Attributes:
        gate: a relay room, where only our account posts.
        members: None for everybody whom the roster clears.
    """

    label: str
    floor: Tier
    gate: bool
    members: frozenset[PersonId] | None = None


TALKS: Final = (
    Talk("price", Tier.VALUATION, gate=False),
    Talk("diligence", Tier.OPERATIONS, gate=False),
    Talk("logistics", Tier.COORDINATION, gate=False),
)


def person_id(name: str) -> PersonId:
    """The id of a made-up person."""
    return PersonId(name.lower().replace(" ", "-"))


BOARD: Final = CompartmentId("board")
"""Those who speak for the two boards, about the price, on Signal."""
DRAFTING: Final = CompartmentId("drafting")
"""Those who draft the agreement, outside advisers among them."""
_BOARD = ("hana-ferri", "viktor-sand", "ximena-park", "yara-nassar")
_DRAFTING = (
    *("ada-lindqvist", "idris-costa", "jonas-lind", "laura-penn", "nadia-frost"),
    *("sofia-lang", "timo-berg", "viktor-sand"),
)


def roster(accounts: Accounts, *, apart: bool = False) -> Roster:
    """The whole roster.

    Args:
        accounts: gives each person's accounts by channel.
        apart: with the compartments of the board and of those who draft.
    """
    people = tuple(
        _person(name, SideId(side), accounts)
        for side, names in _NAMES.items()
        for name in names.split(",")
    )
    return Roster(
        host=SideId("kestrel"),
        sides=tuple(Side(SideId(i), name, party) for i, name, party in _SIDES),
        people=people,
        grants=(
            *(Grant(p.person_id, DEAL, _highest(p.person_id), Span(BEGINS)) for p in people),
            *(_apart() if apart else ()),
        ),
    )


def _apart() -> Iterator[Grant]:
    for person in _BOARD:
        yield Grant(PersonId(person), BOARD, Tier.VALUATION, Span(BEGINS))
    for person in _DRAFTING:
        yield Grant(PersonId(person), DRAFTING, Tier.OPERATIONS, Span(BEGINS))


def _person(name: str, side: SideId, accounts: Accounts) -> Person:
    who = person_id(name)
    role = "deal owner" if who == OWNER else "member"
    profile = Profile.HIGH_VALUE if who in VALUATION else Profile.ORGANISATIONAL
    return Person(who, name, side, role, profile, accounts(who))


def _highest(who: PersonId) -> Tier:
    if who in VALUATION:
        return Tier.VALUATION
    return Tier.COORDINATION if who in _COORDINATION_ONLY else Tier.OPERATIONS


class VerifiesKeys(Protocol):
    """What of an open home a made-up ceremony needs."""

    async def key_list(self, deal: DealId, person: PersonId | None) -> Sequence[KeyView]:
        """The newest state of each device."""
        ...

    async def key_verify(
        self, deal: DealId, person: PersonId, by_a: PersonId, by_b: PersonId, *, actor: str
    ) -> Sequence[KeyView]:
        """Records a ceremony."""
        ...


async def verify_keys(home: VerifiesKeys, deal: DealId, *, actor: str) -> None:
    """Has two others compare the devices of everybody who sees valuation."""
    for who in sorted(VALUATION):
        keys = await home.key_list(deal, PersonId(who))
        if all(key.state == "verified" for key in keys):
            continue
        one, other = [PersonId(p) for p in sorted(VALUATION) if p != who][:2]
        await home.key_verify(deal, PersonId(who), one, other, actor=actor)
