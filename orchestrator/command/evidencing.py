"""The controls of a deal's rooms as they are known now, with their grades, ages and names.

Rules kept here:

1. Nothing is claimed: a control is met only where what was read or attested meets what the room's
   tier demands, and what nobody says is said to be said by nobody.
2. An approval is told from its signatures, each verified when it is read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connectors.port.messages import MemberSnapshot
from orchestrator.approvals.requests import standing
from orchestrator.approvals.standing import Request, Standing
from orchestrator.client import views
from orchestrator.client.evidence import (
    ApprovalEvidence,
    ControlView,
    ConversationEvidence,
    EvidenceView,
    FindingEvidence,
    MemberKeyView,
    RoomEvidence,
)
from orchestrator.deals.book import DealView
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.guarantees import LAPSES, Demand, Evidence, Guarantee, Holding, Source
from tiers.ids import ConversationId
from tiers.trust import KeyState

Told = Mapping[tuple[str, str], tuple[tuple[str, ...], int]]
"""By room: who was told what it is, and when the last was."""
Devices = Mapping[str, frozenset[str]]
"""By account: its devices as a room's list tells them; an account whose list is not told is none
of it."""
_OUT = {state.value for state in (KeyState.SUPERSEDED, KeyState.REVOKED, KeyState.COMPROMISED)}


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows beside the rooms as read."""

    told: Told
    keys: Mapping[tuple[str, str], tuple[MemberKeyView, ...]]
    approvals: Standing
    findings: tuple[FindingEvidence, ...]
    devices: Mapping[tuple[str, str], Devices]


def devices_of(snapshot: MemberSnapshot | None) -> Devices:
    """By account the devices that a room's whole list tells; none of a list that is not whole."""
    if snapshot is None or not snapshot.complete:
        return {}
    return {
        member.account: frozenset(device.device for device in member.devices)
        for member in snapshot.members
        if member.devices is not None
    }


def read_kept(
    tx: Tx,
    deal: DealView,
    keys: Sequence[views.KeyView],
    devices: Mapping[tuple[str, str], Devices],
) -> Kept:
    """Reads what stands in the store.

    Args:
        tx: a snapshot.
        deal: in force.
        keys: the devices of its people, as they count now.
        devices: by room, as they were read back last.
    """
    told: dict[tuple[str, str], tuple[tuple[str, ...], int]] = {}
    for connector, room, account, at in tx.all(
        "SELECT connector, room, account, at FROM room_notice ORDER BY at, account"
    ):
        before, _ = told.get((connector, room), ((), 0))
        told[connector, room] = ((*before, account), at)
    rows = tx.all(
        "SELECT rule, subject, severity, first_seen FROM finding WHERE deal_id = ? "
        "AND closed_at IS NULL ORDER BY first_seen, rule, subject",
        (deal.deal_id,),
    )
    found = tuple(FindingEvidence(rule=r, subject=s, severity=v, since=at) for r, s, v, at in rows)
    return Kept(told, _keys(keys), standing(tx, deal.deal_id), found, devices)


def _keys(keys: Iterable[views.KeyView]) -> dict[tuple[str, str], tuple[MemberKeyView, ...]]:
    found: dict[tuple[str, str], tuple[MemberKeyView, ...]] = {}
    for key in keys:
        shown = MemberKeyView(
            person=key.person,
            account=key.account,
            device=key.device,
            state=key.state,
            at=key.at,
            by=key.vouchers,
        )
        place = (key.connector, key.account)
        found[place] = (*found.get(place, ()), shown)
    return found


def evidence_of(
    deal: DealView, shown: Sequence[views.ConversationView], kept: Kept, at: int, *, live: bool
) -> EvidenceView:
    """A deal's controls.

    Args:
        deal: in force.
        shown: its conversations, as read back where the home is live.
        kept: what the store knows.
        at: now, microseconds UTC.
        live: rooms were read back for it.
    """
    approvals = kept.approvals
    return EvidenceView(
        deal_id=deal.deal_id,
        code=deal.code,
        made_up=deal.made_up,
        phase=deal.phase.value,
        at=at,
        live=live,
        policy=deal.policy.hash,
        roster=deal.roster_hash,
        founded_at=approvals.founded_at,
        approvers=tuple(sorted({c.person for c in approvals.credentials.values()})),
        conversations=tuple(_conversation(deal, one, kept, at) for one in shown),
        approvals=tuple(_approval(r, at) for r in approvals.requests.values()),
        findings=kept.findings,
    )


def _conversation(
    deal: DealView, shown: views.ConversationView, kept: Kept, at: int
) -> ConversationEvidence:
    made = deal.conversations[ConversationId(shown.conversation_id)]
    return ConversationEvidence(
        conversation_id=made.conversation_id,
        label=shown.label,
        floor=made.floor.value,
        compartment=made.compartment,
        side=made.side,
        journal=_journal(deal, made, at),
        against=shown.against,
        rooms=tuple(_room(deal, made, room, kept, at) for room in shown.rooms),
    )


def _journal(deal: DealView, made: Conversation, at: int) -> str | None:
    scope = deal.scope(made)
    if scope in deal.journal.keyed:
        return deal.journal.keys[scope]
    return "exempt" if deal.journaled(made, at) else None


def _room(
    deal: DealView, made: Conversation, room: views.RoomView, kept: Kept, at: int
) -> RoomEvidence:
    demands = {d.guarantee: d for d in deal.policy.tiers[made.floor].demands}
    told, told_at = kept.told.get((room.connector, room.room), ((), None))
    accounts = {
        account
        for person in deal.roster.people
        if room.members is not None and person.person_id in room.members
        for connector, account in person.accounts.items()
        if connector == room.connector
    }
    keys = {account: kept.keys.get((room.connector, account), ()) for account in sorted(accounts)}
    listed = kept.devices.get((room.connector, room.room), {})
    compared = _compared(room, [_counting(of, listed.get(who)) for who, of in keys.items()])
    return RoomEvidence(
        connector=room.connector,
        room=room.room,
        host=room.host,
        mode=room.mode,
        paused=room.paused,
        read_at=room.read_at,
        complete=room.complete,
        members=room.members or (),
        strangers=room.strangers,
        controls=tuple(
            _control(guarantee, demands.get(guarantee), _holding(room, guarantee, compared), at)
            for guarantee in Guarantee
        ),
        keys=tuple(key for of in keys.values() for key in of),
        told=told,
        told_at=told_at,
    )


def _counting(
    keys: tuple[MemberKeyView, ...], listed: frozenset[str] | None
) -> tuple[MemberKeyView, ...]:
    """The keys that may read: one that was shut out does no more once no list shows its device."""
    return tuple(
        key for key in keys if key.state not in _OUT or listed is None or key.device in listed
    )


def _compared(room: views.RoomView, keys: Collection[tuple[MemberKeyView, ...]]) -> Holding | None:
    """That people compared the keys of everybody in a room: concluded, whatever its network says.

    A device that was shut out is no compared one while it stands on its owner's list still.
    """
    if room.read_at is None or not room.complete or room.strangers or not keys:
        return None
    if any({key.state for key in of} != {KeyState.VERIFIED.value} for of in keys):
        return None
    kind = Guarantee.DEVICES_VERIFIED
    return Holding(kind, Evidence.VERIFIED, Source.CRYPTOGRAPHY, room.read_at)


def _holding(
    room: views.RoomView, guarantee: Guarantee, compared: Holding | None
) -> Holding | None:
    """The surest word on a promise."""
    if guarantee is Guarantee.DEVICES_VERIFIED:
        return compared
    said = [_held(g) for g in room.guarantees if g.guarantee == guarantee.value]
    return max(said, key=lambda h: (h.evidence, h.at), default=None)


def _held(shown: views.GuaranteeView) -> Holding:
    evidence, source = Evidence[shown.evidence.upper()], Source(shown.source)
    kind = Guarantee(shown.guarantee)
    return Holding(kind, evidence, source, shown.at, shown.value, by=shown.by)


def _control(
    guarantee: Guarantee, demand: Demand | None, held: Holding | None, at: int
) -> ControlView:
    lasts = None if held is None else LAPSES.get(held.evidence)
    return ControlView(
        guarantee=guarantee.value,
        value=None if held is None else held.value,
        demanded=None if demand is None else demand.least.name.lower(),
        met=demand is None or (held is not None and demand.met_by((held,), at)),
        evidence=None if held is None else held.evidence.name.lower(),
        source=None if held is None else held.source.value,
        by=None if held is None else held.by,
        at=None if held is None else held.at,
        lapses_at=None if held is None or lasts is None else held.at + lasts,
    )


def _approval(request: Request, at: int) -> ApprovalEvidence:
    lapsed = "lapsed" if at >= request.expires_at else "open"
    refused = "refused" if request.no_by is not None else lapsed
    return ApprovalEvidence(
        request=request.request_id,
        verb=request.plan.verb,
        plan=request.plan.hash,
        state="done" if request.done_at is not None else refused,
        asked_by=request.asked_by,
        asked_at=request.asked_at,
        signed=tuple(sorted(request.yes)),
        done_at=request.done_at,
    )
