"""The network itself: who has an account, which rooms there are, who sits in them, who is told.

Rule kept here: this is the far side. It decides by itself who may do what, in one step without
awaiting, so that two calls never see half of a change; it trusts no connector.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from connectors.memory.faults import Faults
from connectors.memory.model import FLAGS, Account, Entry, Message, Room, Seat, StoredFile
from connectors.memory.record import Record
from connectors.memory.wire import JsonObject, Refusal
from connectors.port.errors import NOT_A_MEMBER, ROOM_UNKNOWN

DAY = 86_400_000_000
HARDENED = dict.fromkeys(FLAGS, True)


def far_clock() -> int:
    """The far side's own clock, microseconds UTC: another machine, so not the orchestrator's."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Options:
    """How this network is.

    Attributes:
        idempotent_for: how long a delivery key is recognised, microseconds; 0 for never.
        max_body_bytes: longest text.
        max_attachment_bytes: largest file.
        undo: whose messages an admin can take back: ``none``, ``own`` or ``anybody``.
        undo_for: for how long, microseconds; None without limit.
        longest_timer: what a longer timer is silently cut down to, microseconds.
        batch: most events in one answer.
        auto_join: who is asked in is in at once.
    """

    idempotent_for: int = DAY
    max_body_bytes: int = 1024 * 1024
    max_attachment_bytes: int = 200 * 1024 * 1024
    undo: str = "anybody"
    undo_for: int | None = None
    longest_timer: int | None = None
    batch: int = 100
    auto_join: bool = True

    def features(self) -> JsonObject:
        """What the network says of itself to a connector that signs in."""
        return {
            "idempotent_for": self.idempotent_for,
            "max_body_bytes": self.max_body_bytes,
            "max_attachment_bytes": self.max_attachment_bytes,
        }


class Network:
    """Accounts, rooms and messages, in memory only.

    Args:
        options: how it is.
        now: its clock, microseconds UTC.
        record: where arrivals are noted.
    """

    def __init__(
        self,
        options: Options | None = None,
        now: Callable[[], int] = far_clock,
        record: Record | None = None,
    ) -> None:
        self.options = options or Options()
        self.faults = Faults()
        self.record = record or Record(None)
        self.skew = 0
        self._now = now
        self.reset()

    def reset(self, options: Options | None = None) -> None:
        """Forgets everything but its clock and its record."""
        self.options = options or self.options
        self.faults.clear()
        self.skew = 0
        self.accounts: dict[str, Account] = {}
        self.rooms: dict[str, Room] = {}
        self.files: dict[str, StoredFile] = {}
        self.recognised: dict[tuple[str, str, str], Message] = {}
        self.arrivals = 0
        self.position = 0

    def now(self) -> int:
        """The network's time, microseconds UTC."""
        return self._now() + self.skew

    # accounts

    def account(self, name: str) -> Account:
        """The account of this name, made with one device if it is new."""
        known = self.accounts.get(name)
        if known is None:
            known = Account(name, {f"DEV{secrets.token_hex(4)}": secrets.token_hex(32)})
            self.accounts[name] = known
        return known

    def tell(self, names: Iterable[str], kind: str, data: JsonObject) -> None:
        """Writes an entry into the logs of these accounts and wakes who waits there."""
        self.position += 1
        self._log(names, Entry(self.position, kind, data=data))

    def tell_message(self, room: Room, message: Message) -> None:
        """A message into the logs of all who sit in the room."""
        self.position += 1
        self._log(room.seats, Entry(self.position, "message", message))

    def _log(self, names: Iterable[str], entry: Entry) -> None:
        for name in names:
            account = self.accounts[name]
            account.log.append(entry)
            for waiter in account.waiting:
                if not waiter.done():
                    waiter.set_result(None)

    def shares_room_with(self, name: str) -> set[str]:
        """Everybody who sits in a room with this account, itself included."""
        rooms = (r for r in self.rooms.values() if name in r.seats)
        return {name}.union(*(room.seats for room in rooms))

    # rooms

    def room_of(self, name: str, room: object) -> Room:
        """A room in which this account sits. Raises: Refusal."""
        known = self.rooms.get(room) if isinstance(room, str) else None
        if known is None:
            raise Refusal("no_room", ROOM_UNKNOWN, "the network knows no such room")
        if name not in known.seats:
            raise Refusal("no_room", NOT_A_MEMBER, "our account is not in the room")
        return known

    def make_room(
        self,
        creator: str,
        name: str,
        flags: dict[str, bool],
        timer: int | None,
    ) -> Room:
        """An empty room but for its creator, who is its admin."""
        room = Room(f"!{secrets.token_urlsafe(12)}:memory", name, dict(flags))
        room.timer = self.shortened(timer)
        self.account(creator)
        room.seats[creator] = Seat("joined", admin=True, since=self.arrivals)
        self.rooms[room.id] = room
        return room

    def shortened(self, timer: int | None) -> int | None:
        """The timer as this network keeps it, whatever was asked for."""
        longest = self.options.longest_timer
        if timer is None or longest is None:
            return timer
        return min(timer, longest)

    def seat(
        self, room: Room, name: str, by: str | None, *, admin: bool = False, hidden: bool = False
    ) -> None:
        """Lets an account in, and tells the others unless it is hidden from them."""
        self.account(name)
        presence = "joined" if self.options.auto_join or hidden else "invited"
        room.seats[name] = Seat(presence, admin, since=self.arrivals, hidden=hidden)
        if not hidden:
            self.membership(room, name, presence, by)

    def unseat(self, room: Room, name: str, by: str | None, *, noticed: bool = True) -> None:
        """Puts an account out, and whoever notices seals with a new key; it is told as well."""
        if room.seats.pop(name, None) is None:
            raise Refusal("rejected", NOT_A_MEMBER)
        if noticed:
            room.holders.clear()
        self.membership(room, name, "left" if by == name else "removed", by, also=name)

    def membership(
        self, room: Room, name: str, change: str, by: str | None, also: str | None = None
    ) -> None:
        """Tells the members of a room that its list changed."""
        told = list(room.seats) + ([also] if also and also not in room.seats else [])
        data = {"room": room.id, "account": name, "change": change, "by": by}
        self.tell(told, "membership", data | {"id": self.new_id()})

    def settings_changed(self, room: Room, setting: str, by: str | None) -> None:
        """Tells the members of a room that a setting is another now."""
        data = {"room": room.id, "setting": setting, "by": by, "id": self.new_id()}
        self.tell(room.seats, "settings", data)

    @staticmethod
    def new_id() -> str:
        """A name for an event."""
        return f"${secrets.token_urlsafe(12)}"


_shared: dict[str, Network] = {}


def shared(name: str) -> Network:
    """The network of this name in this process; made when it is first asked for."""
    if name not in _shared:
        _shared[name] = Network()
    return _shared[name]


def forget(name: str) -> None:
    """Ends a shared network; the next of that name is a new one."""
    _shared.pop(name, None)
