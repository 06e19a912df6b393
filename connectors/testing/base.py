"""What the parts of the contract share: excuses, patience, a delivery, the reading of events.

Rule kept here: an excuse names a test and a reason and becomes a strict expected failure, so one
that is no longer needed fails. Waiting is for an event, never for a time.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from types import FunctionType
from typing import Any, ClassVar, TypeVar

import pytest

from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from connectors.port.connector import (
    Connector,
    CreatesRooms,
    EditsMessages,
    FindsDelivery,
    NetworkClock,
    UndoesMessages,
    VerifiesPeers,
)
from connectors.port.errors import ConnectorError
from connectors.port.events import Batch, Event, InboundMessage
from connectors.port.messages import Attachment, Content, Delivery, Reader, RoomSpec
from connectors.testing.rig import Rig

T = TypeVar("T")
E = TypeVar("E", bound=ConnectorError)

DAY = 86_400_000_000
AUTHOR = "Ann Example (Alder Partners)"


class ContractBase:
    """Base of the parts.

    Attributes:
        excused: name of a test -> why this connector cannot pass it.
        patience: seconds that anything may take.
        kind: the connector's class, if it is to be known before a rig is made: then the tests of
            an ability that it has not are skipped without one.
        ability: of a part of the contract (``class Part(ContractBase, ability=…)``): what all its
            tests need.
    """

    excused: ClassVar[Mapping[str, str]] = {}
    patience: ClassVar[float] = 30.0
    kind: ClassVar[type | None] = None
    ability: ClassVar[type | None] = None

    def __init_subclass__(cls, ability: type | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if ability is not None:
            cls.ability = ability
        if "kind" in cls.__dict__:
            for name, why in _not_promised(cls, cls.kind):
                setattr(cls, name, _marked(getattr(cls, name), pytest.mark.skip(reason=why)))
        for name, why in cls.__dict__.get("excused", {}).items():
            failing = pytest.mark.xfail(reason=why, strict=True)
            setattr(cls, name, _marked(getattr(cls, name), failing))

    # abilities: a test whose object was not promised is skipped, and says so

    def finder(self, rig: Rig) -> FindsDelivery:
        """The connector as one that asks after deliveries."""
        if not isinstance(rig.connector, FindsDelivery):
            pytest.skip("FindsDelivery is not promised")
        return rig.connector

    def maker(self, rig: Rig) -> CreatesRooms:
        """The connector as one that makes rooms."""
        if not isinstance(rig.connector, CreatesRooms):
            pytest.skip("CreatesRooms is not promised")
        return rig.connector

    def undoer(self, rig: Rig) -> UndoesMessages:
        """The connector as one that takes messages back."""
        if not isinstance(rig.connector, UndoesMessages):
            pytest.skip("UndoesMessages is not promised")
        return rig.connector

    def editor(self, rig: Rig) -> EditsMessages:
        """The connector as one that puts another text in a message's place."""
        if not isinstance(rig.connector, EditsMessages):
            pytest.skip("EditsMessages is not promised")
        return rig.connector

    def verifier(self, rig: Rig) -> VerifiesPeers:
        """The connector as one that keeps which devices are trusted."""
        if not isinstance(rig.connector, VerifiesPeers):
            pytest.skip("VerifiesPeers is not promised")
        return rig.connector

    def clock(self, rig: Rig) -> NetworkClock:
        """The connector as one that hears the network's clock."""
        if not isinstance(rig.connector, NetworkClock):
            pytest.skip("NetworkClock is not promised")
        return rig.connector

    async def readers(self, rig: Rig, room: RoomId | None = None) -> frozenset[Reader]:
        """Who may read, as read back just now; our own account reads and is never named."""
        snapshot = await rig.connector.members(room or rig.room)
        others = (m for m in snapshot.members if m.account != rig.connector.account)
        return frozenset(Reader(m.account, m.devices) for m in others)

    async def delivery(
        self,
        rig: Rig,
        text: str | None = None,
        *,
        author_line: str | None = AUTHOR,
        attachments: tuple[Attachment, ...] = (),
        reply_to: RemoteId | None = None,
    ) -> Delivery:
        """A delivery to the rig's room and exactly its members."""
        body = f"body {secrets.token_hex(8)}" if text is None else text
        return Delivery(
            key=DeliveryKey(secrets.token_hex(16)),
            room=rig.room,
            content=Content(body, None, attachments),
            readers=await self.readers(rig),
            author_line=author_line,
            reply_to=reply_to,
        )

    def spec(self, rig: Rig, *, timer: int | None = DAY, gate: bool = False) -> RoomSpec:
        """A room with the far member in it."""
        people = frozenset({rig.far.member})
        return RoomSpec(secrets.token_hex(8), people, frozenset(), timer, gate)

    async def fails(self, act: Awaitable[object], kind: type[E]) -> E:
        """The error that an act ends in; whatever else it ends in fails the test."""
        with pytest.raises(kind) as caught:
            async with asyncio.timeout(self.patience):
                await act
        return caught.value

    async def texts(self, rig: Rig) -> list[str]:
        """What arrived in the rig's room."""
        return [each.text for each in await rig.far.arrived(rig.room)]

    # events

    async def now(self, connector: Connector) -> str:
        """The cursor that stands for now."""
        async with self.listening(connector, None) as stream, asyncio.timeout(self.patience):
            return (await anext(stream)).cursor

    @asynccontextmanager
    async def listening(
        self, connector: Connector, cursor: str | None
    ) -> AsyncIterator[AsyncIterator[Batch]]:
        """A stream of events that is ended at the end."""
        stream = connector.receive(cursor)
        try:
            yield stream
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

    async def events(
        self, connector: Connector, cursor: str, enough: Callable[[list[Event]], bool]
    ) -> tuple[list[Event], str]:
        """Events after a cursor until they are enough, and the cursor after them."""
        found: list[Event] = []
        async with self.listening(connector, cursor) as stream, asyncio.timeout(self.patience):
            async for batch in stream:
                found += batch.events
                if enough(found):
                    return found, batch.cursor
        raise AssertionError("the stream of events ended by itself")

    async def heard(
        self, connector: Connector, cursor: str, *ids: RemoteId
    ) -> list[InboundMessage]:
        """The messages of these names, in the order in which they came."""
        wanted = set(ids)

        def all_there(events: list[Event]) -> bool:
            return wanted <= {e.remote_id for e in events if isinstance(e, InboundMessage)}

        events, _ = await self.events(connector, cursor, all_there)
        return [e for e in events if isinstance(e, InboundMessage) and e.remote_id in wanted]

    async def told(
        self, connector: Connector, cursor: str, kind: type[T], fits: Callable[[T], bool]
    ) -> T:
        """The first event of a kind that fits."""

        def there(events: list[Event]) -> bool:
            return any(isinstance(e, kind) and fits(e) for e in events)

        events, _ = await self.events(connector, cursor, there)
        return next(e for e in events if isinstance(e, kind) and fits(e))


def only(accounts: frozenset[Reader], account: AccountId) -> Reader:
    """The reader of this account."""
    return next(r for r in accounts if r.account == account)


def _not_promised(cls: type, kind: type | None) -> Iterator[tuple[str, str]]:
    """Tests of abilities that a connector's class has not, each with why it is skipped."""
    for part in cls.__mro__:
        ability = vars(part).get("ability")
        if kind is None or ability is None or issubclass(kind, ability):
            continue
        for name in vars(part):
            if name.startswith("test_"):
                yield name, f"{ability.__name__} is not promised"


def _marked(test: FunctionType, mark: pytest.MarkDecorator) -> Callable[..., Any]:
    """A copy of the test, so that the mark stays in this class."""
    copy = FunctionType(
        test.__code__, test.__globals__, test.__name__, test.__defaults__, test.__closure__
    )
    copy.__dict__.update(test.__dict__)
    copy.__kwdefaults__ = test.__kwdefaults__
    marked: Callable[..., Any] = mark(copy)
    return marked
