"""What becomes of a message, decided first and written down in one unit.

Rule kept here: journal, state, deliveries and audit entry are in the same transaction. A message
that is not journaled (or exempt by a signed decision) is not moved from where it waits.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.deals.book import DealView
from orchestrator.deals.counsel import JournalEntry
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.flow.body import Body
from orchestrator.flow.documents import Addressed, write_copies
from orchestrator.flow.notices import Notice
from orchestrator.flow.past import Past, is_old, past_of
from orchestrator.flow.port import Journals, KnowsTexts
from orchestrator.ids import new_id
from orchestrator.outbox import rows
from orchestrator.outbox.marks import Origin, Placing, mark
from orchestrator.outbox.port import OURS, HeldAs
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Tx
from tiers.classify import Classification
from tiers.conversation import Conversation
from tiers.decision import Reason
from tiers.ids import AccountId, ConnectorName, RoomId
from tiers.routing import Held, Route
from tiers.tier import Strength, Tier
from tiers.winnowing import Prints


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message's row as routing needs it."""

    message_id: str
    deal_id: str
    connector: ConnectorName
    remote_id: str
    room: RoomId | None
    sender: AccountId
    person_id: str | None
    named: str | None
    reply_to: str | None
    unreadable: str | None
    accepted_at: int
    state: str
    tier: str | None
    readers: str | None = None
    """Of a formal document: whom its sender named, JSON; None for everything else."""
    taken_back_at: int | None = None
    """When its author deleted it on his network."""
    planted: bool = False
    """This home did not write it so: it goes nowhere, and nobody releases it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A notice and where it goes.

    Attributes:
        conversation: whose room it is; None for a private line.
    """

    notice: Notice
    connector: ConnectorName
    room: RoomId
    conversation: Conversation | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A line of an author to us, acted on; it goes to nobody."""

    tier: Tier
    acted: str
    """What came of it, as a code."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written for one message.

    Attributes:
        outcome: where it goes, or why it is held.
        withdraw: the network's name of the message to take back, where it was written by its
            author into a room that we can take it back from.
    """

    row: Waiting
    deal: DealView | None
    outcome: Route | Held | Answered
    journal: JournalEntry | None
    classification: Classification | None
    held: HeldAs
    told: Told | None = None
    raised: tuple[tuple[str, Raised], ...] = ()
    """Findings to open, each with its subject."""
    withdraw: str | None = None
    addressed: Addressed | None = None
    """Of a formal document: what was decided of each copy."""
    facts: dict[str, Json] = field(default_factory=dict)
    prints: Prints | None = None
    """What is kept of it where it goes to a conversation; None: nothing."""

    def tier(self) -> Tier:
        """What the classifier said, else what the message is treated as."""
        if self.classification is not None:
            return self.classification.tier
        return self.outcome.placed.as_tier if isinstance(self.outcome, Route) else self.outcome.tier

    def conversation_id(self) -> str | None:
        """The conversation that it goes to, or that its author meant."""
        if isinstance(self.outcome, Route):
            return self.outcome.placed.conversation.conversation_id
        if isinstance(self.outcome, Held) and self.outcome.conversation is not None:
            return self.outcome.conversation.conversation_id
        return None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes plans."""

    sealer: Sealer
    journals: Journals
    wake: Callable[[str, int, Tx], None]
    texts: KnowsTexts | None = None
    went_on_at: int = 0
    """When this home, which was restored from a backup, was let go on; 0: it never was restored."""

    def write(self, tx: Tx, plan: Plan, at: int) -> None:
        """Writes one plan; the message must still be in the state it was planned from."""
        if plan.journal is not None:
            self.journals.insert(tx, plan.journal, at)
        _write_tier(tx, plan)
        if plan.addressed is not None:
            write_copies(tx, plan.row, plan.addressed, plan.held.owner, at)
        if isinstance(plan.outcome, Route):
            self.route(tx, plan, plan.outcome, at)
            self._keep(tx, plan, plan.outcome, at)
        elif isinstance(plan.outcome, Held):
            self._hold(tx, plan, plan.outcome, at)
        else:
            self._settle(tx, plan, plan.outcome, at)
        for subject, raised in plan.raised:
            raise_finding(tx, plan.row.deal_id, subject, raised, at)
        if plan.told is not None:
            self.tell(tx, plan.row.deal_id, plan.told, at)

    def _keep(self, tx: Tx, plan: Plan, route: Route, at: int) -> None:
        """Keeps what a text is known by again, under the tier that its conversation declares."""
        if self.texts is None or plan.prints is None or plan.deal is None:
            return
        floor = route.placed.conversation.floor
        self.texts.keep(tx, plan.deal, plan.row.message_id, plan.prints, floor, at)

    def _settle(self, tx: Tx, plan: Plan, answered: Answered, at: int) -> None:
        tx.expect(
            "UPDATE message SET state = 'delivered', settled_at = ? "
            "WHERE message_id = ? AND state = ?",
            (at, plan.row.message_id, plan.row.state),
        )
        body: dict[str, Json] = {"message": plan.row.message_id, "acted": answered.acted}
        append(tx, plan.row.deal_id, Kind.MESSAGE_SETTLED, body, at=at, actor=rows.ACTOR)
        rows.destroy_body(tx, self.sealer, plan.row.message_id)

    def route(self, tx: Tx, plan: Plan, route: Route, at: int) -> None:
        """Writes the deliveries of a message that is in the state it was planned from.

        A room that has it, or may have it, since an earlier way of it is not given it again.
        """
        past = past_of(tx, plan.row.message_id) if plan.row.state != "accepted" else Past()
        old = is_old(tx, plan.row.message_id, self.went_on_at)
        if plan.row.state != "accepted":
            rows.supersede(tx, plan.row.message_id, at)
        legs = [leg for leg in route.legs if leg.binding.place not in past.had]
        state = "delivering" if route.legs else "delivered"
        tx.expect(
            "UPDATE message SET state = ?, settled_at = ? WHERE message_id = ? AND state = ?",
            (state, None if route.legs else at, plan.row.message_id, plan.row.state),
        )
        append(
            tx, plan.row.deal_id, Kind.MESSAGE_ROUTED, _routed(plan, route), at=at, actor=rows.ACTOR
        )
        blocks = (  # one reader's copy keeps no later one of his waiting
            plan.deal is not None
            and plan.row.readers is None
            and plan.deal.policy.tiers[route.placed.as_tier].poison_blocks
        )
        for leg in legs:
            lane = rows.enqueue(
                tx,
                kind="send",
                message_id=plan.row.message_id,
                deal_id=plan.row.deal_id,
                conversation_id=route.placed.conversation.conversation_id,
                connector=leg.binding.connector,
                room=leg.binding.room,
                as_tier=route.placed.as_tier.value,
                blocks=blocks,
                possibly=old or leg.binding.place in past.doubtful,
                at=at,
            )
            self.wake(lane, at, tx)
        if not route.legs:
            rows.destroy_body(tx, self.sealer, plan.row.message_id)
        elif not legs:
            rows.finish(tx, self.sealer, (plan.row.message_id,), at)

    def _hold(self, tx: Tx, plan: Plan, held: Held, at: int) -> None:
        conversation = held.conversation.conversation_id if held.conversation else None
        rows.hold(
            tx,
            message_id=plan.row.message_id,
            deal_id=plan.row.deal_id,
            conversation_id=conversation,
            tier=held.tier.value,
            reasons=held.decision.against,
            held=plan.held,
            expected=plan.row.state,
            at=at,
        )
        if plan.withdraw is not None and plan.row.room is not None:
            lane = rows.enqueue(
                tx,
                kind="undo",
                message_id=plan.row.message_id,
                deal_id=plan.row.deal_id,
                conversation_id=conversation,
                connector=plan.row.connector,
                room=plan.row.room,
                as_tier=held.tier.value,
                blocks=False,
                target=plan.withdraw,
                at=at,
            )
            self.wake(lane, at, tx)

    def tell(self, tx: Tx, deal_id: str, told: Told, at: int) -> str:
        """Writes a notice of ours into the lane of its room; returns the message's id."""
        message_id, conversation = new_id("msg"), told.conversation
        tier = conversation.floor if conversation is not None else Tier.COORDINATION
        packed = Body(told.notice.text).pack()
        origin = Origin(message_id, deal_id, OURS, message_id, told.room, OURS, *(None,) * 6)
        tx.run(
            "INSERT INTO message (message_id, deal_id, connector, remote_id, room, sender, sent_at,"
            " accepted_at, size, state, tier, mark)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'delivering', ?, ?)",
            (*origin[:6], at, at, len(packed), tier.value, mark(tx.pen, origin)),
        )
        self.sealer.insert(tx, self.sealer.prepare(deal_id, message_id, packed))
        lane = rows.enqueue(
            tx,
            kind="send",
            message_id=message_id,
            deal_id=deal_id,
            conversation_id=conversation.conversation_id if conversation is not None else None,
            connector=told.connector,
            room=told.room,
            as_tier=tier.value,
            blocks=False,
            at=at,
        )
        body: dict[str, Json] = {"message": told.notice.about, "room": told.room}
        append(tx, deal_id, Kind.ROOM_TOLD, body, at=at, actor=rows.ACTOR)
        self.wake(lane, at, tx)
        return message_id


def _write_tier(tx: Tx, plan: Plan) -> None:
    found = plan.classification
    strength = found.strength if found is not None else Strength.NONE
    placing = Placing(plan.row.message_id, plan.conversation_id(), plan.tier().value)
    tx.run(
        "UPDATE message SET conversation_id = ?, tier = ?, strength = ?, facts = ?, placed = ? "
        "WHERE message_id = ?",
        (
            *(*placing[1:], strength.value, json.dumps(plan.facts), mark(tx.pen, placing)),
            plan.row.message_id,
        ),
    )


def _routed(plan: Plan, route: Route) -> dict[str, Json]:
    return {
        "message": plan.row.message_id,
        "conversation": route.placed.conversation.conversation_id,
        "as_tier": route.placed.as_tier.value,
        "asked": route.placed.asked,
        "rooms": [leg.binding.room for leg in route.legs],
        **plan.facts,
    }


def reasons_text(reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    """The distinct reasons in words."""
    return tuple(dict.fromkeys(r.because for r in reasons))
