"""The same decision again, just before the wire, on facts read now.

Rules kept here:

1. Between routing and sending a clearance may have ended, a wall gone up, a key changed, a timer
   been switched off: each of these stops the delivery and holds its message.
2. The readers that are cleared here go with the delivery, with their devices where the tier
   demands it, so that the connector refuses whatever changed in the last instant.
3. For VALUATION the room is read within the very drain that sends.
4. What a bot handed in goes only while its token is in force, unless a person settled it himself.
5. Several rooms of a conversation are looked at together (``orchestrator.flow.whole``).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from connectors.port.messages import Attachment, Content, Delivery, Device, Reader
from orchestrator.clock import DAY, MINUTE, Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.flow import bots
from orchestrator.flow.agreed import may_go_down, may_send_document
from orchestrator.flow.body import Body, FileBody, unpack
from orchestrator.flow.documents import covering_page, marked
from orchestrator.flow.port import ReadsRooms
from orchestrator.flow.standing import Standing
from orchestrator.flow.thread import Threads
from orchestrator.flow.whole import Whole
from orchestrator.outbox.item import Item
from orchestrator.outbox.port import (
    OURS,
    Cleared,
    Due,
    HeldAs,
    MessageFacts,
    NotYet,
    Over,
    Stopped,
    Verdict,
)
from orchestrator.outbox.withdraw import RECALLED
from orchestrator.seal.body import Unlocked
from orchestrator.seal.errors import SealError
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store
from tiers.conversation import RoomBinding
from tiers.decision import Decision, Effect, Reason, all_of
from tiers.documents import decide_copy, needs_second_person
from tiers.guarantees import Guarantee
from tiers.ids import (
    AccountId,
    ConnectorName,
    ConversationId,
    DealId,
    DeliveryKey,
    PersonId,
    RemoteId,
    RoomId,
    RuleId,
)
from tiers.policy import TierPolicy
from tiers.routing import Placed, RoomView
from tiers.tier import Tier

_RULES = 3
"""Named in the code of a refused copy: an audit entry holds short codes."""
_NOTICE_FOR = 14 * DAY
"""For how long a notice waits for its reader to come into his line."""

DevicesOf = Callable[[tuple[ConnectorName, RoomId]], Mapping[AccountId, frozenset[Device]]]


class FlowGuard:
    """Implements ``orchestrator.outbox.port.Guard``.

    Args:
        book: deals in force.
        rooms: reads rooms back.
        devices: the devices of each member of a room at its last reading.
        store: for files of a message.
        sealer: opens them.
        now: the clock.
        clock_trusted: whether time may permit anything.
        stopping: holds what is stopped (``orchestrator.flow.stopped``).
        edits: whether a network can change what was sent.
    """

    def __init__(
        self,
        book: Book,
        rooms: ReadsRooms,
        devices: DevicesOf,
        store: Store,
        sealer: Sealer,
        now: Clock,
        clock_trusted: Callable[[], bool],
        stopping: Callable[[Due, tuple[Reason, ...]], Awaitable[HeldAs]],
        edits: Callable[[ConnectorName], bool],
    ) -> None:
        self._book = book
        self._rooms = rooms
        self._devices = devices
        self._store = store
        self._sealer = sealer
        self._now = now
        self._clock_trusted = clock_trusted
        self._standing = Standing()
        self._whole = Whole(rooms, store, now)
        self._threads = Threads(store, edits)
        self._stopping = stopping

    async def clear(self, due: Due, began: int) -> Verdict:
        """Whether and how this may be sent, by facts of the drain that ``began`` then."""
        if due.body is None:
            return Over("destroyed")
        ours = due.message.connector == OURS
        if ours and due.item.conversation_id is None:
            return await self._clear_notice(due, due.body, began)
        found = self._placed(due.item)
        if found is None and ours:
            return Over("room_gone")
        if found is None:
            return _stopped("room", "the deal, the conversation or the room is no longer in force")
        deal, placed, binding = found
        policy = deal.policy.tiers[placed.as_tier]
        now = self._now()
        if now - due.message.accepted_at > policy.body_for:
            return Over("expired")
        not_before = now - policy.fresh_for // 2  # half, so that it is still fresh when decided
        if placed.as_tier is Tier.VALUATION or due.message.document:
            not_before = max(began, not_before)
        view = await self._rooms.view(deal, binding, not_before=not_before)
        decide = self._copy if due.message.document else self._decide
        return await decide(due, due.body, deal, placed, view)

    async def _decide(
        self, due: Due, body: Unlocked, deal: DealView, placed: Placed, view: RoomView
    ) -> Verdict:
        if not await may_go_down(self._store, due.item):
            return _stopped("second_person", "two people must agree to its release, and have not")
        if (why := await self._bot_over(due.message, deal)) is not None:
            return _stopped(bots.RULE, why)
        decision = self._standing.decide(
            view, placed, deal, at=self._now(), clock_trusted=self._clock_trusted()
        )
        ours = due.message.connector == OURS
        if ours and not decision:
            return Over("room_not_fit")  # it has no author who could act; it is told anew
        if not ours:  # a notice of ours is told to each room by itself
            whole = await self._whole.decide(due.item, deal, placed, view)
            if not (decision and whole):
                return Stopped(all_of((decision, whole)).against)
        policy = deal.policy.tiers[placed.as_tier]
        readers = self._readers(view, pinned=_pins_devices(policy))
        try:
            content = await self._content(body)
        except SealError:
            return _stopped("sealed", "what was sealed cannot be opened any more")
        thread = await self._threads.of(due, deal)
        author = None if ours else _author(deal, due.message)
        if author is not None and thread.beside:
            author = f"{author} ({thread.beside})"
        delivery = _delivery(due, content, readers, author, thread.reply_to)
        return Cleared(delivery, policy.repeat_unknown, thread.edits)

    async def _bot_over(self, message: MessageFacts, deal: DealView) -> str | None:
        """Why nothing goes any more that a bot handed in; None where it may, or is no bot's."""
        why = bots.over(deal, (message.connector, message.remote_id), self._now())
        if why is None:
            return None
        settled = await self._store.read(lambda tx: bots.is_settled(tx, message.message_id))
        return None if settled else why

    async def _copy(
        self, due: Due, body: Unlocked, deal: DealView, placed: Placed, view: RoomView
    ) -> Verdict:
        """A formal document's copy, decided again by itself; refused, it stops no other copy."""
        item = due.item
        copy = await self._store.read(
            lambda tx: marked(tx, item.message_id, item.connector, item.room)
        )
        if copy is None or deal.policy.documents is None:
            return Over("copy_gone")
        if copy.recalled:
            return Over(RECALLED)
        at, trusted = self._now(), self._clock_trusted()
        decision = decide_copy(
            copy.reader, view, placed, deal.roster, deal.policy, at=at, clock_trusted=trusted
        )
        if not decision:
            return Over(_refused(decision))
        if needs_second_person(placed) and not await may_send_document(self._store, item):
            return Over("copy_refused:second_person")
        sender = _author(deal, due.message)
        try:
            content = await self._content(body)
        except SealError:
            return Over("sealed")
        page = covering_page(deal, copy, sender, due.message.accepted_at)
        content = replace(content, text=f"{page}\n\n{content.text}".rstrip())
        readers = self._readers(view, pinned=True)
        return Cleared(
            _delivery(due, content, readers, sender), deal.policy.documents.rules.repeat_unknown
        )

    async def _clear_notice(self, due: Due, body: Unlocked, began: int) -> Verdict:
        connector, room = ConnectorName(due.item.connector), RoomId(due.item.room)
        account = self._book.line_account(connector, room)
        if account is None or not self._book.reachable(connector, account, due.item.deal_id):
            return Over("nobody_on_the_list")
        now = self._now()
        if now - due.message.accepted_at > _NOTICE_FOR:
            return Over("expired")
        found = await self._rooms.line(connector, room, account, not_before=began)
        if found == "shared":
            return Over("line_not_private")
        if found != "private" or not self._clock_trusted():
            return NotYet(now + MINUTE)  # what is sealed before he comes in, he can never read
        content = await self._content(body)
        return Cleared(
            _delivery(due, content, frozenset({Reader(account)}), None), repeat_unknown=True
        )

    def _placed(self, item: Item) -> tuple[DealView, Placed, RoomBinding] | None:
        deal = self._book.deals.get(DealId(item.deal_id))
        found = self._book.room(ConnectorName(item.connector), RoomId(item.room))
        if deal is None or found is None or item.conversation_id is None:
            return None
        conversation = deal.conversations.get(ConversationId(item.conversation_id))
        if conversation is None or found[1].conversation_id != conversation.conversation_id:
            return None
        return deal, Placed(conversation, max(Tier(item.as_tier), conversation.floor)), found[1]

    def _readers(self, view: RoomView, *, pinned: bool) -> frozenset[Reader]:
        accounts = [*(r.account for r in view.recipients), *view.spare]
        if not pinned:
            return frozenset(Reader(account) for account in accounts)
        devices = self._devices((view.binding.connector, view.binding.room))
        return frozenset(Reader(account, devices.get(account, frozenset())) for account in accounts)

    async def _content(self, sealed: Unlocked) -> Content:
        body = unpack(sealed.read())
        files = [await self._file(f) for f in body.files]
        return Content(body.text, body.subject, tuple(files))

    async def _file(self, file: FileBody) -> Attachment:
        sealed = await self._store.read(partial(self._sealer.unlock, owner=file.file_id))
        return Attachment(file.name, file.media_type, file.size, sealed.stream)

    def repeats_unknown(self, item: Item) -> bool:
        """Whether a delivery of unknown outcome may be sent again, marked."""
        deal = self._book.deals.get(DealId(item.deal_id))
        return deal is not None and deal.policy.tiers[Tier(item.as_tier)].repeat_unknown

    async def stopped(self, due: Due, reasons: tuple[Reason, ...]) -> HeldAs:
        """Its author owns it and is told; the deal's owner is next."""
        return await self._stopping(due, reasons)


def held_as(deal: DealView | None, author: str | None, at: int) -> HeldAs:
    """Who owns a held message: its author, and after the deadline the deal's owner."""
    if deal is None:
        return HeldAs(author, None, at)
    out = deal.persons.left | deal.persons.paused
    listed = (p for p in deal.roster.people if p.person_id not in out)
    owners = [p.person_id for p in listed if p.role == "deal owner"]
    following = next((p for p in owners if p != author), None)
    return HeldAs(author or following, following, at + deal.policy.held_for)


def _refused(decision: Decision) -> str:
    """A code of why a copy does not go: the first rules that are against it."""
    rules = sorted({r.rule for r in decision.against})[:_RULES]
    return ":".join(("copy_refused", "/".join(rules))) if rules else "copy_refused"


def _stopped(rule: str, because: str) -> Stopped:
    return Stopped((Reason(RuleId(rule), Effect.HOLD, because),))


def _pins_devices(policy: TierPolicy) -> bool:
    demanded = any(d.guarantee is Guarantee.DEVICES_VERIFIED for d in policy.demands)
    return demanded or policy.changed_key_holds


def _author(deal: DealView, message: MessageFacts) -> str:
    person = deal.roster.person(PersonId(message.person_id)) if message.person_id else None
    name = person.name if person is not None else "unknown"
    return bots.named(name, deal, (message.connector, message.remote_id))


def _delivery(
    due: Due,
    content: Content,
    readers: frozenset[Reader],
    author: str | None,
    reply_to: RemoteId | None = None,
) -> Delivery:
    return Delivery(
        DeliveryKey(due.item.wire_key),
        RoomId(due.item.room),
        content,
        readers,
        author_line=author,
        reply_to=reply_to,
        attempt=2 if due.item.possibly else 1,
    )


def body_of(sealed: Unlocked) -> Body:
    """Opens a message's body."""
    return unpack(sealed.read())
