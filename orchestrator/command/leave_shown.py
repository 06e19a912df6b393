"""A leave as people are shown it: per channel what was asked, seen and not confirmed, and when.

Rule kept here: *seen* is said of what was read back, and of nothing else.
"""

from collections.abc import Mapping

from orchestrator.audit.body import named
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.leaves import HoldsView, LeaveStep, LeaveView
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.rooms import leave_rows as rows
from orchestrator.rooms import leave_who as who
from orchestrator.rooms.leave import CLOSED
from orchestrator.rooms.leave_begin import Began
from orchestrator.rooms.leave_holds import Holds, holds
from orchestrator.rooms.leave_rows import IN_OTHER_HANDS, UNDO_FOR, Leave, LeaveAct
from orchestrator.store.unit import Tx
from tiers.conversation import Place

_NO_NAME = "a room of this deal"


def undoable(leave: Leave, at: int) -> bool:
    """Whether two people may still undo it: in time, and not where keys are in other hands."""
    if leave.state == rows.UNDONE or leave.reason in IN_OTHER_HANDS:
        return False
    return at < leave.began_at + UNDO_FOR


async def shown(
    runtime: Runtime, deal: DealView, leave: Leave, began: Began | None = None
) -> LeaveView:
    """A leave with its steps and what he may still hold.

    Args:
        runtime: the home.
        deal: in force.
        leave: as it is now.
        began: of a leave that began just now: what became of open deliveries.
    """
    acts = await runtime.store.read(lambda tx: rows.acts_of(tx, leave.leave_id))
    been = {a.place for a in acts if a.kind == rows.ROOM and a.was_in}
    timers = {a.place: a.timer for a in acts if a.kind == rows.ROOM and a.timer is not None}
    single = {n for n, c in runtime.connectors.items() if c.capabilities.most_members == 1}
    single |= {a.connector for a in acts if a.why == CLOSED}

    def read(tx: Tx) -> list[Holds]:
        accounts = {named(a) for _, a in who.accounts_of(tx, deal, leave.person)}
        return holds(
            tx, deal.deal_id, leave.person, sorted(been), accounts, timers, single, leave.began_at
        )

    found = await runtime.store.read(read)
    labels = await runtime.store.read(lambda tx: _labels(tx, deal))
    at = runtime.now()
    last = max((a.seen_at or 0 for a in acts if leave.awaits(a)), default=0) or None
    person = deal.roster.person(leave.person) or await runtime.store.read(
        lambda tx: who.former(tx, deal, leave.person)
    )
    gone = began.withdrawn if began is not None else None
    return LeaveView(
        leave_id=leave.leave_id,
        person=leave.person,
        name=person.name if person is not None else leave.person,
        reason=leave.reason,
        by=leave.actor,
        began_at=leave.began_at,
        state=leave.state,
        last_seen_at=last,
        took=None if last is None else max(0, last - leave.began_at),
        undo_until=leave.began_at + UNDO_FOR if undoable(leave, at) else None,
        steps=tuple(_step(labels, leave, act, at) for act in acts),
        holds=tuple(holds_view(h) for h in found),
        withdrawn=gone.stopped if gone else 0,
        possibly=gone.possibly if gone else 0,
        under_way=gone.under_way if gone else 0,
        told=_told(leave),
    )


def _step(labels: Mapping[Place, str], leave: Leave, act: LeaveAct, at: int) -> LeaveStep:
    of_room = act.kind in {rows.ROOM, rows.ROTATE}
    return LeaveStep(
        kind=act.kind,
        channel=act.connector,
        what=labels.get(act.place, _NO_NAME) if of_room else act.subject,
        room=act.subject if of_room else None,
        state=_state(leave, act, at),
        was_in=act.was_in,
        seen_at=act.seen_at,
        tries=act.tries,
        why=act.why,
    )


def _state(leave: Leave, act: LeaveAct, at: int) -> str:
    if act.seen_at is not None:
        return "seen"
    if leave.state == rows.UNDONE:
        return "undone"
    if act.kind == rows.REVOKE and act.tries == 0 and act.due_at > at:
        return "later"
    return "not_confirmed"


def _labels(tx: Tx, deal: DealView) -> dict[Place, str]:
    """The conversation's name of every room that the deal ever had."""
    talks = {**deal.closed, **deal.conversations}
    return {
        (said.body["channel"], said.body["room"]): made.label
        for said in stated(tx, deal.deal_id)
        if said.kind == Kind.ROOM_CREATED
        and (made := talks.get(said.body["conversation"])) is not None
    }


def holds_view(found: Holds) -> HoldsView:
    """What somebody may still hold, as it is told."""
    return HoldsView(
        channel=found.connector,
        tier=found.tier.value,
        delivered=found.delivered,
        possibly=found.possibly,
        written=found.written,
        last_at=found.last_at,
        how=found.how.value,
        until=found.until,
    )


def _told(leave: Leave) -> tuple[str, ...]:
    if leave.state == rows.UNDONE:
        return ("He is back in no room yet: wallcross plan says what lets him in.",)
    return ("Nothing of this deal is told to him in his private lines any more.",)
