"""What we tell an author, in his own private line: what happened, what holds, what he can do.

Rules kept here (docs on words: DASHBOARD rules of the product):

1. *Held* is said only where the message went through us. Where its author wrote it into the room
   himself we say that we asked for its removal, and that others may have seen it.
2. Nothing of the message is quoted. Who is not cleared for a conversation, whatever he may send
   to it, is told neither its name nor anything of its rooms and members.
3. How many ways out are shown follows the author's profile; what he may answer does not.
"""

from dataclasses import dataclass

from orchestrator.clock import iso
from orchestrator.deals.book import DealView
from tiers.conversation import Conversation
from tiers.decision import Effect, Reason
from tiers.ids import RuleId
from tiers.people import Person
from tiers.profiles import MANNERS, shown_to

CODE = 8
"""Characters of a message's id that its author answers with."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A text to one account.

    Attributes:
        about: the message that it is about.
        text: free of anybody's content.
    """

    about: str
    text: str


def code_of(message_id: str) -> str:
    """The short code of a message, shown in notices and typed in answers."""
    return message_id.removeprefix("msg_")[:CODE]


def held(
    deal: DealView,
    author: Person,
    message_id: str,
    reasons: tuple[Reason, ...],
    choices: tuple[Conversation, ...],
    deadline: int,
    at: int,
    meant: Conversation | None = None,
) -> Notice:
    """A message that went through us and waits; ``meant``: where it would have gone."""
    said = "Held. Nobody has seen it."
    why = _fit_to_tell(deal, author, reasons, meant, at)
    return _waiting(deal, author, message_id, said, why, choices, deadline, at)


def not_carried(
    deal: DealView,
    author: Person,
    message_id: str,
    reasons: tuple[Reason, ...],
    choices: tuple[Conversation, ...],
    deadline: int,
    at: int,
    meant: Conversation | None = None,
) -> Notice:
    """A message that stands where its author wrote it, and went to none of the other rooms."""
    said = "What you wrote stands in its room. It is held for the conversation's other rooms."
    why = _fit_to_tell(deal, author, reasons, meant, at)
    return _waiting(deal, author, message_id, said, why, choices, deadline, at)


def _waiting(
    deal: DealView,
    author: Person,
    message_id: str,
    said: str,
    why: tuple[Reason, ...],
    choices: tuple[Conversation, ...],
    deadline: int,
    at: int,
) -> Notice:
    """What waits for its author: what is so, why, until when, and his ways out."""
    lines = [
        said,
        _why(why),
        f"It waits until {iso(deadline)[:16]} UTC; then the deal's owner is asked.",
        *_ways_out(deal, author, message_id, choices, at),
    ]
    return Notice(message_id, "\n".join(lines))


def withdrawing(
    deal: DealView,
    author: Person,
    message_id: str,
    reasons: tuple[Reason, ...],
    choices: tuple[Conversation, ...],
    readers: int,
    at: int,
) -> Notice:
    """A message that its author wrote into a room himself, above that room's tier."""
    lines = [
        f"We asked for the removal of what you wrote. Up to {readers} people may have seen it.",
        _why(reasons),
        *_ways_out(deal, author, message_id, choices, at),
    ]
    return Notice(message_id, "\n".join(lines))


def staying(
    deal: DealView,
    author: Person,
    message_id: str,
    reasons: tuple[Reason, ...],
    choices: tuple[Conversation, ...],
    readers: int,
    at: int,
) -> Notice:
    """Like ``withdrawing``, where the room lets us take back nothing of his."""
    lines = [
        "What you wrote should not stand there, and we cannot remove it: please delete it now.",
        f"Up to {readers} people may have seen it.",
        _why(reasons),
        *_ways_out(deal, author, message_id, choices, at),
    ]
    return Notice(message_id, "\n".join(lines))


def asked(message_id: str, reasons: tuple[Reason, ...]) -> Notice:
    """A message that went, and that may be above its conversation."""
    lines = [
        "Your message went. It may be above the tier of its conversation.",
        _why(reasons),
        "If it is, tell the deal's owner. If it is not, do nothing.",
    ]
    return Notice(message_id, "\n".join(lines))


def not_acted(message_id: str) -> Notice:
    """An answer of an author that came to nothing: whatever waits, waits as before."""
    lines = [
        "Nothing was done: no single message of yours waits under that, or a rule is against it.",
        "What waits, waits as before. Answer with the code of its notice, or ask the deal's owner.",
    ]
    return Notice(message_id, "\n".join(lines))


def which(message_id: str, because: str, labels: tuple[str, ...]) -> Notice:
    """A message that named no conversation that we can tell."""
    names = ", ".join(f"#{label}" for label in labels) or "none"
    lines = [
        "Held. Nobody has seen it.",
        f"Why: {because}.",
        f"Write it again beginning with the conversation's name. Yours are: {names}.",
        f"Or answer: 2 {code_of(message_id)}  to drop it.",
    ]
    return Notice(message_id, "\n".join(lines))


_OF_NO_ROOM = frozenset({"tier", "which", "unread", "deal", "clock", "mirrored"})
"""Rules whose reasons tell nothing of a room or its members."""
_ELSEWHERE = Reason(RuleId("fit"), Effect.HOLD, "it cannot go to the conversation of its tier now")


def _fit_to_tell(
    deal: DealView,
    author: Person,
    reasons: tuple[Reason, ...],
    meant: Conversation | None,
    at: int,
) -> tuple[Reason, ...]:
    """The reasons, without those that would tell an uncleared author of a room's members."""
    if meant is None or _cleared(deal, author, meant, at):
        return reasons
    fit = tuple(r for r in reasons if r.rule in _OF_NO_ROOM)
    return fit if len(fit) == len(reasons) else (*fit, _ELSEWHERE)


def _cleared(deal: DealView, author: Person, conversation: Conversation, at: int) -> bool:
    roster, compartment = deal.roster, conversation.compartment
    return (
        roster.may_see(author.person_id, compartment, conversation.floor, at)
        and not roster.walled_off(author.person_id, compartment, at)
        and conversation.side in {None, author.side}
    )


def _why(reasons: tuple[Reason, ...]) -> str:
    seen = dict.fromkeys(r.because for r in reasons)
    shown = list(seen)[:3]
    more = f" (and {len(seen) - 3} more)" if len(seen) > len(shown) else ""
    return f"Why: {'; '.join(shown)}{more}."


def _ways_out(
    deal: DealView, author: Person, message_id: str, choices: tuple[Conversation, ...], at: int
) -> list[str]:
    code, manner = code_of(message_id), MANNERS[author.profile]
    offered = choices[: manner.places]
    where = " or ".join(_name(deal, author, c, at) for c in offered)
    only = len(offered) == 1 < len(choices) and _cleared(deal, author, offered[0], at)
    first = (f"1 {code}{f' #{offered[0].label}' if only else ''}  send it to {where}",)
    safest = (
        *(first if choices else ()),
        f"3 {code}  ask for its release",
        f"2 {code}  drop it, I write it differently",
    )
    ways = sorted(shown_to(author.profile, safest))
    said = "Answer with a line of these:" if len(ways) > 1 else "Answer with this line, or wait:"
    return [said, *ways]


def _name(deal: DealView, author: Person, conversation: Conversation, at: int) -> str:
    seen = _cleared(deal, author, conversation, at)
    return f"#{conversation.label}" if seen else f"the {conversation.floor.value} conversation"
