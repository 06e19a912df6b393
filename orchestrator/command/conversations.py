"""Conversations and their rooms: made from the adopted roster, read back, attested, paused."""

from collections.abc import Sequence

from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused, Unready, Wrong
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import DealView
from orchestrator.deals.findings import close_findings, raise_finding
from orchestrator.deals.stated import BY_READING, attested_body
from orchestrator.flow import room_notice
from orchestrator.rooms.provision import Request
from orchestrator.rooms.watch import PAUSED, by_person, in_words, pause, resume
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation, RoomBinding
from tiers.guarantees import Guarantee
from tiers.ids import CompartmentId, ConnectorName, DealId, PersonId, RoomId, SideId
from tiers.tier import Tier


def deal_of(runtime: Runtime, deal_id: DealId) -> DealView:
    """A deal in force. Raises: Unready before roster and policy are adopted."""
    deal = runtime.book.deals.get(deal_id)
    if deal is None:
        raise Unready(
            "the deal has no adopted roster and policy",
            still="Nothing is sent for it.",
            then="wallcross roster import FILE",
        )
    return deal


def conversation_of(deal: DealView, name: str) -> Conversation:
    """A conversation by label or id. Raises: Missing."""
    label = name.removeprefix("#").casefold()
    found = [
        c
        for c in deal.conversations.values()
        if c.label.casefold() == label or c.conversation_id == name
    ]
    if len(found) != 1:
        raise Missing(f"the deal has no conversation {name}", then="wallcross conv list")
    return found[0]


class Conversations:
    """Implements ``orchestrator.api.port.ConversationAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def conv_list(self, deal: DealId) -> Sequence[views.ConversationView]:
        """All conversations of a deal."""
        view = deal_of(self._r, deal)
        return [self._plain(view, c) for c in view.conversations.values()]

    async def conv_show(self, deal: DealId, name: str) -> views.ConversationView:
        """One conversation, its rooms read back where the home is live."""
        view = deal_of(self._r, deal)
        conversation = conversation_of(view, name)
        if not self._r.live:
            return self._plain(view, conversation)
        rooms = view.rooms.get(conversation.conversation_id, ())
        return self._conversation_view(
            view, conversation, [await self._read(view, b) for b in rooms]
        )

    async def conv_new(
        self, deal: DealId, new: views.NewConversation, *, actor: str
    ) -> views.ConversationView:
        """Makes, hardens, invites and reads back."""
        must_live(self._r)
        view = deal_of(self._r, deal)
        made = await self._r.provisioner.make(view, _request(new), actor=actor)
        view = deal_of(self._r, deal)
        await self._r.watcher.look(view, made.binding, not_before=self._r.now())
        await self._tell_room(made.binding)
        view = deal_of(self._r, deal)
        read = await self._read(view, self._binding(view, made.binding.room))
        told = tuple(f"{person} has no account on {new.channel}" for person in made.without_account)
        return self._conversation_view(view, made.conversation, [read], told)

    async def _tell_room(self, binding: RoomBinding) -> None:
        """Has a room told who hosts it, as soon as somebody is in."""
        lane = f"{room_notice.LANE}{binding.connector}/{binding.room}"
        await self._r.store.write(lambda tx: self._r.engine.wake(lane, 0, tx))

    async def conv_attest(
        self,
        deal: DealId,
        room: str,
        guarantee: str,
        value: int | None,
        *,
        by: PersonId,
        actor: str,
    ) -> views.ConversationView:
        """Records that a named person saw a guarantee of a room."""
        view = deal_of(self._r, deal)
        if view.roster.person(by) is None:
            raise Missing(f"{by} is not on the roster", then="wallcross roster show")
        binding, kind = self._binding(view, room), _guarantee(guarantee)
        if (value is None) == (kind is Guarantee.TIMER):
            raise Wrong("a timer is attested with the value that was seen, nothing else with one")
        at = self._r.now()

        def unit(tx: Tx) -> None:
            place = (deal, binding.connector, binding.room)
            row = tx.one(
                "INSERT INTO attestation (deal_id, connector, room, guarantee, value, person_id,"
                " at, actor) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " RETURNING n, deal_id, connector, room, guarantee, value, person_id, at",
                (*place, kind.value, value, by, at, actor),
            )
            body = attested_body(row) if row is not None else {}
            append(tx, deal, Kind.ROOM_ATTESTED, body, at=at, actor=actor)

        await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal)
        self._r.observer.forget(binding.connector, binding.room)
        return await self.conv_show(deal, binding.conversation_id)

    async def conv_pause(
        self, deal: DealId, name: str, reason: str, *, actor: str
    ) -> views.ConversationView:
        """Stops what we send into a conversation's rooms; ``reason`` is a short code."""
        view = deal_of(self._r, deal)
        conversation = conversation_of(view, name)
        at, why = self._r.now(), reason.strip()
        if why.startswith(BY_READING):
            raise Wrong(f"a reason that begins with {BY_READING} is not a person's")

        def unit(tx: Tx) -> None:
            for binding in view.rooms.get(conversation.conversation_id, ()):
                pause(tx, view, binding, why, "person", at, actor=actor)
                raise_finding(tx, deal, _subject(binding), by_person(binding, why), at)

        await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal)
        if self._r.live:
            for binding in view.rooms.get(conversation.conversation_id, ()):
                await self._r.watcher.tell_paused(view, binding, why)
        return await self.conv_show(deal, conversation.conversation_id)

    async def conv_resume(self, deal: DealId, name: str, *, actor: str) -> views.ConversationView:
        """Lets a conversation go on that a person paused."""
        must_live(self._r)
        view = deal_of(self._r, deal)
        conversation = conversation_of(view, name)
        paused = [b for b in view.rooms.get(conversation.conversation_id, ()) if b.paused]
        if any((b.paused or "").startswith(BY_READING) for b in paused):
            raise Refused(
                "it was paused by what was read in the room",
                still="It stays paused.",
                then="put that right; the next reading lets it go on",
                details=[(b.paused or "").removeprefix(BY_READING) for b in paused],
            )
        at = self._r.now()

        def unit(tx: Tx) -> None:
            for binding in paused:
                resume(tx, view, binding, at, actor=actor)
                close_findings(tx, deal, PAUSED, _subject(binding), at)

        await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal)
        return await self.conv_show(deal, conversation.conversation_id)

    def _binding(self, deal: DealView, room: str) -> RoomBinding:
        for found in deal.rooms.values():
            for binding in found:
                if binding.room == room:
                    return binding
        conversation = conversation_of(deal, room)
        rooms = deal.rooms.get(conversation.conversation_id, ())
        if len(rooms) != 1:
            raise Missing(f"{room} has {len(rooms)} rooms; name one", then="wallcross conv show")
        return rooms[0]

    async def _read(self, deal: DealView, binding: RoomBinding) -> views.RoomView:
        now = self._r.now()
        view = await self._r.observer.view(deal, binding, not_before=now - 1_000_000)
        place = (ConnectorName(binding.connector), RoomId(binding.room))
        posture = (await self._r.observer.reading(place, now - 60_000_000)).posture
        return views.RoomView(
            connector=binding.connector,
            room=binding.room,
            host=binding.host,
            mode=_mode(posture.gate, posture.read) if posture else None,
            undo=posture.undo.value if posture else None,
            paused=in_words(binding.paused),
            read_at=view.facts.members_at,
            complete=view.facts.complete,
            members=tuple(r.person.person_id if r.person else r.account for r in view.recipients),
            strangers=tuple(r.account for r in view.recipients if r.person is None),
            guarantees=tuple(
                views.GuaranteeView(
                    guarantee=h.guarantee.value,
                    value=h.value,
                    evidence=h.evidence.name.lower(),
                    source=h.source.value,
                    by=h.by,
                    at=h.at,
                )
                for h in view.facts.holdings
            ),
        )

    def _plain(self, deal: DealView, conversation: Conversation) -> views.ConversationView:
        rooms = [
            views.RoomView(
                connector=b.connector,
                room=b.room,
                host=b.host,
                mode=None,
                undo=None,
                paused=in_words(b.paused),
                read_at=None,
                complete=False,
                members=None,
                strangers=(),
                guarantees=(),
            )
            for b in deal.rooms.get(conversation.conversation_id, ())
        ]
        return self._conversation_view(deal, conversation, rooms)

    def _conversation_view(
        self,
        deal: DealView,
        conversation: Conversation,
        rooms: Sequence[views.RoomView],
        told: tuple[str, ...] = (),
    ) -> views.ConversationView:
        return views.ConversationView(
            conversation_id=conversation.conversation_id,
            deal_id=deal.deal_id,
            label=conversation.label,
            floor=conversation.floor.value,
            compartment=conversation.compartment,
            side=conversation.side,
            state="open",
            rooms=tuple(rooms),
            told=told,
        )


def _subject(binding: RoomBinding) -> str:
    return f"{binding.connector}:{binding.room}"


def _request(new: views.NewConversation) -> Request:
    try:
        floor = Tier(new.floor)
    except ValueError:
        raise Wrong(
            f"{new.floor} is no tier", then="valuation, operations or coordination"
        ) from None
    members = frozenset(PersonId(m) for m in new.members) if new.members is not None else None
    return Request(
        new.label.removeprefix("#"),
        floor,
        ConnectorName(new.channel),
        PersonId(new.owner),
        CompartmentId(new.compartment),
        SideId(new.side) if new.side else None,
        members,
        new.gate,
    )


def _guarantee(name: str) -> Guarantee:
    try:
        return Guarantee(name)
    except ValueError:
        known = ", ".join(g.value for g in Guarantee)
        raise Wrong(f"{name} is no guarantee; there are {known}") from None


def _mode(gate: bool, read: bool) -> str:  # noqa: FBT001 - two facts of a room, in their order
    """The word that follows from the facts: never stored, never chosen by hand."""
    if not read:
        return "blind"
    return "relay" if gate else "witness"
