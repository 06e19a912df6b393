"""Listens to the networks: stores what they say with their cursor, and has rooms looked at.

Rules kept here:

1. A batch is stored whole, with its cursor, before the next is asked for.
2. Our own deliveries that come back are not messages.
3. A hint that members, keys or settings changed throws away what was read and has the room looked
   at, at once; the hint itself is believed no further.
4. A network that fails is tried again, and never ends the listening to the others.
5. A file that its network does not give, however often it is asked, stops nothing behind it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from connectors.port.connector import Connector
from connectors.port.errors import ConnectorError
from connectors.port.events import (
    Batch,
    Event,
    InboundMessage,
    KeyChanged,
    MembershipChanged,
    Receipt,
    Redacted,
    SettingsChanged,
)
from orchestrator.flow.accept import Accepter
from orchestrator.flow.enrolling import Enrolling
from orchestrator.flow.first_contact import FirstContact
from orchestrator.flow.incoming import from_event
from orchestrator.flow.misaddressed import misaddressed
from orchestrator.flow.outages import alarms
from orchestrator.flow.quarantine import Quarantine
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, ConnectorName, RoomId

log = structlog.get_logger(__name__)
LOOK = "@look/"
"""Begins the lane of a room that is to be read back."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
Wrote = Sequence[tuple[AccountId, str]]
"""Accounts, and the device that each wrote on, where its network numbers them."""
HearsDevices = Callable[
    [ConnectorName, Wrote], tuple[Callable[[Tx], None], Callable[[], Awaitable[None]]]
]
"""Gives what notes them in the unit of their messages, and what tells people of it afterwards."""
PATIENCE = 8
"""How often in a row a batch may fail by its files, for about a minute, before it goes without."""


class Listener:
    """Listens to one network.

    Args:
        forget: throws away what was read of a room.
        forget_account: likewise of every room of an account; returns those rooms.
        wake: has a lane drained once the unit is on disk.
        quarantine: keeps what is not believed.
        taken_back: acts upon what its author deleted.
        enrolling: hears one-time codes, which are no messages.
        devices: hears on which devices people write.
    """

    def __init__(
        self,
        name: ConnectorName,
        connector: Connector,
        store: Store,
        accepter: Accepter,
        forget: Callable[[ConnectorName, RoomId], None],
        forget_account: Callable[[ConnectorName, AccountId], tuple[RoomId, ...]],
        wake: Callable[[str, int, Tx], None],
        quarantine: Quarantine,
        taken_back: Callable[[Tx, ConnectorName, Redacted], None],
        enrolling: Enrolling,
        devices: HearsDevices,
    ) -> None:
        self._name = name
        self._connector = connector
        self._store = store
        self._accepter = accepter
        self._forget = forget
        self._forget_account = forget_account
        self._wake = wake
        self._quarantine = quarantine
        self._taken_back = taken_back
        self._enrolling = enrolling
        self._devices = devices
        self._strangers = FirstContact(store, accepter.book, accepter.takes, accepter.now)
        self._failed = 0

    async def run(self) -> None:
        """Listens until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                cursor = await self._store.read(self._cursor)
                async for batch in self._connector.receive(cursor):
                    await self.take(batch)
                    pause = FIRST_PAUSE_S
            except Exception as error:  # noqa: BLE001 - whatever it is, listening goes on
                log.warning("listening.failed", connector=self._name, error=type(error))
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_S, pause * 2)

    def _cursor(self, tx: Tx) -> str | None:
        row = tx.one("SELECT cursor FROM channel WHERE connector = ?", (self._name,))
        return row[0] if row else None

    async def take(self, batch: Batch) -> None:
        """Stores one batch."""
        ours = self._connector.account
        messages = [
            from_event(self._name, event)
            for event in batch.events
            if isinstance(event, InboundMessage)
            and event.sender != ours
            and event.delivery_key is None
        ]
        rooms = {room for event in batch.events for room in self._touched(event)}
        for room in rooms:
            self._forget(self._name, room)

        def also(tx: Tx) -> None:
            for event in batch.events:
                if isinstance(event, Receipt):
                    self._receipt(tx, event)
                if isinstance(event, Redacted):
                    self._taken_back(tx, self._name, event)
            for room in rooms:
                self._wake(f"{LOOK}{self._name}/{room}", 0, tx)

        note, told = self._devices(self._name, _wrote(batch))
        messages, codes = self._enrolling.sort(self._name, messages)
        messages, strange = await self._strangers.sort(self._name, messages)
        book, now = self._accepter.book, self._accepter.now
        alarm = alarms(self._name, ours, batch.events, book, now)
        outside = misaddressed(self._name, batch.events, book, now)
        lossy = self._failed >= PATIENCE
        try:
            unbelieved = (*batch.events, *(one.event for one in strange))
            async with self._quarantine.sealed(self._name, unbelieved) as put:
                units = (
                    *(also, alarm, outside, put, note, lambda tx: self._enrolling.put(tx, codes)),
                    lambda tx: self._strangers.put(tx, self._name, strange),
                )
                await self._accepter.accept(
                    messages, (self._name, batch.cursor), lambda tx: _all(tx, units), lossy=lossy
                )
        except ConnectorError:
            self._failed += 1
            raise
        self._failed = 0
        await told()
        await self._enrolling.told(codes)
        await self._enrolling.enter(self._connector, self._name, batch)

    def _touched(self, event: Event) -> tuple[RoomId, ...]:
        if isinstance(event, MembershipChanged | SettingsChanged):
            return (event.room,)
        if isinstance(event, KeyChanged):
            return self._forget_account(self._name, event.account)
        return ()

    def _receipt(self, tx: Tx, receipt: Receipt) -> None:
        tx.run(
            "INSERT OR IGNORE INTO receipt VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(self._name, receipt.room, receipt.remote_id),
                *(receipt.account, receipt.kind.value, receipt.at),
            ),
        )


def _wrote(batch: Batch) -> Wrote:
    return [
        (event.sender, event.written_on)
        for event in batch.events
        if isinstance(event, InboundMessage) and event.written_on
    ]


def _all(tx: Tx, units: Iterable[Callable[[Tx], None]]) -> None:
    for unit in units:
        unit(tx)
