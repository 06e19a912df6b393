"""Quarantine: what a network brought and nobody believes, sealed as it came.

Rules kept here:

1. It is stored in the unit of its batch, with an audit entry and a finding that hold its verdict
   and reasons and nothing that it says. No code leads from here into a room.
2. It is never opened by us: no decryption, no preview, no answer.
3. A flood fills no disk: what is kept is bounded in number, in bytes and in age; the record of it
   is not cut.
"""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectors.port.events import Event, Quarantined
from orchestrator.audit.body import Json, named
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.clock import DAY, Clock
from orchestrator.deals.book import HOME
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.ids import new_id
from orchestrator.seal.body import SealedRow
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.ids import ConnectorName

RULE, STRANGER = "mail_quarantined", "stranger"
KEPT_FOR = 30 * DAY
MOST = 1_000
"""Mails whose bytes are kept at the same time."""
MOST_BYTES = 2 << 30
"""Of all of them together."""
_ALARMING = frozenset({"oracle", "tampered", "mismatch", "downgrade"})
"""Verdicts that say: somebody plays a person whom we know, or attacks our keys."""
_REMEDY = (
    "ask whom it claims to be from by another way; wallcross mail inspect tells more of a file"
)


@dataclass(frozen=True, slots=True)
class _Kept:
    event: Quarantined
    row: SealedRow


class Quarantine:
    """Keeps what is not believed.

    Args:
        sealer: seals it under the home, for it belongs to no deal.
        now: the clock.
    """

    def __init__(self, sealer: Sealer, now: Clock) -> None:
        self._sealer = sealer
        self._now = now

    @asynccontextmanager
    async def sealed(
        self, connector: ConnectorName, events: Sequence[Event]
    ) -> AsyncIterator[Callable[[Tx], None]]:
        """Seals what a batch brought; gives what writes it in the batch's unit.

        Nothing is left behind when the block raises.
        """
        kept: list[_Kept] = []
        try:
            for event in events:
                if isinstance(event, Quarantined):
                    owner = new_id("qua")
                    row = await self._sealer.prepare_stream(HOME, owner, event.raw.open())
                    kept.append(_Kept(event, row))
            yield lambda tx: self._put(tx, connector, kept)
        except BaseException:
            for one in kept:
                self._sealer.discard(one.row)
            raise

    def _put(self, tx: Tx, connector: ConnectorName, kept: Sequence[_Kept]) -> None:
        for one in kept:
            event, owner = one.event, one.row.owner
            there = tx.one(
                "SELECT 1 FROM quarantine WHERE connector = ? AND remote_id = ?",
                (connector, event.remote_id),
            )
            if there is not None:
                self._sealer.discard(one.row)
                continue
            full = _full(tx, one.row.size)
            if full:
                self._sealer.discard(one.row)
            else:
                self._sealer.insert(tx, one.row)
            _note(tx, connector, owner, event, one.row.size, kept=not full)
            self._record(tx, connector, event)
            if event.verdict != STRANGER:
                self._tell(tx, connector, event)

    def _record(self, tx: Tx, connector: ConnectorName, event: Quarantined) -> None:
        body: dict[str, Json] = {
            "remote_id": named(event.remote_id),
            "verdict": event.verdict,
            "class": event.mail_class,
            "reasons": list(event.reasons),
            "sender": None if event.claimed_sender is None else named(event.claimed_sender),
        }
        actor = f"channel:{connector}"
        append(tx, HOME, Kind.MESSAGE_QUARANTINED, body, at=self._now(), actor=actor)

    def _tell(self, tx: Tx, connector: ConnectorName, event: Quarantined) -> None:
        at, alarming = self._now(), event.verdict in _ALARMING
        who = event.claimed_sender if alarming and event.claimed_sender else event.verdict
        found = ", ".join(event.reasons)
        reasons = (f"a mail was not believed and is kept sealed: {event.verdict} ({found})",)
        raised = Raised(RULE, "high" if alarming else "low", reasons, _REMEDY)
        raise_finding(tx, HOME, f"{connector}:{who}", raised, at)

    async def expire(self, store: Store) -> int:
        """Destroys the bytes of what is past its time; the record stays. Returns how many."""
        before = self._now() - KEPT_FOR

        def unit(tx: Tx) -> int:
            rows = tx.all(
                "UPDATE quarantine SET kept = 0 WHERE kept = 1 AND received_at < ? "
                "RETURNING quarantine_id",
                (before,),
            )
            self._sealer.destroy_all(tx, [owner for (owner,) in rows])
            return len(rows)

        return await store.write(unit)


def _full(tx: Tx, size: int) -> bool:
    """Whether another mail of so many bytes would be too much."""
    kept = tx.one("SELECT count(*), coalesce(sum(size), 0) FROM quarantine WHERE kept = 1")
    count, held = kept or (MOST, MOST_BYTES)
    return bool(count >= MOST or held + size > MOST_BYTES)


def _note(
    tx: Tx, connector: ConnectorName, owner: str, event: Quarantined, size: int, *, kept: bool
) -> None:
    tx.run(
        "INSERT INTO quarantine (quarantine_id, connector, remote_id, verdict, class, reasons,"
        " claimed_sender, received_at, size, kept, claimed_name)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(owner, connector, event.remote_id, event.verdict, event.mail_class),
            *(json.dumps(event.reasons), event.claimed_sender, event.received_at, size, int(kept)),
            event.claimed_name,
        ),
    )
