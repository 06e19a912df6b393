"""Gathers facts of a deal and has the rules run over them: each minute, and soon after it moved.

Rules kept here:

1. Rooms are read as old as their tier lets them be; nothing more is asked of a network for this.
2. What is slow to know (when keys of advisers end, who looked through the list) is asked once an
   hour, and after whatever somebody did about a finding. A key that ends soon is asked about each
   time, so that a renewed one ends its finding at once.
3. Devices of our own accounts are asked for while a finding is open that one of them is unknown.
4. A home that is not live gathers nothing, and its pages say that they cannot tell.
"""

import asyncio
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field

from connectors.port.connector import ForeseesKeys, OwnDevices
from connectors.port.errors import ConnectorError
from orchestrator.audit.anchors.run import unanchored
from orchestrator.audit.body import named
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.clock import HOUR, SECOND
from orchestrator.command.rotating import secrets_since
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.flow.guard import held_as
from orchestrator.risk.rules import EXPIRES_SOON, judge
from orchestrator.risk.run import forget, write
from orchestrator.risk.settle import own_open, settle, settle_home, settle_lost, settle_own
from orchestrator.risk.signals import (
    Certificate,
    Device,
    Listed,
    OwnKey,
    OwnListed,
    RecordSignal,
    RoomSignal,
    Seated,
    Signals,
)
from orchestrator.risk.volume import volumes
from orchestrator.risk.wrote import wrote
from orchestrator.roster.adoption import history
from orchestrator.store.unit import Tx
from tiers.conversation import Place, RoomBinding
from tiers.ids import ConnectorName, DealId, PersonId
from tiers.people import Person
from tiers.policy import RecipientFacts
from tiers.tier import Tier

AT_ONCE = 8
"""Rooms read at a time."""
SOONEST, SHARE = 10 * SECOND, 20
"""A deal that moves is looked at again after so long, and so many times what a look takes."""


@dataclass(slots=True)
class _Slow:
    """What was asked of a deal's keys, and when."""

    at: int
    certificates: tuple[Certificate, ...]
    adopted: int
    """When its first roster was adopted."""
    reviewed: int
    """When somebody looked through who may see what last; the first adoption where nobody did."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """A look that was had.

    Attributes:
        n: the newest entry of the deal's chain after it, those of the look's own included.
        again: when the next one may be had, microseconds UTC.
    """

    n: int
    again: int


@dataclass(slots=True)
class RiskLook:
    """Looks at every deal.

    Args:
        runtime: the open home.
    """

    runtime: Runtime
    _slow: dict[DealId, _Slow] = field(default_factory=dict)
    _unread: dict[Place, int] = field(default_factory=dict)
    _looked: dict[DealId, _Looked] = field(default_factory=dict)
    _waiting: set[DealId] = field(default_factory=set)

    async def look(self) -> None:
        """One look at each deal, and closed findings that are kept no longer are dropped."""
        for deal_id in tuple(self.runtime.book.deals):
            await self.look_at(deal_id)
        await self.look_at_home()
        await self.runtime.store.write(lambda tx: forget(tx, self.runtime.now()))

    async def look_at_home(self) -> None:
        """One look at what belongs to no deal, devices of our own accounts among it."""
        listed = await self._own_devices()
        at = self.runtime.now()

        def unit(tx: Tx) -> None:
            settle_home(tx, at)
            settle_own(tx, listed, at)

        await self.runtime.store.write(unit)

    async def _own_devices(self) -> list[OwnListed]:
        """Devices of our own accounts, of channels on which a finding is open about one."""
        subjects = await self.runtime.store.read(own_open) if self.runtime.live else frozenset()
        found = list[OwnListed]()
        for name in sorted({subject.partition(":")[0] for subject in subjects}):
            connector: object = self.runtime.connectors.get(ConnectorName(name))
            if not isinstance(connector, OwnDevices):
                continue
            at = self.runtime.now()
            with suppress(ConnectorError):  # what cannot be read is not known to be gone
                devices = await connector.own_devices()
                found.append(OwnListed(name, frozenset(d.device for d in devices), at))
        return found

    async def look_soon(self) -> None:
        """A look at one deal that was not looked at since the start, or that moved since.

        It is for every few seconds, so that a page need not wait for the minute. A deal that came
        just now waits a turn, and each turn looks at one: a start is busy enough. What moves all
        the time is looked at for a twentieth of the time at most.
        """
        fresh = set(self.runtime.book.deals) - set(self._looked)
        ready, self._waiting = sorted(fresh & self._waiting), fresh
        for deal_id in ready[:1] or await self._moved():
            await self.look_at(deal_id)

    async def _moved(self) -> list[DealId]:
        """The deal that was looked at longest ago of those in which something happened since."""
        now = self.runtime.now()
        due = [d for d, looked in self._looked.items() if now >= looked.again]
        ends = await self.runtime.store.read(lambda tx: {d: _newest(tx, d) for d in due})
        moved = [d for d in due if ends[d] != self._looked[d].n]
        return sorted(moved, key=lambda d: self._looked[d].again)[:1]

    async def look_at(self, deal_id: DealId, *, anew: bool = False) -> None:
        """One look at one deal; what is not in force is not looked at.

        Args:
            deal_id: which.
            anew: what is slow to know is asked again, too.
        """
        if anew:
            self._slow.pop(deal_id, None)
        deal = self.runtime.book.deals.get(deal_id)
        if deal is None or not self.runtime.live:
            return
        began = self.runtime.now()
        rooms = await self._rooms(deal)
        slow = await self._keys(deal)
        inside = {
            b.place: await self.runtime.presences.inside(deal, b.place) for b in _bindings(deal)
        }
        named_owner = held_as(deal, None, 0).owner
        owner = None if named_owner is None else PersonId(named_owner)

        signals = await self.runtime.store.read(
            lambda tx: self._signals(tx, deal, rooms, slow, inside)
        )
        ruling = await asyncio.to_thread(judge, signals)

        def unit(tx: Tx) -> None:
            write(tx, signals, ruling, owner)
            settle(tx, deal, signals.rooms, signals.at)
            settle_lost(tx, deal_id, self.runtime.book.lost, signals.at)

        await self.runtime.store.write(unit)
        ended = self.runtime.now()
        wait = max(SOONEST, SHARE * (ended - began))
        newest = await self.runtime.store.read(lambda tx: _newest(tx, deal_id))
        self._looked[deal_id] = _Looked(newest, ended + wait)

    def _signals(
        self,
        tx: Tx,
        deal: DealView,
        rooms: tuple[RoomSignal, ...],
        slow: _Slow,
        inside: Mapping[Place, frozenset[str]],
    ) -> Signals:
        at, on = self.runtime.now(), deal.policy.risk_on
        return Signals(
            deal=deal.deal_id,
            at=at,
            rooms=rooms,
            people=_listed(deal, inside, slow, at),
            certificates=slow.certificates,
            keys=(*_own_keys(tx, deal), *self._secrets(tx, deal)),
            record=self._record(tx, deal, at),
            wrote=wrote(tx, deal, rooms, at),
            volumes=volumes(tx, deal, at) if on else None,
            on=on,
        )

    def _secrets(self, tx: Tx, deal: DealView) -> Iterator[OwnKey]:
        """Secrets of the channels that a deal has rooms on, by when each was changed last."""
        used = {b.connector for rooms in deal.rooms.values() for b in rooms}
        parts = self.runtime.settings.config.channels
        changed: dict[str, AbstractSet[str]] = {
            name: parts[name].secrets.keys() - channel.fixed.keys()
            for name, channel in self.runtime.channels.items()
            if name in used & parts.keys()
        }
        since = secrets_since(tx, changed)
        for (channel, secret), at in since.items():
            then = f"wallcross channel rotate {channel} --secret {secret}"
            yield OwnKey(f"{channel}:{secret}", at, f"{secret} of {channel}", then)

    def _record(self, tx: Tx, deal: DealView, at: int) -> RecordSignal | None:
        """Of a made-up deal nobody has to prove anything."""
        anchors = len(self.runtime.settings.config.anchors)
        if deal.made_up and not anchors:
            return None
        return RecordSignal(anchors, unanchored(tx, at))

    async def _rooms(self, deal: DealView) -> tuple[RoomSignal, ...]:
        at_once = asyncio.Semaphore(AT_ONCE)

        async def read(binding: RoomBinding) -> RoomSignal:
            async with at_once:
                return await self._room(deal, binding)

        return tuple(await asyncio.gather(*map(read, _bindings(deal))))

    async def _room(self, deal: DealView, binding: RoomBinding) -> RoomSignal:
        floor = deal.conversations[binding.conversation_id].floor
        rules, now = deal.policy.tiers[floor], self.runtime.now()
        observer = self.runtime.observer
        view = await observer.view(deal, binding, not_before=now - rules.fresh_for)
        facts, at = view.facts, self.runtime.now()
        whole = facts.members_at is not None and facts.complete
        read = whole and facts.posture_at is not None
        since = None if read else self._unread.setdefault(binding.place, at)
        if read:
            self._unread.pop(binding.place, None)
        return RoomSignal(
            place=f"{binding.connector}:{binding.room}",
            conversation=binding.conversation_id,
            demands=rules.demands,
            verified=rules.devices_verified,
            holdings=None if facts.posture_at is None else facts.holdings,
            members=None if facts.members_at is None else tuple(map(_seated, view.recipients)),
            whole=whole,
            unread_since=since,
            at=at,
            still=observer.stands_still(binding.connector),
            members_at=facts.members_at,
        )

    async def _keys(self, deal: DealView) -> _Slow:
        kept, at = self._slow.get(deal.deal_id), self.runtime.now()
        if kept is not None and 0 <= at - kept.at < HOUR:
            return await self._renewed(deal, kept, at)
        found = [
            one for person in deal.roster.people for one in await self._certificates(deal, person)
        ]
        adopted, reviewed = await self.runtime.store.read(lambda tx: _looked_through(tx, deal, at))
        self._slow[deal.deal_id] = _Slow(at, tuple(found), adopted, reviewed)
        return self._slow[deal.deal_id]

    async def _renewed(self, deal: DealView, kept: _Slow, at: int) -> _Slow:
        """What is known, with what is known now of the keys that were about to end."""
        ending = {
            c.person for c in kept.certificates if c.ends is not None and c.ends - at < EXPIRES_SOON
        }
        if ending:
            listed = [p for p in deal.roster.people if p.person_id in ending]
            asked = [one for p in listed for one in await self._certificates(deal, p)]
            same = (c for c in kept.certificates if c.person not in ending)
            kept.certificates = (*same, *asked)
        return kept

    async def _certificates(self, deal: DealView, person: Person) -> list[Certificate]:
        """When a person's keys end, on each channel of the deal that seals to its people."""
        used, found = {b.connector for b in _bindings(deal)}, list[Certificate]()
        for name, account in person.accounts.items():
            connector: object = self.runtime.connectors.get(name)
            if name not in used or not isinstance(connector, ForeseesKeys):
                continue
            try:
                ends = await connector.key_ends(account)
            except ConnectorError:
                ends = 0  # what cannot be read is not known to last
            found.append(Certificate(f"{name}:{account}", person.person_id, person.name, ends))
        return found


def _bindings(deal: DealView) -> tuple[RoomBinding, ...]:
    return tuple(binding for rooms in deal.rooms.values() for binding in rooms)


def _seated(member: RecipientFacts) -> Seated:
    devices = None
    if member.devices is not None:
        devices = tuple(Device(d.device, d.state) for d in member.devices)
    person = member.person
    return Seated(
        member.account,
        None if person is None else person.person_id,
        None if person is None else person.name,
        devices,
    )


def _newest(tx: Tx, deal_id: DealId) -> int:
    row = tx.one("SELECT max(n) FROM audit WHERE deal_id = ?", (deal_id,))
    return 0 if row is None or row[0] is None else int(row[0])


def _looked_through(tx: Tx, deal: DealView, at: int) -> tuple[int, int]:
    """When the first roster was adopted, and when somebody looked through one last."""
    looked = [e.at for e in stated(tx, deal.deal_id) if e.kind == Kind.PERSON_REVIEWED]
    first = [when for when, _, _ in history(tx, deal.deal_id, "roster")][-1:]
    return max(first, default=at), max((*looked, *first), default=at)


def _listed(
    deal: DealView, inside: Mapping[Place, frozenset[str]], slow: _Slow, at: int
) -> tuple[Listed, ...]:
    last, adopted = slow.reviewed, slow.adopted
    seen = {(str(place[0]), account) for place, accounts in inside.items() for account in accounts}
    people = (deal.adopted or deal.roster).people
    out = deal.persons.left | deal.persons.paused
    return tuple(
        _person(deal, person, seen, adopted, last, at)
        for person in people
        if person.person_id not in out
    )


def _person(
    deal: DealView, person: Person, seen: set[tuple[str, str]], adopted: int, last: int, at: int
) -> Listed:
    held = [h.grant for h in (deal.adopted or deal.roster).held_by(person.person_id)]
    counting = [g for g in held if g.span.holds(at)]
    ended = [g.span.end for g in held if g.span.end is not None and g.span.end <= at]
    never = any(g.span.end is None for g in counting)
    lasting = [g.span.end for g in counting if g.span.end is not None]
    ends = None if never else max((*lasting, *ended), default=None)
    accounts = tuple(f"{c}:{a}" for c, a in sorted(person.accounts.items()))
    return Listed(
        person=person.person_id,
        name=person.name,
        side=person.side,
        accounts=accounts,
        highest=any(g.highest > Tier.COORDINATION for g in counting),
        since=max(adopted, min((g.span.start for g in counting), default=adopted)),
        ends=ends,
        looked=last,
        seated=any((c, named(a)) in seen for c, a in person.accounts.items()),
    )


def _own_keys(tx: Tx, deal: DealView) -> tuple[OwnKey, ...]:
    rows = tx.all(
        "SELECT scope, max(adopted_at) FROM journal_key WHERE deal_id = ? GROUP BY scope",
        (deal.deal_id,),
    )
    return tuple(OwnKey(f"journal {scope}", at) for scope, at in rows)
