"""Conversations and their rooms: made from the adopted roster, read back, attested, paused."""

from collections.abc import Iterable, Sequence

from orchestrator.approvals.requests import founded
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused, Unready, Wrong
from orchestrator.command import asking
from orchestrator.command.asking import room_of
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.command.showing import ReadRoom, plain, shown
from orchestrator.deals.book import DealView
from orchestrator.deals.findings import close_findings, raise_finding
from orchestrator.deals.raising import AWAITS
from orchestrator.deals.stated import BY_READING, attested_body
from orchestrator.flow import room_notice
from orchestrator.rooms.provision import Made
from orchestrator.rooms.watch import PAUSED, by_person, pause, resume
from orchestrator.store.unit import Tx
from tiers.contact import may_begin
from tiers.conversation import Conversation, RoomBinding
from tiers.guarantees import Guarantee
from tiers.ids import DealId, PersonId


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


def over() -> Refused:
    """What is told of anything that a deal takes no more, since it was closed for good."""
    return Refused(
        "This deal was closed for good: it takes nothing any more, and does not open again",
        still="Its record and its journal stay.",
    )


def conversation_of(deal: DealView, name: str) -> Conversation:
    """An open conversation by label or id.

    Raises:
        Refused: it was closed.
        Missing: there is none.
    """
    found = _called(deal.conversations.values(), name)
    if len(found) == 1:
        return found[0]
    if not found and _called(deal.closed.values(), name):
        raise Refused(
            f"{name} was closed",
            still="Nothing is taken there any more, for good.",
            then="wallcross conv list says what is open",
        )
    raise Missing(f"the deal has no conversation {name}", then="wallcross conv list")


def ever_of(deal: DealView, name: str) -> Conversation:
    """A conversation by label or id, open or closed; an open one goes before. Raises: Missing."""
    was = _called(deal.closed.values(), name)
    if len(was) == 1 and not _called(deal.conversations.values(), name):
        return was[0]
    return conversation_of(deal, name)


def _called(talks: Iterable[Conversation], name: str) -> list[Conversation]:
    label = name.removeprefix("#").casefold()
    return [c for c in talks if c.label.casefold() == label or c.conversation_id == name]


def _check_contacts(deal: DealView, new: views.NewConversation, at: int) -> None:
    """Refuses a conversation whose owner begins with somebody whom he reaches by others alone.

    Raises:
        Refused: none of that person's delegates sits in it.
    """
    seated = {PersonId(member) for member in new.members or ()}
    for member in sorted(seated - {new.owner}):
        talks = deal.conversations.values()
        found = may_begin(PersonId(new.owner), member, deal.roster, talks, at)
        if found.because == "through_delegates" and not seated & {*found.through}:
            through = " or ".join(found.through)
            raise Refused(
                f"{new.owner} shares no conversation with {member}, who is reached by delegates",
                still="Nothing was made.",
                then=f"let {through} begin, or take one of them in",
            )


class Conversations:
    """Implements ``orchestrator.api.port.ConversationAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def conv_list(self, deal: DealId) -> Sequence[views.ConversationView]:
        """All conversations of a deal, those that were closed last."""
        view = deal_of(self._r, deal)
        return [plain(view, c) for c in (*view.conversations.values(), *view.closed.values())]

    async def conv_show(self, deal: DealId, name: str) -> views.ConversationView:
        """One conversation, its rooms read back where the home is live."""
        view = deal_of(self._r, deal)
        found = ever_of(view, name)
        if found.conversation_id in view.closed:
            return plain(view, found)
        return await self._shown(view, found)

    async def conv_new(
        self, deal: DealId, new: views.NewConversation, *, actor: str
    ) -> views.ConversationView:
        """Makes, hardens, invites and reads back."""
        must_live(self._r)
        view = deal_of(self._r, deal)
        await self._must_be_founded(view)
        request = asking.conversation(new, view)
        _check_contacts(view, new, self._r.now())
        made = await self._r.provisioner.make(view, request, actor=actor)
        where = " or ".join(request.connectors)
        told = tuple(f"{person} has no account on {where}" for person in made.without_account)
        return await self._made(deal, made, told)

    async def _must_be_founded(self, deal: DealView) -> None:
        """A real deal has people who agree to what gives access before it has a room."""
        if deal.made_up or await self._r.store.read(lambda tx: founded(tx, deal.deal_id)):
            return
        raise Refused(
            "The deal is not founded: nobody could agree to what gives access",
            still="Nothing was made.",
            then=f"wallcross approver enrol, then wallcross deal found {deal.code}",
        )

    async def conv_room_add(
        self, deal: DealId, name: str, new: views.NewRoom, *, actor: str
    ) -> views.ConversationView:
        """Makes the rooms of one more channel, or an alternate to a room, and reads back."""
        must_live(self._r)
        view = deal_of(self._r, deal)
        await self._must_be_founded(view)
        conversation = conversation_of(view, name)
        further = asking.room(new, view, conversation)
        made = await self._r.provisioner.add(view, conversation, further, actor=actor)
        return await self._made(deal, made, ())

    async def _made(
        self, deal: DealId, made: Made, told: tuple[str, ...]
    ) -> views.ConversationView:
        await self.settle(deal, made)
        view = deal_of(self._r, deal)
        return await self._shown(view, made.conversation, told)

    async def settle(self, deal: DealId, made: Made) -> None:
        """Reads new rooms back and draws the consequences.

        Raises:
            Refused: their conversation was closed while they were being made.
        """
        for binding in made.bindings:
            view = deal_of(self._r, deal)
            if binding.conversation_id not in view.conversations:
                await self._r.closing.press(deal, binding.conversation_id)
                raise Refused(
                    f"#{made.conversation.label} was closed while its room was being made",
                    still="Nothing goes there; whoever is in is put out.",
                    then=f"wallcross conv close {made.conversation.label}",
                )
            await self._r.watcher.look(view, binding, not_before=self._r.now())
            await self._tell_room(binding)

    async def _shown(
        self, deal: DealView, conversation: Conversation, told: tuple[str, ...] = ()
    ) -> views.ConversationView:
        if not self._r.live:
            return plain(deal, conversation)
        rooms = deal.rooms.get(conversation.conversation_id, ())
        read = [await self._read(deal, binding) for binding in rooms]
        return shown(deal, conversation, read, self._r.now(), told)

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
        if conversation.conversation_id in view.awaiting:
            raise Refused(
                AWAITS.capitalize(),
                still="Its rooms stand still.",
                then="wallcross approve list",
            )
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
        found = room_of(deal, room)
        if found is not None:
            return found
        conversation = conversation_of(deal, room)
        rooms = deal.rooms.get(conversation.conversation_id, ())
        if len(rooms) != 1:
            raise Missing(f"{room} has {len(rooms)} rooms; name one", then="wallcross conv show")
        return rooms[0]

    async def _read(self, deal: DealView, binding: RoomBinding) -> ReadRoom:
        now = self._r.now()
        view = await self._r.observer.view(deal, binding, not_before=now - 1_000_000)
        reading = await self._r.observer.reading(binding.place, now - 60_000_000)
        return ReadRoom(view, reading.posture)


def _subject(binding: RoomBinding) -> str:
    return f"{binding.connector}:{binding.room}"


def _guarantee(name: str) -> Guarantee:
    try:
        return Guarantee(name)
    except ValueError:
        known = ", ".join(g.value for g in Guarantee)
        raise Wrong(f"{name} is no guarantee; there are {known}") from None
