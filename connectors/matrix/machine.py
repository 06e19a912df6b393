"""The cryptography: matrix-nio's Olm machine and its store, without nio's HTTP client.

Rules kept here:

1. Whoever is sealed to is decided before (``devices``). This module seals to those devices and to
   no other, whatever it learns of in between, and says to which it really did.
2. A room key is shared with one exact set of devices. When the wanted set is another, bigger or
   smaller, a new room key is made: nobody who left keeps a key that is still in use.
3. What arrives for our device (room keys) can be opened only once, so it is committed to nio's
   store, in one transaction, before anything of that sync is handed on.
4. One-time keys are stored before they are published: a crash in between must not leave the
   homeserver handing out keys whose other half is lost.
5. A message's author is the owner of the device whose keys its room key came under. A room key of
   another account's device makes the message unreadable, not that other account's.

nio logs what it cannot parse, decrypted text included: its loggers are silenced here.
"""

import asyncio
import base64
import logging
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import peewee
from nio.crypto import Olm, OlmDevice
from nio.events import RoomKeyEvent, ToDeviceEvent
from nio.exceptions import EncryptionError
from nio.responses import KeysClaimResponse, KeysQueryResponse, KeysUploadResponse
from nio.store import SqliteStore

from connectors.matrix.client import BASE, Client, Json
from connectors.matrix.devices import MEGOLM, Target, Told, unread_accounts, well_formed
from connectors.matrix.plain import Opened, compact, read_payload
from connectors.port import AccountId, DeviceId
from connectors.port.errors import IdentityChanged, Rejected, Unavailable
from connectors.port.messages import Device

_STORE = "olm.db"
_SIGNED = "signed_curve25519"
_RESERVE = 150
# what nio and vodozemac raise on malformed input; vodozemac's own errors are ValueErrors
_MALFORMED = (EncryptionError, ValueError, KeyError, TypeError, AttributeError, AssertionError)


@dataclass(frozen=True, slots=True)
class _Shared:
    """With whom a room's current key was to be shared, and with whom it was."""

    wanted: frozenset[Target]
    got: frozenset[Target]


class Machine:
    """One device's keys and sessions.

    Args:
        client: signed in.
        folder: owner-only folder for nio's store.
        user: our account.
        device: our device id.
        key: 32 bytes that seal the store's keys.
    """

    def __init__(self, client: Client, folder: Path, user: str, device: str, key: bytes) -> None:
        logging.getLogger("nio").setLevel(logging.CRITICAL + 1)
        logging.getLogger("peewee").setLevel(logging.WARNING)
        self.stuck = False
        self._client = client
        self._identity = (user, device)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._store = SqliteStore(user, device, str(folder), base64.b64encode(key).decode(), _STORE)
        (folder / _STORE).chmod(0o600)
        self._olm: Any = None
        self._shared: dict[str, _Shared] = {}
        self._told: dict[AccountId, tuple[Any, frozenset[Device]]] = {}
        self._querying = asyncio.Lock()
        self._load()

    def _load(self) -> None:
        """Reads keys and sessions from the store; what was only in memory is forgotten."""
        try:
            self._olm = Olm(*self._identity, self._store)
        except (peewee.PeeweeException, *_MALFORMED) as error:
            raise Rejected("keys_sealed", "the kept keys do not open with this pickle_key") from (
                error if isinstance(error, peewee.PeeweeException) else None
            )
        self._shared.clear()
        self._told.clear()

    def close(self) -> None:
        """Closes the store."""
        self._store.database.close()

    @property
    def own(self) -> Target:
        """Our account and our device."""
        user, device = self._identity
        key = self._olm.account.identity_keys["ed25519"]
        return Target(AccountId(user), Device(DeviceId(device), key))

    @property
    def published(self) -> bool:
        """Whether our device's keys were ever published."""
        return bool(self._olm.account.shared)

    # --- our own keys -------------------------------------------------------------------------

    def counted(self, one_time_keys: object) -> None:
        """Notes how many of our one-time keys the homeserver still has."""
        if isinstance(one_time_keys, dict):
            # nio itself overlooks a count of zero, and would then never publish again
            self._olm.uploaded_key_count = int(one_time_keys.get(_SIGNED, 0))

    async def publish(self) -> None:
        """Publishes our device's keys and one-time keys, where some are missing.

        Raises:
            Rejected: the homeserver refuses them (``stuck`` until it takes some again), as when
                the store is an older copy. Unavailable: not now.
        """
        if not self._olm.should_upload_keys:
            return
        # nio publishes 50 and has no fallback key: whoever came after the fiftieth while we were
        # away could seal nothing to us
        self._olm.account.generate_one_time_keys(_RESERVE)
        content = self._olm.share_keys()
        self._olm.save_account()
        try:
            answer = await self._client.call("POST", f"{BASE}/keys/upload", content)
        except Rejected:
            self.stuck = True
            raise
        self.stuck = False
        counts = answer.get("one_time_key_counts", {})
        known = int(counts.get(_SIGNED, 0))
        self._olm.handle_response(KeysUploadResponse(int(counts.get("curve25519", 0)), known))

    # --- other people's devices ---------------------------------------------------------------

    async def query(self, accounts: Collection[AccountId]) -> Told:
        """Asks for the devices of accounts, freshly.

        One at a time: an older answer that is taken in after a newer one would bring back, or
        take away, what is no longer so.

        Raises:
            ConnectorError: the homeserver did not answer.
        """
        if not accounts:
            return Told({})
        body = {"device_keys": {a: [] for a in sorted(accounts)}, "timeout": 10_000}
        async with self._querying:
            answer = await self._client.call("POST", f"{BASE}/keys/query", body)
            listed = answer.get("device_keys")
            listed = listed if isinstance(listed, dict) else {}
            unread = unread_accounts(answer.get("failures"), accounts)
            answered = set(accounts) - unread
            self._take_devices({a: listed.get(a) or {} for a in answered})
        return Told({a: self._told[a][1] for a in answered}, unread)

    def _take_devices(self, listed: Mapping[AccountId, Any]) -> None:
        """Hands lists that differ from the last ones to nio, the good devices of them only."""
        fresh = {a: d for a, d in listed.items() if a not in self._told or self._told[a][0] != d}
        if not fresh:
            return
        good = {a: self._valid_devices(a, devices) for a, devices in fresh.items()}
        with self._store.database.atomic():
            self._olm.handle_response(KeysQueryResponse(good, {}))
            for account, devices in good.items():
                self._revive(account, devices)
        for account, devices in good.items():
            self._told[account] = (fresh[account], _named(devices))

    def _revive(self, account: str, devices: Mapping[str, Json]) -> None:
        """Counts a device that is listed again; nio leaves what was once deleted deleted."""
        known = self._olm.device_store[account]
        back = {n: known[n] for n in devices if n in known and known[n].deleted}
        for device in back.values():
            device.deleted = False
        if back:
            self._store.save_device_keys({account: back})

    def _valid_devices(self, account: str, listed: object) -> dict[str, Json]:
        """Devices whose keys are whole and signed by themselves."""
        devices = listed if isinstance(listed, dict) else {}
        return {
            name: payload
            for name, payload in devices.items()
            if well_formed(account, name, payload) and self._signed(account, name, payload)
        }

    def _signed(self, account: str, device: str, payload: Json) -> bool:
        try:
            key = payload["keys"][f"ed25519:{device}"]
            return bool(self._olm.verify_json(dict(payload), key, account, device))
        except _MALFORMED:
            return False

    def verify(self, target: Target) -> None:
        """Marks a device, just read back, as verified; its key replaces an older one.

        Raises:
            IdentityChanged: the device is not known.
        """
        device = self._stored(target)
        if device is None:
            raise IdentityChanged("device_gone", "the account has no such device")
        self._olm.verify_device(device)

    def adopt(self, target: Target) -> None:
        """Lets a device's new key replace the one that nio pinned, after people compared it."""
        device = self._olm.device_store[target.account].get(target.device.device)
        if device is None or device.ed25519 == target.device.key:
            return
        self._olm.unverify_device(device)
        device.ed25519 = target.device.key
        self._store.save_device_keys({target.account: {device.id: device}})

    def is_verified(self, target: Target) -> bool:
        """Whether a device was marked as verified, with this very key."""
        device = self._stored(target)
        return device is not None and bool(self._olm.is_device_verified(device))

    def _stored(self, target: Target) -> Any:
        """Nio's record of a device, when it is active and has this key; else None."""
        device: OlmDevice | None = self._olm.device_store[target.account].get(target.device.device)
        if device is None or device.deleted or device.ed25519 != target.device.key:
            return None
        return device

    # --- sealing ------------------------------------------------------------------------------

    async def share(self, room: str, wanted: frozenset[Target]) -> frozenset[Target]:
        """Makes sure that the room's key is with the wanted devices and nobody else.

        Args:
            room: the room.
            wanted: devices, our own among them.

        Returns:
            Those that it is with: a device without a one-time key is missing.

        Raises:
            IdentityChanged: a device's key is not the one that was pinned.
            Unavailable: the key could not be handed over, or devices changed meanwhile.
        """
        others = wanted - {self.own}
        for target in others:
            self._refuse_changed(target)
        await self._claim(t for t in others if self._session(t) is None)
        ready = frozenset(t for t in others if self._session(t) is not None)
        shared = self._shared.get(room)
        if shared is None or shared.wanted != wanted or shared.got != ready or self._worn(room):
            shared = await self._share_anew(room, wanted, ready)
        return shared.got | {self.own}

    def _refuse_changed(self, target: Target) -> None:
        """Refuses a device whose key is not the one that was pinned, or that went meanwhile."""
        device = self._olm.device_store[target.account].get(target.device.device)
        if device is None or device.deleted:
            raise Unavailable("devices_moved", "a device was signed out just now")
        if device.ed25519 != target.device.key:
            raise IdentityChanged("device_key_changed", "a device has another key than before")

    def _session(self, target: Target) -> Any:
        device = self._stored(target)
        return device and self._olm.session_store.get(device.curve25519)

    def _worn(self, room: str) -> bool:
        """Whether the room's key served its number of messages or its time."""
        return bool(self._olm.should_share_group_session(room))

    async def _claim(self, targets: Iterable[Target]) -> None:
        """Starts Olm sessions with devices that we have none with."""
        wanted: dict[str, dict[str, str]] = defaultdict(dict)
        for target in targets:
            wanted[target.account][target.device.device] = _SIGNED
        if not wanted:
            return
        body = {"one_time_keys": wanted, "timeout": 10_000}
        answer = await self._client.call("POST", f"{BASE}/keys/claim", body)
        keys = answer.get("one_time_keys")
        with self._store.database.atomic():
            for account, device, key in _claimed(keys if isinstance(keys, dict) else {}):
                self._begin(account, device, key)

    def _begin(self, account: str, device: str, key: Json) -> None:
        """One Olm session; a malformed key leaves its device without one."""
        try:
            self._olm.handle_response(KeysClaimResponse({account: {device: key}}, {}))
        except _MALFORMED:
            return

    async def _share_anew(
        self, room: str, wanted: frozenset[Target], ready: frozenset[Target]
    ) -> _Shared:
        """A new room key, handed to each ready device."""
        self._shared.pop(room, None)
        parcels = self._parcels(room, ready)
        chosen = {(t.account, t.device.device) for t in ready}
        if any(reached - chosen for reached, _ in parcels):  # whatever nio did, it goes no further
            raise Unavailable("sealed_astray", "a key was sealed for a device that was not chosen")
        got: set[tuple[str, str]] = set()
        for reached, body in parcels:
            await self.to_device("m.room.encrypted", body)
            got |= reached
        session = self._olm.outbound_group_sessions[room]
        session.users_shared_with.update(got)
        session.mark_as_shared()
        reached_targets = frozenset(t for t in ready if (t.account, t.device.device) in got)
        self._shared[room] = _Shared(wanted, reached_targets)
        return self._shared[room]

    def _parcels(self, room: str, ready: frozenset[Target]) -> list[tuple[set[Any], Json]]:
        """The new room key sealed for each ready device; committed before any of it leaves."""
        with self._store.database.atomic():
            self._olm.create_outbound_group_session(room)
            session = self._olm.outbound_group_sessions[room]
            accounts = sorted({t.account for t in ready})
            chosen = {(t.account, t.device.device) for t in ready}
            for device in self._active(accounts):
                if (device.user_id, device.id) not in chosen:
                    session.users_ignored.add((device.user_id, device.id))
                elif not self._olm.is_device_verified(device):
                    self._olm.ignore_device(device)  # this one device: the choice was made before
            return list(self._olm.share_group_session_parallel(room, accounts))

    def _active(self, accounts: Iterable[str]) -> Iterator[Any]:
        for account in accounts:
            yield from self._olm.device_store.active_user_devices(account)

    async def to_device(self, kind: str, body: Mapping[str, Any]) -> None:
        """Hands messages to devices."""
        path = f"{BASE}/sendToDevice/{kind}/{secrets.token_hex(16)}"
        await self._client.call("PUT", path, body)

    def rotate(self, room: str) -> None:
        """Throws the room's key away; the next ``share`` makes another. Nothing is kept of it."""
        self._shared.pop(room, None)
        self._olm.outbound_group_sessions.pop(room, None)

    def seal(self, room: str, kind: str, content: Mapping[str, Any]) -> Json:
        """Encrypts an event with the room's key as it was last shared.

        Raises:
            Unavailable: the key is no longer shared.
        """
        session = self._olm.outbound_group_sessions.get(room)
        if session is None or not session.shared or session.expired:
            raise Unavailable("room_key_gone", "the room's key has to be shared anew")
        payload = compact({"type": kind, "content": content, "room_id": room})
        return {
            "algorithm": MEGOLM,
            "ciphertext": session.encrypt(payload),
            "device_id": self._identity[1],
            "sender_key": self._olm.account.identity_keys["curve25519"],
            "session_id": session.id,
        }

    # --- opening ------------------------------------------------------------------------------

    def take(self, events: Iterable[Any]) -> set[tuple[str, str]]:
        """Takes in what came for our device, in one transaction.

        Returns:
            (room, session id) of each room key that came.

        Raises:
            Unavailable: the store failed; nothing was taken in.
        """
        came: set[tuple[str, str]] = set()
        try:
            with self._store.database.atomic():
                for raw in events:
                    event = self._take_one(raw)
                    if isinstance(event, RoomKeyEvent):
                        came.add((event.room_id, event.session_id))
        except peewee.PeeweeException:
            self._load()
            raise Unavailable("store_failed", "the key store cannot be written") from None
        return came

    def _take_one(self, raw: Any) -> Any:
        """One message; what is malformed is dropped, for anybody may send us anything."""
        try:
            if raw["type"] != "m.room.encrypted":
                return None
            return self._olm.handle_to_device_event(ToDeviceEvent.parse_encrypted_event(raw))
        except _MALFORMED:
            return None

    async def heal(self) -> None:
        """Starts a new Olm session with each device whose messages no longer open."""
        if not self._olm.wedged_devices:
            return
        wedged = [
            Target(AccountId(d.user_id), Device(DeviceId(d.id), d.ed25519))
            for d in self._olm.wedged_devices
        ]
        await self._claim(wedged)
        self._olm.wedged_devices.clear()
        for message in list(self._olm.outgoing_to_device_messages):
            await self.to_device(message.type, message.as_dict())
        self._olm.outgoing_to_device_messages.clear()

    def knows_author(self, room: str, event: Mapping[str, Any]) -> bool:
        """Whether the device that sealed an event is among those known of its sender."""
        content = event.get("content", {})
        session = self._inbound(room, event.get("sender", ""), content)
        return session is None or self._device_of(event.get("sender", ""), session) is not None

    def open(self, room: str, event: Mapping[str, Any]) -> Opened | str:
        """Decrypts an event.

        Returns:
            What it says, or a short code why it cannot be read.
        """
        sender, content = str(event.get("sender", "")), event.get("content", {})
        if content.get("algorithm") != MEGOLM or not isinstance(content.get("ciphertext"), str):
            return "malformed"
        session = self._inbound(room, sender, content)
        if session is None:
            return "no_key"
        device = self._device_of(sender, session)
        if device is None and self._somebody_elses(sender, session):
            return "wrong_sender"
        try:
            plaintext, index = session.decrypt(content["ciphertext"])
        except _MALFORMED:
            return "undecryptable"
        seen = SimpleNamespace(
            sender_key=session.sender_key,
            session_id=session.id,
            event_id=event.get("event_id"),
            server_timestamp=event.get("origin_server_ts"),
        )
        if not self._olm.message_index_ok(index, seen):
            return "replayed"
        found = read_payload(plaintext, room)
        ours = device == self.own.device and sender == self.own.account
        return Opened(*found, device, ours) if found else "malformed"

    def _inbound(self, room: str, sender: str, content: Mapping[str, Any]) -> Any:
        """The room key of an event; one of the sender's own device before any other."""
        name = content.get("session_id")
        if not isinstance(name, str):
            return None
        rooms = self._olm.inbound_group_store[room].values()
        found = [sessions[name] for sessions in list(rooms) if name in sessions]
        found.sort(key=lambda session: self._device_of(sender, session) is None)
        return found[0] if found else None

    def _device_of(self, sender: str, session: Any) -> Device | None:
        """The sender's device that a room key came from; devices since deleted count too."""
        if sender == self.own.account and session.sender_key == self._own_curve():
            return self.own.device
        for device in self._olm.device_store[sender].values():
            if device.curve25519 == session.sender_key and device.ed25519 == session.ed25519:
                return Device(DeviceId(device.id), device.ed25519)
        return None

    def _own_curve(self) -> str:
        return str(self._olm.account.identity_keys["curve25519"])

    def _somebody_elses(self, sender: str, session: Any) -> bool:
        if session.sender_key == self._own_curve():
            return True
        return any(
            device.curve25519 == session.sender_key
            for device in self._olm.device_store
            if device.user_id != sender
        )


def _named(devices: Mapping[str, Json]) -> frozenset[Device]:
    return frozenset(
        Device(DeviceId(name), payload["keys"][f"ed25519:{name}"])
        for name, payload in devices.items()
    )


def _claimed(keys: Mapping[str, Any]) -> Iterator[tuple[str, str, Json]]:
    """(account, device, key objects) of a claim's answer."""
    for account, devices in keys.items():
        for device, key in devices.items() if isinstance(devices, dict) else ():
            if isinstance(key, dict) and key:
                yield account, device, key
