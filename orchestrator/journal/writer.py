"""The journal's write, made in the transaction that routes the message.

Rules kept here:

1. ``duty`` says under which key a copy must be made, or which signed decision exempts it; neither:
   the room does not open and the message is held.
2. ``append`` asks again inside the transaction: a copy made for a key that is no longer in force
   is refused, so the whole unit is undone and made anew.
3. A message is journaled once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.journal.decision import exemption
from orchestrator.journal.envelope import seal_for, seal_stream
from orchestrator.journal.errors import KeyChanged, NoJournalKey
from orchestrator.journal.keys import JournalKey, key_of
from orchestrator.journal.policy import JournalPolicy
from orchestrator.seal.blobs import Blobs
from orchestrator.store.unit import Store, Tx

FOLDER = "journal"
INLINE_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class Duty:
    """Where a message's copy goes: to ``key``, or nowhere by ``exemption`` (exactly one is set)."""

    scope: str
    key: JournalKey | None
    exemption: int | None


@dataclass(frozen=True, slots=True)
class SealedCopy:
    """A copy made for a key. ``envelope`` None: it lies in ``journal/<message id>``."""

    key_id: str
    envelope: bytes | None = field(repr=False)


class JournalWriter:
    """The host's side of the journal.

    Args:
        home: the home's folder; large copies lie in ``journal`` below it.
        policy_of: the adopted policy of a deal.
    """

    def __init__(self, home: Path, policy_of: Callable[[str], JournalPolicy]) -> None:
        self.files = Blobs(home / FOLDER)
        self._policy_of = policy_of

    def duty(self, tx: Tx, deal_id: str, scopes: Sequence[str], tier: str, at: int) -> Duty:
        """Returns what is owed for a message, or for a room that is to open.

        Args:
            tx: any transaction; a reader's will do.
            deal_id: the deal.
            scopes: as ``policy.scopes_of`` gives them; the first with a key or decision is used.
            tier: the message's tier by name.
            at: microseconds UTC.

        Raises:
            NoJournalKey: none of the scopes has either.
        """
        policy = self._policy_of(deal_id)
        for scope in scopes:
            exempt = exemption(tx, policy, deal_id, scope, tier, at)
            if exempt is not None:
                return Duty(scope, None, exempt)
            key = key_of(tx, deal_id, scope, policy.keys)
            if key is not None:
                return Duty(scope, key, None)
        raise NoJournalKey(
            f"no journal key and no signed decision for {' or '.join(scopes)}; run: wallcross "
            "journal keygen (on a machine of counsel), then wallcross journal adopt"
        )

    def seal(self, duty: Duty, text: bytes) -> SealedCopy | None:
        """Returns the copy that ``duty`` asks for; None when it is exempt. Computes only."""
        if duty.key is None:
            return None
        return SealedCopy(duty.key.key_id, seal_for(duty.key.recipient, text))

    async def seal_stream(
        self, duty: Duty, message_id: str, pieces: AsyncIterator[bytes]
    ) -> SealedCopy | None:
        """Makes the copy of something large in ``journal/<message id>``, on disk on return.

        ``discard`` it when its row is never appended.

        Raises:
            Exception: what ``pieces`` raised; nothing is left behind.
        """
        if duty.key is None:
            return None
        self.files.remove(message_id)  # of an attempt whose row was never appended
        async with self.files.writing(message_id) as file:
            await seal_stream(duty.key.recipient, pieces, file)
        return SealedCopy(duty.key.key_id, None)

    def discard(self, message_id: str, copy: SealedCopy | None) -> None:
        """Removes the file of a copy whose row will not be appended."""
        if copy is not None and copy.envelope is None:
            self.files.remove(message_id)

    def forget(self, messages: Iterable[str]) -> None:
        """Removes the files of copies whose rows are gone; the next start takes what it leaves."""
        for message_id in messages:
            self.files.remove(message_id)

    async def recover(self, store: Store) -> int:
        """Removes the files of copies that a crash left without a row; called at start.

        Returns:
            how many went.
        """
        sql = "SELECT message_id FROM journal WHERE key_id IS NOT NULL AND envelope IS NULL"
        rows = await store.read(lambda tx: tx.all(sql))
        return await asyncio.to_thread(self.files.sweep, [message for (message,) in rows])

    def append(
        self,
        tx: Tx,
        *,
        deal_id: str,
        message_id: str,
        scopes: Sequence[str],
        tier: str,
        sealed: SealedCopy | None,
        at: int,
    ) -> Duty:
        """Writes the journal's row in the route transaction; returns what was owed.

        Args:
            tx: the route transaction.
            deal_id: the deal.
            message_id: journaled once.
            scopes: as for ``duty``.
            tier: names the record class and with it how long the copy is kept.
            sealed: what ``seal`` or ``seal_stream`` returned.
            at: microseconds UTC.

        Raises:
            KeyChanged: another key or decision is in force than the copy was made for.
            NoJournalKey: neither key nor decision.
            JournalError: the policy has no record class for the tier.
        """
        duty = self.duty(tx, deal_id, scopes, tier, at)
        if (None if duty.key is None else duty.key.key_id) != (sealed and sealed.key_id):
            raise KeyChanged("the journal key in force has changed since the copy was sealed")
        rule = self._policy_of(deal_id).record(tier)
        tx.run(
            "INSERT INTO journal (message_id, deal_id, key_id, exemption, record_class, keep_until,"
            " envelope, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message_id,
                deal_id,
                sealed and sealed.key_id,
                duty.exemption,
                rule.record_class,
                at + rule.keep,
                sealed and sealed.envelope,
                at,
            ),
        )
        return duty
