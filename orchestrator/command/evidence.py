"""Evidence: a deal's rows against its chain, its controls now, and a signed pack of both.

Rule kept here: a pack is stated before it is written. Its entry names the hash of the evidence; the
export of the chain in it, signed for the occasion, ends behind that entry.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from orchestrator.audit.body import Json, canonical_of
from orchestrator.audit.chain import append
from orchestrator.audit.export import export as export_audit
from orchestrator.audit.kinds import Kind
from orchestrator.audit.offline.pack import EVIDENCE, MANIFEST, PACK_DOMAIN
from orchestrator.client import views
from orchestrator.client.evidence import EvidenceView, StateReport
from orchestrator.command.conversations import Conversations, conversation_of, deal_of
from orchestrator.command.evidence_page import page
from orchestrator.command.evidencing import devices_of, evidence_of, read_kept
from orchestrator.command.keys import Keys
from orchestrator.command.proving import Proving
from orchestrator.command.records import archived
from orchestrator.command.runtime import Runtime
from orchestrator.store.unit import Tx
from tiers.ids import DealId
from tiers.tier import Tier

PAGE = "evidence.html"


class Evidences:
    """Implements ``orchestrator.api.port.EvidenceAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def audit_state(self, deal: DealId) -> StateReport:
        """A deal's rows, and those of the home, held against the chains read alone."""
        return await Proving(self._r).report(deal)

    async def evidence_show(self, deal: DealId, conversation: str | None) -> EvidenceView:
        """Each control of each room; of one conversation where one is named."""
        view = deal_of(self._r, deal)
        chosen = (
            tuple(view.conversations.values())
            if conversation is None
            else (conversation_of(view, conversation),)
        )
        rooms, keys = Conversations(self._r), await Keys(self._r).key_list(deal, None)
        shown = [await rooms.conv_show(deal, c.conversation_id) for c in chosen]
        return await self._evidence(deal, shown, keys)

    async def _evidence(
        self,
        deal: DealId,
        shown: Sequence[views.ConversationView],
        keys: Sequence[views.KeyView],
    ) -> EvidenceView:
        view = deal_of(self._r, deal)  # what reading the rooms back brought about is in it
        rooms = [binding.place for bound in view.rooms.values() for binding in bound]
        read = ((place, self._r.observer.kept(place)) for place in rooms)
        devices = {
            (str(name), str(room)): devices_of(found.members if found is not None else None)
            for (name, room), found in read
        }
        kept = await self._r.store.read(lambda tx: read_kept(tx, view, keys, devices))
        return evidence_of(view, shown, kept, self._r.now(), live=self._r.live)

    async def evidence_export(self, deal: DealId, *, actor: str) -> AsyncIterator[bytes]:
        """A signed pack as a tar archive; itself an entry."""
        async for piece in archived(self._r, partial(self.evidence_into, deal, actor)):
            yield piece

    async def evidence_into(self, deal: DealId, actor: str, folder: Path) -> None:
        """Writes a signed pack into a new folder; itself an entry."""
        found = _leaving(await self.evidence_show(deal, None))
        if self._r.sign_and_anchor is not None:  # what goes out is first known elsewhere
            await self._r.sign_and_anchor()
        at, store = self._r.now(), self._r.store
        files = {EVIDENCE: canonical_of(asdict(found)), PAGE: page(found).encode()}
        digest = sha256(files[EVIDENCE]).hexdigest()
        body: dict[str, Json] = {"hash": digest, "count": len(found.conversations)}
        await store.write(lambda tx: _state(tx, deal, body, at, actor))
        await export_audit(store, deal, folder, self._r.head_key, at=at, actor=actor)
        await asyncio.to_thread(self._finish, folder, files, found)

    def _finish(self, folder: Path, files: dict[str, bytes], found: EvidenceView) -> None:
        """Writes the evidence and the manifest beside the export."""
        for name, content in files.items():
            (folder / name).write_bytes(content)
        listed = [_listed(file) for file in sorted(folder.iterdir())]
        head = {"at": found.at, "deal": found.deal_id, "made_up": found.made_up, "v": 1}
        manifest = canonical_of({**head, "home": self._r.head_key.home, "files": listed})
        key = self._r.head_key
        outer = {
            "key_id": key.key_id,
            "manifest": manifest.decode(),
            "signature": key.sign(PACK_DOMAIN + manifest).hex(),
        }
        (folder / MANIFEST).write_bytes(canonical_of(outer) + b"\n")


def _state(tx: Tx, deal: DealId, body: dict[str, Json], at: int, actor: str) -> None:
    append(tx, deal, Kind.EVIDENCE_EXPORTED, body, at=at, actor=actor)


def _listed(file: Path) -> dict[str, Json]:
    content = file.read_bytes()
    return {"name": file.name, "sha256": sha256(content).hexdigest(), "bytes": len(content)}


def _leaving(found: EvidenceView) -> EvidenceView:
    """Evidence as it may leave the home: names of VALUATION conversations are sealed, and stay."""
    kept = (
        replace(one, label=None) if one.floor == Tier.VALUATION.value else one
        for one in found.conversations
    )
    return replace(found, conversations=tuple(kept))
