"""Exports for counsel: asked for, agreed to by two where names go out, and given once.

Rules kept here:

1. Where names go out, a founded deal's export waits for two people, neither of whom asked. One with
   with figures and rules alone is given to whoever may have it. What was asked for in the draft is
   not given behind the founding: it would hold what came since, and nobody agreed.
2. What is given is claimed on the record before its first byte leaves, and a claim stands once. A
   link to it is good once, for minutes, for the session that asked for it and for no other.
3. Every export says on its first page who asked, when, why, and what was chosen of it; every cell
   of a table is text, whatever it begins with.
"""

import asyncio
import csv
import io
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from importlib import import_module
from pathlib import Path

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, standing, state_of
from orchestrator.approvals.standing import Request, Standing
from orchestrator.audit.body import Json, coded
from orchestrator.audit.chain import append
from orchestrator.audit.export import export as export_audit
from orchestrator.audit.kinds import Kind
from orchestrator.audit.paging import page
from orchestrator.audit.state import Told
from orchestrator.client.audit_desk import ExportLink, ExportView
from orchestrator.client.insider_list import by_side, lines
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.clock import MINUTE, iso
from orchestrator.command.audit_desk import AuditDesk, who
from orchestrator.command.audit_words import facts, sentence
from orchestrator.command.export_report import gathered, sections
from orchestrator.command.insiders import Insiders
from orchestrator.command.records import archived
from orchestrator.command.runtime import Runtime
from orchestrator.ids import new_id
from orchestrator.roster import cells
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId
from tiers.rights import Viewer

EXPORT = "audit.export"
WHAT: Mapping[str, str] = {
    "audit": "the signed audit trail, with the program that checks it",
    "audit_csv": "the audit trail as a table",
    "insiders": "the list of insiders",
    "insiders_xlsx": "the list of insiders of each side, as a workbook",
    "findings": "findings without names",
    "report": "the report for counsel",
    "archive": "everything for counsel in one folder: record, journal, evidence, insiders",
}
WITHOUT_NAMES = frozenset({"findings"})
WHY: Mapping[str, str] = {
    "regulator": "a regulator asked for it",
    "litigation": "a dispute or a duty to preserve",
    "internal-review": "an internal review",
    "closing": "the deal closes",
    "insider-list": "the insider list is due",
}
LINK_LASTS = 5 * MINUTE
KEPT = 200
"""Exports of one person's word that are kept at most; they end with this process."""
_ENDINGS: Mapping[str, str] = {
    "audit": "tar",
    "insiders_xlsx": "xlsx",
    "report": "pdf",
    "archive": "tar",
}
STILL = "Nothing was exported."


@dataclass(frozen=True, slots=True)
class Wanted:
    """An export as it was asked for."""

    deal: DealId
    what: str
    why: str
    matter: str | None
    person: str | None
    kind: str | None
    by: str
    at: int = 0

    def body(self) -> dict[str, Json]:
        """As a plan holds it."""
        chosen = {"matter": self.matter, "person": self.person, "kind": self.kind}
        return {"what": self.what, "why": self.why, "by": self.by, **chosen}


@dataclass(frozen=True, slots=True)
class _Link:
    export: str
    actor: str
    session: str | None
    until: int


class Exports(AuditDesk):
    """Implements ``orchestrator.api.port_audit_desk.ExportAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._alone: dict[str, Wanted] = {}
        self._links: dict[str, _Link] = {}

    async def export_ask(self, wanted: Wanted, viewer: Viewer) -> ExportView:
        """Asks for an export."""
        _check_wanted(wanted)
        wanted = replace(wanted, at=self._r.now())

        def unit(tx: Tx) -> str | None:
            if _is_free(standing(tx, wanted.deal), wanted):
                return None
            plan = Plan(EXPORT, wanted.body())
            return ask(tx, wanted.deal, plan, rule=Rule(), at=wanted.at, actor=wanted.by)

        request = await self._r.store.write(unit)
        name = request
        if name is None:
            name = new_id("exp")
            self._alone[name] = wanted
            while len(self._alone) > KEPT:
                self._alone.pop(next(iter(self._alone)))
        return await self._one_export(wanted.deal, name, viewer)

    async def export_list(self, deal: DealId, viewer: Viewer) -> Sequence[ExportView]:
        """Exports that were asked for, newest first."""
        names, at = self._audit_names(deal), self._r.now()

        def read(tx: Tx) -> list[ExportView]:
            found, given = standing(tx, deal), _given(tx, deal)
            asked = [r for r in found.requests.values() if r.plan.verb == EXPORT]
            views = [_of_request(found, r, given, names, viewer, at) for r in asked]
            alone = [(n, w) for n, w in self._alone.items() if w.deal == deal]
            ready = ((n, w, "ready" if _is_free(found, w) else "lapsed") for n, w in alone)
            states = ((n, w, "given" if n in given else state) for n, w, state in ready)
            return [*views, *(_export_view(n, w, state, names, viewer) for n, w, state in states)]

        return sorted(await self._r.store.read(read), key=lambda v: -v.asked_at)

    async def _one_export(self, deal: DealId, name: str, viewer: Viewer) -> ExportView:
        listed = await self.export_list(deal, viewer)
        found = next((view for view in listed if view.export_id == name), None)
        if found is None:
            raise Missing("there is no such export", still=STILL)
        return found

    async def export_link(self, deal: DealId, export: str, viewer: Viewer) -> ExportLink:
        """Where one's own export is fetched, once; an earlier link to it is good no more."""
        found = await self._one_export(deal, export, viewer)
        if not found.mine:
            raise Refused("Only whoever asked for an export is given it", still=STILL)
        if found.state != "ready":
            raise Refused(f"It cannot be given: it is {found.state}", still=STILL)
        secret, until = secrets.token_urlsafe(32), self._r.now() + LINK_LASTS
        self._links = {
            h: link
            for h, link in self._links.items()
            if link.export != export and self._r.now() < link.until
        }
        self._links[_hash(secret)] = _Link(export, viewer.actor, viewer.session, until)
        return ExportLink(path=f"/api/v1/deals/{deal}/exports/fetch/{secret}", until=until)

    async def export_fetch(
        self, deal: DealId, secret: str, viewer: Viewer
    ) -> tuple[str, AsyncIterator[bytes]]:
        """Gives an export: a file's name, and its pieces.

        Raises:
            Missing: no link is so, it was used, it is too old, or it is somebody else's.
        """
        link = self._links.get(_hash(secret))
        known = link is not None and (link.actor, link.session) == (viewer.actor, viewer.session)
        if link is None or not known or self._r.now() >= link.until:
            raise Missing("there is no such export, or it was given already", still=STILL)
        del self._links[_hash(secret)]
        wanted = await self._export_claimed(deal, link.export, viewer.actor)
        return _file(wanted), self._export_pieces(wanted)

    async def _export_claimed(self, deal: DealId, export: str, actor: str) -> Wanted:
        """States that an export is given; it is stated once. Raises: Missing."""
        at = self._r.now()

        def unit(tx: Tx) -> Wanted:
            founding, alone = standing(tx, deal), self._alone.get(export)
            free = alone if alone is not None and _is_free(founding, alone) else None
            wanted = free or _agreed(founding, export)
            if wanted is None or wanted.deal != deal or wanted.by != actor:
                raise Missing("there is no such export", still=STILL)
            if export in _given(tx, deal):
                raise Missing("there is no such export, or it was given already", still=STILL)
            body: dict[str, Json] = {"what": wanted.what, "request": export, "why": wanted.why}
            append(tx, deal, Kind.AUDIT_EXPORTED, body, at=at, actor=actor)
            return wanted

        return await self._r.store.write(unit)

    def _export_pieces(self, wanted: Wanted) -> AsyncIterator[bytes]:
        match wanted.what:
            case "audit":
                return self._export_signed(wanted)
            case "insiders_xlsx":
                return self._export_workbook(wanted)
            case "report":
                return self._export_report(wanted)
            case "archive":
                return self._export_archive(wanted)
            case _:
                return self._export_table(wanted)

    async def _export_workbook(self, wanted: Wanted) -> AsyncIterator[bytes]:
        found = await Insiders(self._r).person_insiders(wanted.deal)
        page, at, code = self._export_page(wanted), self._r.now(), self._export_code(wanted)
        sides = [(side, lines(rows, code, at)) for side, rows in by_side(found).items()]
        made = import_module("orchestrator.command.export_workbook").workbook
        yield await asyncio.to_thread(made, [("Export", page), *sides], at)

    async def _export_report(self, wanted: Wanted) -> AsyncIterator[bytes]:
        found = await gathered(self._r, wanted.deal, await self.audit_chain(wanted.deal))
        names, page = self._audit_names(wanted.deal), self._export_page(wanted)

        def named(actor: str) -> str:
            return who(actor, names) if ":" in actor else names.get(actor, actor)

        code = self._export_code(wanted)
        foot = f"{code}, for counsel, {iso(found.at)}"
        parts = sections(page, found, named)
        pdf = import_module("orchestrator.command.export_pdf").pdf  # few ask for one
        yield await asyncio.to_thread(pdf, f"{code}: report for counsel", parts, foot)

    async def _export_archive(self, wanted: Wanted) -> AsyncIterator[bytes]:
        tables = {
            "insiders.csv": self._export_table(replace(wanted, what="insiders")),
            "insiders.xlsx": self._export_workbook(replace(wanted, what="insiders_xlsx")),
        }
        asked = (wanted.deal, wanted.by, self._export_page(wanted), tables)
        made = import_module("orchestrator.command.archiving").write_archive  # few ask for one
        async for piece in archived(self._r, partial(made, self._r, *asked)):
            yield piece

    def _export_code(self, wanted: Wanted) -> str:
        view = self._r.book.deals.get(wanted.deal)
        return wanted.deal if view is None else view.code

    async def _export_signed(self, wanted: Wanted) -> AsyncIterator[bytes]:
        async def write(folder: Path) -> None:
            if self._r.sign_and_anchor is not None:  # what goes out is first known elsewhere
                await self._r.sign_and_anchor()
            at, key = self._r.now(), self._r.head_key
            await export_audit(self._r.store, wanted.deal, folder, key, at=at, actor=wanted.by)
            told = "".join(f"{name}: {value}\n" for name, value in self._export_page(wanted))
            (folder / "EXPORT.txt").write_text(told, encoding="utf-8")

        async for piece in archived(self._r, write):
            yield piece

    async def _export_table(self, wanted: Wanted) -> AsyncIterator[bytes]:
        yield b"\xef\xbb\xbf" + _lines([*self._export_page(wanted), ()])
        if wanted.what == "insiders":
            yield _lines(await self._export_insiders(wanted.deal))
        elif wanted.what == "findings":
            yield _lines(await self._r.store.read(lambda tx: _findings(tx, wanted.deal)))
        else:
            async for rows in self._export_rows(wanted):
                yield rows

    async def _export_rows(self, wanted: Wanted) -> AsyncIterator[bytes]:
        names, before = self._audit_names(wanted.deal), None
        yield _lines([("n", "time", "kind", "who", "what", "beside")])
        kinds = () if wanted.kind is None else (wanted.kind,)
        while True:
            at = before
            leaf = await self._r.store.read(
                lambda tx, at=at: page(  # type: ignore[misc]  # mypy knows no default of a lambda
                    tx, wanted.deal, before=at, limit=1_000, kinds=kinds, person=wanted.person
                )
            )
            yield _lines(_row(entry, names) for entry in leaf.entries)
            before = leaf.after
            if before is None:
                return

    async def _export_insiders(self, deal: DealId) -> list[Sequence[str]]:
        found = await Insiders(self._r).person_insiders(deal)
        head = ("person", "name", "side", "role", "obtained", "ceased", "acknowledged")
        return [
            head,
            *(
                (
                    *(r.person or f"unknown: {r.account}", r.name or "", r.side_name or ""),
                    *(r.role or "", iso(r.obtained_at), _when(r.ceased_at)),
                    _when(r.acknowledged_at),
                )
                for r in found
            ),
        ]

    def _export_page(self, wanted: Wanted) -> list[tuple[str, str]]:
        view = self._r.book.deals.get(wanted.deal)
        made_up = [("made up", "yes: no word of it is about a real deal")]
        return [
            ("export", WHAT[wanted.what]),
            ("deal", self._export_code(wanted)),
            *(made_up if view is not None and view.made_up else []),
            ("asked for by", who(wanted.by, self._audit_names(wanted.deal))),
            ("asked for at", iso(wanted.at)),
            ("why", WHY[wanted.why]),
            ("matter", wanted.matter or "none named"),
            ("chosen", chosen(wanted) or "all of it"),
        ]


def chosen(wanted: Wanted) -> str:
    """What was chosen of it, in words; empty: all of it."""
    of = [f"about {wanted.person}"] if wanted.person is not None else []
    return ", ".join([*of, *([f"only {wanted.kind}"] if wanted.kind is not None else [])])


def told_export(body: Mapping[str, object]) -> tuple[str, str]:
    """What an export gives away, and why it was asked for, in words for those who agree."""
    what, why = WHAT.get(str(body.get("what")), "an export"), WHY.get(str(body.get("why")), "")
    of = [f"about {body['person']}"] if body.get("person") else []
    only = [f"only {body['kind']}"] if body.get("kind") else []
    matter = f", matter {body['matter']}" if body.get("matter") else ""
    return ", ".join([what, *of, *only]), f"{why or 'no reason is known'}{matter}"


async def export_agreed(
    runtime: Runtime, _: DealId, __: Mapping[str, Json], approved: Approved
) -> None:
    """Lets an export be given to whoever asked for it."""
    at = runtime.now()
    await runtime.store.write(lambda tx: approved.finish(tx, at))


def _check_wanted(wanted: Wanted) -> None:
    codes = [wanted.what, wanted.why, wanted.matter, wanted.person, wanted.kind]
    if any(c is not None and coded(c) != c for c in codes if c != wanted.person):
        raise Wrong("A matter is a number or a code, in small letters", still=STILL)
    if wanted.what not in WHAT or wanted.why not in WHY:
        raise Wrong("There is no such export, or no such reason", still=STILL)


def _of_request(
    found: Standing, request: Request, given: frozenset[str], names: Mapping[str, str],
    viewer: Viewer, at: int,
) -> ExportView:  # fmt: skip
    state = state_of(found, request, at)
    if state == "done":
        state = "given" if request.request_id in given else "ready"
    wanted = _wanted(DealId(found.deal_id), request)
    return _export_view(request.request_id, wanted, state, names, viewer)


def _export_view(
    name: str, wanted: Wanted, state: str, names: Mapping[str, str], viewer: Viewer
) -> ExportView:
    return ExportView(
        export_id=name,
        what=wanted.what,
        why=wanted.why,
        matter=wanted.matter,
        filter=chosen(wanted),
        asked_by=who(wanted.by, names),
        asked_at=wanted.at,
        state=state,
        mine=wanted.by == viewer.actor,
    )


def _wanted(deal: DealId, request: Request) -> Wanted:
    body = request.plan.body
    matter, person, kind = (
        None if body.get(f) is None else str(body[f]) for f in ("matter", "person", "kind")
    )
    what, why = str(body["what"]), str(body["why"])
    return Wanted(deal, what, why, matter, person, kind, request.asked_by, request.asked_at)


def _is_free(found: Standing, wanted: Wanted) -> bool:
    """Whether nobody else has to agree to an export."""
    return wanted.what in WITHOUT_NAMES or found.founded_at is None


def _agreed(found: Standing, export: str) -> Wanted | None:
    request = found.requests.get(export)
    if request is None or request.plan.verb != EXPORT or not request.agreed_under(Rule()):
        return None
    return _wanted(DealId(found.deal_id), request)


def _given(tx: Tx, deal: DealId) -> frozenset[str]:
    """Exports that were given, by the record; found by the index of kinds."""
    found: set[str] = set()
    before: int | None = None
    while True:
        leaf = page(tx, deal, before=before, limit=500, kinds=(str(Kind.AUDIT_EXPORTED),))
        found |= {str(e.body["request"]) for e in leaf.entries if "request" in e.body}
        before = leaf.after
        if before is None:
            return frozenset(found)


def _row(entry: Told, names: Mapping[str, str]) -> tuple[str, ...]:
    beside = "; ".join(f"{name} {value}" for name, value in facts(entry.body))
    words = sentence(entry.kind, entry.body, lambda p: names.get(p, p))
    return str(entry.n), iso(entry.at), entry.kind, who(entry.actor, names), words, beside


def _findings(tx: Tx, deal: DealId) -> list[Sequence[str]]:
    rows = tx.all(
        "SELECT rule, severity, first_seen, last_seen, closed_at FROM finding "
        "WHERE deal_id = ? ORDER BY first_seen",
        (deal,),
    )
    head = ("rule", "severity", "first seen", "last seen", "closed")
    return [head, *((r, s, iso(f), iso(last), _when(c)) for r, s, f, last, c in rows)]


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([cells.write(str(cell)) for cell in row] for row in rows)
    return out.getvalue().encode()


def _file(wanted: Wanted) -> str:
    ending = _ENDINGS.get(wanted.what, "csv")
    return f"wallcross-{wanted.what.partition('_')[0]}.{ending}"


def _when(at: int | None) -> str:
    return "" if at is None else iso(at)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
