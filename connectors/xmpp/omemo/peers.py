"""Whose devices are published: read afresh whenever asked, and told of when they change.

Rules kept here:

1. Each account's list is read anew for whoever asks. Those who ask while a reading is under way
   share the next one, so that nobody is given an answer from before he asked.
2. A device's keys are read again with it, unless the server promised to tell of changes to them,
   told of none since, and it was not long ago.
3. A device without keys that can be had is told with an empty key.
4. What was there is remembered across starts, so that a change while we were away is told too. What
   the server pushes is never believed: it has us read.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any
from xml.etree.ElementTree import tostring

from slixmpp import JID, ClientXMPP

from connectors.port import AccountId, DeviceId
from connectors.port.errors import ConnectorError
from connectors.port.messages import Device
from connectors.xmpp.omemo import wire
from connectors.xmpp.omemo.engine import Engine, Published
from connectors.xmpp.omemo.marks import Marks
from connectors.xmpp.omemo.pep import BUNDLE_NODE, LIST_NODE, Pep
from connectors.xmpp.sealing import ToldOfDevice

_AT_ONCE = 16
_LONG_AGO = 600.0
_PUSHES = ("pubsub_publish", "pubsub_retract", "pubsub_purge", "pubsub_delete")


class Peers:
    """The devices of everybody that we were asked about.

    Args:
        client: not connected yet.
        engine: whose device is our own.
        marks: remembers what was there.
        told: is told of changes.
    """

    def __init__(
        self, client: ClientXMPP, engine: Engine, marks: Marks, told: ToldOfDevice
    ) -> None:
        client.register_plugin("xep_0060")
        for event in _PUSHES:
            client.add_event_handler(event, self._pushed)
        self.pep = Pep(client)
        self._engine = engine
        self._marks = marks
        self._told = told
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._turns: dict[AccountId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._next: dict[AccountId, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._read: dict[AccountId, tuple[float, Mapping[int, str]]] = {}
        self._followed: set[tuple[AccountId, str]] = set()
        self._kept: dict[tuple[AccountId, int], float] = {}
        self._parsed: dict[tuple[AccountId, int], tuple[bytes, Any]] = {}

    @property
    def _published(self) -> Published:
        return self._engine.published

    def anew(self) -> None:
        """A new session: what the server promised the last one no longer holds."""
        self._followed.clear()
        self._kept.clear()

    def stop(self) -> None:
        """Ends what is under way."""
        for task in self._tasks:
            task.cancel()

    # --- asking ---------------------------------------------------------------------------------

    def known(self, account: AccountId) -> Mapping[int, str]:
        """Devices and keys as read last; empty before."""
        return self._read[account][1] if account in self._read else {}

    def as_devices(self, account: AccountId) -> frozenset[Device]:
        """Devices as read last."""
        return _devices(self.known(account))

    async def fresh(self, accounts: Iterable[AccountId]) -> None:
        """Reads the devices of accounts. Raises: Unreadable, Unavailable."""
        asked = [self._reading(account) for account in sorted(set(accounts))]
        for task in asked:
            await asyncio.shield(task)

    async def not_older(self, accounts: Iterable[AccountId], seconds: float) -> None:
        """Reads those that were read longer ago. Raises: Unreadable, Unavailable."""
        since = asyncio.get_running_loop().time() - seconds
        await self.fresh(a for a in accounts if a not in self._read or self._read[a][0] < since)

    def _reading(self, account: AccountId) -> asyncio.Task[None]:
        if account not in self._next:
            self._next[account] = self._spawn(self._in_turn(account))
        return self._next[account]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever still waits for it is given it; nobody may be

    async def _in_turn(self, account: AccountId) -> None:
        try:
            async with self._turns[account]:
                self._next.pop(account, None)  # whoever asks from here on gets another reading
                async with self._gate:
                    await self._look(account)
        finally:
            if self._next.get(account) is asyncio.current_task():
                del self._next[account]

    # --- reading --------------------------------------------------------------------------------

    async def _look(self, account: AccountId) -> None:
        """Reads one account's devices."""
        now = asyncio.get_running_loop().time()
        await self._follow(account, LIST_NODE)
        numbers = await self.pep.device_numbers(account)
        found = {number: await self._key(account, number, now) for number in sorted(numbers)}
        self._published.lists[account] = numbers
        self._note(account, found)
        self._read[account] = (now, found)

    async def _key(self, account: AccountId, number: int, now: float) -> str:
        """The key of a device; empty where none can be had. Raises: Unavailable."""
        own = self._engine.own
        if own is not None and (account, number) == (own.account, own.number):
            return own.key
        place = (account, number)
        if place not in self._kept or now - self._kept[place] > _LONG_AGO:
            if await self._follow(account, f"{BUNDLE_NODE}{number}"):
                self._kept[place] = now  # before it is read: what changes meanwhile takes it away
            await self._read_bundle(account, number)
        bundle = self._published.bundles.get(place)
        return "" if bundle is None else wire.fingerprint(bundle.identity_key)

    async def _read_bundle(self, account: AccountId, number: int) -> None:
        place = (account, number)
        try:
            bundle = await self._bundle(account, number)
        except BaseException:
            self._kept.pop(place, None)
            raise
        if bundle is None:
            self._kept.pop(place, None)
            self._published.bundles.pop(place, None)
        else:
            self._published.bundles[place] = bundle

    async def _bundle(self, account: AccountId, number: int) -> Any | None:
        """A bundle as it is now; None where none can be had. Raises: Unavailable."""
        found = await self.pep.bundle(account, number)
        if found is None and (account, number) not in self._parsed:
            found = await self.pep.bundle(account, number)  # it may be about to be published
        raw, parsed = b"" if found is None else tostring(found), self._parsed
        if (account, number) not in parsed or parsed[account, number][0] != raw:
            bundle = None if found is None else wire.parse_bundle(found, account, number)
            parsed[account, number] = (raw, bundle)
        return parsed[account, number][1]

    async def _follow(self, account: AccountId, node: str) -> bool:
        """Has the server tell of changes to a node, before it is read, and whether it will."""
        if (account, node) not in self._followed and await self.pep.follow(account, node):
            self._followed.add((account, node))
        return (account, node) in self._followed

    def _note(self, account: AccountId, found: Mapping[int, str]) -> None:
        """Tells of devices that are new or have another key, and remembers what is there."""
        before = self._marks.seen(account)
        if before == found:
            return
        self._marks.see(account, found)
        own = self._engine.own
        news = _devices(found) - _devices(before or {})
        for device in sorted(news, key=lambda d: d.device) if before is not None else ():
            if device.key and (own is None or (account, device) != (own.account, own.device)):
                self._told(account, device)

    # --- what is pushed -------------------------------------------------------------------------

    def _pushed(self, message: Any) -> None:
        """The server says that a node changed: who asks next gets it as it is then."""
        account = AccountId(JID(message["from"]).bare)
        node = _node(message)
        if (account, node) not in self._followed:
            return
        for place in [p for p in self._kept if p[0] == account]:
            if node == f"{BUNDLE_NODE}{place[1]}":
                del self._kept[place]
        self._spawn(self._look_again(account))

    async def _look_again(self, account: AccountId) -> None:
        with suppress(ConnectorError):  # whoever asks next is told of it
            await self.fresh([account])


def _devices(found: Mapping[int, str]) -> frozenset[Device]:
    return frozenset(Device(DeviceId(str(number)), key) for number, key in found.items())


def _node(message: Any) -> str:
    event = message.xml.find("{http://jabber.org/protocol/pubsub#event}event")
    parts: Collection[Any] = () if event is None else event
    return next((str(part.get("node", "")) for part in parts), "")
