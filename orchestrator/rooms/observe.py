"""Reads rooms back: their settings, members and devices, and how fresh that is.

Rules kept here:

1. A view is made of what the network said, with the instant before it was asked. What could not
   be read is absent from the view, never filled in from what was asked for.
2. Attestations raise what was only requested to *attested*, for the value they name, until they
   lapse after 30 days; they never raise anything to *verified*.
3. A hint that something changed throws the stored view away at once, and a reading that was under
   way when it came is made anew.
4. A key counts as what it is worth when the view is made, and the view ends when that changes.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from connectors.port.capabilities import Posture, Undo
from connectors.port.connector import Connector
from connectors.port.errors import ConnectorError
from connectors.port.messages import Device, Member, MemberSnapshot, Presence
from orchestrator.clock import DAY, Clock
from orchestrator.deals.book import DealView
from orchestrator.keys.keyring import Keyring
from orchestrator.rooms.known import LastKnown, known_as
from orchestrator.store.unit import Store
from tiers.conversation import Place, RoomBinding
from tiers.guarantees import Evidence, Holding
from tiers.ids import AccountId, ConnectorName, RoomId
from tiers.policy import DeviceFact, Grade, RecipientFacts, RoomFacts
from tiers.routing import Known, RoomView

log = structlog.get_logger(__name__)
LAPSES_AFTER = 30 * DAY


@dataclass(frozen=True, slots=True)
class Reading:
    """A room as the network told it; None for what could not be read."""

    posture: Posture | None
    members: MemberSnapshot | None

    def read_at(self) -> int:
        """The older of the two instants, 0 when one is missing."""
        if self.posture is None or self.members is None:
            return 0
        return min(self.posture.read_at, self.members.read_at)


@dataclass(frozen=True, slots=True)
class _Rests:
    """What a view rests on, but for attestations and counsel's decisions: they lapse with time."""

    reading: Reading
    deal: DealView
    binding: RoomBinding
    grade: Grade
    keys: int
    still: bool

    def same(self, other: "_Rests") -> bool:
        """Whether the other is of the very same reading, deal and keys."""
        of_this = self.reading is other.reading and self.deal is other.deal
        bound = self.binding is other.binding and self.grade is other.grade
        return of_this and bound and (self.keys, self.still) == (other.keys, other.still)


class Observer:
    """The only reader of rooms; keeps the last reading of each.

    Args:
        connectors: open connectors by name.
        keyring: states of keys.
        grades: the grade of each channel in this installation.
        store: for attestations.
        now: the clock.
        still: whether nothing goes out on a channel.
    """

    def __init__(
        self,
        connectors: Mapping[ConnectorName, Connector],
        keyring: Keyring,
        grades: Mapping[ConnectorName, Grade],
        store: Store,
        now: Clock,
        still: Callable[[ConnectorName], bool],
    ) -> None:
        self._connectors = connectors
        self._keyring = keyring
        self._grades = grades
        self._store = store
        self._now = now
        self._still = still
        self._last = LastKnown(store)
        self._readings: dict[Place, Reading] = {}
        self._locks: dict[Place, asyncio.Lock] = {}
        self._views: dict[tuple[Place, bool], tuple[_Rests, RoomView, int | None]] = {}
        self._hints: dict[Place, int] = {}
        self._read_at: dict[Place, int] = {}

    def stands_still(self, connector: ConnectorName) -> bool:
        """Whether nothing goes out on a channel: it is paused, or not open."""
        return self._still(connector)

    def ours(self, name: ConnectorName) -> frozenset[AccountId]:
        """Accounts of ours on a channel: the one that acts and, where there is one, its standby."""
        network = self._connectors.get(name)
        if network is None:
            return frozenset()
        standby = network.capabilities.standby
        return frozenset({network.account} if standby is None else {network.account, standby})

    def read_at(self, place: Place) -> int | None:
        """When a room was last read whole, also where that reading counts no more; None: never."""
        return self._read_at.get(place)

    def mode(self, place: Place) -> str | None:
        """The word that follows from what was read back: relay, witness or blind; None: unread."""
        reading = self._readings.get(place)
        if reading is None or reading.posture is None:
            return None
        if not reading.posture.read:
            return "blind"
        return "relay" if reading.posture.gate else "witness"

    def has_read(self, place: Place) -> bool:
        """Whether there is a reading of a room that was not thrown away."""
        return place in self._readings

    def kept(self, place: Place) -> Reading | None:
        """The last reading of a room as it is kept, its network not asked; None without one."""
        return self._readings.get(place)

    def forget(self, connector: ConnectorName, room: RoomId | None = None) -> None:
        """Throws readings away: of one room, or of the whole channel."""
        for place in [p for p in self._readings if p[0] == connector and room in {None, p[1]}]:
            self._readings.pop(place, None)
        self._hint(connector, room)

    def _hint(self, connector: ConnectorName, room: RoomId | None) -> None:
        """Has what is being read now read again."""
        for place, lock in self._locks.items():
            if lock.locked() and place[0] == connector and room in {None, place[1]}:
                self._hints[place] = self._hints.get(place, 0) + 1

    def forget_account(self, connector: ConnectorName, account: AccountId) -> tuple[RoomId, ...]:
        """Throws away the readings of every room that an account was seen in; returns the rooms."""
        rooms = tuple(
            room
            for (name, room), reading in self._readings.items()
            if name == connector
            and reading.members is not None
            and any(m.account == account for m in reading.members.members)
        )
        for room in rooms:
            self._readings.pop((connector, room), None)
        self._hint(connector, None)  # whose members are being read is not known yet
        return rooms

    async def reading(self, place: Place, not_before: int) -> Reading:
        """A reading that began at ``not_before`` (microseconds UTC) or later."""
        kept = self._readings.get(place)
        if kept is not None and kept.read_at() >= not_before:
            return kept
        async with self._locks.setdefault(place, asyncio.Lock()):
            kept = self._readings.get(place)
            if kept is None or kept.read_at() < not_before:
                kept = self._readings[place] = await self._read_whole(place)
                if at := kept.read_at():
                    self._read_at[place] = at
            return kept

    async def _read_whole(self, place: Place) -> Reading:
        """A reading; once more, and no oftener, where a hint came meanwhile."""
        hints = self._hints.get(place, 0)
        found = await self._read(place)
        if self._hints.get(place, 0) == hints:
            return found
        return await self._read(place)

    async def _read(self, place: Place) -> Reading:
        connector = self._connectors.get(place[0])
        if connector is None:
            return Reading(None, None)
        began = self._now()
        posture = members = None
        try:
            posture = replace(await connector.posture(place[1]), read_at=began)
            members = replace(await connector.members(place[1]), read_at=began)
        except ConnectorError:
            return Reading(posture, members)  # what is missing holds; the reason is in the health
        except Exception as error:  # noqa: BLE001 - foreign by nature: no other room waits for it
            log.warning("reading.failed", connector=place[0], error=type(error))
        return Reading(posture, members)

    async def view(
        self, deal: DealView, binding: RoomBinding, *, not_before: int, origin: bool = False
    ) -> RoomView:
        """A room with everything that a decision needs, read at ``not_before`` or later."""
        place = (binding.connector, binding.room)
        reading = await self.reading(place, not_before)
        grade = self._grades.get(binding.connector, Grade.NONE)
        still = self._still(binding.connector)
        rests = _Rests(reading, deal, binding, grade, self._keyring.changes, still)
        kept = self._views.get((place, origin))
        lapses = deal.attested.get(place) or deal.journal.decisions  # with time alone
        ends = kept[2] if kept is not None else None
        over = ends is not None and self._now() >= ends
        if kept is not None and rests.same(kept[0]) and not lapses and not over:
            return kept[1]
        view = self._view(rests, origin=origin)
        if len(deal.rooms.get(binding.conversation_id, ())) > 1:
            view = replace(view, known=await self._known(view))
        self._views[place, origin] = (rests, view, self._ends(rests))
        return view

    def _ends(self, rests: "_Rests") -> int | None:
        """When the first key of a room counts for less by time alone."""
        lasts, at = _verified_for(rests.deal, rests.binding), self._now()
        members = rests.reading.members.members if rests.reading.members is not None else ()
        found = (
            self._keyring.changes_after((rests.binding.connector, m.account), device, at, lasts)
            for m in members
            for device in m.devices or ()
        )
        return min((ends for ends in found if ends is not None), default=None)

    def seen(self, deal: DealView, binding: RoomBinding) -> RoomView | None:
        """A room by its kept reading, as it would be seen were ``deal`` in force; None without one.

        Nothing is asked of a network, kept, or allowed by it.
        """
        reading = self._readings.get(binding.place)
        if reading is None:
            return None
        name = binding.connector
        grade, still = self._grades.get(name, Grade.NONE), self._still(name)
        rests = _Rests(reading, deal, binding, grade, self._keyring.changes, still)
        return self._view(rests, origin=False)

    async def last_seen(self, binding: RoomBinding) -> RoomView:
        """A room as it was last read whole, its network not asked: nothing is allowed by it."""
        facts = RoomFacts(
            holdings=(),
            posture_at=None,
            members_at=None,
            complete=False,
            paused=binding.paused,
            grade=Grade.NONE,
            journal_ready=False,
            host=binding.host,
        )
        return RoomView(binding, facts, (), known=await self._last.recall(binding.place))

    async def _known(self, view: RoomView) -> Known | None:
        """The last whole reading of a room: this one, or an earlier one that was kept."""
        facts, place = view.facts, view.binding.place
        if facts.posture_at is None or facts.members_at is None or not facts.complete:
            return await self._last.recall(place)
        known = known_as(facts.holdings, (r.account for r in view.recipients))
        await self._last.keep(place, known, self._now())
        return known

    def _view(self, rests: "_Rests", *, origin: bool) -> RoomView:
        reading, deal, binding = rests.reading, rests.deal, rests.binding
        place = (binding.connector, binding.room)
        conversation = deal.conversations[binding.conversation_id]
        facts = RoomFacts(
            self._holdings(deal, place, reading),
            reading.posture.read_at if reading.posture else None,
            reading.members.read_at if reading.members else None,
            reading.members.complete if reading.members else False,
            binding.paused,
            rests.grade,
            deal.journaled(conversation, self._now()),
            binding.host,
        )
        recipients = self._recipients(deal, binding, reading)
        spare = self._spare(binding.connector, reading)
        return RoomView(binding, facts, recipients, origin, still=rests.still, spare=spare)

    def _spare(self, name: ConnectorName, reading: Reading) -> frozenset[AccountId]:
        """The account that stands by, where it is in."""
        if reading.members is None:
            return frozenset()
        others = self.ours(name) - {self._connectors[name].account}
        return others & {m.account for m in reading.members.members} if others else others

    def _holdings(self, deal: DealView, place: Place, reading: Reading) -> tuple[Holding, ...]:
        if reading.posture is None:
            return ()
        live = [h for h in deal.attested.get(place, ()) if self._now() - h.at < LAPSES_AFTER]
        return tuple(_raised(h, live) for h in reading.posture.holdings)

    def _recipients(
        self, deal: DealView, binding: RoomBinding, reading: Reading
    ) -> tuple[RecipientFacts, ...]:
        if reading.members is None:
            return ()
        name, lasts = binding.connector, _verified_for(deal, binding)
        ours = self.ours(name)
        others = [m for m in reading.members.members if m.account not in ours]
        at = self._now()
        return tuple(self._recipient(deal, name, m, lasts, at) for m in others)

    def _recipient(
        self, deal: DealView, name: ConnectorName, member: Member, lasts: int, at: int
    ) -> RecipientFacts:
        person = deal.roster.owner(name, member.account)
        if member.devices is None:
            return RecipientFacts(name, member.account, person, None)
        account = (name, member.account)
        devices = tuple(
            DeviceFact(d.device, self._keyring.counts(account, d, at, lasts))
            for d in sorted(member.devices, key=lambda d: d.device)
        )
        return RecipientFacts(name, member.account, person, devices)

    async def line(
        self, connector: ConnectorName, room: RoomId, account: AccountId, *, not_before: int
    ) -> Literal["private", "empty", "shared", "unread"]:
        """Whether a private line holds that account, ours, and nobody else.

        Returns:
            ``empty`` while he is only asked in, ``unread`` where the network did not tell all.
        """
        members = (await self.reading((connector, room), not_before)).members
        if members is None or not members.complete:
            return "unread"
        ours = self._connectors[connector].account
        present = {m.account: m.presence for m in members.members}
        if present.keys() != {account, ours}:
            return "shared"
        return "private" if present[account] is Presence.JOINED else "empty"

    async def joined(self, connector: ConnectorName, room: RoomId) -> frozenset[AccountId] | None:
        """Who is in a room by its last whole reading, ours left out; None without one."""
        members = (await self.reading((connector, room), 1)).members
        if members is None or not members.complete:
            return None
        ours = self.ours(connector)
        return frozenset(
            m.account
            for m in members.members
            if m.account not in ours and m.presence is Presence.JOINED
        )

    async def can_withdraw(self, connector: ConnectorName, room: RoomId) -> bool:
        """Whether the last reading says that we can take back what others wrote in a room."""
        posture = (await self.reading((connector, room), 1)).posture
        return posture is not None and posture.undo is Undo.ANYBODY

    def devices(self, place: Place) -> Mapping[AccountId, frozenset[Device]]:
        """Devices of every member at the last reading."""
        reading = self._readings.get(place)
        if reading is None or reading.members is None:
            return {}
        return {m.account: m.devices for m in reading.members.members if m.devices is not None}


def _verified_for(deal: DealView, binding: RoomBinding) -> int:
    """For how long a ceremony speaks in a room: the least of its floor and every tier above."""
    floor = deal.conversations[binding.conversation_id].floor
    return min(rules.verified_for for tier, rules in deal.policy.tiers.items() if tier >= floor)


def _raised(holding: Holding, attested: Iterable[Holding]) -> Holding:
    if holding.evidence is not Evidence.REQUESTED:
        return holding
    for found in attested:
        if found.guarantee is holding.guarantee and _covers(found, holding):
            return replace(found, value=holding.value)
    return holding


def _covers(attested: Holding, requested: Holding) -> bool:
    """An attestation speaks for the value that it names, and for no other."""
    return attested.value == requested.value
