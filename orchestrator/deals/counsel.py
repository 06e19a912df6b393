"""Copies for counsel: each message with its files, sealed to the journal key of its scope.

Rules kept here:

1. A message without files is journaled as its packed body; with files as a tar stream (POSIX.1-1988
   ustar) of the body and the files, so that counsel opens it with ordinary tools.
2. A copy made for a key that is no longer in force is refused when it is written, and made anew.
"""

import tarfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from orchestrator.deals.book import DealView
from orchestrator.journal.errors import KeyChanged, NoJournalKey
from orchestrator.journal.writer import Duty, JournalWriter, SealedCopy
from orchestrator.seal.body import Unlocked
from orchestrator.store.unit import Store, Tx
from tiers.ids import MessageId
from tiers.tier import Tier

_BLOCK = 512


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A message sealed to counsel, before it is written; ``sealed`` None: exempt by decision."""

    message_id: MessageId
    deal_id: str
    scopes: tuple[str, ...]
    tier: Tier
    sealed: SealedCopy | None = field(repr=False)


class Counsel:
    """Makes and writes the copies of one home."""

    def __init__(self, store: Store, writer: JournalWriter) -> None:
        self._store = store
        self._writer = writer
        self._duties: dict[tuple[str, tuple[str, ...], str], Duty] = {}

    def forget(self) -> None:
        """Asks the store again for keys and decisions; called when one was adopted."""
        self._duties.clear()

    async def prepare(
        self,
        deal: DealView,
        scopes: tuple[str, ...],
        tier: Tier,
        message_id: MessageId,
        bodies: Sequence[Unlocked],
        at: int,
    ) -> JournalEntry | None:
        """Seals a message and its files; None when there is neither a key nor a decision.

        ``scopes`` are those of ``scopes_of``: a private conversation's is its own side's alone.
        """
        try:
            duty = await self._duty(deal.deal_id, scopes, tier, at)
        except NoJournalKey:
            return None
        copy = await self._copy(duty, message_id, bodies)
        return JournalEntry(message_id, deal.deal_id, scopes, tier, copy)

    async def _duty(self, deal_id: str, scopes: tuple[str, ...], tier: Tier, at: int) -> Duty:
        known = self._duties.get((deal_id, scopes, tier.value))
        if known is None or known.exemption is not None:
            known = await self._store.read(
                lambda tx: self._writer.duty(tx, deal_id, scopes, tier.value, at)
            )
            self._duties[deal_id, scopes, tier.value] = known
        return known

    async def _copy(
        self, duty: Duty, message_id: MessageId, bodies: Sequence[Unlocked]
    ) -> SealedCopy | None:
        if len(bodies) == 1 and bodies[0].envelope is not None:
            return self._writer.seal(duty, bodies[0].read())
        return await self._writer.seal_stream(duty, message_id, _tar(bodies))

    def insert(self, tx: Tx, entry: JournalEntry, at: int) -> None:
        """Writes a copy, in the unit that routes its message.

        Raises:
            KeyChanged: another key is in force by now; the unit is undone.
        """
        try:
            self._writer.append(
                tx,
                deal_id=entry.deal_id,
                message_id=entry.message_id,
                scopes=entry.scopes,
                tier=entry.tier.value,
                sealed=entry.sealed,
                at=at,
            )
        except KeyChanged:
            self.forget()
            self._writer.discard(entry.message_id, entry.sealed)
            raise


async def _tar(bodies: Sequence[Unlocked]) -> AsyncIterator[bytes]:
    for body in bodies:
        info = tarfile.TarInfo(body.owner)
        info.size = body.size
        yield info.tobuf(tarfile.USTAR_FORMAT)
        async for piece in body.stream():
            yield piece
        yield bytes(-body.size % _BLOCK)
    yield bytes(2 * _BLOCK)
