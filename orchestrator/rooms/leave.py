"""Takes somebody out of a deal: at once of every decision, then out of every room, read back.

Rules kept here:

1. The first unit of work states that he left: from then on the roster in force clears him for
   nothing, so that guard and dispatcher stop whatever is open. All that follows is remembered there
   too, and is tried until it was seen, across crashes.
2. In every room of the deal on a channel where he has, or ever had, an account his absence is read
   back, whatever the roster makes of that room. What could not be read is not confirmed.
3. A row makes nobody leave: whoever has not left by the audit is not touched.
4. A mailing holds one reader and nobody can be put out of it: his is closed, so that what is said
   to the others does not wait for him.
5. His devices are never sealed to again from now on. Their keys are withdrawn for good once
   nothing can be undone any more, or at once where the reason is that they are in other hands.
   Neither is done to devices with which he sits in another deal.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from connectors.port.connector import ChangesMembers, Connector, RotatesRoomKeys, VerifiesPeers
from connectors.port.errors import ConnectorError
from connectors.port.messages import Device, MemberSnapshot
from orchestrator.approvals.requests import Approved, standing
from orchestrator.approvals.requests import withdraw as withdraw_credentials
from orchestrator.audit.body import Json, coded
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Refused
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import close_findings
from orchestrator.deals.persons import state_person
from orchestrator.deals.stated import room_body
from orchestrator.ids import new_id
from orchestrator.keys.keyring import Keyring
from orchestrator.outbox.withdraw import Withdrawn, withdraw
from orchestrator.rooms import leave_rows as rows
from orchestrator.rooms import leave_who as who
from orchestrator.rooms.acts import Hands, Outcome
from orchestrator.rooms.leave_late import LATE, Late
from orchestrator.rooms.leave_rows import (
    IN_OTHER_HANDS,
    KEY,
    REVOKE,
    ROOM,
    ROTATE,
    UNDO_FOR,
    Leave,
    LeaveAct,
)
from orchestrator.rooms.observe import Observer
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Place
from tiers.ids import AccountId, ConnectorName, PersonId
from tiers.people import Person
from tiers.remedy import Act, ActKind
from tiers.trust import KeyEvent, KeyState, NotPossible

CLOSED = "closed"
"""Why a mailing counts as out of: it is no room any more."""
AT_ONCE = 8
"""Rooms asked at a time."""
ACTOR = "wallcross"


Also = Callable[[Tx, DealView, PersonId, int, str], None]
"""Takes something else of his away in the first unit: deal, person, instant, actor."""


@dataclass(frozen=True, slots=True)
class Began:
    """A leave that began, and what became of open deliveries."""

    leave: Leave
    withdrawn: Withdrawn


class Leaving:
    """Takes people out, and finishes what was begun.

    Args:
        store: state.
        sealer: destroys what was delivered.
        book: deals in force.
        keyring: keys of people.
        observer: reads rooms back.
        connectors: open connectors by name.
        hands: acts on rooms.
        late: tells when it takes too long.
        now: the clock.
        also: what else is taken away at once.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        book: Book,
        keyring: Keyring,
        observer: Observer,
        connectors: Mapping[ConnectorName, Connector],
        hands: Hands,
        late: Late,
        now: Clock,
        also: tuple[Also, ...] = (),
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._book = book
        self._keyring = keyring
        self._observer = observer
        self._connectors = connectors
        self._hands = hands
        self._late = late
        self._now = now
        self._also = also
        self._lock = asyncio.Lock()

    async def begin(
        self,
        deal: DealView,
        person: Person,
        reason: str,
        *,
        actor: str,
        approved: Approved | None = None,
    ) -> Began:
        """States that somebody left; from here on nothing is sent to him.

        Args:
            deal: which.
            person: who.
            reason: a code.
            actor: who takes him out.
            approved: others agreed to it, so that he is nobody's fourth in an hour.

        Raises:
            Refused: he has left already, or is the last of his duty.
            TooMany: he is somebody's fourth in an hour.
        """
        if person.person_id in deal.persons.left:
            raise Refused(
                f"{person.name} has left already",
                still="Nothing is sent to him.",
                then="wallcross leave status",
            )
        who.check_last(deal, person)
        at = self._now()
        began = await self._store.write(
            lambda tx: self._begin(tx, deal, person, reason, actor, at, approved)
        )
        await self._book.reload(self._store, deal.deal_id)
        return began

    def _begin(
        self,
        tx: Tx,
        deal: DealView,
        who_leaves: Person,
        reason: str,
        actor: str,
        at: int,
        approved: Approved | None,
    ) -> Began:
        if approved is None:
            who.check_hour(tx, list(self._book.deals), actor, at)
        else:
            approved.finish(tx, at)
        who.check_approver(tx, deal, who_leaves)
        person = who_leaves.person_id
        accounts = who.accounts_of(tx, deal, person)
        leave_id = new_id("leave")
        state_person(
            tx, deal.deal_id, Kind.PERSON_LEFT, person, at=at, actor=actor,
            leave=leave_id, reason=reason, by=actor,
            request=approved.request_id if approved is not None else None,
        )  # fmt: skip
        devices = {f"{name}/{account}": self._keys(name, account) for name, account in accounts}
        leave = Leave(leave_id, deal.deal_id, person, reason, actor, at, rows.OPEN, None, devices)
        rows.insert(tx, leave, [])
        rows.add(tx, self._rooms(deal, leave, accounts, who.seats(tx, deal, person, accounts)))
        rows.add(tx, self._devices(deal, leave, accounts))
        if any(c.person == person for c in standing(tx, deal.deal_id).signing.values()):
            withdraw_credentials(tx, deal.deal_id, person, at=at, actor=actor)
        for take in self._also:
            take(tx, deal, person, at, actor)
        return Began(leave, self._withdraw(tx, leave, at))

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
                if known.state is KeyState.VERIFIED and not self._for_good(name):
                    acts.append(replace(revoke, kind=KEY, due_at=0))
        return acts

    def _for_good(self, name: ConnectorName) -> bool:
        """Whether that channel's own store takes no key back that it once shut out."""
        network = self._connectors.get(name)
        return network is None or network.capabilities.most_members == 1

    def _withdraw(self, tx: Tx, leave: Leave, at: int) -> Withdrawn:
        """Takes back what is open for him alone."""
        been = {a.place for a in rows.acts_of(tx, leave.leave_id) if a.kind == ROOM and a.was_in}
        alone = sorted(place for place in been if self._of_one(place))
        return withdraw(tx, self._sealer, leave.deal_id, leave.person, alone, at)

    def _of_one(self, place: Place) -> bool:
        """Whether nobody else can be in a room of that channel."""
        network = self._connectors.get(place[0])
        return network is not None and network.capabilities.most_members == 1

    async def turn(self) -> None:
        """Tries what is due of every leave."""
        for leave in await self._store.read(rows.unfinished):
            await self.press(leave)

    async def press(self, leave: Leave) -> None:
        """Tries what is due of one leave, and says where it stands."""
        async with self._lock:
            deal = self._book.deals.get(leave.deal_id)
            if deal is None or leave.person not in deal.persons.left:
                return
            for kinds in ((ROOM, KEY, REVOKE), (ROTATE,)):
                await self._try(deal, leave, kinds)
            await self._store.write(lambda tx: self._stands(tx, leave))
        await self._late.tell(deal, leave)

    async def _try(self, deal: DealView, leave: Leave, kinds: tuple[str, ...]) -> None:
        """Tries what is due now, some of it at a time."""
        at, busy = self._now(), asyncio.Semaphore(AT_ONCE)
        acts = await self._store.read(lambda tx: rows.acts_of(tx, leave.leave_id))
        due = [a for a in acts if a.kind in kinds and a.seen_at is None and a.due_at <= at]
        await asyncio.gather(*(self._one(busy, deal, leave, act) for act in due))

    async def _one(
        self, busy: asyncio.Semaphore, deal: DealView, leave: Leave, act: LeaveAct
    ) -> None:
        async with busy:
            if act.kind == ROOM:
                await self._room(deal, leave, act)
            elif act.kind == ROTATE:
                await self._rotate(deal, leave, act)
            elif act.kind == KEY:
                await self._distrust(leave, act)
            else:
                await self._revoke(leave, act)

    async def _room(self, deal: DealView, leave: Leave, act: LeaveAct) -> None:
        """Out of one room: looked, asked, looked again."""
        members = await self._members(act)
        present = members is not None and any(m.account == act.account for m in members.members)
        if members is not None and members.complete and not present and not act.was_in:
            await self._out(act, members.read_at, "not_in")
            return
        if present and self._is_mailing(act.place):
            await self._close(leave, replace(act, was_in=True))
            return
        if present and not act.was_in:
            act = replace(act, was_in=True)
            await self._store.write(lambda tx: rows.inside(tx, act))
        if not act.was_in:
            await self._again(act, "unreadable")
            return
        asked = Act(ActKind.REMOVE, act.connector, act.place[1], act.account, leave.person, "left")
        done = await self._hands.do(deal, asked, cause=leave.cause, actor=leave.actor)
        self._observer.forget(*act.place)
        if done.outcome is Outcome.SEEN:
            await self._out(act, done.at, "gone")
        else:
            await self._again(act, coded(done.why or done.outcome.value))

    def _is_mailing(self, place: Place) -> bool:
        """Whether a room is one reader's, whom no network could put out."""
        return self._of_one(place) and not isinstance(
            self._connectors.get(place[0]), ChangesMembers
        )

    async def _close(self, leave: Leave, act: LeaveAct) -> None:
        """Ends a mailing of his: it is no room of its conversation any more."""
        found, at = self._book.room(*act.place), self._now()

        def unit(tx: Tx) -> None:
            rows.inside(tx, act)
            rows.seen(tx, act, at, CLOSED)
            if found is None or found[0].deal_id != leave.deal_id:
                return
            withdraw(tx, self._sealer, leave.deal_id, leave.person, (act.place,), at)
            body: dict[str, Json] = {**room_body(found[1]), "because": "left"}
            append(tx, leave.deal_id, Kind.ROOM_REPLACED, body, at=at, actor=leave.actor)
            tx.run("DELETE FROM seat WHERE connector = ? AND room = ?", act.place)
            tx.run("DELETE FROM room WHERE connector = ? AND room = ?", act.place)

        await self._store.write(unit)
        await self._book.reload(self._store, leave.deal_id)

    async def _members(self, act: LeaveAct) -> MemberSnapshot | None:
        if act.connector not in self._connectors:
            return None
        return (await self._observer.reading(act.place, self._now())).members

    async def _out(self, act: LeaveAct, at: int, why: str) -> None:
        """Seen gone; what is sent there from now on is to be sealed without him."""
        rotates = act.was_in and isinstance(self._connectors.get(act.connector), RotatesRoomKeys)

        def unit(tx: Tx) -> None:
            rows.seen(tx, act, at, why)
            if rotates:
                rows.add(tx, [replace(act, kind=ROTATE, tries=0, due_at=0, why=None)])

        await self._store.write(unit)

    async def _rotate(self, deal: DealView, leave: Leave, act: LeaveAct) -> None:
        asked = Act(ActKind.ROTATE, act.connector, act.place[1], None, None, "left")
        done = await self._hands.do(deal, asked, cause=leave.cause, actor=leave.actor)
        if done.outcome is Outcome.SEEN:
            await self._store.write(lambda tx: rows.seen(tx, act, done.at, "rotated"))
        else:
            await self._again(act, coded(done.why or done.outcome.value))

    async def _distrust(self, leave: Leave, act: LeaveAct) -> None:
        """Has the network's own store never seal to a device again."""
        at, why = self._now(), await self._shut(leave, act)
        if why is not None:
            await self._again(act, why)
            return
        await self._store.write(lambda tx: rows.seen(tx, act, at, "distrusted"))

    async def _shut(self, leave: Leave, act: LeaveAct) -> str | None:
        """Asks the network's store; why it could not be done, None where it was."""
        network = self._connectors.get(act.connector)
        if network is None:
            return "channel_closed"
        if isinstance(network, VerifiesPeers):
            try:
                await network.distrust(act.account, _device(leave, act))
            except ConnectorError as error:
                return coded(error.code)
        return None

    async def _revoke(self, leave: Leave, act: LeaveAct) -> None:
        """Withdraws a key for good, unless it is out already; then it is sealed to no more."""
        account, device = (act.connector, act.account), _device(leave, act)

        def unit(tx: Tx) -> None:
            with suppress(NotPossible):
                self._keyring.withdraw(
                    tx, leave.deal_id, account, device, KeyEvent.REVOKE,
                    at=self._now(), actor=leave.actor,
                )  # fmt: skip

        await self._store.write(unit)
        await self._distrust(leave, act)

    async def _again(self, act: LeaveAct, why: str) -> None:
        at = self._now()
        await self._store.write(lambda tx: rows.again(tx, act, at, why))

    def _stands(self, tx: Tx, leave: Leave) -> None:
        """Takes back what opened meanwhile, and ends the leave once all of it was seen."""
        at = self._now()
        self._withdraw(tx, leave, at)
        acts = [a for a in rows.acts_of(tx, leave.leave_id) if leave.awaits(a)]
        if leave.state != rows.OPEN or any(a.seen_at is None for a in acts):
            return
        last = max((a.seen_at or 0 for a in acts), default=leave.began_at)
        if rows.end(tx, leave, rows.GONE, last):
            append(tx, leave.deal_id, Kind.PERSON_GONE, gone_body(leave, acts, last), at=at,
                   actor=ACTOR)  # fmt: skip
            close_findings(tx, leave.deal_id, LATE, leave.person, at)


def gone_body(leave: Leave, acts: Sequence[LeaveAct], last: int) -> dict[str, Json]:
    """What states that everything was read back without somebody: how much, and how long it took.

    Args:
        leave: whose.
        acts: what it took, each seen.
        last: the last read-back, microseconds UTC.
    """
    rooms = [a for a in acts if a.kind == ROOM]
    return {
        "person": leave.person,
        "leave": leave.leave_id,
        "took_us": max(0, last - leave.began_at),
        "removed": sum(a.was_in for a in rooms),
        "never_in": sum(not a.was_in for a in rooms),
        "channels": [
            {"channel": name, "seen": sum(a.connector == name for a in rooms)}
            for name in sorted({a.connector for a in rooms})
        ],
    }


def _device(leave: Leave, act: LeaveAct) -> Device:
    """The device with the key that it had when its owner left."""
    return Device(act.device, leave.devices[f"{act.connector}/{act.account}"][act.subject])
