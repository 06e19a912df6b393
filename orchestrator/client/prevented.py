"""What was prevented in a deal, with its evidence: views and calls. No name, no text."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from orchestrator.client.audit_desk import ExportLink
from orchestrator.client.wire import Wire, deal_path


@dataclass(frozen=True, slots=True, kw_only=True)
class PreventedRow:
    """One thing.

    Attributes:
        kind: ``held`` (nobody saw it), ``withdrawn`` (it stood in a room for some time),
            ``stopped`` (for some of its readers), ``paused`` (a room or a person), or ``stood``
            (noticed, and not taken back: not prevented).
        what: ``message``, ``room`` or ``person``.
        subject: a message's id.
        entries: numbers of the entries of the deal's record that say so.
        ended_at: when it was seen gone, microseconds UTC.
        seen: how many people may have seen it, at most; None: nobody knows.
        became: ``waits``, ``let_go``, ``moved``, ``dropped``, ``lapsed`` or ``stands``.
        grade: ``record``, ``network`` or ``asked``: how it is known.
    """

    kind: str
    what: str
    subject: str
    at: int
    entries: tuple[int, ...]
    rules: tuple[str, ...]
    tier: str
    seen: int | None
    ended_at: int | None
    became: str
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreventedView:
    """What was prevented in a deal.

    Attributes:
        at: when this was read, microseconds UTC; ``upto``: number of the last entry looked at.
        since, until: the filter; None: from the beginning, until now.
        counts: by kind; ``stood`` is not prevented.
        became: by what became of messages.
        rows: the newest, ``more`` of them are not listed.
        unbelieved: entries that this home did not write; nothing rests on them.
        strangers: what came to this home's accounts and was not taken in; of no single deal.
    """

    deal_id: str
    code: str
    made_up: bool
    at: int
    upto: int
    since: int | None
    until: int | None
    counts: Mapping[str, int]
    became: Mapping[str, int]
    rows: tuple[PreventedRow, ...]
    more: int
    unbelieved: int
    strangers: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingView:
    """The report that was made when a deal closed.

    Attributes:
        hash: sha256 of its bytes, as the record states it.
        same: made anew now, it is the same to the byte.
    """

    at: int
    upto: int
    hash: str
    same: bool


class PreventedApi(Wire):
    """The operations."""

    async def prevented_show(
        self, deal: str, since: int | None = None, until: int | None = None
    ) -> PreventedView:
        """What was prevented."""
        query = {k: None if v is None else str(v) for k, v in (("since", since), ("until", until))}
        return await self._get(PreventedView, f"{deal_path(deal)}/prevented", query)

    def prevented_report(
        self, deal: str, since: int | None = None, until: int | None = None
    ) -> AsyncIterator[bytes]:
        """The printable report; its making is an entry of the deal's record."""
        asked = (("since", since), ("until", until))
        query = "&".join(f"{k}={v}" for k, v in asked if v is not None)
        path = f"{deal_path(deal)}/prevented/report"
        return self._pieces(f"{path}?{query}" if query else path)

    async def prevented_link(self, deal: str) -> ExportLink:
        """Where the report is fetched, once and within minutes, in this session."""
        return await self._post(ExportLink, f"{deal_path(deal)}/prevented/link")

    async def prevented_closing(self, deal: str) -> ClosingView:
        """The report that was made when the deal closed. Raises: Missing before that."""
        return await self._get(ClosingView, f"{deal_path(deal)}/prevented/closing")
