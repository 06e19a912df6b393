"""What is kept and nobody believes: listed and dropped; a stranger may be asked to enrol.

Rules kept here:

1. Nothing of it is opened here, nor shown but codes, account and the name that he gives himself.
2. To admit a stranger is to hand a person on the roster a code for that channel. The account
   becomes his when the six words come from it, and by nothing that the stranger said.
"""

import json
from collections.abc import Sequence

from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.people import EnrolmentView
from orchestrator.client.problems import Missing, Refused
from orchestrator.client.strangers import KeptView
from orchestrator.command.enrolling import Enrolments
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import HOME
from orchestrator.deals.findings import close_findings
from orchestrator.flow.first_contact import RULE
from orchestrator.flow.quarantine import STRANGER
from orchestrator.store.unit import Row, Tx
from tiers.ids import DealId, PersonId

_COLUMNS = (
    "SELECT quarantine_id, connector, verdict, reasons, claimed_sender, claimed_name,"
    " received_at, size, kept FROM quarantine "
)


class Strangers:
    """Implements ``orchestrator.api.port.QuarantineAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def quarantine_list(self, *, every: bool) -> Sequence[KeptView]:
        """What is kept, newest first; ``every``: also what is on the record alone."""
        where = "" if every else "WHERE kept = 1 "
        sql = f"{_COLUMNS}{where}ORDER BY received_at DESC LIMIT 1000"
        return [_view(row) for row in await self._r.store.read(lambda tx: tx.all(sql))]

    async def quarantine_show(self, kept: str) -> KeptView:
        """One."""
        sql = f"{_COLUMNS}WHERE quarantine_id = ?"
        row = await self._r.store.read(lambda tx: tx.one(sql, (kept,)))
        if row is None:
            raise Missing("nothing of that id is kept", then="wallcross quarantine list")
        return _view(row)

    async def quarantine_drop(self, kept: str, *, actor: str) -> KeptView:
        """Destroys its bytes; the record stays."""
        found, at = await self.quarantine_show(kept), self._r.now()
        subject = f"{found.channel}:{found.account}"

        def unit(tx: Tx) -> None:
            tx.run("UPDATE quarantine SET kept = 0 WHERE quarantine_id = ?", (kept,))
            self._r.sealer.destroy_all(tx, [kept])
            append(tx, HOME, Kind.MESSAGE_DROPPED, {"message": kept}, at=at, actor=actor)
            if found.verdict == STRANGER and not _more(tx, found):
                close_findings(tx, HOME, RULE, subject, at)

        if found.kept:
            await self._r.store.write(unit)
        return await self.quarantine_show(kept)

    async def quarantine_admit(
        self, kept: str, deal: DealId, person: PersonId, by: PersonId, *, actor: str
    ) -> EnrolmentView:
        """Begins the enrolment of a person on the channel that a stranger wrote on."""
        found = await self.quarantine_show(kept)
        if found.verdict != STRANGER:
            raise Refused(
                "only a stranger is admitted; a mail that is not believed is not",
                still="It stays in quarantine.",
                then="wallcross quarantine drop",
            )
        enrolments = Enrolments(self._r)
        return await enrolments.person_enrol(deal, person, (found.channel,), by, actor=actor)


def _more(tx: Tx, found: KeptView) -> bool:
    """Whether more of the same account is kept."""
    sql = "SELECT 1 FROM quarantine WHERE connector = ? AND claimed_sender = ? AND kept = 1"
    return tx.one(sql, (found.channel, found.account)) is not None


def _view(row: Row) -> KeptView:
    kept_id, channel, verdict, reasons, account, name, received_at, size, kept = row
    return KeptView(
        kept_id=kept_id,
        channel=channel,
        verdict=verdict,
        reasons=tuple(json.loads(reasons)),
        account=account,
        name=name,
        received_at=received_at,
        size=size,
        kept=bool(kept),
    )
