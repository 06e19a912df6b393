"""Which devices an account has, the state of each key, and who vouched for it.

Rules kept here:

1. Rows are only added; the newest row of a device is its state, and every change goes through
   the one transition table of ``tiers.trust``.
2. The first devices seen of an account are pinned. Every later device, and every other key under
   a known device's name, is only *seen* until two named people verified it.
3. What is revoked or compromised stays so.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from connectors.port.messages import Device
from orchestrator.audit.body import named
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId, DeviceId, PersonId
from tiers.trust import KeyEvent, KeyState, NotPossible, after, check_ceremony


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A device's key and its state."""

    device: Device
    state: KeyState


Account = tuple[ConnectorName, AccountId]


class Keyring:
    """All known devices of all accounts, in memory, as the store has them.

    Attributes:
        changes: counts up with every change, so that what rests on states can tell.
    """

    def __init__(self) -> None:
        self._keys: dict[Account, dict[DeviceId, KnownKey]] = {}
        self.changes = 0

    def load(self, tx: Tx) -> None:
        """Reads the newest state of every device."""
        self._keys.clear()
        self.changes += 1
        rows = tx.all("SELECT connector, account, device, key, state FROM peer_key ORDER BY n")
        for connector, account, device, key, state in rows:
            self._set(
                (ConnectorName(connector), AccountId(account)),
                KnownKey(Device(DeviceId(device), key), KeyState(state)),
            )

    def _set(self, account: Account, known: KnownKey) -> None:
        self._keys.setdefault(account, {})[known.device.device] = known
        self.changes += 1

    def state(self, account: Account, device: Device) -> KeyState | None:
        """The state of exactly this key under this device's name; None when it is not known."""
        known = self._keys.get(account, {}).get(device.device)
        return known.state if known is not None and known.device.key == device.key else None

    def known(self, account: Account) -> tuple[KnownKey, ...]:
        """Every device known of an account."""
        return tuple(self._keys.get(account, {}).values())

    def news(self, account: Account, devices: Iterable[Device]) -> tuple[Device, ...]:
        """Those of ``devices`` that are not known by this name and key."""
        return tuple(d for d in devices if self.state(account, d) is None)

    def record_seen(
        self, tx: Tx, deal_id: DealId, account: Account, devices: Iterable[Device], *, at: int
    ) -> None:
        """Writes devices down when they are first read: pinned for a new account, else seen.

        Two readings may find the same device at once: what is written already stays as it is.
        """
        first = not tx.one("SELECT 1 FROM peer_key WHERE connector = ? AND account = ?", account)
        for device in devices:
            known = _newest(tx, account, device)
            if known is not None and known.device.key == device.key:
                continue
            state = KeyState.PINNED if first else _state_of_new(known)
            self._write(tx, deal_id, account, KnownKey(device, state), (), at=at)

    def verify(
        self,
        tx: Tx,
        deal_id: DealId,
        account: Account,
        device: Device,
        *,
        owner: PersonId,
        by: tuple[PersonId, PersonId],
        at: int,
        actor: str,
    ) -> None:
        """Records that two named people compared a device's key out of band.

        Raises:
            NotPossible: not two other people, or the key is not known or cannot be verified.
        """
        check_ceremony(owner, *by)
        known = _newest(tx, account, device)
        if known is None or known.device.key != device.key:
            raise NotPossible("the device has another key by now: compare that one")
        state = after(known.state, KeyEvent.CEREMONY)
        self._write(tx, deal_id, account, KnownKey(device, state), by, at=at, actor=actor)

    def withdraw(
        self,
        tx: Tx,
        deal_id: DealId,
        account: Account,
        device: Device,
        event: KeyEvent,
        *,
        at: int,
        actor: str,
    ) -> None:
        """Revokes a key or marks it compromised.

        Raises:
            NotPossible: the transition table has no such change.
        """
        state = after(_state_now(tx, account, device), event)
        self._write(tx, deal_id, account, KnownKey(device, state), (), at=at, actor=actor)

    def _write(
        self,
        tx: Tx,
        deal_id: DealId,
        account: Account,
        known: KnownKey,
        by: tuple[PersonId, ...],
        *,
        at: int,
        actor: str = "wallcross",
    ) -> None:
        connector, name = account
        device, key = known.device.device, known.device.key
        tx.run(
            "INSERT INTO peer_key (connector, account, device, key, state, at, vouchers) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (connector, name, device, key, known.state.value, at, json.dumps(by)),
        )
        told = {"account": named(name), "device": named(device), "key": named(key)}
        facts = {"connector": connector, **told}
        kind = Kind(f"key.{known.state.value}")
        append(tx, deal_id, kind, {**facts, "by": list(by)}, at=at, actor=actor)
        tx.after_commit(lambda: self._set(account, known))


def _newest(tx: Tx, account: Account, device: Device) -> KnownKey | None:
    row = tx.one(
        "SELECT key, state FROM peer_key WHERE connector = ? AND account = ? AND device = ? "
        "ORDER BY n DESC LIMIT 1",
        (*account, device.device),
    )
    return KnownKey(Device(device.device, row[0]), KeyState(row[1])) if row else None


def _state_now(tx: Tx, account: Account, device: Device) -> KeyState:
    """The state of exactly this key, as the store has it."""
    known = _newest(tx, account, device)
    return known.state if known is not None and known.device.key == device.key else KeyState.SEEN


def _state_of_new(known: KnownKey | None) -> KeyState:
    """Another key under the name of a device that was taken out is out as well."""
    if known is not None and known.state in {KeyState.REVOKED, KeyState.COMPROMISED}:
        return known.state
    return KeyState.SEEN
