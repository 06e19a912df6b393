"""The bench's network: seals by burning processor time, posts to loopback, remembers no text.

Rule kept here: ``put`` is all that the floor does and all that a delivery does beyond the core, so
that the two differ by the core alone.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count

from connectors.port.capabilities import Capabilities, Health, Posture, Undo
from connectors.port.connector import Connector
from connectors.port.errors import Uncertain, Unreadable
from connectors.port.events import Batch
from connectors.port.messages import (
    Accepted,
    Delivery,
    Device,
    Member,
    MemberSnapshot,
    Presence,
    RoomSpec,
)
from orchestrator.bench.post import Poster
from orchestrator.clock import HOUR, Clock
from tiers.guarantees import Evidence, Guarantee, Holding, Source
from tiers.ids import AccountId, ConnectorName, DeviceId, RemoteId, RoomId

NAME = ConnectorName("bench")
OURS = AccountId("bench-service")
_HELD = (Guarantee.ENCRYPTED_IN_TRANSIT, Guarantee.INVITE_ONLY, Guarantee.MEMBERS_READABLE)


@dataclass(slots=True)
class Wire:
    """What goes out: sealed, then posted."""

    poster: Poster
    seal: Callable[[bytes], bytes]

    async def put(self, key: str, body: bytes) -> str:
        """Seals and posts one body under its key; returns the network's name of it."""
        return await self.poster.post(f"/{key}", self.seal(body))


class BenchNetwork(Connector):
    """One account on the bench's network; rooms and members live here, in memory.

    Args:
        wire: how bodies go out.
        now: the clock.

    Attributes:
        wire: likewise.
    """

    def __init__(self, wire: Wire, now: Clock) -> None:
        self.wire = wire
        self._now = now
        self._names = count(1)
        self._rooms: dict[RoomId, tuple[Member, ...]] = {}

    @property
    def account(self) -> AccountId:
        """Our own account."""
        return OURS

    @property
    def capabilities(self) -> Capabilities:
        """At best."""
        return Capabilities(
            frozenset(_HELD),
            max_body_bytes=64 * 1024,
            max_attachment_bytes=0,
            idempotent_send=True,
            idempotent_for=HOUR,
            re_offers=False,
        )

    async def open(self) -> None:
        """Needs nothing."""

    async def close(self) -> None:
        """Closes the connections."""
        self.wire.poster.close()

    async def health(self) -> Health:
        """Always up: nothing is asked."""
        return Health(up=True, code="", hint="", seen_at=self._now())

    async def create(self, spec: RoomSpec) -> RoomId:
        """Makes a room."""
        room = RoomId(f"!room{next(self._names)}:bench.example")
        self._rooms[room] = tuple(map(_member, (*sorted(spec.members), OURS)))
        return room

    async def posture(self, room: RoomId) -> Posture:
        """What the policy of COORDINATION demands, read now. Raises: Unreadable."""
        at = self._now()
        self._members(room)
        holdings = tuple(Holding(g, Evidence.VERIFIED, Source.SERVER, at) for g in _HELD)
        return Posture(room, holdings, True, True, Undo.OWN, None, frozenset({OURS}), at)  # noqa: FBT003 - in the order of the port

    async def members(self, room: RoomId) -> MemberSnapshot:
        """Everybody in the room, with one device each. Raises: Unreadable."""
        return MemberSnapshot(room, self._members(room), complete=True, read_at=self._now())

    def _members(self, room: RoomId) -> tuple[Member, ...]:
        found = self._rooms.get(room)
        if found is None:
            raise Unreadable("no_room", "the bench made no such room")
        return found

    async def send(self, delivery: Delivery) -> Accepted:
        """Seals and posts. Raises: Uncertain."""
        body = delivery.content.text.encode()
        try:
            remote = await self.wire.put(delivery.key, body)
        except OSError:
            raise Uncertain("cut", "the receiver is gone") from None
        return Accepted(RemoteId(remote), self._now(), delivery.readers)

    async def receive(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Nobody writes here: one empty batch."""
        yield Batch((), cursor or "0")


def _member(account: AccountId) -> Member:
    device = Device(DeviceId(f"{account}-1"), f"key-of-{account}")
    return Member(account, Presence.JOINED, account == OURS, frozenset({device}))
