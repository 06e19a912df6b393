"""Who is told when somebody is in trouble, and on which of his networks.

Rule kept here: the one who is in trouble is not his own contact, and whoever is told is told on
another network than the trouble where he has one: a line that an attacker may read is the last.
"""

from collections.abc import Callable, Iterator
from typing import Final

from orchestrator.deals.book import DealView
from tiers.ids import AccountId, ConnectorName, PersonId
from tiers.people import Person

ROLES: Final = frozenset({"deal owner", "security contact"})
"""Roles of the roster whose people are told at once."""
Door = tuple[ConnectorName, AccountId]


def contacts(deal: DealView, besides: PersonId) -> Iterator[Person]:
    """The deal's owners and security contacts, but for one person and those who are out.

    Args:
        deal: in force.
        besides: who is in trouble.
    """
    out = deal.persons.left | deal.persons.paused | {besides}
    return (p for p in deal.roster.people if p.role in ROLES and p.person_id not in out)


def door_of(
    person: Person,
    apart_from: ConnectorName | None,
    rank: Callable[[ConnectorName, AccountId], int],
) -> Door | None:
    """The account at which a person is told; None where he has none.

    Args:
        person: who.
        apart_from: the network of the trouble: taken only where he is on no other.
        rank: how fit a network is, the lowest the best.
    """
    doors = sorted(
        person.accounts.items(), key=lambda door: (door[0] == apart_from, rank(*door), door)
    )
    return doors[0] if doors else None
