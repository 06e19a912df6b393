"""Leak risk as the desk shows it: a score of listed parts, findings, and what may be done.

Rules kept here: as for ``orchestrator.client.views``. A part's points add up to the total, those of
the conversations and of the deal itself to the deal's; what is cut away for a viewer is None, never
a smaller sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.client.paging import Page
from orchestrator.client.wire import Wire, deal_path, part

FigureName = Literal["members", "messages"]
LevelName = Literal["quiet", "low", "raised", "act", "stop"]
SeverityName = Literal["low", "medium", "high", "critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """What the findings of one rule cost in one conversation.

    Attributes:
        n: its number in the list, from 1: the dearest first.
        title: what it is, in words without content.
        figure: whose safety it is about.
        conversation: id; None: for the whole deal.
        conversation_name: as the viewer may read it; None: for the whole deal.
        findings: ids; empty where the viewer sees figures only.
        count: how many there are.
        falls_to: the total once this part and those above it are settled.
        silent: all of them are known and accepted for a time; they cost as before.
        unknown: it says that something is not known.
    """

    n: int
    rule: str
    title: str
    figure: FigureName
    severity: SeverityName
    points: int
    conversation: str | None
    conversation_name: str | None
    findings: tuple[str, ...]
    count: int
    falls_to: int
    since: int
    silent: bool = False
    unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreView:
    """A score and what it means.

    Attributes:
        total: the sum of ``parts``; ``members`` and ``messages`` add up to it.
        act_at: the line from which somebody acts, as the deal's policy says.
        level: where the total stands by that line.
        meaning: the level in words.
        says: the answer in a sentence, with what it falls to.
    """

    total: int
    members: int
    messages: int
    act_at: int
    level: LevelName
    meaning: str
    says: str
    parts: tuple[PartView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRiskView:
    """One conversation's share; its parts are those of the deal's score that name it."""

    conversation: str
    name: str
    floor: str
    total: int
    members: int
    messages: int
    level: LevelName
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskDayView:
    """The score at the end of a day (the last one: now), and what each rule cost then.

    Attributes:
        at: microseconds UTC.
        causes: points by rule; ``titles`` of the whole view has their words.
    """

    at: int
    total: int
    members: int
    messages: int
    causes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerView:
    """One thing that can be done about a finding, from its card.

    Attributes:
        answer: what to send as ``answer``.
        title: the button's words.
        operation: the operation of the API that does it.
        arguments: what it is done with.
        takes: names of what whoever answers has to add (in ``arguments``).
        primary: the card's one button.
        may: the viewer may do it; else somebody else has to.
        prove: the viewer may, once he proved again that it is he.
        command: the same on the command line.
    """

    answer: str
    title: str
    operation: str
    arguments: Mapping[str, str]
    takes: tuple[str, ...]
    primary: bool
    may: bool
    command: str
    prove: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedView:
    """A finding that somebody knows of and accepted; it costs as before and asks nobody.

    Attributes:
        until: microseconds UTC.
        by: actor.
        because: why, in his words.
    """

    until: int
    at: int
    by: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding.

    Attributes:
        title: what it is, in words without content.
        reasons: why, without content; empty where they are not for the viewer.
        conversation: id; None: for the whole deal, or unknown.
        person: whom it is about, or who wrote; None where nobody, or not for the viewer.
        owner: person id of whose work it is first; None: whoever has ``owner_role``.
        owner_role: subject, owner, security_officer, counsel or operator.
        points: what it costs as long as it is open; 0 once it is closed.
        closes: the new fact that closes it. No click does.
        then: the command that shows or settles it.
        needs_you: it is open, not accepted, and the viewer may do something about it.
    """

    finding_id: str
    rule: str
    title: str
    figure: FigureName
    severity: SeverityName
    points: int
    reasons: tuple[str, ...]
    conversation: str | None
    conversation_name: str | None
    channel: str | None
    person: str | None
    person_name: str | None
    owner: str | None
    owner_name: str | None
    owner_role: str
    first_seen: int
    last_seen: int
    closed_at: int | None
    closes: str
    then: str
    answers: tuple[AnswerView, ...]
    accepted: AcceptedView | None
    needs_you: bool
    unknown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """A deal's leak risk, cut to the viewer.

    Attributes:
        at: when it was true.
        looked_at: when the rules were last run over facts; None: not since the start.
        stale: that is longer ago than twice its schedule: say "We cannot tell right now".
        says: the page's first line.
        score: None for whoever sees his own findings only.
        conversations: the dearest first; empty without a score.
        history: 30 days, oldest first, the last one now; empty without a score.
        titles: words of every rule that occurs.
        findings: open ones that the viewer may see, "needs you" first.
        open: how many are open; None without a score.
        silent: how many of them are accepted for a time.
        closed: how many closed in the last seven days.
    """

    deal: str
    at: int
    looked_at: int | None
    stale: bool
    says: str
    score: ScoreView | None
    conversations: tuple[ConversationRiskView, ...]
    history: tuple[RiskDayView, ...]
    titles: Mapping[str, str]
    findings: tuple[FindingView, ...]
    open: int | None
    silent: int | None
    closed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingAnsweredView:
    """What an answer came to.

    Attributes:
        done: what was done, a line each.
        finding: as it is now; open until a new fact closes it.
        closed: whether it is closed by now.
        shown: of ``put_right``: the acts of the plan, to be agreed to by sending its ``plan``.
        plan: hash of that plan; None without one.
        then: what is left to do; empty when nothing is.
    """

    answer: str
    done: tuple[str, ...]
    closed: bool
    finding: FindingView
    shown: tuple[str, ...] = ()
    plan: str | None = None
    then: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule, for ``risk explain``."""

    rule: str
    title: str
    figure: FigureName
    severity: SeverityName
    points: int
    closes: str
    owner: str
    answers: tuple[str, ...]
    keep_days: int
    on: bool
    unknown: bool
    personal: bool


class RiskApi(Wire):
    """Leak risk."""

    async def risk_show(self, deal: str) -> RiskView:
        """Score, parts, 30 days, and the open findings."""
        return await self._get(RiskView, f"{deal_path(deal)}/risk")

    async def risk_rules(self, deal: str) -> Sequence[RuleView]:
        """Every rule there is."""
        return await self._get(list[RuleView], f"{deal_path(deal)}/risk/rules")

    async def finding_list(
        self,
        deal: str,
        *,
        every: bool = False,
        conversation: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[FindingView]:
        """Findings; ``every``: closed ones too."""
        query = {
            "every": "true" if every else None,
            "conversation": conversation,
            "cursor": cursor,
            "limit": str(limit),
        }
        return await self._get(Page[FindingView], f"{deal_path(deal)}/findings", query)

    async def finding_show(self, deal: str, finding: str) -> FindingView:
        """One finding."""
        return await self._get(FindingView, f"{deal_path(deal)}/findings/{part(finding)}")

    async def finding_answer(
        self,
        deal: str,
        finding: str,
        answer: str,
        arguments: Mapping[str, str] | None = None,
    ) -> FindingAnsweredView:
        """Does one of its answers; what closes it is what is seen afterwards."""
        body = {"answer": answer, "arguments": dict(arguments or {})}
        path = f"{deal_path(deal)}/findings/{part(finding)}/answer"
        return await self._post(FindingAnsweredView, path, body)

    async def finding_accept(
        self, deal: str, finding: str, *, until: int, because: str
    ) -> FindingAnsweredView:
        """Says that it is known and accepted until then; it costs as before."""
        body = {"until": until, "because": because}
        path = f"{deal_path(deal)}/findings/{part(finding)}/accept"
        return await self._post(FindingAnsweredView, path, body)
