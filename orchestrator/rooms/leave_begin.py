"""The first unit of a leave: who left is stated, and all that follows is remembered with it.

Rules kept here:

1. It is one unit of work: he is cleared for nothing exactly when everything that is still to be
   done about him is on disk.
2. What it rests on (who left before, who may approve) is read inside the unit, so that two commands
   at the same moment cannot both be the last that was allowed.
3. Every room of the deal on a channel of his is to be looked through, and every known device shut,
   unless he has it in another deal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from connectors.port.connector import Connector
from orchestrator.approvals.requests import Approved, standing
from orchestrator.approvals.requests import withdraw as withdraw_credentials
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Refused
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.persons import read_persons, state_person
from orchestrator.ids import new_id
from orchestrator.keys.keyring import Keyring
from orchestrator.outbox.withdraw import Withdrawn, withdraw
from orchestrator.rooms import leave_rows as rows
from orchestrator.rooms import leave_who as who
from orchestrator.rooms.leave_rows import (
    IN_OTHER_HANDS,
    KEY,
    REVOKE,
    ROOM,
    UNDO_FOR,
    Leave,
    LeaveAct,
)
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Tx
from tiers.conversation import Place
from tiers.ids import AccountId, ConnectorName, PersonId
from tiers.people import Person
from tiers.trust import KeyState

Also = Callable[[Tx, DealView, PersonId, int, str], None]
"""Takes something else of his away in the unit: deal, person, instant, actor."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Attributes:
        reason: a code.
        approved: others agreed to it.
    """

    deal: DealView
    person: Person
    reason: str
    actor: str
    at: int
    approved: Approved | None


@dataclass(frozen=True, slots=True)
class Began:
    """A leave that began, and what became of open deliveries."""

    leave: Leave
    withdrawn: Withdrawn


class First:
    """Writes the first unit.

    Args:
        book: deals in force.
        keyring: keys of people.
        sealer: destroys what was delivered.
        connectors: open connectors by name.
        also: what else is taken away at once.
    """

    def __init__(
        self,
        book: Book,
        keyring: Keyring,
        sealer: Sealer,
        connectors: Mapping[ConnectorName, Connector],
        also: tuple[Also, ...] = (),
    ) -> None:
        self._book = book
        self._keyring = keyring
        self._sealer = sealer
        self._connectors = connectors
        self._also = also

    def unit(self, tx: Tx, asked: Asked) -> Began:
        """States that somebody left. Raises: Refused, TooMany."""
        self._check(tx, asked)
        deal, person, at, actor = asked.deal, asked.person.person_id, asked.at, asked.actor
        request = None
        if asked.approved is not None:
            request = asked.approved.request_id
            asked.approved.finish(tx, at)
        accounts, leave_id = who.accounts_of(tx, deal, person), new_id("leave")
        state_person(
            tx, deal.deal_id, Kind.PERSON_LEFT, person, at=at, actor=actor,
            leave=leave_id, reason=asked.reason, by=actor, request=request,
        )  # fmt: skip
        devices = {f"{name}/{account}": self._keys(name, account) for name, account in accounts}
        leave = Leave(
            *(leave_id, deal.deal_id, person, asked.reason, actor), at, rows.OPEN, None, devices
        )
        seats = who.seats(tx, deal, person, accounts)
        rows.insert(tx, leave, self._rooms(deal, leave, accounts, seats))
        rows.add(tx, self._devices(deal, leave, accounts))
        if any(c.person == person for c in standing(tx, deal.deal_id).signing.values()):
            withdraw_credentials(tx, deal.deal_id, person, at=at, actor=actor)
        for take in self._also:
            take(tx, deal, person, at, actor)
        return Began(leave, self.withdraw(tx, leave, at))

    def _check(self, tx: Tx, asked: Asked) -> None:
        deal, person = asked.deal, asked.person
        left = read_persons(stated(tx, deal.deal_id)).left
        if person.person_id in left:
            raise Refused(
                f"{person.name} has left already",
                still="Nothing is sent to him.",
                then="wallcross leave status",
            )
        who.check_last(deal, person, left)
        who.check_approver(tx, deal, person)
        if asked.approved is None:
            who.check_hour(tx, list(self._book.deals), asked.actor, asked.at)

    def _keys(self, name: ConnectorName, account: AccountId) -> dict[str, str]:
        return {k.device.device: k.device.key for k in self._keyring.known((name, account))}

    def _rooms(
        self, deal: DealView, leave: Leave, accounts: list[who.Account], seats: set[Place]
    ) -> list[LeaveAct]:
        return [
            LeaveAct(leave.leave_id, ROOM, name, b.room, account, was_in=b.place in seats)
            for name, account in accounts
            for b in who.rooms_on(deal, name)
        ]

    def _devices(self, deal: DealView, leave: Leave, accounts: list[who.Account]) -> list[LeaveAct]:
        """What is done to each device, unless he has it in another deal.

        Whoever is brought back has what was verified trusted again, and nothing beside it. A
        mailing's key, which nothing brings back, is shut out once nothing can be undone.
        """
        for_good = leave.began_at + (0 if leave.reason in IN_OTHER_HANDS else UNDO_FOR)
        acts: list[LeaveAct] = []
        for name, account in accounts:
            if who.elsewhere(self._book.deals.values(), deal, (name, account)):
                continue
            for known in self._keyring.known((name, account)):
                revoke = LeaveAct(
                    leave.leave_id, REVOKE, name, known.device.device, account, due_at=for_good
                )
                acts.append(revoke)
                if known.state is KeyState.VERIFIED and not self._bars_for_ever(name):
                    acts.append(replace(revoke, kind=KEY, due_at=0))
        return acts

    def _bars_for_ever(self, name: ConnectorName) -> bool:
        """Whether that channel's own store takes no key back that it once shut out."""
        network = self._connectors.get(name)
        return network is None or network.capabilities.most_members == 1

    def withdraw(self, tx: Tx, leave: Leave, at: int) -> Withdrawn:
        """Takes back what is open for him alone."""
        been = {a.place for a in rows.acts_of(tx, leave.leave_id) if a.kind == ROOM and a.was_in}
        alone = sorted(place for place in been if self.of_one(place))
        return withdraw(tx, self._sealer, leave.deal_id, leave.person, alone, at)

    def of_one(self, place: Place) -> bool:
        """Whether nobody else can be in a room of that channel."""
        network = self._connectors.get(place[0])
        return network is not None and network.capabilities.most_members == 1
