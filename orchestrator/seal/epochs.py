"""A deal's epoch keys: at most an hour in use, then destroyed for good.

Rules kept here:

1. An epoch key lies in the secret store only, wrapped by the master key; in memory while it lives.
2. The newest epoch (highest number) is in use; any other only waits to be emptied and destroyed.
3. A key is on disk before anything is wrapped by it, and gone from disk before it counts as gone.

What is kept under ``epoch/<deal>/<epoch>``: version 1 | number, 8 bytes | start, 8 bytes |
the wrapped key; the wrap is bound to all of these.
"""

import os
import threading
from dataclasses import dataclass, field

from orchestrator.clock import HOUR, Clock
from orchestrator.ids import new_id
from orchestrator.seal.envelope import bound
from orchestrator.seal.errors import Destroyed, Tampered
from orchestrator.seal.master import MasterKey
from orchestrator.secrets.home import EPOCHS
from orchestrator.secrets.port import SecretStore

LENGTH = HOUR
_VERSION = b"\x01"
_HEAD_BYTES = 17


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of one deal. ``started_at`` in microseconds UTC."""

    epoch_id: str
    number: int
    started_at: int
    key: bytes = field(repr=False)


@dataclass(slots=True)
class _Deal:
    lock: threading.Lock = field(default_factory=threading.Lock)
    epochs: dict[str, Epoch] = field(default_factory=dict)
    current: Epoch | None = None


class EpochKeys:
    """All living epoch keys of a home; safe to use from several threads.

    Args:
        secrets: where they are kept.
        master: wraps them.
        clock: for their age.
    """

    def __init__(self, secrets: SecretStore, master: MasterKey, clock: Clock) -> None:
        self._secrets = secrets
        self._master = master
        self._clock = clock
        self._deals: dict[str, _Deal] = {}
        for name in secrets.names(EPOCHS):
            self._load(name)

    def current(self, deal_id: str) -> Epoch:
        """Returns the epoch to seal under, begun now where there is none."""
        deal = self._deal(deal_id)
        with deal.lock:
            if deal.current is None:
                deal.current = self._begin(deal_id, deal)
            return deal.current

    def key(self, deal_id: str, epoch_id: str) -> bytes:
        """Returns the key of a living epoch.

        Raises:
            Destroyed: it has ended; nothing that it wrapped opens any more.
        """
        deal = self._deals.get(deal_id)
        epoch = deal.epochs.get(epoch_id) if deal else None
        if epoch is None:
            raise Destroyed("the epoch key that wrapped this was destroyed")
        return epoch.key

    def retire(self, deal_id: str, *, resume: bool = False) -> list[str]:
        """Takes every epoch of a deal out of use and returns their ids, oldest first.

        Args:
            deal_id: the deal.
            resume: leave an epoch in use that is within its hour, if others wait to be ended:
                a turn that fails again and again must not heap up keys.
        """
        deal = self._deal(deal_id)
        with deal.lock:
            if resume and len(deal.epochs) > 1 and _is_fresh(deal.current, self._clock()):
                waiting = [e for e in deal.epochs.values() if e is not deal.current]
                return [e.epoch_id for e in sorted(waiting, key=lambda e: e.number)]
            deal.current = None
            return [e.epoch_id for e in sorted(deal.epochs.values(), key=lambda e: e.number)]

    def end(self, deal_id: str, epoch_id: str) -> None:
        """Destroys a retired epoch's key, on disk first, then in memory."""
        self._secrets.delete(f"{EPOCHS}/{deal_id}/{epoch_id}")
        deal = self._deal(deal_id)
        with deal.lock:
            deal.epochs.pop(epoch_id, None)

    def due(self, now: int) -> list[str]:
        """Returns the deals with an epoch past its hour, begun in the future, or out of use."""
        return sorted(deal_id for deal_id, deal in list(self._deals.items()) if _is_due(deal, now))

    def oldest_age(self, now: int) -> int:
        """Returns the age of the oldest living epoch in microseconds; 0 when there is none."""
        deals = list(self._deals.values())
        starts = [epoch.started_at for deal in deals for epoch in list(deal.epochs.values())]
        return now - min(starts, default=now)

    def _deal(self, deal_id: str) -> _Deal:
        return self._deals.setdefault(deal_id, _Deal())

    def _begin(self, deal_id: str, deal: _Deal) -> Epoch:
        number = 1 + max((e.number for e in deal.epochs.values()), default=0)
        epoch = Epoch(new_id("epoch"), number, self._clock(), os.urandom(32))
        head = _VERSION + number.to_bytes(8, "big") + epoch.started_at.to_bytes(8, "big")
        wrapped = self._master.wrap(epoch.key, _bound(head, deal_id, epoch.epoch_id))
        self._secrets.set(f"{EPOCHS}/{deal_id}/{epoch.epoch_id}", head + wrapped)
        deal.epochs[epoch.epoch_id] = epoch
        return epoch

    def _load(self, name: str) -> None:
        _, deal_id, epoch_id = name.split("/")
        found = self._secrets.get(name)
        if found is None:  # a crash came while it was being destroyed
            self._secrets.delete(name)
            return
        value = found.reveal()
        head, wrapped = value[:_HEAD_BYTES], value[_HEAD_BYTES:]
        if head[:1] != _VERSION:
            raise Tampered(f"the epoch key {name} is not one of ours; restore or remove it")
        key = self._master.unwrap(wrapped, _bound(head, deal_id, epoch_id))
        number, start = int.from_bytes(head[1:9], "big"), int.from_bytes(head[9:], "big")
        epoch = Epoch(epoch_id, number, start, key)
        deal = self._deals.setdefault(deal_id, _Deal())
        deal.epochs[epoch_id] = epoch
        if deal.current is None or deal.current.number < number:
            deal.current = epoch


def _bound(head: bytes, deal_id: str, epoch_id: str) -> bytes:
    return head + bound(b"epoch", deal_id, epoch_id)


def _is_due(deal: _Deal, now: int) -> bool:
    if deal.current is None or len(deal.epochs) > 1:
        return bool(deal.epochs)
    return not _is_fresh(deal.current, now)


def _is_fresh(epoch: Epoch | None, now: int) -> bool:
    return epoch is not None and 0 <= now - epoch.started_at < LENGTH
