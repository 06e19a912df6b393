"""Whose accounts are to be out, of which rooms, and who may take him out.

Rules kept here:

1. An account that was ever his by an adopted roster, that he proved to be his, or that was read
   back as his, is looked for in every room of the deal on its channel, unless it is another's now.
2. One person alone takes out at most three people an hour, counted by what the audits say.
3. Nobody takes out the last owner, the last counsel, or the last person who may approve: the deal
   would be nobody's.
"""

from collections.abc import Container, Iterable, Iterator
from contextlib import suppress

from orchestrator.approvals.requests import standing
from orchestrator.audit.body import named
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Refused, Waits
from orchestrator.clock import HOUR
from orchestrator.deals.book import DealView
from orchestrator.rooms.presence import presence
from orchestrator.roster.document import from_document
from orchestrator.roster.read import RosterInvalid
from orchestrator.store.unit import Tx
from tiers.approval import FOUNDERS, Role, one_person
from tiers.conversation import Place, RoomBinding
from tiers.ids import AccountId, ConnectorName, DealId, PersonId
from tiers.people import Person

MOST_AN_HOUR = 3
OWNER, COUNSEL = "owner", "counsel"
_WORDS = {OWNER: "deal owner", COUNSEL: "counsel"}
Account = tuple[ConnectorName, AccountId]


def accounts_of(tx: Tx, deal: DealView, person: PersonId) -> list[Account]:
    """Every account that is or was somebody's, but for what is another's now."""
    found = set(_rosters(tx, deal, person)) | set(deal.persons.bound.get(person, {}).items())
    found |= {
        (stay.connector, stay.account)
        for stay in presence(tx, deal.deal_id)
        if stay.person_id == person and not stay.account.startswith("sha256:")
    }
    return sorted(key for key in found if not _anothers(deal, person, key))


def former(tx: Tx, deal: DealView, person: PersonId) -> Person | None:
    """Somebody as the last roster that listed him had him: rooms may hold him all the same."""
    sql = "SELECT document FROM adoption WHERE deal_id = ? AND kind = 'roster' ORDER BY n DESC"
    for (document,) in tx.all(sql, (deal.deal_id,)):
        with suppress(RosterInvalid):
            found = from_document(document).person(person)
            if found is not None:
                return found
    return None


def _rosters(tx: Tx, deal: DealView, person: PersonId) -> Iterator[Account]:
    adopted = deal.roster.person(person)
    yield from adopted.accounts.items() if adopted is not None else ()
    sql = "SELECT document FROM adoption WHERE deal_id = ? AND kind = 'roster'"
    for (document,) in tx.all(sql, (deal.deal_id,)):
        with suppress(RosterInvalid):
            before = from_document(document).person(person)
            yield from before.accounts.items() if before is not None else ()


def _anothers(deal: DealView, person: PersonId, account: Account) -> bool:
    owner = deal.roster.owner(*account)
    return owner is not None and owner.person_id != person


def rooms_on(deal: DealView, connector: ConnectorName) -> list[RoomBinding]:
    """Every room of the deal on a channel, whoever the roster seats there."""
    return [b for found in deal.rooms.values() for b in found if b.connector == connector]


def seats(tx: Tx, deal: DealView, person: PersonId, accounts: Iterable[Account]) -> set[Place]:
    """Rooms in which our records have somebody, with the rooms that stand in for them.

    The seats that he was given, and the stays of his accounts that readings showed.
    """
    there = set(tx.all("SELECT connector, room FROM seat WHERE person_id = ?", (person,)))
    his = {(name, named(account)) for name, account in accounts}
    there |= {
        (stay.connector, stay.room)
        for stay in presence(tx, deal.deal_id)
        if (stay.connector, stay.account) in his
    }
    return {
        b.place
        for found in deal.rooms.values()
        for b in found
        if b.place in there or b.alternate_of in there
    }


class TooMany(Waits):
    """One person took out as many as he may alone."""


def check_hour(tx: Tx, deals: Iterable[DealId], actor: str, at: int) -> None:
    """Refuses a fourth person within the hour; what others agreed to does not count.

    Raises:
        TooMany: somebody else must take him out.
    """
    taken = sum(
        said.kind == Kind.PERSON_LEFT
        and said.body.get("by") == actor
        and said.body.get("at", 0) > at - HOUR
        and said.body.get("request") is None
        for deal_id in deals
        for said in stated(tx, deal_id)
    )
    if taken >= MOST_AN_HOUR:
        raise TooMany(
            f"one person alone takes out {MOST_AN_HOUR} people an hour at most",
            still="He has not left; nothing was changed.",
            then="have somebody else run it; or pause him at once: wallcross person pause",
        )


def check_last(deal: DealView, person: Person, left: Container[PersonId]) -> None:
    """Refuses to take out the last of those whom a deal cannot do without.

    Args:
        deal: in force.
        person: who is to leave.
        left: who has left already, as the chain says now.

    Raises:
        Refused: nobody else is there to be its owner, or its counsel.
    """
    for duty in (OWNER, COUNSEL):
        if _has(person, duty) and not any(
            _has(other, duty)
            for other in deal.roster.people
            if other.person_id != person.person_id and other.person_id not in left
        ):
            raise Refused(
                f"{person.name} is the deal's last {_WORDS[duty]}",
                still="He has not left; nothing was changed.",
                then="name another in the roster first; or pause him: wallcross person pause",
            )


def check_approver(tx: Tx, deal: DealView, person: Person) -> None:
    """Refuses to take out somebody without whom nobody could agree to anything.

    Raises:
        Refused: fewer than two people could sign without him, or no counsel.
    """
    found = standing(tx, deal.deal_id)
    own = next((a for a in found.approvers() if a.person == person.person_id), None)
    if found.founded_at is None or own is None:
        return
    others = [a for a in found.approvers() if a.person != person.person_id]
    few = len(set(one_person(others).values())) < FOUNDERS
    counsel = Role.COUNSEL in own.roles and not any(Role.COUNSEL in a.roles for a in others)
    if few or counsel:
        whom = "counsel who may sign" if counsel else "people who may agree to anything"
        raise Refused(
            f"without {person.name} the deal has too few {whom}",
            still="He has not left; nothing was changed.",
            then="enrol another first: wallcross approver enrol; or pause him at once",
        )


def _has(person: Person, duty: str) -> bool:
    role = person.role.casefold()
    return role == _WORDS[OWNER] if duty == OWNER else COUNSEL in role.split()


def owners(deal: DealView, but: PersonId) -> list[Person]:
    """The deal's owners who are there and not paused, then everybody else of the host's side."""
    out = deal.persons.left | deal.persons.paused | {but}
    there = [p for p in deal.roster.people if p.person_id not in out]
    return sorted(there, key=lambda p: (not _has(p, OWNER), p.side != deal.roster.host))


def elsewhere(deals: Iterable[DealView], deal: DealView, account: Account) -> bool:
    """Whether an account is somebody's in another deal that he has not left."""
    owned = ((v, v.roster.owner(*account)) for v in deals if v.deal_id != deal.deal_id)
    return any(p is not None and p.person_id not in v.persons.left for v, p in owned)
