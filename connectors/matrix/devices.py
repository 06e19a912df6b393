"""Which devices exist and which a message may be sealed to. Pure.

Rules kept here:

1. What the homeserver tells of devices is taken apart here, one device at a time: a malformed one
   is left out (nobody can seal to it), and never spoils the list of the others.
2. An account beyond the readers, joined or only invited, refuses the whole delivery. So does a
   device of a named reader that is not among the devices that reader may have.
3. Messages are sealed to joined members only: in a room whose newcomers see no history, an
   invited account could not fetch the message anyway.
4. Our own account's other devices are never sealed to, unless the delivery names them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.port import AccountId, DeviceId
from connectors.port.errors import (
    NOT_A_MEMBER,
    IdentityChanged,
    ReadersChanged,
    Rejected,
    Unavailable,
)
from connectors.port.messages import Device, Reader

OLM = "m.olm.v1.curve25519-aes-sha2"
MEGOLM = "m.megolm.v1.aes-sha2"


@dataclass(frozen=True, slots=True)
class Target:
    """One device that a message is sealed to."""

    account: AccountId
    device: Device


@dataclass(frozen=True, slots=True)
class Told:
    """Devices as the homeserver tells them, each list as complete as it is.

    Attributes:
        devices: by account; an account without devices has an empty set.
        unread: accounts whose server did not answer.
    """

    devices: Mapping[AccountId, frozenset[Device]]
    unread: frozenset[AccountId] = frozenset()

    def of(self, account: AccountId) -> frozenset[Device] | None:
        """Devices of an account; None when nobody told."""
        return None if account in self.unread else self.devices.get(account, frozenset())

    def and_of(self, more: "Told") -> "Told":
        """This and what was told of further accounts."""
        return Told({**self.devices, **more.devices}, self.unread | more.unread)


@dataclass(frozen=True, slots=True)
class Members:
    """Who a room lets in, as told just now."""

    joined: frozenset[AccountId]
    invited: frozenset[AccountId]

    @property
    def everybody(self) -> frozenset[AccountId]:
        """Joined and invited."""
        return self.joined | self.invited

    def and_of(self, joined: frozenset[AccountId]) -> "Members":
        """These and more who are in."""
        return Members(self.joined | joined, self.invited - joined)


def well_formed(account: str, device: str, payload: Any) -> bool:
    """Whether a device's keys are all there and of the right form, and are that device's.

    Args:
        account: whose list it stands in.
        device: its name in that list.
        payload: as the homeserver gave it.

    Source: matrix-spec, POST /keys/query, DeviceKeys.
    """
    if not isinstance(payload, dict):
        return False
    keys, algorithms = payload.get("keys"), payload.get("algorithms")
    return (
        payload.get("user_id") == account
        and payload.get("device_id") == device
        and isinstance(keys, dict)
        and isinstance(algorithms, list)
        and {OLM, MEGOLM} <= {str(a) for a in algorithms}
        and all(isinstance(keys.get(f"{kind}:{device}"), str) for kind in ("ed25519", "curve25519"))
        and isinstance(payload.get("signatures"), dict)
    )


def unread_accounts(failures: Any, accounts: Collection[AccountId]) -> frozenset[AccountId]:
    """Accounts whose server is among the failures of a device query."""
    servers = set(failures) if isinstance(failures, dict) else set()
    return frozenset(a for a in accounts if a.partition(":")[2] in servers)


def check_readers(members: Members, readers: Collection[Reader], own: AccountId) -> None:
    """Refuses when somebody beyond the readers, or not us, is in the room.

    Raises:
        Rejected: our own account is not in. ReadersChanged: somebody else is.
    """
    if own not in members.joined:
        raise Rejected(NOT_A_MEMBER, "our account is not in this room")
    beyond = members.everybody - {r.account for r in readers} - {own}
    if beyond:
        raise ReadersChanged("readers_changed", f"{len(beyond)} more than planned are in the room")


def targets(
    members: Members,
    told: Told,
    readers: Collection[Reader],
    own: Target,
    distrusted: Collection[Target],
) -> frozenset[Target]:
    """The devices to seal to.

    Args:
        members: as read just now.
        told: devices as read just now, of all members and of our own account.
        readers: exactly who may read.
        own: our account and our device.
        distrusted: devices that are never to be sealed to.

    Raises:
        ReadersChanged, Rejected: as ``check_readers``.
        IdentityChanged: a named reader has a device that he may not have.
        Unavailable: the devices of a member could not be read.
    """
    check_readers(members, readers, own.account)
    named = {r.account: r.devices for r in readers}
    found: set[Target] = {own}
    for account in sorted(members.everybody):
        devices = told.of(account)
        if devices is None:
            raise Unavailable("devices_unread", "a member's homeserver does not tell its devices")
        usable = _usable(account, devices, named.get(account), own, distrusted)
        if account in members.joined:
            found |= {Target(account, device) for device in usable}
    return frozenset(found)


def _usable(
    account: AccountId,
    devices: frozenset[Device],
    allowed: frozenset[Device] | None,
    own: Target,
    distrusted: Collection[Target],
) -> frozenset[Device]:
    """Devices of one account that may be sealed to, or a refusal."""
    barred = {t.device for t in distrusted if t.account == account}
    others = devices - {own.device} if account == own.account else devices
    if allowed is None:
        return frozenset() if account == own.account else others - barred
    if others - allowed:
        raise IdentityChanged("device_unknown", "a member has a device that nobody agreed to")
    return others - barred


def sealed_readers(sealed: Collection[Target]) -> frozenset[Reader]:
    """The devices that a message was sealed to, as readers: the proof of who can read."""
    by_account: dict[AccountId, set[Device]] = {}
    for target in sealed:
        by_account.setdefault(target.account, set()).add(target.device)
    return frozenset(Reader(a, frozenset(devices)) for a, devices in by_account.items())


def to_rows(sealed: Collection[Target]) -> list[list[str]]:
    """Targets as plain lists, for keeping."""
    return sorted([t.account, t.device.device, t.device.key] for t in sealed)


def from_rows(rows: list[list[str]]) -> frozenset[Target]:
    """Targets from what ``to_rows`` gave."""
    return frozenset(Target(AccountId(a), Device(DeviceId(d), key)) for a, d, key in rows)
