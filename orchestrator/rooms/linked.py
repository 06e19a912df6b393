"""A person writes on a device of his that he never wrote on before, where nobody tells its key.

Rules kept here:

1. Some networks show one key for an account however many devices it has (Signal), and let whoever
   is linked read all. The number of the device that wrote is all that is told: the first that an
   account writes on is taken for his, each later one is somebody else's until people asked him.
2. Asking is by hand: the rooms that demand verified devices are paused as by a person, in the unit
   of the message, and a person lets them go on. A device that only reads is never seen.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.callback import CALL_BACK
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.rooms.watch import Watcher, by_person, pause
from orchestrator.store.unit import Store, Tx
from tiers.contact import reads
from tiers.conversation import RoomBinding
from tiers.ids import AccountId, ConnectorName
from tiers.people import Person

RULE: Final = "linked_device"
MOST: Final = 16
"""Devices of one account that are remembered; the oldest is forgotten, and so is new again."""

_MARKED: Final = "wrote_on"
_FORGET: Final = (
    "DELETE FROM wrote_on WHERE connector = ? AND account = ? AND device NOT IN (SELECT device "
    "FROM wrote_on WHERE connector = ? AND account = ? ORDER BY at DESC, device LIMIT ?)"
)


def _known(tx: Tx, connector: ConnectorName, account: AccountId) -> set[str]:
    """The devices that this home saw an account write on; a row of somebody else's is none."""
    sql = "SELECT device, mark FROM wrote_on WHERE connector = ? AND account = ?"
    return {
        device
        for device, mark in tx.all(sql, (connector, account))
        if tx.pen is None or tx.pen.made(mark, _MARKED, connector, account, device)
    }


def close_linked(tx: Tx, deal: str, account: tuple[ConnectorName, AccountId], at: int) -> None:
    """Closes what is open about an account's devices: two people compared its key, or barred it.

    Args:
        tx: writes, in the unit of the ceremony.
        deal: id of the deal.
        account: whose.
        at: now, microseconds UTC.
    """
    begins = f"{account[0]}:{account[1]}:"
    sql = (
        "SELECT subject FROM finding WHERE deal_id = ? AND rule = ? AND closed_at IS NULL "
        "AND substr(subject, 1, ?) = ?"
    )
    for (subject,) in tx.all(sql, (deal, RULE, len(begins), begins)):
        close_findings(tx, deal, RULE, subject, at)


@dataclass(slots=True)
class Paused:
    """Rooms that one batch paused, to be told once it is on disk."""

    rooms: list[tuple[DealView, RoomBinding, str]] = field(default_factory=list)


class LinkedDevices:
    """Hears on which devices people write."""

    def __init__(self, store: Store, book: Book, watcher: Watcher, now: Clock) -> None:
        self._store = store
        self._book = book
        self._watcher = watcher
        self._now = now

    def hear(
        self, connector: ConnectorName, wrote: Sequence[tuple[AccountId, str]]
    ) -> tuple[Callable[[Tx], None], Callable[[], Awaitable[None]]]:
        """What notes devices in the unit of their messages, and what tells people afterwards.

        Args:
            connector: the network.
            wrote: accounts, and the device that each wrote on.
        """
        paused = Paused()
        return (
            lambda tx: self._put(tx, connector, wrote, paused),
            lambda: self._told(paused),
        )

    def _put(
        self,
        tx: Tx,
        connector: ConnectorName,
        wrote: Sequence[tuple[AccountId, str]],
        paused: Paused,
    ) -> None:
        for account, device in dict.fromkeys(wrote):
            if self._is_new(tx, connector, account, device):
                for deal, person in self._book.deals_of(connector, account):
                    self._pause(tx, deal, person, connector, device, paused)

    def _is_new(self, tx: Tx, connector: ConnectorName, account: AccountId, device: str) -> bool:
        if not self._book.deals_of(connector, account):
            return False
        known = _known(tx, connector, account)
        if device in known:
            return False
        if len(known) >= MOST:
            tx.run(_FORGET, (connector, account, connector, account, MOST - 1))
        mark = tx.pen.mark(_MARKED, connector, account, device) if tx.pen is not None else None
        tx.run(
            "INSERT OR REPLACE INTO wrote_on (connector, account, device, at, mark) "
            "VALUES (?, ?, ?, ?, ?)",
            (connector, account, device, self._now(), mark),
        )
        return bool(known)

    def _pause(
        self,
        tx: Tx,
        deal: DealView,
        person: Person,
        connector: ConnectorName,
        device: str,
        paused: Paused,
    ) -> None:
        at = self._now()
        why = f"{person.name} writes on a device of his ({device}) that he never wrote on before"
        then = f"{CALL_BACK}; if he linked it: wallcross conv resume; else person phished"
        subject = f"{connector}:{person.accounts.get(connector, '')}:{device}"
        raise_finding(tx, deal.deal_id, subject, Raised(RULE, "high", (why,), then), at)
        for conversation in deal.conversations.values():
            rules = deal.policy.tiers[conversation.floor]
            if not rules.devices_verified or not reads(deal.roster, person, conversation, at):
                continue
            for binding in deal.rooms.get(conversation.conversation_id, ()):
                if binding.connector == connector:
                    pause(tx, deal, binding, why, RULE, at)
                    place = f"{binding.connector}:{binding.room}"
                    raise_finding(tx, deal.deal_id, place, by_person(binding, why), at)
                    paused.rooms.append((deal, binding, why))

    async def _told(self, paused: Paused) -> None:
        """Puts what was paused in force, and tells the people of its rooms."""
        for deal_id in {deal.deal_id for deal, _, _ in paused.rooms}:
            await self._book.reload(self._store, deal_id)
        for deal, binding, why in paused.rooms:
            await self._watcher.tell_paused(deal, binding, f"{why}. If you ask: {CALL_BACK}")
