"""What became of a message, by the archive's own word; and taking one back.

Rules kept here:

1. None means certainly not there: the archive was read back to before the message could have
   left. Where that cannot be said, it is not said.
2. A message is gone when the archive hands out its place without its content. Clients that have
   fetched it are only asked to forget it (XEP-0424), and a room without an archive tells nothing.
"""

from collections.abc import Callable

from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from connectors.port.errors import Rejected, Unavailable, Unreadable
from connectors.port.messages import Accepted
from connectors.xmpp import addresses, translate, wire
from connectors.xmpp.archive import Archive, Expired
from connectors.xmpp.desk import Desk
from connectors.xmpp.line import Line
from connectors.xmpp.settings import XmppSettings
from connectors.xmpp.store import Store
from connectors.xmpp.wire import Archived

_EARLIER = 60 * 1_000_000
"""How far before an attempt is looked: servers keep whole seconds, and clocks differ."""
_WITHOUT = 7 * 24 * 3600 * 1_000_000
"""How far back is looked for what we do not remember to have sent."""
_FORGET = (
    "This person attempted to retract a previous message, but it's unsupported by your client."
)


class Finder:
    """Finds and takes back for one account.

    Args:
        line: to the server.
        desk: reads rooms.
        archive: of rooms.
        store: what must outlive a start.
        settings: of the account.
        now: the clock, microseconds UTC.
    """

    def __init__(
        self,
        line: Line,
        desk: Desk,
        archive: Archive,
        store: Store,
        settings: XmppSettings,
        now: Callable[[], int],
    ) -> None:
        self._line = line
        self._desk = desk
        self._archive = archive
        self._store = store
        self._settings = settings
        self._now = now
        self._own = AccountId(settings.account)

    async def find(self, room: RoomId, key: DeliveryKey) -> Accepted | None:
        """The delivery as the archive has it. Raises: Unavailable, Unreadable."""
        await self._archived(room)
        attempts = self._store.attempts(key)
        start = attempts[0].at - _EARLIER if attempts else self._now() - _WITHOUT
        try:
            async for results in self._archive.back_to(room, start):
                for found in results:
                    if self._is_it(room, found, key):
                        sealed = attempts[-1].sealed_to if len(attempts) == 1 else None
                        return Accepted(RemoteId(found.name), found.at or self._now(), sealed)
        except Expired:
            pass
        else:
            return None
        raise Unavailable("archive_moved", "the archive was cut while it was read")

    def _is_it(self, room: RoomId, found: Archived, key: DeliveryKey) -> bool:
        message = found.message
        return message.get("id") == key and translate.archived_sender(message, room) == self._own

    async def undo(self, room: RoomId, message: RemoteId) -> None:
        """Asks for a message's removal. Raises: ConnectorError."""
        found = await self._one(room, message)
        if wire.MODERATE in await self._desk.features(room):
            retract = wire.made(f"{{{wire.RETRACT}}}retract")
            asked = wire.made(f"{{{wire.MODERATE}}}moderate", retract, id=message)
            await self._line.ask(room, "set", asked, acts=True)
            return
        if translate.archived_sender(found.message, room) != self._own:
            raise Rejected("not_ours", "this server lets nobody take back another's message")
        fallback = {"for": wire.RETRACT}
        self._line.write(
            self._line.client.message(
                room,
                "groupchat",
                wire.made(f"{{{wire.RETRACT}}}retract", id=message),
                wire.made(f"{{{wire.FALLBACK}}}fallback", **fallback),
                wire.made(f"{{{wire.CLIENT}}}body", text=_FORGET),
                wire.made(f"{{{wire.HINTS}}}store"),
            )
        )

    async def is_gone(self, room: RoomId, message: RemoteId) -> bool:
        """Whether the archive hands the content out no more. Raises: ConnectorError."""
        found = await self._one(room, message)
        kept = (wire.CLIENT, "body"), (wire.CLIENT, "subject")
        if found.message.find(f"{{{wire.RETRACT}}}retracted") is None:
            return False
        parts = {(space, name) for space, name, _ in wire.children(found.message)}
        return not parts & set(kept) and not translate.is_sealed(found.message)

    async def _one(self, room: RoomId, message: RemoteId) -> Archived:
        """A message that the archive knows. Raises: ConnectorError."""
        await self._archived(room)
        try:
            found = await self._archive.one(room, message)
        except Expired:
            found = None
        if found is None:
            raise Rejected("message_unknown", "the room's archive knows no such message")
        return found

    async def _archived(self, room: RoomId) -> None:
        """Raises: ConnectorError where the room has no archive to be asked."""
        if not addresses.is_room(room, self._settings.rooms):
            raise Rejected("room_form", "this is no room of the configured service")
        if wire.MAM not in await self._desk.features(room):
            raise Unreadable("no_archive", "the room keeps no archive that could be asked")
