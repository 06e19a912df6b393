"""The audit trail at the desk: rows in words, whether the chain is whole, and exports.

Rules kept here: as for ``orchestrator.client.views``. A row holds no account, room or key:
those are in the signed export alone.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.client.paging import Page
from orchestrator.client.views import AuditLine
from orchestrator.client.wire import Wire, deal_path, part

ExportKind = Literal[
    "audit", "audit_csv", "insiders", "insiders_xlsx", "findings", "report", "archive"
]
ExportReason = Literal["regulator", "litigation", "internal-review", "closing", "insider-list"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One entry, in words.

    Attributes:
        who: whose act it was, as people know him.
        words: what it says, one sentence.
        facts: fields beside it, such as the rule or the tier.
        sound: it is as this home wrote it; else the chain says otherwise.
    """

    n: int
    at: int
    kind: str
    who: str
    words: str
    facts: tuple[tuple[str, str], ...]
    sound: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """Whether the record is whole, from what was checked last and the anchors' receipts.

    Attributes:
        entries: how many there are; ``checked``: how many of them were read and hold.
        since: when the first was written; ``unbroken`` whether all of them hold.
        flaws: what is wrong, one line each.
        signed_at: of the newest signed head.
        anchors: newest receipt by anchor, microseconds UTC.
        failing: anchors that do not answer, with since when.
        unanchored_since: when the oldest entry was written that no anchor has seen; None: none.
        longest: the longest time that an entry stood before an anchor had seen it, microseconds.
    """

    entries: int
    checked: int
    since: int | None
    unbroken: bool
    flaws: tuple[str, ...]
    signed_at: int | None
    anchors: Mapping[str, int]
    failing: Mapping[str, int]
    unanchored_since: int | None
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportView:
    """An export that somebody asked for.

    Attributes:
        state: ``waits`` (for two people), ``ready``, ``given``, ``refused`` or ``lapsed``.
        mine: the viewer asked for it, and he alone is given it.
        filter: what was chosen of it, in words; empty: all of it.
    """

    export_id: str
    what: str
    why: str
    matter: str | None
    filter: str
    asked_by: str
    asked_at: int
    state: str
    mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLink:
    """Where an export is fetched, once.

    Attributes:
        path: needs the session that asked for it.
        until: microseconds UTC.
    """

    path: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """What is looked for in a record; what is left out is not asked about.

    Attributes:
        kinds: one of these.
        actor: whose act, as entries say it.
        person: about whom, by his id.
        conversation: about which, by label or id.
        since: dated then or later, microseconds UTC; ``until``: dated before.
    """

    kinds: Sequence[str] = ()
    actor: str | None = None
    person: str | None = None
    conversation: str | None = field(default=None, repr=False)
    since: int | None = None
    until: int | None = None


class AuditDeskApi(Wire):
    """Calls of ``orchestrator.api.audit_desk``."""

    async def audit_rows(
        self,
        deal: str,
        *,
        person: str | None = None,
        kind: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> Page[AuditRow]:
        """Rows, newest first, as far as the viewer may see them."""
        most = None if limit is None else str(limit)
        query = {"person": person, "kind": kind, "cursor": cursor, "limit": most}
        return await self._get(Page[AuditRow], f"{deal_path(deal)}/audit/rows", query)

    async def audit_search(
        self, deal: str, sought: AuditQuery, *, cursor: str | None = None, limit: int | None = None
    ) -> Page[AuditLine]:
        """A page of what is looked for, newest first; it may be empty and not the last."""
        named = {"actor": sought.actor, "person": sought.person}
        more = {"conversation": sought.conversation, "cursor": cursor}
        numbers = {"since": sought.since, "until": sought.until, "limit": limit}
        told = {name: None if value is None else str(value) for name, value in numbers.items()}
        query = {**named, **more, **told}
        listed = {"kind": list(sought.kinds), **query}
        return await self._get(Page[AuditLine], f"{deal_path(deal)}/audit/search", listed)

    async def audit_chain(self, deal: str) -> ChainView:
        """Whether the record is whole."""
        return await self._get(ChainView, f"{deal_path(deal)}/audit/chain")

    async def export_list(self, deal: str) -> list[ExportView]:
        """Exports that were asked for, newest first."""
        return await self._get(list[ExportView], f"{deal_path(deal)}/exports")

    async def export_ask(
        self,
        deal: str,
        what: ExportKind,
        why: ExportReason,
        *,
        matter: str | None = None,
        person: str | None = None,
        kind: str | None = None,
    ) -> ExportView:
        """Asks for an export; where names go out it waits for two people."""
        body = {"what": what, "why": why, "matter": matter, "person": person, "kind": kind}
        return await self._post(ExportView, f"{deal_path(deal)}/exports", body)

    async def export_link(self, deal: str, export: str) -> ExportLink:
        """Where one's own export is fetched, once and within minutes."""
        return await self._post(ExportLink, f"{deal_path(deal)}/exports/{part(export)}/link", {})

    def export_fetch(self, link: ExportLink) -> AsyncIterator[bytes]:
        """An export, once."""
        return self._pieces(link.path.removeprefix("/api/v1"), "GET")
