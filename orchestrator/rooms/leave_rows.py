"""What of somebody's leaving is still to be done or read back: rows that permit nothing.

Rules kept here:

1. That he left stands in the audit. A row here makes nobody leave and lets nobody back in: it only
   remembers what is to be tried again.
2. An act is over once it was seen, never because it was asked for.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from orchestrator.clock import MINUTE, SECOND
from orchestrator.store.unit import Row, Tx
from tiers.conversation import Place
from tiers.ids import AccountId, ConnectorName, DealId, DeviceId, PersonId, RoomId

ROOM, ROTATE, KEY, REVOKE = "room", "rotate", "key", "revoke"
"""Out of a room; its sending key thrown away; a device never sealed to again; its key withdrawn."""
_AWAITED = frozenset({ROOM, ROTATE, KEY})
IN_OTHER_HANDS = frozenset({"compromised", "lost", "phished", "stolen"})
"""Reasons for which keys are withdrawn at once: nothing brings them back."""
UNDO_FOR = 30 * MINUTE
"""For how long two people may undo a leave; then his keys are withdrawn for good."""
OPEN, GONE, UNDONE = "open", "gone", "undone"
LONGEST_PAUSE = 5 * MINUTE
_DOUBLINGS = 9
_LEAVE = "leave_id, deal_id, person_id, reason, actor, began_at, state, ended_at, devices"
_ACT = "leave_id, kind, connector, subject, account, was_in, seen_at, tries, due_at, why, timer"
Devices = Mapping[str, Mapping[str, str]]
"""By ``channel/account`` the key of each device."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Somebody's leaving.

    Attributes:
        reason: a code.
        actor: who took him out.
        state: ``open`` until all of it was seen, then ``gone``; ``undone`` by two people.
        ended_at: the last confirmed read-back, or the undoing.
        devices: what his accounts had when he left.
    """

    leave_id: str
    deal_id: DealId
    person: PersonId
    reason: str
    actor: str
    began_at: int
    state: str
    ended_at: int | None
    devices: Devices = field(repr=False)

    @property
    def cause(self) -> str:
        """What the audit names as the cause of an act that this leave takes."""
        return cause_of(self.leave_id)

    def awaits(self, act: "LeaveAct") -> bool:
        """Whether it is not over without this act."""
        return act.kind in _AWAITED or self.reason in IN_OTHER_HANDS


@dataclass(frozen=True, slots=True)
class LeaveAct:
    """One thing of it.

    Attributes:
        subject: a room; for a key, a device.
        was_in: a record or a reading says that he was in that room.
        seen_at: the instant of the reading that showed it done.
        tries: how often it was tried.
        due_at: when it is tried next.
        why: a code: what the last try came to.
        timer: of a room, its time to live as it was read back, microseconds; None for none.
    """

    leave_id: str
    kind: str
    connector: ConnectorName
    subject: str
    account: AccountId
    was_in: bool = False
    seen_at: int | None = None
    tries: int = 0
    due_at: int = 0
    why: str | None = None
    timer: int | None = None

    @property
    def place(self) -> Place:
        """Channel and room."""
        return self.connector, RoomId(self.subject)

    @property
    def device(self) -> DeviceId:
        """The device, of what is about a key."""
        return DeviceId(self.subject)


def cause_of(leave_id: str) -> str:
    """The cause of acts of a leave: a digest of its id, as entries may hold it."""
    return f"leave:{sha256(leave_id.encode()).hexdigest()}"


def insert(tx: Tx, leave: Leave, acts: Iterable[LeaveAct]) -> None:
    """Writes a leave down with everything that it takes."""
    tx.run(
        f"INSERT INTO leaving ({_LEAVE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - ours
        (
            *(leave.leave_id, leave.deal_id, leave.person, leave.reason, leave.actor),
            *(leave.began_at, leave.state, leave.ended_at, json.dumps(leave.devices)),
        ),
    )
    add(tx, acts)


def add(tx: Tx, acts: Iterable[LeaveAct]) -> None:
    """Adds what is to be done; what is there already stays as it is."""
    tx.many(
        f"INSERT OR IGNORE INTO leaving_act ({_ACT}) "  # noqa: S608 - our own columns
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(a.leave_id, a.kind, a.connector, a.subject, a.account),
                *(a.was_in, a.seen_at, a.tries, a.due_at, a.why, a.timer),
            )
            for a in acts
        ),
    )


def unfinished(tx: Tx) -> list[Leave]:
    """Leaves of which something is to be done, oldest first."""
    return _leaves(
        tx,
        "WHERE state = 'open' OR (state = 'gone' AND EXISTS (SELECT 1 FROM leaving_act a "
        "WHERE a.leave_id = leaving.leave_id AND a.seen_at IS NULL)) ORDER BY began_at",
        (),
    )


def of_deal(tx: Tx, deal_id: DealId) -> list[Leave]:
    """Every leave of a deal, newest first."""
    return _leaves(tx, "WHERE deal_id = ? ORDER BY began_at DESC", (deal_id,))


def newest(tx: Tx, deal_id: DealId, person: PersonId) -> Leave | None:
    """Somebody's last leave."""
    where = "WHERE deal_id = ? AND person_id = ? ORDER BY began_at DESC LIMIT 1"
    return next(iter(_leaves(tx, where, (deal_id, person))), None)


def acts_of(tx: Tx, leave_id: str) -> list[LeaveAct]:
    """All that a leave takes, in a fixed order."""
    rows = tx.all(
        f"SELECT {_ACT} FROM leaving_act WHERE leave_id = ? "  # noqa: S608 - our own columns
        "ORDER BY kind, connector, subject, account",
        (leave_id,),
    )
    return [_act(row) for row in rows]


def missing(tx: Tx, leave: Leave) -> list[LeaveAct]:
    """What a leave waits for and was not seen yet."""
    return [a for a in acts_of(tx, leave.leave_id) if leave.awaits(a) and a.seen_at is None]


def inside(tx: Tx, act: LeaveAct, timer: int | None) -> None:
    """Remembers that he was there, and the room's timer as it was read back."""
    _change(tx, act, "was_in = 1, timer = coalesce(?, timer)", (timer,))


def seen(tx: Tx, act: LeaveAct, at: int, why: str | None) -> None:
    """Ends an act: a reading that began at ``at`` (microseconds UTC) showed it done."""
    _change(tx, act, "seen_at = ?, tries = tries + 1, why = ?", (at, why))


def again(tx: Tx, act: LeaveAct, at: int, why: str) -> None:
    """Has an act tried again, later each time."""
    wait = min(LONGEST_PAUSE, SECOND << min(act.tries, _DOUBLINGS))
    _change(tx, act, "tries = tries + 1, due_at = ?, why = ?", (at + wait, why))


def end(tx: Tx, leave: Leave, state: str, at: int) -> bool:
    """Ends an open leave, or undoes one; whether it did."""
    before = (OPEN,) if state == GONE else (OPEN, GONE)
    return bool(
        tx.run(
            "UPDATE leaving SET state = ?, ended_at = ? WHERE leave_id = ? "
            "AND state IN (SELECT value FROM json_each(?))",
            (state, at, leave.leave_id, json.dumps(before)),
        )
    )


def reopen(tx: Tx, leave: Leave, act: LeaveAct) -> None:
    """Has somebody who is out looked for in one more room: he is not said to be gone meanwhile."""
    tx.run(
        "UPDATE leaving SET state = ?, ended_at = NULL WHERE leave_id = ? AND state = ?",
        (OPEN, leave.leave_id, GONE),
    )
    add(tx, [act])


def _change(tx: Tx, act: LeaveAct, what: str, values: tuple[object, ...]) -> None:
    tx.run(
        f"UPDATE leaving_act SET {what} WHERE leave_id = ? AND kind = ? "  # noqa: S608 - ours
        "AND connector = ? AND subject = ? AND account = ? AND seen_at IS NULL",
        (*values, act.leave_id, act.kind, act.connector, act.subject, act.account),
    )


def _leaves(tx: Tx, where: str, values: tuple[object, ...]) -> list[Leave]:
    rows = tx.all(f"SELECT {_LEAVE} FROM leaving {where}", values)  # noqa: S608 - our own text
    return [_leave(row) for row in rows]


def _leave(row: Row) -> Leave:
    leave_id, deal_id, person, reason, actor, began_at, state, ended_at, devices = row
    found = json.loads(devices)
    return Leave(
        leave_id, DealId(deal_id), PersonId(person), reason, actor, began_at, state, ended_at, found
    )


def _act(row: Row) -> LeaveAct:
    leave_id, kind, connector, subject, account, was_in, seen_at, tries, due_at, why, timer = row
    return LeaveAct(
        leave_id,
        kind,
        ConnectorName(connector),
        subject,
        AccountId(account),
        bool(was_in),
        seen_at,
        tries,
        due_at,
        why,
        timer,
    )
