"""What an operator can see to: the line, what the server keeps, what rooms can be, who owns them.

Rule kept here: what cannot be seen is not ok, and what is missing is named with what holds in
spite of it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from connectors.port import AccountId
from connectors.port.connector import Check
from connectors.port.errors import ConnectorError
from connectors.xmpp import rooms, wire
from connectors.xmpp.desk import Desk
from connectors.xmpp.line import Line
from connectors.xmpp.settings import XmppSettings
from connectors.xmpp.store import Store

GUIDE = "docs/channels/xmpp.md"
_OFFLINE = "msgoffline"


class Doctor:
    """Looks at one installation.

    Args:
        line: to the server.
        desk: reads rooms.
        store: names the rooms that we live in.
        settings: of the account.
    """

    def __init__(self, line: Line, desk: Desk, store: Store, settings: XmppSettings) -> None:
        self._line = line
        self._desk = desk
        self._settings = settings
        self._rooms = [room for room in store.rooms() if str(room) != settings.account]

    async def look(self) -> tuple[Check, ...]:
        """All facts."""
        return tuple([check async for check in self._looks()])

    async def _looks(self) -> AsyncIterator[Check]:
        looks: Mapping[str, Callable[[], Awaitable[Check]]] = {
            "line": self._secure,
            "rooms": self._service,
            "room archive": self._archive,
            "room form": self._form,
            "room owners": self._owners,
            "taking back": self._moderation,
            "own archive": self._own_archive,
        }
        for code, look in looks.items():
            try:
                yield await look()
            except ConnectorError:
                hint = "it could not be seen; nothing is sent that needs it"
                yield Check(code, ok=False, hint=hint, remedy="see that the server answers")
        yield self._sealed()

    async def _secure(self) -> Check:
        await self._line.up()
        if self._line.client.secure:
            return Check("line", ok=True, hint="TLS; the certificate is checked for our domain")
        return Check("line", ok=False, hint="no TLS", remedy="nothing is sent; see `tls`")

    def _sealed(self) -> Check:
        if self._settings.omemo:
            return Check("sealing", ok=True, hint="bodies are sealed to devices (OMEMO 0.3)")
        hint = "without OMEMO the server reads all; no room holds the end-to-end guarantee"
        remedy = f"install the extra `omemo` and set `omemo = true` ({GUIDE})"
        return Check("sealing", ok=False, hint=hint, remedy=remedy, later=True)

    async def _service(self) -> Check:
        if wire.MUC in await self._desk.features(self._settings.rooms):
            return Check("rooms", ok=True, hint="the service keeps rooms")
        remedy = "set `rooms` to the address of the service that keeps rooms"
        return Check("rooms", ok=False, hint="no rooms are kept at this address", remedy=remedy)

    async def _archive(self) -> Check:
        if not self._rooms:
            return self._later("room archive")
        if wire.MAM in await self._desk.features(self._rooms[0]):
            hint = "what comes while we are away is caught up; how long it is kept cannot be seen"
            return Check("room archive", ok=True, hint=hint)
        hint = "rooms keep no archive: what comes while we are away is lost, and told as missed"
        if not self._settings.archive:
            return Check("room archive", ok=True, hint=f"as it was set: {hint}")
        remedy = f"let the service keep archives ({GUIDE}), or set `archive = false`"
        return Check("room archive", ok=False, hint=hint, remedy=remedy)

    async def _form(self) -> Check:
        if not self._rooms:
            return self._later("room form")
        lacking = rooms.missing(await self._desk.form(self._rooms[0]))
        if not lacking:
            return Check("room form", ok=True, hint="all that we set can be set")
        hint = f"the service does not offer {', '.join(lacking)}; no guarantee is told from it"
        return Check("room form", ok=False, hint=hint, remedy="see the service's own manual")

    async def _owners(self) -> Check:
        own, alone = AccountId(self._settings.account), 0
        for room in self._rooms:
            lists = await self._desk.lists(room)
            alone += lists.ruling <= {own}
        if not alone:
            return Check("room owners", ok=True, hint=f"{len(self._rooms)} rooms have a second")
        hint = (
            f"our account alone rules {alone} rooms: if it is lost, their members write on and"
            " nobody can put anybody out but the server's administrator"
        )
        remedy = "set `standby` to a second account of ours; it owns each room made from then on"
        return Check("room owners", ok=False, hint=hint, remedy=remedy)

    async def _moderation(self) -> Check:
        if not self._rooms:
            return self._later("taking back")
        offered = wire.MODERATE in await self._desk.features(self._rooms[0])
        if offered is self._settings.moderation:
            none = "the rooms offer no moderation, as was set: what was said cannot be taken back"
            hint = "what was said can be taken back" if offered else none
            return Check("taking back", ok=True, hint=hint)
        if offered:
            hint, remedy = "the rooms offer moderation, and it is not used", "set `moderation`"
            return Check("taking back", ok=False, hint=hint, remedy=remedy, later=True)
        hint = "the rooms offer no moderation: readers are only asked to forget"
        remedy = "load it on the service (XEP-0425), or leave `moderation` off"
        return Check("taking back", ok=False, hint=hint, remedy=remedy)

    async def _own_archive(self) -> Check:
        if wire.MAM in await self._desk.features(self._settings.account):
            return Check("own archive", ok=True, hint="private lines are caught up")
        if _OFFLINE in await self._desk.features(self._settings.domain):
            return Check("own archive", ok=True, hint="the server keeps what we are not there for")
        hint = "what people write to our account while we are away is lost, and told as missed"
        remedy = f"let the server keep an archive of our account ({GUIDE})"
        return Check("own archive", ok=False, hint=hint, remedy=remedy)

    @staticmethod
    def _later(code: str) -> Check:
        hint = "it is seen with the first room"
        return Check(code, ok=False, hint=hint, remedy="make a room", later=True)
