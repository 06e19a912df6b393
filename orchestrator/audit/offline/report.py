"""What the reader trusts from elsewhere, and what he is told in the end."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from orchestrator.audit.offline.values import iso

MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Outside:
    """A statement's hash that was kept outside the host.

    Attributes:
        name: the file it came from.
        digest: sha256 of the statement.
        at: an instant that somebody else vouches for, microseconds UTC, or None.
        statement: the statement's own bytes, None when only its hash was kept.
        signature: the host's signature of it, None when it was not kept.
        links: the statements just before it that were kept with it, in order, without a gap.
    """

    name: str
    digest: bytes
    at: int | None = None
    statement: bytes | None = None
    signature: bytes | None = None
    links: tuple[bytes, ...] = ()


@dataclass
class Trust:
    """What the reader trusts, besides what he was sent."""

    host_keys: set[bytes] = field(default_factory=set)
    witness_keys: set[bytes] = field(default_factory=set)
    authorities: list[x509.Certificate] = field(default_factory=list)


@dataclass
class Problem:
    """One thing that is wrong: a code for machines, the place, and words for people."""

    code: str
    where: str
    words: str


@dataclass
class Span:
    """The longest time that entries stood before somebody outside the host held a later head."""

    seconds: float = 0.0
    since: str | None = None
    until: str | None = None


@dataclass
class Younger:
    """What was signed after the export and kept outside: how many statements, the last, when."""

    count: int
    last: int
    first_at: str
    last_at: str


@dataclass(frozen=True)
class Pack:
    """What the manifest of a pack of evidence says of it: when it was made, of how many files."""

    at: str
    files: int


@dataclass
class Report:
    """What was checked and what came out."""

    ok: bool = True
    deal: str = ""
    home: str = ""
    made_up: bool = False
    entries: int = 0
    bodies: bool = False
    first_at: str | None = None
    last_at: str | None = None
    statements: int = 0
    signed_at: str | None = None
    newer_statements: int = 0
    newer: Younger | None = None
    unsigned_entries: int = 0
    host_key: str = "not compared: no --host-key was given"
    keys: list[str] = field(default_factory=list)
    outside: list[dict[str, Any]] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)
    failing: list[dict[str, Any]] = field(default_factory=list)
    longest_unanchored_seconds: float = 0.0
    longest_unanchored: Span = field(default_factory=Span)
    claimed_unanchored_seconds: float = 0.0
    clock_went_back: int = 0
    pack: Pack | None = None
    problems: list[Problem] = field(default_factory=list)

    def problem(self, code: str, where: str, words: str) -> None:
        """Notes that something is wrong; the export does not verify."""
        self.ok = False
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(code, where, words))


def words(report: Report) -> Iterator[str]:
    """Yields the report in sentences."""
    yield _verdict(report)
    if report.made_up:
        yield "This is a made-up deal."
    for problem in report.problems:
        yield f"  - {problem.where}: {problem.words} [{problem.code}]"
    if report.pack is not None:
        yield f"A pack of evidence of {report.pack.at}: {report.pack.files} files beside it."
    with_bodies = "with their bodies" if report.bodies else "bodies left out"
    yield f"Deal {report.deal}, home {report.home}: {report.entries} entries, {with_bodies}."
    yield f"First entry {report.first_at}, last {report.last_at}."
    yield f"{report.statements} statements signed by the host, the last at {report.signed_at}."
    if report.unsigned_entries:
        yield f"{report.unsigned_entries} entries are younger than that and not signed yet."
    yield f"Host's key: {report.host_key}. In the export: {', '.join(report.keys) or 'none'}."
    yield from _words_on_anchors(report)
    if report.clock_went_back:
        yield f"The host's clock went back {report.clock_went_back} times between two entries."


def _verdict(report: Report) -> str:
    if not report.ok:
        return "NOT VERIFIED: do not rely on this export"
    if report.newer is None:
        return "VERIFIED"
    newer = report.newer
    return (
        f"VERIFIED UP TO STATEMENT {report.statements}, BUT NOT THE NEWEST\n"
        f"  {newer.count} newer statements were kept outside, from {newer.first_at} to "
        f"{newer.last_at}.\n"
        f"  What happened after {report.signed_at} is not in here: ask for a new export."
    )


def _words_on_anchors(report: Report) -> Iterator[str]:
    for kind, count in sorted(report.anchors.items()):
        yield f"Receipts of anchors, {kind}: {count}."
    for row in report.failing:
        yield f"The anchor {row['name']} has not answered since {iso(row['since'])}."
    if report.outside:
        found = sum(item["statement"] is not None for item in report.outside)
        yield (
            f"Kept outside the host: {len(report.outside)} statements, {found} found again, "
            f"{sum(item['newer'] for item in report.outside)} newer than this export."
        )
    else:
        yield (
            "Nothing that was kept outside the host was given: a host that rewrote everything "
            "and signed it again cannot be told from an honest one."
        )
    span = report.longest_unanchored
    yield f"Longest unanchored span: {report.longest_unanchored_seconds} seconds."
    if span.since:
        yield f"  From {span.since} to {span.until} the record rests on the host's word alone."
    if report.claimed_unanchored_seconds != report.longest_unanchored_seconds:
        yield (
            f"  If the receipts that you cannot check are honest: "
            f"{report.claimed_unanchored_seconds} seconds."
        )
