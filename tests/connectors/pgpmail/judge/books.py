"""The ledger as far as the inbox asks it."""

from dataclasses import dataclass, field

from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId

TOKEN = "0123456789abcdef"


@dataclass
class Mailed:
    message: RemoteId
    key: DeliveryKey
    room: RoomId


@dataclass
class Book:
    """The ledger, as far as the inbox asks it."""

    pinned: dict[AccountId, frozenset[str]]
    mails: dict[str, Mailed] = field(default_factory=dict)
    tokens: dict[str, Mailed] = field(default_factory=dict)
    rooms: dict[RoomId, AccountId] = field(default_factory=dict)
    named: dict[RemoteId, str] = field(default_factory=dict)

    def contacts(self) -> dict[AccountId, frozenset[str]]:
        return self.pinned

    def sent(self, message: str) -> Mailed | None:
        return self.mails.get(message)

    def bounced(self, token: str) -> Mailed | None:
        return self.tokens.get(token)

    def account_of(self, room: RoomId) -> AccountId | None:
        return self.rooms.get(room)

    def heard(self, remote: RemoteId, message: str, at: int) -> None:
        assert at
        self.named[remote] = message

    def rooms_of(self, account: AccountId) -> list[RoomId]:
        return [room for room, whose in self.rooms.items() if whose.lower() == account.lower()]
