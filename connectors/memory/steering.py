"""The memory connector's hand on its rooms: who sits there, their settings, the sealing key.

Rule kept here: a verb asks and believes no answer; what became of it is read back. Neither our
account nor the one that stands by for it is ever put out or made less than an admin by us.
"""

from abc import ABC, abstractmethod

from connectors.memory import translate
from connectors.memory.calls import Calls
from connectors.memory.settings import Settings
from connectors.memory.wire import JsonObject
from connectors.port import AccountId, RoomId
from connectors.port.errors import Rejected
from connectors.port.messages import RoomSpec


class Steering(ABC):
    """Part of the connector."""

    _account: AccountId
    _settings: Settings

    @abstractmethod
    def _calls(self) -> Calls:
        """The open line. Raises: Unavailable."""

    async def invite(self, room: RoomId, account: AccountId) -> None:
        """Asks somebody in. Raises: ConnectorError."""
        _only_others(account, self._account)
        await self._calls().act("invite", {"room": room, "account": account}, _asked)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        """Puts somebody out. Raises: ConnectorError."""
        _only_others(account, self._account, self._settings.standby)
        await self._calls().act("remove", {"room": room, "account": account}, _asked)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        """Makes a member an admin, or one no more. Raises: ConnectorError."""
        _only_others(account, self._account, None if admin else self._settings.standby)
        fields = {"room": room, "account": account, "admin": admin}
        await self._calls().act("role", fields, _asked)

    async def harden(self, room: RoomId, spec: RoomSpec) -> None:
        """Puts the settings back to those of ``create``. Raises: ConnectorError."""
        fields = translate.create_fields(spec, self._settings.guarantees)
        kept = {name: fields[name] for name in ("timer", "gate", "flags")}
        await self._calls().act("harden", {"room": room} | kept, _asked)

    async def rotate(self, room: RoomId) -> None:
        """Throws the room's sending key away. Raises: ConnectorError."""
        await self._calls().act("rotate", {"room": room}, _asked)


def _only_others(account: AccountId, *ours: str | None) -> None:
    """Raises: Rejected."""
    if account in ours:
        raise Rejected("own_account", "an account of ours stays: retire it by hand, with a second")


def _asked(answer: JsonObject) -> None:
    """Raises: BadAnswerError."""
    translate.need(answer, "asked", str)
