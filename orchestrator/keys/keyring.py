"""Which devices an account has, the state of each key, and who vouched for it.

Rules kept here:

1. Rows are only added; the newest row of a device is its state, and every change goes through
   the one transition table of ``tiers.trust``.
2. The first devices seen of an account are pinned. Every later device, and every other key under
   a known device's name, is only *seen* until two named people verified it.
3. What is revoked or compromised stays so.
4. A row grants nothing. At load a device has the state of its newest row only where the newest
   audit entry about it commits to that very row; else it counts as changed, or as taken out where
   row or entries ever said so, until people compare its key again.
5. What a ceremony came to holds for a span; whoever decides asks what a key counts as now.
6. So many keys of an account are written down in a day as its network tells them; what is beyond
   is unknown, which allows nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from connectors.port.messages import Device
from orchestrator.audit.body import named
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment, stated_keys
from orchestrator.audit.kinds import Kind
from orchestrator.clock import DAY
from orchestrator.store.unit import Row, Tx
from tiers.ids import AccountId, ConnectorName, DealId, DeviceId, PersonId
from tiers.trust import KeyEvent, KeyState, NotPossible, after, check_ceremony, counts_as


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A device's key and its state.

    Attributes:
        at: since when it is in that state, microseconds UTC.
    """

    device: Device
    state: KeyState
    at: int = 0


Account = tuple[ConnectorName, AccountId]
Subject = tuple[str, str, str]
"""Channel, account and device, the last two as audit entries name them."""
_OUT = (KeyState.COMPROMISED, KeyState.REVOKED, KeyState.SUPERSEDED)
"""From the strictest."""
MOST_A_DAY = 100
"""Keys of one account that are written down in a day on the word of its network."""
_TODAY = "SELECT count(*) FROM peer_key WHERE connector = ? AND account = ? AND at > ? AND at <= ?"
_ROW = "SELECT n, connector, account, device, key, state, at, vouchers FROM peer_key "


class Keyring:
    """All known devices of all accounts, in memory, as the store has them.

    Attributes:
        changes: counts up with every change, so that what rests on states can tell.
    """

    def __init__(self) -> None:
        self._keys: dict[Account, dict[DeviceId, KnownKey]] = {}
        self._doubts: dict[Subject, KeyState] = {}
        self._accounts: set[tuple[str, str]] = set()
        self.changes = 0

    def load(self, tx: Tx) -> None:
        """Reads the newest state of every device, as far as the audit states it."""
        self._keys.clear()
        self._doubts.clear()
        self.changes += 1
        said: dict[Subject, list[Stated]] = {}
        for entry in stated_keys(tx):
            said.setdefault(_subject_of(entry), []).append(entry)
        newest = {_subject(row[1], row[2], row[3]): row for row in tx.all(_ROW + "ORDER BY n")}
        self._accounts = {(connector, account) for connector, account, _ in said}
        for subject in {**newest, **said}:
            self._load(subject, newest.get(subject), said.get(subject, ()))

    def _load(self, subject: Subject, row: Row | None, said: Sequence[Stated]) -> None:
        latest = max(said, key=lambda entry: int(entry.body["n"]), default=None)
        agrees = row is not None and latest is not None and latest.body["row"] == _commitment(row)
        if not agrees:
            self._doubts[subject] = _doubted(row, said)
        if row is not None:
            _, connector, account, device, key, state, at, _ = row
            counted = self._doubts.get(subject) or KeyState(state)
            known = KnownKey(Device(DeviceId(device), key), counted, at)
            self._set((ConnectorName(connector), AccountId(account)), known)

    def doubts(self) -> frozenset[tuple[str, str]]:
        """Channel and account, as entries name it, of devices whose rows are not as stated."""
        return frozenset((connector, account) for connector, account, _ in self._doubts)

    def _set(self, account: Account, known: KnownKey) -> None:
        self._keys.setdefault(account, {})[known.device.device] = known
        self.changes += 1

    def state(self, account: Account, device: Device) -> KeyState | None:
        """The state of exactly this key under this device's name; None when it is not known."""
        doubt = self._doubts.get(_subject(*account, device.device)) if self._doubts else None
        if doubt in _OUT:  # whatever key its row names by now
            return doubt
        known = self._keys.get(account, {}).get(device.device)
        return known.state if known is not None and known.device.key == device.key else None

    def counts(self, account: Account, device: Device, at: int, lasts: int) -> KeyState | None:
        """What a key is worth at ``at``, where a ceremony speaks for ``lasts`` microseconds."""
        state = self.state(account, device)
        if state is not KeyState.VERIFIED:
            return state
        return counts_as(state, self._keys[account][device.device].at, at, lasts)

    def worth(self, account: Account, at: int, lasts: int) -> tuple[KnownKey, ...]:
        """Every device known of an account, each with what it counts as at ``at``."""
        return tuple(
            replace(known, state=self.counts(account, known.device, at, lasts) or known.state)
            for known in self.known(account)
        )

    def changes_after(self, account: Account, device: Device, at: int, lasts: int) -> int | None:
        """The next instant after ``at`` at which a key counts for less by time alone, if any."""
        if self.state(account, device) is not KeyState.VERIFIED:
            return None
        ends = self._keys[account][device.device].at + lasts
        return ends if ends > at else None

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
        there = tx.one("SELECT 1 FROM peer_key WHERE connector = ? AND account = ?", account)
        first = there is None and (account[0], named(account[1])) not in self._accounts
        today = tx.one(_TODAY, (*account, at - DAY, at))
        room = MOST_A_DAY - (today[0] if today is not None else 0)
        for device in devices:
            known = self._newest(tx, account, device)
            if known is not None and known.device.key == device.key:
                continue
            if room <= 0:
                return
            room -= 1
            state = KeyState.PINNED if first else _state_of_new(known)
            self._write(tx, deal_id, account, KnownKey(device, state, at), ())

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
        known = self._newest(tx, account, device)
        if known is None or known.device.key != device.key:
            raise NotPossible("the device has another key by now: compare that one")
        state = after(known.state, KeyEvent.CEREMONY)
        self._write(tx, deal_id, account, KnownKey(device, state, at), by, actor=actor)

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
        """Takes a key out: revoked, compromised, or replaced by another that is yet to come.

        Raises:
            NotPossible: the transition table has no such change.
        """
        state = after(self._state_now(tx, account, device), event)
        self._write(tx, deal_id, account, KnownKey(device, state, at), (), actor=actor)

    def _write(
        self,
        tx: Tx,
        deal_id: DealId,
        account: Account,
        known: KnownKey,
        by: tuple[PersonId, ...],
        *,
        actor: str = "wallcross",
    ) -> None:
        connector, name = account
        at = known.at
        device, key = known.device.device, known.device.key
        row = tx.one(
            "INSERT INTO peer_key (connector, account, device, key, state, at, vouchers) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) "
            "RETURNING n, connector, account, device, key, state, at, vouchers",
            (connector, name, device, key, known.state.value, at, json.dumps(by)),
        )
        told = {"account": named(name), "device": named(device), "key": named(key)}
        made = {} if row is None else {"n": row[0], "row": _commitment(row)}
        facts = {"connector": connector, **told, **made}
        kind = Kind(f"key.{known.state.value}")
        append(tx, deal_id, kind, {**facts, "by": list(by)}, at=at, actor=actor)
        tx.after_commit(lambda: self._written(account, known))

    def _written(self, account: Account, known: KnownKey) -> None:
        """What was just written is stated: whatever was in doubt before it is over."""
        subject = _subject(*account, known.device.device)
        self._doubts.pop(subject, None)
        self._accounts.add(subject[:2])
        self._set(account, known)

    def _newest(self, tx: Tx, account: Account, device: Device) -> KnownKey | None:
        """The state of a device as the store has it now, or as strict as the doubt about it."""
        doubt = self._doubts.get(_subject(*account, device.device))
        row = tx.one(
            "SELECT key, state, at FROM peer_key WHERE connector = ? AND account = ? "
            "AND device = ? "
            "ORDER BY n DESC LIMIT 1",
            (*account, device.device),
        )
        if row is None:
            return KnownKey(Device(device.device, ""), doubt) if doubt is not None else None
        return KnownKey(Device(device.device, row[0]), doubt or KeyState(row[1]), row[2])

    def _state_now(self, tx: Tx, account: Account, device: Device) -> KeyState:
        """The state of exactly this key, as the store has it."""
        known = self._newest(tx, account, device)
        same = known is not None and known.device.key == device.key
        return known.state if known is not None and same else KeyState.SEEN


def _subject(connector: str, account: str, device: str) -> Subject:
    return connector, named(account), named(device)


def _subject_of(entry: Stated) -> Subject:
    return entry.body["connector"], entry.body["account"], entry.body["device"]


def _commitment(row: Row) -> str:
    return commitment("peer_key", *row)


def _doubted(row: Row | None, said: Sequence[Stated]) -> KeyState:
    """What a device counts as whose newest row is not the one that was stated."""
    words = {entry.kind.removeprefix("key.") for entry in said}
    words |= {row[5]} if row is not None else set()
    return next((state for state in _OUT if state.value in words), KeyState.SEEN)


def _state_of_new(known: KnownKey | None) -> KeyState:
    """Another key under the name of a device that was taken out is out as well."""
    if known is not None and known.state in {KeyState.REVOKED, KeyState.COMPROMISED}:
        return known.state
    return KeyState.SEEN
