"""What a routed message makes us say: to its author in his line, and to the owner as findings.

Rules kept here:

1. Of what its author wrote into a room himself, only what is above that room is withdrawn, or said
   to stand there wrongly; what did not go to the conversation's other rooms stands rightly.
2. Nothing of a message is quoted; what is told, and to whom, follows ``orchestrator.flow.notices``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from orchestrator.clock import Clock
from orchestrator.deals.book import DealView
from orchestrator.deals.callback import TO_NEW_PHONE
from orchestrator.deals.findings import Raised
from orchestrator.flow import notices
from orchestrator.flow.acknowledging import ACKNOWLEDGED, recorded
from orchestrator.flow.desk import DONE
from orchestrator.flow.guard import held_as
from orchestrator.flow.judge import Judge, Judged
from orchestrator.flow.plan import Answered, Told, Waiting, reasons_text
from orchestrator.flow.port import OpensLines
from orchestrator.flow.resolve import Resolved
from orchestrator.flow.stopped import told_in_line
from orchestrator.flow.urgent import Urgent
from tiers.classify import Classification
from tiers.conversation import Conversation
from tiers.decision import Effect, Reason
from tiers.ids import RuleId
from tiers.people import Person
from tiers.routing import Held, Route
from tiers.tier import Strength
from tiers.watch import AMOUNT, NAME
from tiers.winnowing import RESTRICTED

ECHO = "echo"
"""Rule of what a bridge posted anew: it goes to no room, and a finding says so."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A message that was looked at, and what it came to."""

    row: Waiting
    resolved: Resolved
    found: Classification
    outcome: Route | Held | Answered

    def above(self) -> bool:
        """Held because it does not belong in the room that its author wrote it into."""
        held = self.outcome
        if not isinstance(held, Held) or not self.resolved.witness:
            return False
        return held.conversation is None or held.tier > held.conversation.floor


class Telling:
    """Finds the words.

    Args:
        lines: finds an author's line.
        judge: counts what adds up.
        now: the clock.
    """

    def __init__(self, lines: OpensLines, judge: Judge, now: Clock) -> None:
        self._lines = lines
        self._judge = judge
        self._now = now

    def findings(self, looked: Looked, *, withdrawn: bool) -> tuple[tuple[str, Raised], ...]:
        """The findings that a message opens, each with its subject."""
        row, resolved = looked.row, looked.resolved
        own = _raised(looked, withdrawn=withdrawn)
        raised = [(row.message_id, own)] if own is not None else []
        if resolved.bound is not None and resolved.deal is not None:
            why = self._judge.adds_up(resolved.bound, row.sender, looked.found)
            if why:
                owner = held_as(resolved.deal, None, 0).owner
                raising = Raised("above_room", "medium", why, _RAISE, owner)
                raised.append((resolved.bound.conversation_id, raising))
        return tuple(raised)

    async def told(self, looked: Looked, deadline: int, *, withdrawn: bool) -> Told | None:
        """What its author is told, and where; None when there is nothing or nobody to tell."""
        row, deal, author = looked.row, looked.resolved.deal, looked.resolved.person
        if deal is None or author is None:
            return None
        notice = self._notice(looked, deal, author, deadline, withdrawn=withdrawn)
        if notice is None:
            return None
        door = (row.connector, row.sender)
        return await told_in_line(self._lines, door, author, row.deal_id, notice)

    def _notice(
        self, looked: Looked, deal: DealView, author: Person, deadline: int, *, withdrawn: bool
    ) -> notices.Notice | None:
        outcome, message_id = looked.outcome, looked.row.message_id
        if isinstance(outcome, Route):
            asked = outcome.placed.asked
            return notices.asked(message_id, _asking(looked.found)) if asked else None
        if isinstance(outcome, Answered):
            if outcome.acted == ACKNOWLEDGED:
                return recorded(message_id)
            if outcome.acted == Urgent.NEW_PHONE.value:
                return notices.Notice(message_id, TO_NEW_PHONE)
            return None if outcome.acted in _SETTLED else notices.not_acted(message_id)
        if outcome.conversation is None:
            return self._which(looked, outcome)
        return self._held(looked, deal, author, outcome, deadline, withdrawn=withdrawn)

    def _which(self, looked: Looked, outcome: Held) -> notices.Notice:
        because = "; ".join(reasons_text(outcome.decision.against))
        names = looked.resolved.names(self._now())
        return notices.which(looked.row.message_id, because, names)

    def _held(
        self,
        looked: Looked,
        deal: DealView,
        author: Person,
        outcome: Held,
        deadline: int,
        *,
        withdrawn: bool,
    ) -> notices.Notice:
        message_id, against = looked.row.message_id, outcome.decision.against
        at, meant = self._now(), outcome.conversation
        choices = outcome.choices or _again(outcome)
        if not looked.above() or meant is None:
            say = notices.not_carried if looked.resolved.witness else notices.held
            return say(deal, author, message_id, against, choices, deadline, at, meant)
        people = len(deal.roster.cleared(meant.compartment, meant.floor, meant.side, at))
        tell = notices.withdrawing if withdrawn else notices.staying
        return tell(deal, author, message_id, against, choices, readers=people, at=at)


_SETTLED = DONE | {Urgent.PHISHED.value}
"""What is not answered there: a line that somebody else may read is told nothing more."""
_RAISE = "raise the conversation's tier: wallcross conv new with the higher tier, and move there"


def _again(held: Held) -> tuple[Conversation, ...]:
    """What was not above its conversation may be tried there again, once the reason is gone."""
    meant = held.conversation
    return (meant,) if meant is not None and meant.floor >= held.tier else ()


def _asking(found: Classification) -> tuple[Reason, ...]:
    because = f"it reads like {found.topic}"
    return (Reason(RuleId("tier"), Effect.HOLD, because),)


def _raised(looked: Looked, *, withdrawn: bool) -> Raised | None:
    outcome, found = looked.outcome, looked.found
    if isinstance(outcome, Held):
        return _stopped(looked, outcome, withdrawn=withdrawn) if looked.resolved.witness else None
    if looked.resolved.person is None:
        why = ("an account that nobody on the list owns wrote into a room",)
        return Raised("unknown_author", "high", why, "wallcross conv show")
    if isinstance(outcome, Route) and any(r.rule == ECHO for r in outcome.decision.reasons):
        because = ("somebody posts into a room, as his own, what we brought there",)
        return Raised(ECHO, "high", because, "find the bridge that does, and take it out")
    if isinstance(outcome, Route) and outcome.placed.asked and found.strength is Strength.ASK:
        why = (f"a message in a lower conversation reads like {found.topic}",)
        return Raised("above_room", "medium", why, "ask its author, or raise the conversation")
    return None


def said(judged: Judged, resolved: Resolved) -> Iterator[Raised]:
    """Findings about what a message says, whatever became of it; without a word of it."""
    floor = resolved.bound.floor if resolved.bound is not None else None
    rules = {e.rule for e in judged.found.evidence if floor is None or e.tier > floor}
    bound = floor is not None and judged.found.tier > floor
    for rule, (name, severity, because) in _SAYS.items():
        if bound and rule in rules:
            yield Raised(name, severity, (because,), "wallcross held list")
    if judged.unread and resolved.witness:
        yield _UNREAD
    if judged.invites and resolved.deal is not None:
        yield _INVITES


_SAYS: Final = {
    RESTRICTED: (
        "restricted_text",
        "critical",
        "a message has a passage of a stricter conversation's text",
    ),
    NAME: ("watch_name", "high", "a name of the watch list stands in a lower conversation"),
    AMOUNT: ("watch_amount", "high", "an amount of the watch list stands in a lower conversation"),
}
_UNREAD = Raised(
    "unread_content",
    "medium",
    ("something in a message cannot be read by us, so that nobody knows its tier",),
    "ask its author what it is",
)
_INVITES = Raised(
    "off_channel",
    "medium",
    ("a message asks to go on elsewhere than on the deal's channels",),
    "ask its author why; remind him where the deal is talked about",
)


def _stopped(looked: Looked, held: Held, *, withdrawn: bool) -> Raised:
    why = reasons_text(held.decision.against)
    if not looked.above():
        then = "put that right, then wallcross held release"
        return Raised("not_carried", "high", why, then)
    if withdrawn:
        return Raised("withdrawn", "high", why, "its author moves it, or the owner settles it")
    stays = (*why, "it cannot be taken back in that room")
    return Raised("above_room", "high", stays, "ask its author to delete it")
