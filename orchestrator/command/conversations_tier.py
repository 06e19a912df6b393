"""A conversation that counts as a stricter tier from now on; never as a less strict one.

Rules kept here:

1. Raising takes hold at once, by one person, in the unit that states it: from then on whoever is
   cleared for less is a reader too many, and a room that does not hold what the new tier demands
   is sent nothing. Who is to go is told; a plan puts him out.
2. To VALUATION, in a founded deal, its rooms stand still until two others signed for it.
3. What was said there before keeps its own tier, with whoever has it. So there is no way down: a
   room cannot be shown to hold nothing of its past, and who could read it is asked in afterwards.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.requests import Approved, ask, founded, waits
from orchestrator.audit.body import Json
from orchestrator.client.conversing import TierChange
from orchestrator.client.problems import Missing, Problem, Refused, Wrong
from orchestrator.command.conversations import conversation_of, deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.intents import MadeRoom
from orchestrator.deals.raising import RULE, raise_plan
from orchestrator.rooms.conversation_rows import raise_floor
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId, PersonId
from tiers.membership import against
from tiers.routing import Placed, RoomView, decide_together
from tiers.tier import Tier

NOTHING = "Nothing was changed."
Account = tuple[ConnectorName, AccountId]


@dataclass(frozen=True, slots=True)
class _Raise:
    """What is asked for, by whose word."""

    deal: DealView
    conversation: Conversation
    floor: Tier
    by: PersonId
    actor: str

    @property
    def raised(self) -> Conversation:
        return replace(self.conversation, floor=self.floor)

    @property
    def as_raised(self) -> DealView:
        """The deal as it would be, for a look."""
        cid = self.conversation.conversation_id
        return replace(self.deal, conversations={**self.deal.conversations, cid: self.raised})


class Raising:
    """Raises conversations."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def to(
        self, deal: DealId, name: str, tier: str, *, by: PersonId, only_look: bool, actor: str
    ) -> TierChange:
        """Has a conversation count as a stricter tier from now on.

        Args:
            deal: which.
            name: the conversation's label or id.
            tier: the stricter one.
            by: on whose word.
            only_look: says what it would come to, and changes nothing.
            actor: who holds the keyboard.

        Raises:
            Refused: it would lower it, or its row is not as the audit states it.
            Waits: two people have to agree before anything goes there.
        """
        asked = self._asked(deal, name, tier, by, actor)
        if only_look:
            return await self._told(asked, asked.as_raised, changed=False)
        waiting = asked.conversation.conversation_id in asked.deal.awaiting
        changed = asked.floor > asked.conversation.floor
        request = None
        if changed or waiting:
            at = self._r.now()
            request = await self._r.store.write(lambda tx: self._unit(tx, asked, at, new=changed))
            await self._r.book.reload(self._r.store, deal)
            await self._look(asked)
        view = deal_of(self._r, deal)
        if asked.conversation.conversation_id in view.awaiting:
            raise self._waits(view, asked, request)
        return await self._told(asked, view, changed=changed)

    def _asked(self, deal: DealId, name: str, tier: str, by: PersonId, actor: str) -> _Raise:
        view = deal_of(self._r, deal)
        conversation, floor = conversation_of(view, name), _tier(tier)
        if view.roster.person(by) is None:
            raise Missing(f"{by} is not on the roster", still=NOTHING, then="wallcross roster show")
        if floor < conversation.floor:
            raise _no_way_down(view, conversation, floor)
        if conversation.conversation_id in view.doubted:
            raise Refused(
                "Its row in the store is not the one that the audit states",
                still=NOTHING,
                then="wallcross audit verify",
            )
        return _Raise(view, conversation, floor, by, actor)

    def _unit(self, tx: Tx, asked: _Raise, at: int, *, new: bool) -> str | None:
        """States it where it is new, and asks whom it takes."""
        deal_id, cid = asked.deal.deal_id, asked.conversation.conversation_id
        if new:
            said = (asked.conversation, asked.floor, asked.by)
            raise_floor(tx, self._r.sealer, *said, at, asked.actor)
        if asked.floor is not Tier.VALUATION or not founded(tx, deal_id):
            return None
        try:
            plan = raise_plan(cid)
            return ask(tx, deal_id, plan, rule=RULE, at=at, actor=asked.actor)
        except NotAllowed:
            return None  # its rooms stand still until enough people may agree

    async def _look(self, asked: _Raise) -> None:
        """Reads its rooms back and draws the consequences, where they are open here."""
        if not self._r.live:
            return
        view = deal_of(self._r, asked.deal.deal_id)
        for binding in view.rooms.get(asked.conversation.conversation_id, ()):
            view = deal_of(self._r, asked.deal.deal_id)
            await self._r.watcher.look(view, binding, not_before=self._r.now())

    def _waits(self, view: DealView, asked: _Raise, request: str | None) -> Problem:
        label, still = asked.conversation.label, "Its rooms stand still until then."
        if request is None:
            return Refused(
                f"#{label} counts as valuation, and too few people may agree to that",
                still=still,
                then=f"wallcross approver enrol, then wallcross conv tier {label} valuation again",
            )
        told = f"#{label} counts as valuation from now on; two people must agree before it is used"
        gone = sorted({*_uncleared(view, asked.raised, self._last(view, asked), self._r.now())})
        if gone:
            still = f"{still} Not cleared, and in: {', '.join(gone)}."
        return waits(request, told, still)

    def _last(self, view: DealView, asked: _Raise) -> list[Account]:
        """Accounts of its rooms as they were last read."""
        rooms = view.rooms.get(asked.conversation.conversation_id, ())
        kept = ((b, self._r.observer.kept(b.place)) for b in rooms)
        return [
            (b.connector, m.account)
            for b, reading in kept
            if reading is not None and reading.members is not None
            for m in reading.members.members
            if m.account not in self._r.observer.ours(b.connector)
        ]

    async def _told(self, asked: _Raise, view: DealView, *, changed: bool) -> TierChange:
        cid, at = asked.conversation.conversation_id, self._r.now()
        made = view.conversations[cid]
        rooms: list[RoomView] = []
        if self._r.live:
            for binding in view.rooms.get(cid, ()):
                not_before = at - view.policy.tiers[made.floor].fresh_for
                rooms.append(await self._r.observer.view(view, binding, not_before=not_before))
        decided = decide_together(rooms, Placed(made, made.floor), view.roster, view.policy)
        no = decided.against if rooms else ()
        accounts = [(r.connector, r.account) for room in rooms for r in room.recipients]
        people = {str(r.person.person_id) for room in rooms for r in room.recipients if r.person}
        uncleared = {*_uncleared(view, made, accounts, at)}
        return TierChange(
            conversation_id=cid,
            label=made.label,
            was=asked.conversation.floor.value,
            floor=made.floor.value,
            changed=changed,
            uncleared=tuple(sorted(uncleared & people)),
            strangers=tuple(sorted(uncleared - people)),
            against=tuple(dict.fromkeys([*(r.because for r in no), *_unjournaled(view, made, at)])),
        )


class ConversationTiers:
    """Implements ``orchestrator.api.port_conversing.ConversingAccess``, of tiers."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def conv_tier(
        self, deal: DealId, name: str, tier: str, *, by: PersonId, only_look: bool, actor: str
    ) -> TierChange:
        """Has a conversation count as a stricter tier from now on; see ``Raising.to``."""
        raising = Raising(self._r)
        return await raising.to(deal, name, tier, by=by, only_look=only_look, actor=actor)


async def raise_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Lets a conversation carry VALUATION, to which two people agreed."""
    at, cid = runtime.now(), ConversationId(str(body["conversation"]))
    if cid not in deal_of(runtime, deal).awaiting:
        raise Missing("there is no such conversation that waits", then="wallcross conv list")
    await runtime.store.write(lambda tx: approved.finish(tx, at))
    await runtime.book.reload(runtime.store, deal)
    if runtime.live:
        for binding in deal_of(runtime, deal).rooms.get(cid, ()):
            view = deal_of(runtime, deal)
            await runtime.watcher.look(view, binding, not_before=runtime.now())


def _tier(name: str) -> Tier:
    try:
        return Tier(name.casefold())
    except ValueError:
        known = ", ".join(t.value for t in Tier)
        raise Wrong(f"{name} is no tier; there are {known}", still=NOTHING) from None


def _no_way_down(view: DealView, conversation: Conversation, floor: Tier) -> Refused:
    label = conversation.label
    rooms = view.rooms.get(conversation.conversation_id, ())
    owners = {p for b in rooms for p in view.made.get(b.place, MadeRoom()).owners or ()}
    owner = min(owners) if owners else "PERSON"
    return Refused(
        f"#{label} counts as {conversation.floor.value}, and no conversation is ever lowered:"
        " what its rooms carried is still there, for whoever is let in",
        still="It stays as strict as it is.",
        then=f"wallcross conv new NAME --tier {floor.value} --owner {owner},"
        f" then wallcross conv close {label}",
    )


def _uncleared(
    view: DealView, made: Conversation, accounts: Iterable[Account], at: int
) -> Iterator[str]:
    """Whoever may not read a conversation: the person's id, or an account that is nobody's."""
    for connector, account in accounts:
        owner = view.roster.owner(connector, account)
        who = owner.person_id if owner is not None else None
        if against(who, view.roster, made, at) is not None:
            yield account if who is None else who


def _unjournaled(view: DealView, made: Conversation, at: int) -> Iterator[str]:
    if not view.journaled(made, at):
        yield "there is no journal key for it and no signed decision of counsel"
