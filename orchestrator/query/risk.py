"""Leak risk as one viewer may see it: the score and its parts, 30 days, findings and their answers.

Rules kept here:

1. Whoever sees figures only is told counts and points by rule: no finding, no person, no reason.
   Whoever sees his own is told his own findings and no score: a smaller sum would be a wrong one.
2. A finding of the home's own is told in the rule's words alone: its reasons may name people of
   another deal.
3. Where the rules were not run lately the page says that it cannot tell, whatever the sum is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from connectors.port.connector import EndsOwnDevices
from orchestrator.client.paging import Stretch, Window, stretch
from orchestrator.client.problems import Missing
from orchestrator.client.risk import (
    AcceptedView,
    AnswerView,
    ConversationRiskView,
    FigureName,
    FindingView,
    LevelName,
    PartView,
    RiskDayView,
    RiskView,
    RuleView,
    ScoreView,
    SeverityName,
)
from orchestrator.clock import DAY, MINUTE
from orchestrator.command.runtime import Runtime
from orchestrator.query.cut import Cut, cut
from orchestrator.query.needs import ABOUT_HELD, own_held, owner_of
from orchestrator.risk.answers import WAYS, Offer, offers
from orchestrator.risk.record import Found, Reader, finding_of, findings_since
from orchestrator.store.unit import Tx
from tiers import exposure
from tiers.exposure import Figure, Level, Part, Rule, Score
from tiers.exposure_rules import REGISTRY
from tiers.ids import DealId, PersonId
from tiers.rights import Act, DeskRole, Right, Scope, Viewer

DAYS = 30
LATELY = 7 * DAY
EVERY = MINUTE
"""How often the rules are run; older than two of these is said to be old."""
_FIGURES: Mapping[Figure, FigureName] = {Figure.MEMBERS: "members", Figure.MESSAGES: "messages"}
_LEVELS: Mapping[Level, LevelName] = {
    Level.QUIET: "quiet",
    Level.LOW: "low",
    Level.RAISED: "raised",
    Level.ACT: "act",
    Level.STOP: "stop",
}
_SEVERITIES: Mapping[exposure.Severity, SeverityName] = {
    exposure.Severity.LOW: "low",
    exposure.Severity.MEDIUM: "medium",
    exposure.Severity.HIGH: "high",
    exposure.Severity.CRITICAL: "critical",
}
_CANNOT_TELL = "We cannot tell right now: the rules were not run lately."


@dataclass(frozen=True)
class Shown:
    """What was read for one viewer.

    Attributes:
        findings: open at any time of the last 30 days, newest first.
        held: messages that are held now.
        looked_at: when the rules were last run.
        own_held: those of them that are the viewer's to settle; his page Held counts them.
        ends_devices: channels on which a device of our own account can be signed out from here.
    """

    cut: Cut
    findings: tuple[Found, ...]
    held: frozenset[str]
    looked_at: int | None
    own_held: frozenset[str] = frozenset()
    ends_devices: frozenset[str] = frozenset()

    @property
    def at(self) -> int:
        """Now, microseconds UTC."""
        return self.cut.at

    @property
    def scope(self) -> Scope:
        """How much of findings the viewer sees."""
        return self.cut.scope(Right.FINDINGS)

    @cached_property
    def open(self) -> tuple[Found, ...]:
        """Those that are open."""
        return tuple(f for f in self.findings if f.closed_at is None)

    @cached_property
    def score(self) -> Score:
        """Of all that is open."""
        return exposure.score(f.as_open(self.at) for f in self.open)

    def sees(self, found: Found) -> bool:
        """Whether a finding may be shown to the viewer as such."""
        if self.scope is Scope.ALL:
            return True
        person = self.cut.person
        mine = person is not None and person in {found.owner, found.about.person}
        return self.scope >= Scope.OWN and mine

    def owner_of(self, found: Found) -> PersonId | None:
        """Whose work it is first, as far as he is on the roster."""
        return owner_of(self.cut.deal, found)


class Risks:
    """Implements the reading part of ``orchestrator.api.port_risk.RiskAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def risk_show(self, deal: DealId, viewer: Viewer) -> RiskView:
        """Score, parts, 30 days, and the open findings."""
        shown = await read_shown(self._r, deal, viewer)
        return _risk(shown)

    async def risk_rules(self) -> Sequence[RuleView]:
        """Every rule there is."""
        return [_rule(rule) for rule in REGISTRY.values()]

    async def finding_list(
        self, deal: DealId, viewer: Viewer, window: Window, *, every: bool, conversation: str | None
    ) -> Stretch[FindingView]:
        """Findings that the viewer may see, newest first."""
        shown = await read_shown(self._r, deal, viewer)
        after = window.after or ()
        found = [
            f
            for f in (shown.findings if every else shown.open)
            if shown.sees(f)
            and conversation in {None, f.about.conversation}
            and (not after or (-f.first_seen, f.finding_id) > (-int(after[0]), str(after[1])))
        ]
        ordered = sorted(found, key=lambda f: (-f.first_seen, f.finding_id))
        page = stretch(window, ordered[: window.limit + 1], lambda f: (f.first_seen, f.finding_id))
        return Stretch(items=tuple(finding_view(shown, f) for f in page.items), after=page.after)

    async def finding_show(self, deal: DealId, finding: str, viewer: Viewer) -> FindingView:
        """One finding. Raises: Missing, also of what he may not see."""
        shown, found = await read_one(self._r, deal, finding, viewer)
        return finding_view(shown, found)


async def read_shown(runtime: Runtime, deal: DealId, viewer: Viewer) -> Shown:
    """A deal's findings as a viewer may see them. Raises: Unready."""
    found = await cut(runtime, deal, viewer)
    reader, since = Reader(found.deal), found.at - (DAYS + 1) * DAY

    def read(tx: Tx) -> Shown:
        return _shown(tx, runtime, found, tuple(findings_since(tx, reader, deal, since)))

    return await runtime.store.read(read)


async def read_one(
    runtime: Runtime, deal: DealId, finding: str, viewer: Viewer
) -> tuple[Shown, Found]:
    """One finding as a viewer may see it. Raises: Unready, Missing."""
    found = await cut(runtime, deal, viewer)

    def read(tx: Tx) -> tuple[Shown, Found | None]:
        one = finding_of(tx, Reader(found.deal), deal, finding)
        return _shown(tx, runtime, found, () if one is None else (one,)), one

    shown, one = await runtime.store.read(read)
    if one is None or not shown.sees(one):
        raise Missing("There is no such finding", still="Nothing was done")
    return shown, one


def _shown(tx: Tx, runtime: Runtime, seen: Cut, rows: tuple[Found, ...]) -> Shown:
    deal = seen.deal.deal_id
    mine = own_held(tx, deal, seen.person)
    able = {str(n) for n, c in runtime.connectors.items() if isinstance(c, EndsOwnDevices)}
    return Shown(seen, rows, _held(tx, deal), _looked(tx, deal), mine, frozenset(able))


def _held(tx: Tx, deal: DealId) -> frozenset[str]:
    rows = tx.all("SELECT message_id FROM held WHERE deal_id = ? AND state = 'held'", (deal,))
    return frozenset(message_id for (message_id,) in rows)


def _looked(tx: Tx, deal: DealId) -> int | None:
    row = tx.one("SELECT at FROM risk_look WHERE deal_id = ?", (deal,))
    return None if row is None else int(row[0])


def _risk(shown: Shown) -> RiskView:
    figures = shown.scope in {Scope.ALL, Scope.COUNTS}
    stale = shown.looked_at is None or shown.at - shown.looked_at > 2 * EVERY
    seen = [finding_view(shown, f) for f in shown.open if shown.sees(f)]
    line = shown.cut.deal.policy.act_at
    history = _history(shown) if figures else ()
    score = _score(shown, line) if figures else None
    return RiskView(
        deal=shown.cut.deal.deal_id,
        at=shown.at,
        looked_at=shown.looked_at,
        stale=stale,
        says=_CANNOT_TELL if stale else _first_line(score, seen),
        score=score,
        conversations=_conversations(shown, line) if figures else (),
        history=history,
        titles={
            f.named: f.rule.title
            for f in (shown.findings if figures else shown.open)
            if figures or shown.sees(f)
        },
        findings=tuple(sorted(seen, key=_urgent)),
        open=len(shown.open) if figures else None,
        silent=sum(f.silent(shown.at) for f in shown.open) if figures else None,
        closed=_closed(shown) if figures else None,
    )


def _closed(shown: Shown) -> int:
    return sum(f.closed_at is not None and f.closed_at > shown.at - LATELY for f in shown.findings)


def _urgent(view: FindingView) -> tuple[bool, int, int]:
    return not view.needs_you, -view.points, -view.last_seen


def _first_line(score: ScoreView | None, seen: Sequence[FindingView]) -> str:
    if score is not None:
        return score.says
    yours = sum(view.needs_you for view in seen)
    if yours:
        return f"{_count(yours)} you."
    return "Nothing needs you."


def _count(number: int) -> str:
    words = {1: "One thing needs", 2: "Two things need", 3: "Three things need"}
    return words.get(number, f"{number} things need")


def _score(shown: Shown, line: int) -> ScoreView:
    found = shown.score
    stands = exposure.level(found.total, line)
    parts = tuple(
        _part(shown, n, part, left)
        for n, (part, left) in enumerate(zip(found.parts, found.falls_to(), strict=True), 1)
    )
    return ScoreView(
        total=found.total,
        members=found.of(Figure.MEMBERS),
        messages=found.of(Figure.MESSAGES),
        act_at=line,
        level=_LEVELS[stands],
        meaning=exposure.MEANING[stands],
        says=_says(parts, found.total, stands, line),
        parts=parts,
    )


def _says(parts: Sequence[PartView], total: int, stands: Level, line: int) -> str:
    if not parts:
        return f"Leak risk 0. {exposure.MEANING[Level.QUIET]}"
    head = f"Leak risk {total}, {stands.value}. You act from {line}."
    first = next((p for p in parts if p.falls_to * 2 < line), parts[-1])
    settled = ", ".join(map(str, range(1, first.n))) + " and " if first.n > 1 else ""
    verb = "are" if first.n > 1 else "is"
    named = f"1 to {first.n}" if first.n > 3 else f"{settled}{first.n}"  # noqa: PLR2004 - read aloud
    return f"{head} Falls to {first.falls_to} when {named} {verb} settled."


def _part(shown: Shown, n: int, part: Part, left: int) -> PartView:
    cid = next((f.about.conversation for f in shown.open if f.finding_id in part.findings), None)
    listed = shown.scope is Scope.ALL
    return PartView(
        n=n,
        rule=part.rule.rule,
        title=part.rule.title,
        figure=_FIGURES[part.rule.figure],
        severity=_SEVERITIES[part.severity],
        points=part.points,
        conversation=cid if listed else None,
        conversation_name=shown.cut.name(cid) if cid is not None else None,
        findings=part.findings if listed else (),
        count=len(part.findings),
        falls_to=left,
        since=part.since,
        silent=part.silent,
        unknown=part.rule.unknown,
    )


def _conversations(shown: Shown, line: int) -> tuple[ConversationRiskView, ...]:
    listed = shown.scope is Scope.ALL
    found = [(c, shown.score.within(cid)) for cid, c in shown.cut.deal.conversations.items()]
    found.sort(key=lambda one: (-one[1].total, shown.cut.name(one[0].conversation_id)))
    return tuple(
        ConversationRiskView(
            conversation=c.conversation_id if listed else "",
            name=shown.cut.name(c.conversation_id),
            floor=c.floor.value,
            total=score.total,
            members=score.of(Figure.MEMBERS),
            messages=score.of(Figure.MESSAGES),
            level=_LEVELS[exposure.level(score.total, line)],
            findings=sum(len(p.findings) for p in score.parts),
        )
        for c, score in found
    )


def _history(shown: Shown) -> tuple[RiskDayView, ...]:
    midnight = shown.at - shown.at % DAY
    ends = [midnight - n * DAY for n in reversed(range(DAYS - 1))]
    days = exposure.history((f.as_was(shown.at) for f in shown.findings), [*ends, shown.at])
    return tuple(
        RiskDayView(
            at=day.at,
            total=day.members + day.messages,
            members=day.members,
            messages=day.messages,
            causes=day.causes,
        )
        for day in days
    )


def finding_view(shown: Shown, found: Found) -> FindingView:
    """A finding as a viewer may see it; he may see that it is there."""
    about, seat = found.about, shown.cut
    owner = shown.owner_of(found)
    known = seat.sees_person(about.person)
    return FindingView(
        finding_id=found.finding_id,
        rule=found.named,
        title=found.rule.title,
        figure=_FIGURES[found.rule.figure],
        severity=_SEVERITIES[found.severity],
        points=found.rule.points(found.severity) if found.closed_at is None else 0,
        reasons=_reasons(shown, found),
        conversation=about.conversation,
        conversation_name=seat.name(about.conversation) if about.conversation else None,
        channel=about.channel,
        person=about.person if known else None,
        person_name=_name(seat, about.person) if known else None,
        owner=owner if seat.sees_person(owner) else None,
        owner_name=_name(seat, owner) if seat.sees_person(owner) else None,
        owner_role=found.rule.owner.value,
        first_seen=found.first_seen,
        last_seen=found.last_seen,
        closed_at=found.closed_at,
        closes=found.rule.closes,
        then=found.then if shown.scope is Scope.ALL and not found.of_home else "",
        answers=_answers(shown, found, owner),
        accepted=_accepted(found, shown.at),
        needs_you=_needs(shown, found, owner),
        unknown=found.rule.unknown,
    )


def _reasons(shown: Shown, found: Found) -> tuple[str, ...]:
    """Why, where the viewer may know all of it: reasons name people and, some of them, rooms."""
    if found.of_home and not shown.cut.viewer.whole:
        return ()
    return found.reasons if shown.scope is Scope.ALL else ()


def _needs(shown: Shown, found: Found, owner: PersonId | None) -> bool:
    if found.closed_at is not None or found.silent(shown.at):
        return False
    if found.named in ABOUT_HELD and found.about.message in shown.own_held:
        return False  # counted as his held message
    if owner is not None and owner == shown.cut.person:
        return True
    deal = shown.cut.deal.deal_id
    return shown.cut.viewer.power(deal, Right.FINDINGS).act >= Act.ALONE


def _answers(shown: Shown, found: Found, owner: PersonId | None) -> tuple[AnswerView, ...]:
    given = offers(
        found,
        shown.cut.deal.deal_id,
        shown.cut.viewer,
        held=shown.held.__contains__,
        owner=owner,
        ends_devices=shown.ends_devices,
    )
    return tuple(_answer(n, offer, found) for n, offer in enumerate(given))


def _answer(n: int, offer: Offer, found: Found) -> AnswerView:
    return AnswerView(
        answer=offer.remedy.value,
        title=offer.way.title,
        operation=offer.way.operation,
        arguments=offer.arguments,
        takes=offer.way.takes,
        primary=n == 0,
        may=offer.may,
        prove=offer.prove,
        command=f"wallcross risk answer {found.finding_id} {offer.remedy.value}",
    )


def _accepted(found: Found, at: int) -> AcceptedView | None:
    given = found.accepted
    if given is None or not found.silent(at):
        return None
    return AcceptedView(until=given.until, at=given.at, by=given.by, because=given.because)


def _name(seat: Cut, person: PersonId | None) -> str | None:
    if person is None:
        return None
    found = (seat.deal.adopted or seat.deal.roster).person(person)
    return None if found is None else found.name


def is_officer(deal: DealId, viewer: Viewer) -> bool:
    """Whether somebody may say that a finding is known and accepted."""
    seat = viewer.seats.get(deal)
    return viewer.whole or (seat is not None and DeskRole.SECURITY_OFFICER in seat.roles)


def _rule(rule: Rule) -> RuleView:
    return RuleView(
        rule=rule.rule,
        title=rule.title,
        figure=_FIGURES[rule.figure],
        severity=_SEVERITIES[rule.severity],
        points=rule.points(),
        closes=rule.closes,
        owner=rule.owner.value,
        answers=_titles(rule),
        keep_days=rule.keep // DAY,
        on=rule.on,
        unknown=rule.unknown,
        personal=rule.personal,
    )


def _titles(rule: Rule) -> tuple[str, ...]:
    return tuple(WAYS[remedy].title for remedy in rule.remedies)
