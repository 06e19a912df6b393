"""What a deal's chain states about its people: crossed, paused, gone, and their bound accounts.

Rules kept here:

1. There is no table. What stands is what the entries of the deal's audit come to, in their order:
   a row that somebody writes changes nothing of it.
2. The effective roster is the adopted one with less, never with more but for accounts: whoever
   has left, is paused, or has not acknowledged the notice that his side demands, is still listed
   and holds no grant. An account is added only where the roster names none for that channel, and
   nobody else has it.
3. Nobody gains by what is taken from somebody else: who read for him beyond a wall stays behind it.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from orchestrator.deals import enrolment
from orchestrator.deals.crossing import NEVER, Crossing, Demand, after, cleared, demands_of
from orchestrator.deals.enrolment import Code
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId, PersonId, SideId
from tiers.people import Person, Roster
from tiers.roster_change import gains

_GONE = {Kind.PERSON_LEFT: True, Kind.PERSON_RETURNED: False}
_CROSSING = frozenset(
    {Kind.PERSON_AGREED, Kind.PERSON_CROSSED, Kind.PERSON_ACKNOWLEDGED, Kind.PERSON_CLEANSED}
)
_CODES = frozenset({Kind.ENROLMENT_OPENED, Kind.ENROLMENT_CLOSED})
_STILL = {Kind.PERSON_PAUSED: True, Kind.PERSON_RESUMED: False}


@dataclass(slots=True)
class Persons:
    """Where people stand.

    Attributes:
        left: who left, and is to be nowhere.
        paused: to whom nothing is sent for now.
        crossings: who was crossed, and which notice he acknowledged.
        bound: accounts that are people's beside those of the roster.
        attested: of those, the ones that only their counsel says are theirs, and until when.
        codes: one-time codes that were handed out.
    """

    left: set[PersonId] = field(default_factory=set)
    paused: set[PersonId] = field(default_factory=set)
    crossings: dict[PersonId, Crossing] = field(default_factory=dict)
    bound: dict[PersonId, dict[ConnectorName, AccountId]] = field(default_factory=dict)
    attested: dict[tuple[PersonId, ConnectorName], int] = field(default_factory=dict)
    codes: dict[tuple[str, ConnectorName], Code] = field(default_factory=dict)


def state_person(
    tx: Tx,
    deal_id: DealId,
    kind: Kind,
    person: PersonId,
    *,
    at: int,
    actor: str,
    **more: Json,
) -> None:
    """States something about a person, so that it counts from now on.

    Args:
        tx: the unit of work.
        deal_id: the deal.
        person: who.
        at: microseconds UTC.
        actor: who says so.
        kind: one of ``person.*``, or ``account.bound``.
        more: further fields of the entry; part of what is committed to.
    """
    row = commitment("person", str(kind), person, at, dict(more))
    body: dict[str, Json] = {"person": person, "row": row, "at": at, **more}
    append(tx, deal_id, kind, body, at=at, actor=actor)


def read_persons(entries: Iterable[Stated]) -> Persons:
    """What a deal's entries, in their order, come to."""
    found = Persons()
    for entry in entries:
        if "person" in entry.body:
            _take(found, Kind(entry.kind), PersonId(entry.body["person"]), entry.body)
    return found


def _take(found: Persons, kind: Kind, person: PersonId, body: Mapping[str, Any]) -> None:
    for table, those in ((_GONE, found.left), (_STILL, found.paused)):
        if kind in table:
            (those.add if table[kind] else those.discard)(person)
    if kind in _CROSSING:
        found.crossings[person] = after(found.crossings.get(person, NEVER), kind, body)
    elif kind is Kind.ACCOUNT_BOUND:
        _bind(found, person, ConnectorName(body["channel"]), body)
    elif kind in _CODES:
        enrolment.after(found.codes, kind, body)


def _bind(
    found: Persons, person: PersonId, channel: ConnectorName, body: Mapping[str, Any]
) -> None:
    """An account that somebody proved, or that counsel attested; the newest word counts."""
    found.bound.setdefault(person, {})[channel] = AccountId(body["account"])
    until = body.get("until")
    if until is None:
        found.attested.pop((person, channel), None)
    else:
        found.attested[person, channel] = until


def effective(
    adopted: Roster,
    persons: Persons,
    demands: Mapping[SideId, Demand] | None = None,
    grace: int = 0,
) -> Roster:
    """The roster that decisions rest on: the adopted one, with what its people's standing takes.

    Args:
        adopted: as it was adopted.
        persons: where its people stand.
        demands: what each side demands of its people; None: as ``adopted`` says, without delay.
        grace: for how long an acknowledgement counts after a change of the wording, microseconds.
    """
    barred = persons.left | persons.paused
    taken = {key for p in adopted.people for key in p.accounts.items()}
    people, attested = [], {}
    for person in adopted.people:
        new = _new_accounts(person, persons.bound.get(person.person_id, {}), taken)
        taken |= new.items()
        for name, account in new.items():
            if (until := persons.attested.get((person.person_id, name))) is not None:
                attested[name, account] = until
        people.append(replace(person, accounts={**person.accounts, **new}) if new else person)
    left = replace(adopted.without(barred), people=tuple(people), attested=attested)
    left = cleared(left, persons.crossings, demands or demands_of(adopted), grace)
    return _behind_walls(adopted, left)


def _behind_walls(adopted: Roster, left: Roster) -> Roster:
    """What is left, less what anybody would gain of it as he reads for somebody no more."""
    if not adopted.walls or not adopted.delegations:
        return left
    before = replace(adopted, people=left.people)
    while gained := gains(before, left):
        behind = {(g.person_id, g.compartment) for g in gained}
        people = {person for person, _ in behind}
        own = tuple(g for g in left.grants if (g.person_id, g.compartment) not in behind)
        lent = tuple(d for d in left.delegations if d.delegate not in people)
        only_lent = own == left.grants
        left = replace(left, grants=own, delegations=lent if only_lent else left.delegations)
    return left


def _new_accounts(
    person: Person,
    bound: Mapping[ConnectorName, AccountId],
    taken: AbstractSet[tuple[ConnectorName, AccountId]],
) -> dict[ConnectorName, AccountId]:
    """What is a person's and the roster does not name, unless it is somebody's already."""
    return {
        name: account
        for name, account in bound.items()
        if name not in person.accounts and (name, account) not in taken
    }
