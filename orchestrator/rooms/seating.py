"""Who gets his seat where, when a conversation's rooms are made: one room for each person.

Rules kept here:

1. A person sits on the first of the channels named that he has an account on; one who has none is
   told of, never let in otherwise.
2. A room of several people has a human owner beside our account. Where a network's room holds one
   person only (a PGP mailing), each gets a room of his own, and he changes nothing of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.client.problems import Wrong
from tiers.ids import AccountId, ConnectorName, PersonId
from tiers.people import Person


@dataclass(frozen=True, slots=True)
class Seating:
    """One room to be made, and who sits in it."""

    connector: ConnectorName
    people: tuple[Person, ...]
    owners: frozenset[AccountId]

    def accounts(self) -> dict[PersonId, AccountId]:
        """Their accounts there."""
        return {p.person_id: p.accounts[self.connector] for p in self.people}


def seat(
    people: Iterable[Person],
    connectors: Iterable[ConnectorName],
    owners: Iterable[PersonId],
    single: Callable[[ConnectorName], bool],
) -> tuple[tuple[Seating, ...], tuple[PersonId, ...]]:
    """Divides people among channels.

    Args:
        people: cleared, in the roster's order.
        connectors: in the order in which people take their seats.
        owners: people who are admins where they sit.
        single: whether a room of that channel holds one person only.

    Returns:
        the rooms to be made, and who has no account on any of the channels.

    Raises:
        Wrong: an owner sits nowhere, or a room of several people has none.
    """
    everybody, order = tuple(people), tuple(connectors)
    where = {p.person_id: next((c for c in order if c in p.accounts), None) for p in everybody}
    chosen = tuple(owners)
    if any(where.get(owner) is None for owner in chosen):
        raise Wrong("the owner is not a cleared member with an account on this channel")
    rooms: list[Seating] = []
    for connector in order:
        here = tuple(p for p in everybody if where[p.person_id] == connector)
        if single(connector):
            rooms += [Seating(connector, (person,), frozenset()) for person in here]
        elif here:
            rooms.append(Seating(connector, here, _owners(connector, here, chosen)))
    return tuple(rooms), tuple(p for p, connector in where.items() if connector is None)


def _owners(
    connector: ConnectorName, people: tuple[Person, ...], owners: tuple[PersonId, ...]
) -> frozenset[AccountId]:
    found = frozenset(p.accounts[connector] for p in people if p.person_id in owners)
    if not found:
        raise Wrong(
            f"none of the owners has his seat on {connector}",
            still="No room was made.",
            then="name one more owner who sits there",
        )
    return found
