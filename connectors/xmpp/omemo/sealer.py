"""OMEMO for one account: what ``connectors.xmpp.sealing`` asks for.

Rules kept here:

1. One act at a time moves the keys on, and what it made of them is on the disk before the
   ciphertext, the answer or the new keys that follow from it leave. What several wait to have
   sealed at once is one act; where one of them cannot be, each is an act of its own.
2. What was opened is committed when whoever asked has stored it; a crash before lets the same
   stanza be opened again, a crash after finds it stored.
3. A message is its sender's only when it was sealed by a device of that very account, with a key
   that is no other account's. Else it is unreadable, and told as that.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from slixmpp import JID, ClientXMPP
from slixmpp.stanza import Message

from connectors.port import AccountId
from connectors.port.connector import Check
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Rejected,
    Unavailable,
    Unreadable,
)
from connectors.port.messages import Device
from connectors.xmpp.omemo import own, wire
from connectors.xmpp.omemo.engine import Engine, Found, Out, Published
from connectors.xmpp.omemo.marks import Mark, Marks
from connectors.xmpp.omemo.peers import Peers
from connectors.xmpp.omemo.store import Store
from connectors.xmpp.omemo.targets import Bar, Target, as_readers, targets
from connectors.xmpp.sealing import Opened, Sealed, ToldOfDevice

_OLD = 60.0
_HOUR = 3600.0
_GRACE = 120.0
"""Seconds after a start in which what was sent before may still come in."""
_FOLDER = "omemo"


def open_sealer(
    account: AccountId, folder: Path, key: bytes, withdraw: frozenset[str] = frozenset()
) -> "OmemoSealer":
    """A sealer on the store in a folder.

    Args:
        account: our bare address.
        folder: the owner-only folder of the connector's state.
        key: 32 bytes that seal what is kept.
        withdraw: numbers of devices of our account that are to be published no more.

    Raises:
        Rejected: the store does not open with this key, or is in use.
    """
    return OmemoSealer(account, Store(folder / _FOLDER, key), withdraw)


@dataclass(eq=False, slots=True)
class _Asked:
    """One who waits to have a text sealed."""

    text: str = field(repr=False)
    chosen: frozenset[Target]
    made: tuple[Element, ...] | ConnectorError | None = field(default=None, repr=False)


class OmemoSealer:
    """Seals and opens for one account.

    Args:
        account: our bare address.
        store: what is kept.
        withdraw: devices of ours that are to be published no more.
    """

    def __init__(self, account: AccountId, store: Store, withdraw: frozenset[str]) -> None:
        self._account = account
        self._store = store
        self._marks = Marks(store)
        self._engine = Engine(account, store, self._marks, Published())
        self._withdraw = withdraw
        self._client: ClientXMPP | None = None
        self._peers: Peers | None = None
        self._turn = asyncio.Lock()
        self._leaving = asyncio.Lock()
        self._asked: list[_Asked] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._unmet: dict[AccountId, float] = {}
        self._renewed = 0.0
        self._grace: asyncio.TimerHandle | None = None
        self._closed = False

    # --- living ---------------------------------------------------------------------------------

    @property
    def own(self) -> Device | None:
        """Our own device, valid after ``start``."""
        return None if self._engine.own is None else self._engine.own.device

    def attach(self, client: ClientXMPP, told: ToldOfDevice) -> None:
        """Registers what it needs at a client that is not connected yet."""
        self._client = client
        self._peers = Peers(client, self._engine, self._marks, told)

    async def start(self) -> None:
        """Publishes our device and its keys where they are not. Raises: Rejected, Unavailable."""
        peers = self._ready()
        peers.anew()
        await _legibly(peers.fresh([self._account]))
        async with self._turn:
            try:
                await self._engine.load()
                await own.read_bundle(peers.pep, self._engine)
                await self._engine.settle()
                gone = own.withdrawn(self._engine, self._withdraw)
                self._engine.commit()
            except BaseException:
                self._engine.forget()
                raise
            out = self._engine.take_out()
        await self._send(out)
        for number in sorted(gone):
            await peers.pep.withdraw_bundle(number)
        await _legibly(peers.fresh([self._account]))
        self._grace_ends()
        self._grace = asyncio.get_running_loop().call_later(_GRACE, self._later_caught_up)

    async def caught_up(self) -> None:
        """What was sent while we were away has been opened. Raises: ConnectorError."""
        self._loaded()
        self._grace_ends()
        async with self._turn:
            await self._act(self._engine.caught_up())
        self._leave()

    def _grace_ends(self) -> None:
        if self._grace is not None:
            self._grace.cancel()

    def _later_caught_up(self) -> None:
        """Nobody said so: what was sent while we were away has had its time."""

        async def late() -> None:
            with suppress(ConnectorError):  # the next start comes to it
                await self.caught_up()

        self._spawn(late())

    def close(self) -> None:
        """Closes its store; prompt, and may come twice."""
        self._closed = True
        self._grace_ends()
        for task in self._tasks:
            task.cancel()
        if self._peers is not None:
            self._peers.stop()
        self._store.close()

    def _ready(self) -> Peers:
        if self._closed or self._peers is None:
            raise Unavailable("closed", "the connector is closed")
        return self._peers

    def _loaded(self) -> Target:
        self._ready()
        if self._engine.own is None:
            raise Unavailable("not_signed_in", "the account is not signed in yet")
        return self._engine.own

    # --- devices --------------------------------------------------------------------------------

    async def devices(
        self, accounts: frozenset[AccountId]
    ) -> Mapping[AccountId, frozenset[Device]]:
        """The devices that each account publishes now. Raises: Unreadable, Unavailable."""
        peers = self._ready()
        await peers.fresh(accounts)
        return {account: peers.as_devices(account) for account in accounts}

    async def trust(self, account: AccountId, device: Device) -> None:
        """Marks a device as verified. Raises: IdentityChanged when it is not published so."""
        peers = self._ready()
        await peers.fresh([account])
        if not device.key or device not in peers.as_devices(account):
            raise IdentityChanged("device_changed", "the device is not published with this key")
        self._marks.set(account, device, Mark.TRUSTED)

    async def distrust(self, account: AccountId, device: Device) -> None:
        """Marks a device as never to be sealed to."""
        self._ready()
        self._marks.set(account, device, Mark.DISTRUSTED)

    def distrusted(self, account: AccountId) -> frozenset[Device]:
        """The devices of an account that are never to be sealed to."""
        return self._marks.of(account, Mark.DISTRUSTED)

    def trusted(self, account: AccountId) -> frozenset[Device]:
        """The devices of an account that were marked as verified."""
        return self._marks.of(account, Mark.TRUSTED)

    async def inspect(self) -> tuple[Check, ...]:
        """What is true of our own published devices now."""
        try:
            peers = self._ready()
            device = self._loaded()
            await peers.fresh([self._account])
        except ConnectorError as error:
            return (own.unseen(error),)
        return own.checks(device, peers.known(self._account), self.trusted(self._account))

    # --- sealing --------------------------------------------------------------------------------

    async def seal(self, body: str, readers: Mapping[AccountId, frozenset[Device]]) -> Sealed:
        """Seals a body to exactly these devices. Raises: IdentityChanged, Rejected, Unavailable."""
        device, peers = self._loaded(), self._ready()
        try:
            body.encode()
        except UnicodeEncodeError:
            raise Rejected("no_text", "a text holds half of a character") from None
        await _legibly(peers.not_older({*readers, self._account}, _OLD))
        chosen = targets(readers, self._bar(device, peers, readers))
        payload = await self._with_others(_Asked(body, chosen))
        self._leave()
        named = device.device in readers.get(device.account, frozenset())
        return Sealed(payload, as_readers(chosen | ({device} if named else set())))

    async def _with_others(self, asked: _Asked) -> tuple[Element, ...]:
        """Has one sealed together with all that wait for it at the same time.

        Whoever gets the turn first does it for all; the others find it done.
        """
        self._asked.append(asked)
        try:
            async with self._turn:
                if asked in self._asked:
                    await asyncio.sleep(0)  # lets in whoever is ready in this very step
                    await self._seal_asked()
        finally:
            if asked in self._asked:
                self._asked.remove(asked)  # given up: nothing of it was kept
        if asked.made is None or isinstance(asked.made, ConnectorError):
            raise asked.made or Unavailable("unsealed", "it was given up before it was sealed")
        return asked.made

    async def _seal_asked(self) -> None:
        group = tuple(self._asked)
        try:
            payloads = await self._act(self._sealed(group))
        except ConnectorError as error:
            if len(group) == 1:
                self._answer(group[0], error)
            else:
                for one in group:
                    await self._seal_alone(one)
        else:
            for one, payload in zip(group, payloads, strict=True):
                self._answer(one, payload)

    async def _seal_alone(self, one: _Asked) -> None:
        try:
            (payload,) = await self._act(self._sealed((one,)))
        except ConnectorError as error:
            self._answer(one, error)
        else:
            self._answer(one, payload)

    def _answer(self, one: _Asked, made: tuple[Element, ...] | ConnectorError) -> None:
        one.made = made
        self._asked.remove(one)

    async def _sealed(self, group: tuple[_Asked, ...]) -> list[tuple[Element, ...]]:
        now = asyncio.get_running_loop().time()
        if now - self._renewed > _HOUR:
            await self._engine.renew()
            self._renewed = now
        return [await self._engine.seal(one.text, one.chosen) for one in group]

    def _bar(
        self, device: Target, peers: Peers, readers: Mapping[AccountId, frozenset[Device]]
    ) -> Bar:
        return Bar(
            own=device,
            published={account: peers.known(account) for account in readers},
            cast_out=self._marks.is_cast_out,
            trusted=lambda account, each: each in self.trusted(account),
        )

    async def _act(self, work: Coroutine[Any, Any, Any]) -> Any:
        """One act of the engine, written or as if never done. Raises: ConnectorError."""
        try:
            made = await work
            self._engine.commit()
        except ConnectorError:
            self._engine.forget()
            raise
        except Exception:  # noqa: BLE001 (five libraries; their errors may quote what they were given)
            self._engine.forget()
            raise Rejected("omemo_failed", "the keys could not be used") from None
        except BaseException:
            self._engine.forget()
            raise
        return made

    # --- opening --------------------------------------------------------------------------------

    def is_sealed(self, stanza: Message) -> bool:
        """Whether a stanza holds something for ``opening``."""
        return wire.is_sealed(stanza.xml)

    @asynccontextmanager
    async def opening(self, stanza: Message, sender: AccountId) -> AsyncGenerator[Opened, None]:
        """Opens one; whoever asks stores what it gave before he leaves the block."""
        self._loaded()
        sealed = wire.sealed_part(stanza.xml)
        if sealed is None:
            yield Opened(None, None, "malformed")
            return
        await self._meet(sender, sealed)
        async with self._turn:
            try:
                yield self._told(await self._engine.open(sealed, sender), sender)
                self._engine.commit()
            except BaseException:
                self._engine.forget()
                raise
        self._leave()

    async def _meet(self, sender: AccountId, sealed: Element) -> None:
        """Reads the sender's devices when the one that says it sealed this was never met.

        Not again soon where that failed: who has a server that never answers delays nobody long.
        """
        peers, now = self._ready(), asyncio.get_running_loop().time()
        async with self._turn:
            known = await self._engine.knows(sender, wire.sender_number(sealed))
        if known or now < self._unmet.get(sender, now):
            return
        try:
            await peers.fresh([sender])
        except Unreadable:
            self._unmet[sender] = now + _OLD
        except Unavailable:
            if self._client is None or not self._client.is_connected():
                raise
            self._unmet[sender] = now + _OLD

    def _told(self, found: Found, sender: AccountId) -> Opened:
        """What is told of what was found; what is told as unreadable moves no key on."""
        code = found.unreadable
        if code is None and found.device and self._marks.is_anothers(sender, found.device):
            code = "key_of_another"
        if code is not None:
            self._engine.forget()
        return Opened(None if code is not None else found.text, found.device, code)

    # --- what leaves ----------------------------------------------------------------------------

    def _leave(self) -> None:
        """Sends what the last act left to be sent, after what was left before."""
        out = self._engine.take_out()
        if out == Out():
            return
        self._spawn(self._sent(out))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _sent(self, out: Out) -> None:
        with suppress(ConnectorError):  # the next ``start`` compares, and publishes what is missing
            await self._send(out)

    async def _send(self, out: Out) -> None:
        """Raises: Rejected, Unavailable."""
        peers, device = self._ready(), self._loaded()
        async with self._leaving:
            if out.bundle is not None:
                await peers.pep.publish_bundle(device.number, wire.write_bundle(out.bundle))
            if out.numbers is not None:
                await peers.pep.publish_list(out.numbers)
            for account, parts in out.moves:
                self._move(account, parts)

    def _move(self, account: AccountId, parts: tuple[Any, ...]) -> None:
        """A stanza that moves keys on: to one account, never to a room."""
        assert self._client is not None  # noqa: S101 - attached before
        stanza = self._client.make_message(mto=JID(account), mtype="chat")
        for part in parts:
            stanza.append(part)
        stanza.send()


async def _legibly(work: Coroutine[Any, Any, None]) -> None:
    """A reading whose refusal ends the act. Raises: Unavailable."""
    try:
        await work
    except Unreadable as error:
        raise Unavailable(error.code, error.hint) from error
