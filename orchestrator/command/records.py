"""Audit and journal: read, checked, handed out. Each export is itself an entry."""

import asyncio
import json
import shutil
import tarfile
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.export import export as export_audit
from orchestrator.audit.export import lines
from orchestrator.audit.kinds import Kind
from orchestrator.audit.offline.report import Report, Trust
from orchestrator.audit.state import stated_keys_of_heads
from orchestrator.audit.verify import tail, verify_chain
from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.command.journal_keys import journal_changed
from orchestrator.command.runtime import Runtime
from orchestrator.journal import decision, keys
from orchestrator.journal.errors import JournalError
from orchestrator.journal.export import export as export_journal
from orchestrator.journal.verify import verify
from orchestrator.store.unit import Tx
from tiers.ids import DealId

_PIECE = 256 * 1024


async def archived(
    runtime: Runtime, write: Callable[[Path], Awaitable[None]]
) -> AsyncIterator[bytes]:
    """Has a folder written in the home's own scratch place and yields it as a tar archive."""
    scratch = runtime.settings.state / "scratch"
    scratch.mkdir(mode=0o700, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=scratch))
    try:
        await write(work / "export")
        archive = work / "export.tar"
        await asyncio.to_thread(_pack, work / "export", archive)
        with archive.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece
    finally:
        await asyncio.to_thread(shutil.rmtree, work)


class Records:
    """Implements ``orchestrator.api.port.RecordAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def audit_tail(self, deal: DealId, count: int) -> Sequence[views.AuditLine]:
        """The newest ``count`` entries, oldest first."""
        found = await self._r.store.read(lambda tx: tail(tx, deal, count))
        return [
            views.AuditLine(
                n=e["n"], at=e["at"], kind=e["kind"], actor=e["actor"], hash="", body=e["body"]
            )
            for e in found
        ]

    async def audit_verify(self, deal: DealId) -> views.AuditReport:
        """Checks the chain, its signed heads and anchors."""
        home, own = self._r.head_key.home, self._r.head_key.public

        def check(tx: Tx) -> Report:
            trust = Trust(host_keys={own, *stated_keys_of_heads(tx)})
            return verify_chain(tx, deal, home, trust=trust)

        report = await self._r.store.read(check)
        return views.AuditReport(
            deal_id=deal,
            ok=report.ok,
            entries=report.entries,
            heads=report.statements,
            anchors=sum(report.anchors.values()),
            unanchored=report.unsigned_entries,
            longest_gap=int(report.longest_unanchored_seconds * 1_000_000),
            problems=tuple(f"{p.where}: {p.words}" for p in report.problems),
        )

    async def audit_lines(self, deal: DealId) -> AsyncIterator[bytes]:
        """The chain as it stands, line by line, to be held against what was kept outside."""
        home, store = self._r.head_key.home, self._r.store
        found = await store.read(lambda tx: b"".join(lines(tx, deal, home)))
        for at in range(0, len(found), _PIECE):
            yield found[at : at + _PIECE]

    async def audit_export(self, deal: DealId, *, actor: str) -> AsyncIterator[bytes]:
        """The export as a tar archive, signed now; itself an entry."""

        async def write(folder: Path) -> None:
            if self._r.sign_and_anchor is not None:  # what goes out is first known elsewhere
                await self._r.sign_and_anchor()
            at = self._r.now()
            try:
                await export_audit(
                    self._r.store, deal, folder, self._r.head_key, at=at, actor=actor
                )
            except LookupError:
                raise Missing("there is no audit of that deal") from None

        async for piece in archived(self._r, write):
            yield piece

    async def journal_verify(self, deal: DealId) -> views.JournalReport:
        """Whether every accepted message is journaled, exempt, expired or waiting."""
        policy, files = self._r.journal_policy(deal), self._r.journal.files
        found = await self._r.store.read(lambda tx: verify(tx, deal, policy, files))
        return views.JournalReport(
            deal_id=deal,
            ok=found.ok,
            accepted=found.accepted,
            journaled=found.journaled,
            exempt=found.exempt,
            waiting=found.waiting,
            missing=tuple(f"{message}: {wrong}" for message, wrong in found.broken),
            expired=found.expired,
        )

    async def journal_key_add(self, deal: DealId, scope: str, public: str, *, actor: str) -> str:
        """Adopts a journal public key for ``joint`` or a side; returns its key id."""
        try:
            found = json.loads(public)
        except ValueError:
            raise Wrong("that is not the public file that `journal keygen` wrote") from None
        if not isinstance(found, dict) or found.get("scope") != scope:
            raise Wrong(f"that key is not for {scope}")
        at = self._r.now()
        try:
            key = await self._r.store.write(
                lambda tx: keys.adopt(tx, deal, found, at=at, actor=actor)
            )
        except JournalError as error:
            raise Wrong(str(error), still="No key was changed.") from None
        await journal_changed(self._r, deal)
        return key.key_id

    async def journal_exempt(self, deal: DealId, decision_text: str, *, actor: str) -> int:
        """Records counsel's signed decision not to journal; returns its number."""
        try:
            found = json.loads(decision_text)
            statement, signature = found["statement"].encode(), bytes.fromhex(found["signature"])
            signer = str(found["signer"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Wrong("a decision has statement, signature and signer, as JSON") from None
        policy, at = self._r.journal_policy(deal), self._r.now()

        def unit(tx: Tx) -> int:
            n, said = decision.record(tx, policy, statement, signature, signer, at=at)
            body: dict[str, Json] = {
                "scope": said.scope,
                "tier": said.tier,
                "journal": said.journal,
            }
            append(tx, deal, Kind.JOURNAL_EXEMPTED, body, at=at, actor=actor)
            return n

        try:
            n = await self._r.store.write(unit)
        except JournalError as error:
            raise Refused(str(error), still="Everything is journaled as before.") from None
        await journal_changed(self._r, deal)
        return n

    async def journal_export(self, deal: DealId, *, actor: str) -> AsyncIterator[bytes]:
        """The sealed journal as a tar archive, for `journal open` on another machine."""

        async def write(folder: Path) -> None:
            at = self._r.now()
            await export_journal(self._r.store, deal, self._r.journal.files, folder)
            await self._r.store.write(
                lambda tx: append(
                    tx, deal, Kind.AUDIT_EXPORTED, {"what": "journal"}, at=at, actor=actor
                )
            )

        async for piece in archived(self._r, write):
            yield piece


def _pack(folder: Path, archive: Path) -> None:
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.add(folder, arcname=".")
