"""The report for counsel: who had access, who agreed to what, and what the record proves.

Rules kept here:

1. It holds names of people, times and figures. No text, subject, file's name, account, room or key
   is in it, nor the name of a conversation; it says so on its first page.
2. A figure that is not known is told as not known.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.approvals.requests import standing, state_of
from orchestrator.approvals.standing import Standing
from orchestrator.client.approvals import REFUSALS
from orchestrator.client.audit_desk import ChainView
from orchestrator.client.evidence import EvidenceView
from orchestrator.client.insider_list import when
from orchestrator.client.people import InsiderView
from orchestrator.client.prevented import PreventedView
from orchestrator.client.problems import Problem
from orchestrator.clock import MINUTE
from orchestrator.command.evidence import Evidences
from orchestrator.command.insiders import Insiders
from orchestrator.command.prevented import PreventedLedger
from orchestrator.command.prevented_page import BECAME, KINDS
from orchestrator.command.runtime import Runtime
from orchestrator.store.unit import Row, Tx
from tiers.ids import DealId

LEFT_OUT = (
    "Left out: texts of messages and documents, their subjects and the names of their files; names "
    "of conversations; accounts, rooms, devices and keys. The signed audit trail, exported beside "
    "this, proves what is told here; this report by itself proves nothing."
)
_FINDINGS = (
    "SELECT rule, severity, count(*), sum(closed_at IS NULL) FROM finding WHERE deal_id = ? "
    "GROUP BY rule, severity ORDER BY rule, severity"
)
Named = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report.

    Attributes:
        title: its head.
        lines: sentences.
        head: names of a table's columns; none: there is no table.
        rows: the table.
    """

    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a report is made of.

    Attributes:
        evidence: None: rooms could not be read back.
        findings: rule, severity, how many, and how many of them are open.
    """

    at: int
    chain: ChainView
    insiders: Sequence[InsiderView]
    standing: Standing
    evidence: EvidenceView | None
    prevented: PreventedView
    findings: Sequence[Row]


async def gathered(runtime: Runtime, deal: DealId, chain: ChainView) -> Figures:
    """Reads what a report is made of."""
    try:
        evidence = await Evidences(runtime).evidence_show(deal, None)
    except Problem:
        evidence = None

    def read(tx: Tx) -> tuple[Standing, list[Row]]:
        return standing(tx, deal), tx.all(_FINDINGS, (deal,))

    signed, findings = await runtime.store.read(read)
    return Figures(
        at=runtime.now(),
        chain=chain,
        insiders=await Insiders(runtime).person_insiders(deal),
        standing=signed,
        evidence=evidence,
        prevented=await PreventedLedger(runtime).prevented_show(deal, None, None),
        findings=findings,
    )


def sections(page: Sequence[tuple[str, str]], found: Figures, named: Named) -> list[Section]:
    """The parts of a report.

    Args:
        page: what was asked for, by whom, when and why.
        found: its figures.
        named: an actor or a person as people know him.
    """
    return [
        Section(title="What this is", lines=(LEFT_OUT,), head=("", ""), rows=page),
        _record(found.chain),
        _access(found.insiders),
        _agreed(found, named),
        _rooms(found.evidence),
        _stopped(found.prevented),
        _open(found.findings),
    ]


def _record(chain: ChainView) -> Section:
    whole = "It is whole: every entry follows from the one before." if chain.unbroken else (
        "It is NOT whole: " + "; ".join(chain.flaws)
    )  # fmt: skip
    rows = [
        ("entries", str(chain.entries)),
        ("checked", str(chain.checked)),
        ("first entry", _at(chain.since)),
        ("newest signed head", _at(chain.signed_at)),
        *((f"anchor {name}, newest receipt", when(at)) for name, at in chain.anchors.items()),
        *((f"anchor {name}, silent since", when(at)) for name, at in chain.failing.items()),
        ("oldest entry that nobody outside has seen", _at(chain.unanchored_since)),
        ("longest time without an anchor", f"{chain.longest // MINUTE} minutes"),
    ]
    return Section(title="The record", lines=(whole,), head=("figure", "value"), rows=rows)


def _access(found: Sequence[InsiderView]) -> Section:
    told = f"{len(found)} spans of access, as rooms were read back; an empty *ceased* is still in."
    rows = [
        (
            r.name or "on no list",
            r.person or "",
            r.side_name or "",
            r.role or "",
            when(r.obtained_at),
            "" if r.ceased_at is None else when(r.ceased_at),
            _at(r.acknowledged_at),
        )
        for r in found
    ]
    head = ("name", "person", "side", "role", "obtained", "ceased", "acknowledged")
    return Section(title="Who had access, and when", lines=(told,), head=head, rows=rows)


def _agreed(found: Figures, named: Named) -> Section:
    deal = found.standing
    founded = (
        f"Founded {when(deal.founded_at)} by the signatures of its people."
        if deal.founded_at is not None
        else "It is not founded: nobody signs for others in it."
    )
    rows = [
        (
            r.plan.verb,
            named(r.asked_by),
            when(r.asked_at),
            ", ".join(named(p) for p in sorted(r.yes)) or "nobody",
            state_of(deal, r, found.at),
            "" if r.no_by is None else _refused(named(r.no_by), r.no_why),
        )
        for r in deal.requests.values()
    ]
    head = ("what", "asked by", "asked", "signed by", "became", "ended by")
    return Section(title="Who agreed to what", lines=(founded,), head=head, rows=rows)


def _refused(by: str, why: str | None) -> str:
    return by if why is None else f"{by}: {REFUSALS.get(why, why)}"


def _rooms(found: EvidenceView | None) -> Section:
    if found is None:
        return Section(title="Rooms", lines=("They could not be read back for this report.",))
    rooms = [room for one in found.conversations for room in one.rooms]
    controls = [control for room in rooms for control in room.controls]
    known = Counter(control.evidence or "nothing" for control in controls)
    rows = [
        ("conversations", str(len(found.conversations))),
        ("rooms", str(len(rooms))),
        ("rooms read back for this report", str(sum(r.read_at is not None for r in rooms))),
        ("rooms that are paused", str(sum(r.paused is not None for r in rooms))),
        ("accounts in rooms that are nobody's", str(sum(len(r.strangers) for r in rooms))),
        ("promises of rooms", str(len(controls))),
        ("demanded by their tier", str(sum(c.demanded is not None for c in controls))),
        ("of these not met now", str(sum(c.demanded is not None and not c.met for c in controls))),
        *((f"known by: {name}", str(count)) for name, count in sorted(known.items())),
    ]
    live = () if found.live else ("No channel was open: nothing was read back for it.",)
    return Section(title="Rooms", lines=live, head=("figure", "value"), rows=rows)


def _stopped(found: PreventedView) -> Section:
    rows = [
        *((words, str(found.counts.get(kind, 0))) for kind, words in KINDS.items()),
        *((words, str(found.became.get(b, 0))) for b, words in BECAME.items() if words),
    ]
    told = (f"As the record has it up to entry {found.upto}.",)
    head = ("what", "how often")
    return Section(title="What was held or stopped", lines=told, head=head, rows=rows)


def _open(found: Sequence[Row]) -> Section:
    rows = [(rule, severity, str(count), str(still)) for rule, severity, count, still in found]
    head = ("rule", "severity", "found", "open now")
    return Section(title="Findings", head=head, rows=rows)


def _at(at: int | None) -> str:
    return "none" if at is None else when(at)
