"""What a reading of a room means: pins first devices, pauses what is not as it should be.

Rules kept here:

1. A reader whom nobody cleared, or a new device in a conversation that demands verified ones,
   pauses the room at once: nothing of ours goes out, its people are told in their own lines, and
   a finding opens. What people write there themselves goes on, and the notice says so.
2. A pause for such a reason ends when a later reading shows that the reason is gone, never because
   somebody clicked; a list that is not whole shows nothing. A pause by a person is ended by a
   person.
3. Nobody is removed here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import MINUTE, Clock
from orchestrator.deals.attested import lapsing_attestations, tell_attestations
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.callback import CALL_BACK
from orchestrator.deals.doubts import doubts_of, tell_doubts
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.deals.lapsing import lapsing, tell_lapsing
from orchestrator.deals.stated import BY_READING, pause_body
from orchestrator.keys.keyring import Keyring
from orchestrator.rooms.observe import Observer
from orchestrator.rooms.presence import Presences
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Conversation, RoomBinding
from tiers.ids import AccountId, ConnectorName
from tiers.people import Person
from tiers.policy import RecipientFacts
from tiers.routing import RoomView
from tiers.trust import KeyState

_AGAIN = 3
"""Views of one look at most."""
_TOLD_AT_ONCE = 8
"""Private lines opened at a time: each may be a room that has to be made first."""
PAUSED = "paused_by_person"
"""Rule of the finding that a person's pause opens and his resumption closes."""
_TRUSTED = frozenset({KeyState.PINNED, KeyState.VERIFIED})

Tell = Callable[[DealView, ConnectorName, AccountId, str], Awaitable[None]]
"""Tells one account something in its private line."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with who can read a room."""

    rule: str
    account: AccountId
    because: str


class Watcher:
    """Looks at rooms on events and on a schedule."""

    def __init__(
        self,
        store: Store,
        book: Book,
        observer: Observer,
        keyring: Keyring,
        now: Clock,
        tell: Tell,
        presences: Presences,
    ) -> None:
        self._store = store
        self._book = book
        self._observer = observer
        self._keyring = keyring
        self._now = now
        self._tell = tell
        self._presences = presences

    async def look(self, deal: DealView, binding: RoomBinding, *, not_before: int) -> RoomView:
        """Reads one room back and draws the consequences; returns what was read."""
        view = await self._observer.view(deal, binding, not_before=not_before)
        if view.facts.members_at is None:
            return view  # what cannot be read holds by itself and proves no change
        await self._see(deal, binding)
        for _ in range(_AGAIN):  # another look may write a device down between our two
            if not await self._record_devices(deal, binding, view) and not _overtaken(view):
                break
            view = await self._observer.view(deal, binding, not_before=not_before)
        conversation = deal.conversations[binding.conversation_id]
        found = tuple(self._troubles(deal, conversation, view))
        await self._draw(deal, binding, conversation, view, found)
        return view

    async def _see(self, deal: DealView, binding: RoomBinding) -> None:
        """Keeps the record of who is in a room."""
        members = (await self._observer.reading(binding.place, 1)).members
        if members is not None:
            ours = self._observer.ours(binding.connector)
            await self._presences.see(deal, binding, members, ours, self._now())

    async def look_at_all(self) -> None:
        """Reads every room back that a tier's freshness says is due."""
        now = self._now()
        await tell_doubts(self._store, doubts_of(self._book, self._keyring), now)
        await tell_lapsing(self._store, lapsing(self._book, self._keyring, now), now)
        await tell_attestations(self._store, lapsing_attestations(self._book, now), now)
        for deal, binding in self._book.rooms():
            floor = deal.conversations[binding.conversation_id].floor
            await self.look(deal, binding, not_before=now - deal.policy.tiers[floor].fresh_for)

    async def _record_devices(self, deal: DealView, binding: RoomBinding, view: RoomView) -> bool:
        place = (binding.connector, binding.room)
        known = {r.account for r in view.recipients if r.person is not None}
        devices = self._observer.devices(place)
        news = {
            account: fresh
            for account in known
            if (fresh := self._keyring.news((binding.connector, account), devices.get(account, ())))
        }
        if not news:
            return False
        at = self._now()

        def unit(tx: Tx) -> None:
            for account, fresh in news.items():
                key = (binding.connector, account)
                self._keyring.record_seen(tx, deal.deal_id, key, fresh, at=at)

        await self._store.write(unit)
        return True

    def _troubles(
        self, deal: DealView, conversation: Conversation, view: RoomView
    ) -> Iterable[Trouble]:
        now = self._now()
        for who in view.recipients:
            person = who.person
            if person is None:
                yield Trouble("unknown_member", who.account, "an account that is on no list is in")
            elif not _may_read(deal, conversation, person, now):
                yield Trouble("uncleared_member", who.account, _uncleared(deal, person))
            elif _new_device(who):
                yield Trouble("new_device", who.account, f"{person.name} has a new device or key")

    async def _draw(
        self,
        deal: DealView,
        binding: RoomBinding,
        conversation: Conversation,
        view: RoomView,
        found: tuple[Trouble, ...],
    ) -> None:
        verified = deal.policy.tiers[conversation.floor].devices_verified
        stops = [t for t in found if t.rule != "new_device" or verified]
        at = self._now()
        pausing = bool(stops) and binding.paused is None
        unseen = _unseen(view, verified=verified)
        resuming = not stops and not unseen and (binding.paused or "").startswith(BY_READING)
        subject = f"{binding.connector}:{binding.room}"
        open_rules = await self._store.read(lambda tx: _open_rules(tx, deal.deal_id, subject))
        gone = open_rules - {t.rule for t in found} - unseen
        if not (found or gone or pausing or resuming):
            return

        def unit(tx: Tx) -> None:
            for trouble in found:
                raised = Raised(trouble.rule, "high", (trouble.because,), _REMEDY[trouble.rule])
                raise_finding(tx, deal.deal_id, subject, raised, at)
            for rule in gone:
                close_findings(tx, deal.deal_id, rule, subject, at)
            if pausing:
                pause(tx, deal, binding, BY_READING + stops[0].because, stops[0].rule, at)
            if resuming and _paused_by_reading(tx, binding):
                resume(tx, deal, binding, at)

        await self._store.write(unit)
        if pausing or resuming:
            await self._book.reload(self._store, deal.deal_id)
        if pausing:
            stop = stops[0]
            await self._tell_all(deal, binding, conversation, view, stop.because, stop.rule)

    async def tell_closed(self, deal: DealView, view: RoomView) -> None:
        """Tells a room's cleared members, in their own lines, that its conversation was closed.

        Args:
            deal: as it was in force before.
            view: the room, as it was read then.
        """
        binding = view.binding
        conversation = deal.conversations[binding.conversation_id]
        text = (
            f"#{conversation.label} was closed. Nothing is taken there any more, and nobody of us "
            "reads there; you are taken out of its room."
        )
        await self._tell_each(deal, binding, conversation, view, text)

    async def tell_paused(self, deal: DealView, binding: RoomBinding, because: str) -> None:
        """Tells a room's cleared members, in their own lines, that a person paused it."""
        view = await self._observer.view(deal, binding, not_before=self._now() - MINUTE)
        conversation = deal.conversations[binding.conversation_id]
        await self._tell_all(deal, binding, conversation, view, because)

    async def _tell_all(
        self,
        deal: DealView,
        binding: RoomBinding,
        conversation: Conversation,
        view: RoomView,
        because: str,
        rule: str = PAUSED,
    ) -> None:
        text = (
            f"#{conversation.label} is paused: {because.rstrip('.')}. "
            "Nothing of ours goes out there. "
            "What people write in the room themselves still goes on: please wait."
            f"{_hint(rule)}"
        )
        await self._tell_each(deal, binding, conversation, view, text)

    async def _tell_each(
        self,
        deal: DealView,
        binding: RoomBinding,
        conversation: Conversation,
        view: RoomView,
        text: str,
    ) -> None:
        now, at_once = self._now(), asyncio.Semaphore(_TOLD_AT_ONCE)

        async def tell(account: AccountId) -> None:
            async with at_once:
                await self._tell(deal, binding.connector, account, text)

        cleared = [
            who.account
            for who in view.recipients
            if who.person is not None and _may_read(deal, conversation, who.person, now)
        ]
        await asyncio.gather(*map(tell, cleared))


_REMEDY = {
    "unknown_member": "wallcross plan, to put the account out; or add it to the roster",
    "uncleared_member": "wallcross plan, to put him out; or adopt a roster that clears him",
    "new_device": f"{CALL_BACK}; then wallcross person verify PERSON --by A --by B",
}


def _hint(rule: str) -> str:
    """A message about a changed key says how to ask about it."""
    return f" If you ask about it, {CALL_BACK}." if rule == "new_device" else ""


def in_words(paused: str | None) -> str | None:
    """Why a room is paused, for people: without our mark of a reading's pause."""
    return paused.removeprefix(BY_READING) if paused is not None else None


def by_person(binding: RoomBinding, why: str) -> Raised:
    """The finding that a person's pause is, until a person resumes it."""
    then = f"wallcross conv resume {binding.conversation_id}"
    return Raised(PAUSED, "high", (f"a person paused a room: {why}",), then)


def pause(
    tx: Tx,
    deal: DealView,
    binding: RoomBinding,
    why: str,
    rule: str,
    at: int,
    *,
    actor: str = "wallcross",
) -> None:
    """Stops a room: nothing of ours goes out. A person's pause takes the place of a reading's."""
    from_person = not why.startswith(BY_READING)
    changed = tx.run(
        "UPDATE room SET paused = ? WHERE connector = ? AND room = ? "
        "AND (paused IS NULL OR (? AND substr(paused, 1, ?) = ?))",
        (why, binding.connector, binding.room, from_person, len(BY_READING), BY_READING),
    )
    if not changed:
        return  # it is paused already, by a person
    body: dict[str, Json] = {**pause_body(binding, why), "reason": rule}
    append(tx, deal.deal_id, Kind.ROOM_PAUSED, body, at=at, actor=actor)


def resume(
    tx: Tx, deal: DealView, binding: RoomBinding, at: int, *, actor: str = "wallcross"
) -> None:
    """Lets a room go on."""
    tx.run(
        "UPDATE room SET paused = NULL WHERE connector = ? AND room = ?",
        (binding.connector, binding.room),
    )
    body = pause_body(binding, None)
    append(tx, deal.deal_id, Kind.ROOM_RESUMED, body, at=at, actor=actor)


def _may_read(deal: DealView, conversation: Conversation, person: Person, at: int) -> bool:
    """Whether somebody is cleared, on the right side of every wall, and of the right side."""
    roster, compartment = deal.roster, conversation.compartment
    return (
        roster.may_see(person.person_id, compartment, conversation.floor, at)
        and not roster.walled_off(person.person_id, compartment, at)
        and conversation.side in {None, person.side}
    )


def _uncleared(deal: DealView, person: Person) -> str:
    paused = person.person_id in deal.persons.paused
    return f"{person.name} is in, and is paused" if paused else f"{person.name} is in, uncleared"


def _unseen(view: RoomView, *, verified: bool) -> frozenset[str]:
    """What a reading cannot show to be gone: anything where the list of members is not whole."""
    if not view.facts.complete:
        return frozenset(_REMEDY)
    blind = verified and any(who.devices is None for who in view.recipients)
    return frozenset({"new_device"}) if blind else frozenset()


def _paused_by_reading(tx: Tx, binding: RoomBinding) -> bool:
    """Whether it still is: a person may have paused it since it was read."""
    sql = "SELECT paused FROM room WHERE connector = ? AND room = ?"
    row = tx.one(sql, (binding.connector, binding.room))
    return row is not None and (row[0] or "").startswith(BY_READING)


def _overtaken(view: RoomView) -> bool:
    """Whether a device of somebody listed was not known as the view was made, and is by now."""
    of_people = (who.devices or () for who in view.recipients if who.person is not None)
    return any(device.state is None for devices in of_people for device in devices)


def _new_device(who: RecipientFacts) -> bool:
    return who.devices is not None and any(d.state not in _TRUSTED for d in who.devices)


def _open_rules(tx: Tx, deal_id: str, subject: str) -> frozenset[str]:
    rows = tx.all(
        "SELECT rule FROM finding WHERE deal_id = ? AND subject = ? AND closed_at IS NULL",
        (deal_id, subject),
    )
    return frozenset(rule for (rule,) in rows) & frozenset(_REMEDY)
