"""Who was read back in which room, from when until when: from readings alone, never typed.

Rules kept here:

1. An account is in a room from the first reading that shows it, joined or only asked in: both can
   read. It is in it no more from the first whole reading without it; a list that is not whole
   shows no absence. Where the room itself ended (``room.replaced``), everybody's stay did.
2. It is written where it changes, and nowhere else: a reading that tells nothing new costs nothing.
3. Of accounts that nobody on the roster owns so many are written down of a room in a day, and no
   more: a network that invents members fills no disk. Whoever is in is a finding all the same.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.port.messages import MemberSnapshot
from orchestrator.audit.body import Json, named
from orchestrator.audit.chain import append_all
from orchestrator.audit.granted import Stated, stated, stated_members
from orchestrator.audit.kinds import Kind
from orchestrator.clock import DAY
from orchestrator.deals.book import DealView
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Place, RoomBinding
from tiers.ids import AccountId, ConnectorName, DealId, PersonId, RoomId

ACTOR = "wallcross"
MOST_STRANGE = 500
"""Accounts on no roster whose stays in one room are written down in a day."""
Entry = tuple[Kind, dict[str, Json]]


@dataclass(frozen=True, slots=True)
class Present:
    """An account's stay in a room.

    Attributes:
        account: as entries name it: a name of an odd shape by its digest.
        person_id: who owned the account when it was first seen; None for nobody.
        obtained_at: when the first reading that showed it began, microseconds UTC.
        ceased_at: when the first whole reading without it began, or the room ended; None while it
            is in.
    """

    conversation_id: str
    connector: ConnectorName
    room: RoomId
    account: AccountId
    person_id: PersonId | None
    obtained_at: int
    ceased_at: int | None = None


def presence(tx: Tx, deal_id: str) -> list[Present]:
    """Every stay that the deal's chain states, in the order in which they began."""
    ended = (e for e in stated(tx, deal_id) if e.kind == Kind.ROOM_REPLACED)
    return _stays(sorted((*stated_members(tx, deal_id), *ended), key=lambda e: e.n))


def _stays(entries: Iterable[Stated]) -> list[Present]:
    found: list[Present] = []
    inside: dict[tuple[str, str, str], int] = {}
    for entry in entries:
        body = entry.body
        if entry.kind == Kind.ROOM_REPLACED:
            for key in [k for k in inside if k[:2] == (body["channel"], body["room"])]:
                n = inside.pop(key)
                found[n] = replace(found[n], ceased_at=entry.at)
        if entry.kind not in {Kind.MEMBER_OBTAINED, Kind.MEMBER_CEASED}:
            continue
        key = (body["channel"], body["room"], body["account"])
        if entry.kind == Kind.MEMBER_OBTAINED and key not in inside:
            inside[key] = len(found)
            found.append(_stay(body))
        elif entry.kind == Kind.MEMBER_CEASED and key in inside:
            n = inside.pop(key)
            found[n] = replace(found[n], ceased_at=body["read_at"])
    return found


def _stay(body: Mapping[str, Any]) -> Present:
    person = body["person"]
    return Present(
        str(body["conversation"]),
        ConnectorName(str(body["channel"])),
        RoomId(str(body["room"])),
        AccountId(str(body["account"])),
        None if person is None else PersonId(str(person)),
        int(body["read_at"]),
    )


class Presences:
    """Keeps the record of stays up to date.

    Args:
        store: where it stands.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._inside: dict[DealId, dict[Place, dict[str, PersonId | None]]] = {}
        self._read: dict[Place, int] = {}
        self._last: dict[Place, frozenset[AccountId]] = {}
        self._strange: dict[Place, tuple[int, int]] = {}

    async def inside(self, deal: DealView, place: Place) -> frozenset[str]:
        """Accounts that readings so far showed to be in a room, as entries name them."""
        return frozenset((await self._known(deal.deal_id)).get(place, ()))

    def read_at(self, place: Place) -> int | None:
        """When the last list of a room was read, microseconds UTC; None: not since the start."""
        return self._read.get(place)

    async def see(
        self,
        deal: DealView,
        binding: RoomBinding,
        snapshot: MemberSnapshot,
        ours: frozenset[AccountId],
        at: int,
    ) -> None:
        """Writes what a reading shows to be new.

        Args:
            deal: in force.
            binding: the room.
            snapshot: its members as read back.
            ours: accounts of ours, which are nobody's stay.
            at: now, microseconds UTC.
        """
        entries = await self.news(deal, binding, snapshot, ours)
        if entries:
            await self.write(deal, entries, lambda tx: record(tx, deal, entries, at))

    async def write(self, deal: DealView, entries: list[Entry], unit: Callable[[Tx], None]) -> None:
        """Writes the unit that holds news; what was not written is told as news again."""
        try:
            await self._store.write(unit)
        except BaseException:
            if entries:
                self._inside.pop(deal.deal_id, None)
                self._last.clear()
            raise

    async def news(
        self,
        deal: DealView,
        binding: RoomBinding,
        snapshot: MemberSnapshot,
        ours: frozenset[AccountId],
    ) -> list[Entry]:
        """What a reading shows that was not known; whoever asks has ``record`` write it."""
        known = (await self._known(deal.deal_id)).setdefault(binding.place, {})
        if snapshot.read_at < self._read.get(binding.place, 0):
            return []  # a later one was looked at already
        self._read[binding.place] = snapshot.read_at
        accounts = frozenset(m.account for m in snapshot.members)
        if self._last.get(binding.place) == accounts:
            return []  # the same people as the last time, whole or not
        self._last.pop(binding.place, None)
        if snapshot.complete:
            self._last[binding.place] = accounts
        here = {named(m.account): m.account for m in snapshot.members if m.account not in ours}
        came = [account for account in here if account not in known]
        went = [a for a in known if a not in here] if snapshot.complete else []
        entries: list[Entry] = []
        for account in came:
            owner = deal.roster.owner(binding.connector, here[account])
            if owner is None and not self._may_note(binding.place, snapshot.read_at):
                self._last.pop(binding.place, None)  # they are looked at again
                continue
            known[account] = owner.person_id if owner is not None else None
            entries.append(_entry(Kind.MEMBER_OBTAINED, binding, account, known[account], snapshot))
        entries += [
            _entry(Kind.MEMBER_CEASED, binding, account, known.pop(account), snapshot)
            for account in went
        ]
        return entries

    def _may_note(self, place: Place, at: int) -> bool:
        """Whether one more stranger of a room is written down in the day that runs."""
        since, count = self._strange.get(place, (at, 0))
        if at - since >= DAY:
            since, count = at, 0
        self._strange[place] = since, count + 1
        return count < MOST_STRANGE

    async def _known(self, deal_id: DealId) -> dict[Place, dict[str, PersonId | None]]:
        if deal_id not in self._inside:
            stays = await self._store.read(lambda tx: presence(tx, deal_id))
            found: dict[Place, dict[str, PersonId | None]] = {}
            for stay in (s for s in stays if s.ceased_at is None):
                room = found.setdefault((stay.connector, stay.room), {})
                room[stay.account] = stay.person_id
            self._inside.setdefault(deal_id, found)
        return self._inside[deal_id]


def record(tx: Tx, deal: DealView, entries: Iterable[Entry], at: int) -> None:
    """Writes what ``Presences.news`` told, in the unit of whatever it goes with."""
    append_all(tx, deal.deal_id, entries, at=at, actor=ACTOR)


def _entry(
    kind: Kind,
    binding: RoomBinding,
    account: str,
    person: PersonId | None,
    snapshot: MemberSnapshot,
) -> Entry:
    body: dict[str, Json] = {
        "conversation": binding.conversation_id,
        "channel": binding.connector,
        "room": binding.room,
        "account": account,
        "person": person,
        "read_at": snapshot.read_at,
    }
    return kind, body
