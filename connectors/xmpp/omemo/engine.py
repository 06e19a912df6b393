"""The keys and sessions of our device: slixmpp-omemo over a session manager that acts for nobody.

Rules kept here:

1. Nothing is sent or published in the midst of an act, and nothing is read from the network. What
   the library wants to have sent stands in ``take_out`` once what it became was written.
2. Trust is not the library's to give. For one message the devices to seal to are those chosen for
   it and no others; a device that was cast out opens nothing.
3. What the library did is compared with what was chosen, before any of it leaves.
4. A number that shows another key than before is not believed: sessions with that account begin
   anew only once somebody chose the new key.
5. The keys that strangers begin sessions with are renewed after a week.
6. Two who begin a session with each other at once make two. The one that was there before is kept
   beside, and opens what was sealed in it; what was opened last is what is sealed in.

Not for several tasks at once: whoever drives it holds a lock from an act to its commit.
The library writes texts into its log: it is silenced here.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from doubleratchet import DuplicateMessageException
from oldmemo import Oldmemo
from omemo.backend import DecryptionFailed, KeyExchangeFailed
from omemo.session_manager import (
    BundleNotFound,
    MessageNotForUs,
    NoEligibleDevices,
    NoSession,
    PublicDataInconsistency,
    SenderDistrusted,
    SenderNotFound,
    SessionManager,
)
from omemo.storage import Maybe, Nothing, Storage
from omemo.types import TrustLevel

from connectors.port import AccountId
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.messages import Device
from connectors.xmpp.omemo import wire
from connectors.xmpp.omemo.marks import Marks
from connectors.xmpp.omemo.pep import NAMESPACE
from connectors.xmpp.omemo.plugin import Plugin
from connectors.xmpp.omemo.store import Store, Unit
from connectors.xmpp.omemo.targets import Target

_LOGS = ("doubleratchet", "oldmemo", "omemo", "omemo.core", "slixmpp_omemo", "twomemo", "x3dh")
_ROW = "omemo"
_UNDECIDED = "UNDECIDED"
_WEEK_SECONDS = 7 * 24 * 60 * 60
_UNREADABLE: tuple[tuple[type[Exception], str], ...] = (
    (MessageNotForUs, "not_for_us"),
    (SenderNotFound, "sender_unknown"),
    (SenderDistrusted, "device_distrusted"),
    (NoSession, "no_session"),
    (PublicDataInconsistency, "key_changed"),
    (KeyExchangeFailed, "key_used"),
    (DecryptionFailed, "undecryptable"),
    (UnicodeDecodeError, "no_text"),
)


@dataclass(frozen=True, slots=True)
class Published:
    """What stood on the server when it was last read.

    Attributes:
        lists: numbers of devices, by account.
        bundles: keys to begin sessions with, by account and number.
    """

    lists: dict[AccountId, frozenset[int]] = field(default_factory=dict)
    bundles: dict[tuple[AccountId, int], Any] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Out:
    """What is to leave once what it follows from was written.

    Attributes:
        bundle: of ours, to be published.
        numbers: our device list, to be published after the bundle.
        moves: stanzas that move keys on, each for one account.
    """

    bundle: Any = field(default=None, repr=False)
    numbers: frozenset[int] | None = None
    moves: list[tuple[AccountId, tuple[Element, ...]]] = field(default_factory=list, repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What was opened.

    Attributes:
        text: of the body; None where there is none.
        device: which sealed it.
        unreadable: short code why it could not be opened.
    """

    text: str | None = field(repr=False)
    device: Device | None
    unreadable: str | None = None


class Engine:
    """The keys of one device.

    Args:
        account: ours.
        store: where they are kept.
        marks: which devices were cast out.
        published: what stands on the server, kept up by whoever reads it.
    """

    def __init__(
        self, account: AccountId, store: Store, marks: Marks, published: Published
    ) -> None:
        for name in _LOGS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self.account = account
        self.published = published
        self.out = Out()
        self.chosen: frozenset[Target] = frozenset()
        self._marks = marks
        self._rows = _Rows(store)
        self._backend = Oldmemo(self._rows)
        self._beside = Oldmemo(_Beside(self._rows))
        self._manager: Any = None
        self._plugin: Any = None
        self._own: Target | None = None
        self._listed: dict[AccountId, frozenset[int]] = {}
        self._agreed: set[Target] = set()

    @property
    def own(self) -> Target | None:
        """Our own device; None before ``load``."""
        return self._own

    def is_cast_out(self, account: AccountId, key: str) -> bool:
        """Whether a key of an account was distrusted."""
        return self._marks.is_cast_out(account, key)

    # --- acts -----------------------------------------------------------------------------------

    def commit(self) -> None:
        """Writes what the last act became. Raises: Unavailable, and it never was."""
        try:
            self._rows.unit.commit()
        except ConnectorError:
            self.forget()
            raise

    def forget(self) -> None:
        """Makes as if the last act had never been."""
        self._rows.unit = Unit(self._rows.base)
        self._listed.clear()
        self._agreed.clear()
        self.out = Out()

    def take_out(self) -> Out:
        """What is to leave, once."""
        out, self.out = self.out, Out()
        return out

    # --- our own device -------------------------------------------------------------------------

    async def load(self) -> None:
        """Our keys, made where there are none. Needs our account's device list."""
        if self._manager is None:
            manager = await _bound(self).create(
                [self._backend], self._rows, self.account, None, _UNDECIDED
            )
            await manager.shutdown()  # its own clockwork would write in the midst of our acts
            device, _ = await manager.get_own_device_information()
            key = wire.fingerprint(device.identity_key)
            self._own = Target(self.account, int(device.device_id), key)
            self._manager, self._plugin = manager, Plugin(self.account, manager)
            self.out = Out()  # what is to be published is told by ``settle``
        self._manager.before_history_sync()

    async def settle(self) -> None:
        """Compares what we have with what we publish. Needs our own bundle, where there is one.

        Raises:
            Rejected: another device's keys stand under our number.
        """
        assert self._own is not None  # noqa: S101 - loaded before
        there = self.published.bundles.get((self.account, self._own.number))
        if there is not None and wire.fingerprint(there.identity_key) != self._own.key:
            hint = "other keys are published under our device's number: withdraw them, or restore"
            raise Rejected("device_taken", hint)
        await self._manager.ensure_data_consistency()
        await self.renew()

    async def renew(self) -> None:
        """Renews the key that strangers begin sessions with, when it is a week old."""
        if await self._backend.signed_pre_key_age() > _WEEK_SECONDS:
            await self._backend.rotate_signed_pre_key()
            assert self._own is not None  # noqa: S101 - loaded before
            self.out.bundle = await self._backend.get_bundle(self.account, self._own.number)

    async def caught_up(self) -> None:
        """Throws away what was kept for those who wrote while we were away, and answers them."""
        await self._manager.after_history_sync()

    # --- sealing --------------------------------------------------------------------------------

    async def seal(self, text: str, targets: frozenset[Target]) -> tuple[Element, ...]:
        """Seals to exactly these devices; to be committed before it leaves.

        Raises:
            Unavailable: the keys of one of them cannot be had, or are no good.
        """
        accounts = {target.account for target in targets}
        for account in sorted(accounts | {self.account}):
            await self._list(account)
        for target in sorted(targets - self._agreed, key=lambda t: (t.account, t.number)):
            await self._agree(target)
        self.chosen = targets
        try:
            return wire.payload(await self._plugin.seal(text, accounts))
        except NoEligibleDevices:
            raise _missing() from None
        finally:
            self.chosen = frozenset()

    async def _list(self, account: AccountId) -> None:
        """Has the library know which devices an account publishes."""
        numbers = self.published.lists.get(account)
        if numbers is not None and self._listed.get(account) != numbers:
            listed = dict.fromkeys(numbers)
            await self._manager.update_device_list(NAMESPACE, account, listed)
            self._listed[account] = numbers

    async def _agree(self, target: Target) -> None:
        """Begins anew with an account whose device has another key, which somebody chose."""
        known = {int(d.device_id): d for d in await self._devices(target.account)}
        device = known.get(target.number)
        if device is not None and wire.fingerprint(device.identity_key) != target.key:
            with suppress(
                KeyError
            ):  # the library trips over an account without sessions, at the end
                await self._manager.purge_bare_jid(target.account)
            self._listed.pop(target.account, None)
            self._agreed = {t for t in self._agreed if t.account != target.account}
            await self._list(target.account)
        self._agreed.add(target)

    async def _devices(self, account: AccountId) -> frozenset[Any]:
        found: frozenset[Any] = await self._manager.get_device_information(account)
        return found

    # --- opening --------------------------------------------------------------------------------

    async def knows(self, account: AccountId, number: int | None) -> bool:
        """Whether a device is one that was met; keeps nothing."""
        if number is not None and (account, number) in self.published.bundles:
            return True
        met = {int(device.device_id) for device in await self._devices(account)}
        self._rows.unit = Unit(self._rows.base)
        return number in met

    async def open(self, sealed: Element, sender: AccountId) -> Found:
        """Opens one; to be committed after what it gave was stored, or forgotten.

        Raises:
            ConnectorError: our own store failed; nothing else.
        """
        assert self._own is not None  # noqa: S101 - loaded before
        number = wire.sender_number(sealed)
        if number is None:
            return Found(None, None, "malformed")
        if (sender, number) == (self.account, self._own.number):
            return Found(None, self._own.device, "our_own")
        found = Found(None, None, "not_for_us")
        for copy in wire.copies_for(sealed, self._own.number):
            found = await self._open(copy, sender)
            if found.unreadable is None:
                break
            self.forget()
        return found

    async def _open(self, sealed: Element, sender: AccountId) -> Found:
        try:
            await self._list(sender)
            text, device = await self._plugin.open(sealed, sender)
            return Found(text, wire.device(device.device_id, device.identity_key))
        except ConnectorError:
            raise
        except Exception as error:  # noqa: BLE001 (what a stranger wrote, through five libraries)
            return Found(None, None, _why(error))

    async def either(self, decrypt: Callable[[Any], Awaitable[Any]], message: Any) -> Any:
        """What ``decrypt`` gives, out of the session that there is or the one beside it."""
        place = message.bare_jid, message.device_id
        before = await self._backend.load_session(*place)
        if any(exchange is not None for _, exchange in message.keys):
            found = await decrypt(message)
            await self._set_beside(before, await self._backend.load_session(*place))
            return found
        beside = await self._beside.load_session(*place)
        try:
            return await decrypt(message)
        except DecryptionFailed:
            if beside is None or before is None:
                raise
        await self._backend.store_session(beside)
        found = await decrypt(message)
        await self._beside.store_session(before)
        return found

    async def _set_beside(self, before: Any, after: Any) -> None:
        """Keeps a session that another has taken the place of."""
        if before is None or after is None:
            return
        if not before.key_exchange.builds_same_session(after.key_exchange):
            await self._beside.store_session(before)


class _Read(Maybe):  # type: ignore[misc, unused-ignore]  # the extra may not be there to be read
    """A value that was read for whoever asked, and that nobody else has: it needs no copies."""

    is_just, is_nothing = True, False

    def __init__(self, value: Any) -> None:
        self._value = value

    def from_just(self) -> Any:
        return self._value

    def maybe(self, _default: object) -> Any:
        return self._value

    def fmap(self, function: Callable[[Any], Any]) -> "_Read":
        return _Read(function(self._value))


class _Rows(Storage):  # type: ignore[misc, unused-ignore]  # likewise
    """The library's storage: rows of the unit that is under way."""

    def __init__(self, store: Store) -> None:
        super().__init__(disable_cache=True)
        self.base = store
        self.unit = Unit(store)

    async def _load(self, key: str) -> Any:
        found = self.unit.get((_ROW, key))
        return Nothing() if found is None else _Read(json.loads(found))

    async def _store(self, key: str, value: Any) -> None:
        self.unit.put((_ROW, key), value)

    async def _delete(self, key: str) -> None:
        self.unit.drop((_ROW, key))


class _Beside(Storage):  # type: ignore[misc, unused-ignore]  # likewise
    """Where sessions are kept that are no longer sealed in: the same unit, under other names."""

    def __init__(self, rows: _Rows) -> None:
        super().__init__(disable_cache=True)
        self._rows = rows

    async def _load(self, key: str) -> Any:
        return await self._rows.load(f"beside{key}")

    async def _store(self, key: str, value: Any) -> None:
        await self._rows.store(f"beside{key}", value)

    async def _delete(self, key: str) -> None:
        await self._rows.delete(f"beside{key}")


class _Manager(SessionManager):  # type: ignore[misc, unused-ignore]  # likewise
    """The library's session manager, with an engine in place of network and trust."""

    engine: Engine

    async def encrypt(self, *asked: Any, **more: Any) -> Any:
        """Seals, and holds what came of it to what was chosen. Raises: Unavailable."""
        messages, errors = await super().encrypt(*asked, **more)
        if [_recipients(message) for message in messages] != [_places(self.engine.chosen)]:
            raise _missing()
        return messages, errors

    async def decrypt(self, message: Any) -> Any:
        """Opens, out of either session."""
        return await self.engine.either(super().decrypt, message)

    async def _upload_bundle(self, bundle: Any) -> None:
        self.engine.out.bundle = bundle

    async def _download_bundle(self, _namespace: str, account: str, number: int) -> Any:
        found = self.engine.published.bundles.get((AccountId(account), number))
        if found is None:
            raise BundleNotFound
        return found

    async def _delete_bundle(self, _namespace: str, _number: int) -> None:
        raise Rejected("omemo_failed", "no version of OMEMO is given up here")

    async def _upload_device_list(self, _namespace: str, listed: Mapping[int, Any]) -> None:
        self.engine.out.numbers = frozenset(listed)

    async def _download_device_list(self, _namespace: str, account: str) -> dict[int, Any]:
        return dict.fromkeys(self.engine.published.lists.get(AccountId(account), frozenset()))

    async def _evaluate_custom_trust_level(self, device: Any) -> Any:
        account, key = AccountId(device.bare_jid), wire.fingerprint(device.identity_key)
        if Target(account, int(device.device_id), key) in self.engine.chosen:
            return TrustLevel.TRUSTED
        if self.engine.chosen or self.engine.is_cast_out(account, key):
            return TrustLevel.DISTRUSTED
        return TrustLevel.UNDECIDED

    async def _make_trust_decision(self, _undecided: Any, _identifier: Any) -> None:
        raise Rejected("omemo_failed", "trust comes from people alone")

    async def _send_message(self, message: Any, account: str) -> None:
        self.engine.out.moves.append((AccountId(account), wire.keys_alone(message)))


def _bound(engine: Engine) -> Any:
    """The manager's class, which the library makes an instance of without any argument."""
    return type("Manager", (_Manager,), {"engine": engine})


def _recipients(message: Any) -> set[tuple[AccountId, int]]:
    return {(AccountId(key.bare_jid), int(key.device_id)) for key, _ in message.keys}


def _places(chosen: frozenset[Target]) -> set[tuple[AccountId, int]]:
    return {(target.account, target.number) for target in chosen}


def _missing() -> Unavailable:
    return Unavailable(
        "keys_missing", "the keys of a reader's device cannot be had, or are no good"
    )


def _why(error: Exception) -> str:
    """A short code of why something could not be opened."""
    if isinstance(error.__cause__, DuplicateMessageException):
        return "opened_before"
    return next((code for kind, code in _UNREADABLE if isinstance(error, kind)), "malformed")
