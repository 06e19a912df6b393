"""A person's acknowledgement of his side's insider notice: how it is asked for, and how heard.

Rules kept here:

1. Only a line that is nothing but the words of acknowledgement and their code is one, whatever a
   mail program quotes below it. The code stands for one deal, one person and one wording, so that
   nothing else is acknowledged by it.
2. It counts from the person's own account, as its network authenticated it; whoever the account
   belongs to on the roster in force is who acknowledged.
3. It is the wording in force that is acknowledged, and only after he was crossed with it: a line
   that came in before speaks for nothing, however often it is looked at.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

from orchestrator.audit.body import Json, named
from orchestrator.audit.kinds import Kind
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.crossing import NEVER, READS, Demand, Stand, stand
from orchestrator.deals.persons import state_person
from orchestrator.flow.notices import Notice
from orchestrator.store.unit import Store
from tiers.ids import AccountId, ConnectorName, DealId, PersonId
from tiers.people import Person, Side

Door = tuple[ConnectorName, AccountId]
ACKNOWLEDGED, NOT_ACKNOWLEDGED = "acknowledged", "not_acknowledged"
"""What an answer can come to."""
_CODE, _SIGNATURE = 8, "--"
_WROTE = re.compile(r"\b(wrote|schrieb\b[^.!?]*|écrit)\s*:$", re.IGNORECASE)
_INTRODUCED = 3
"""Lines above a quote: his own, and one or two that introduce it."""
_WORDS = re.compile(rf"\s*i\s+acknowledge\s+([0-9a-f]{{{_CODE}}})[\s.!]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What was said.

    Attributes:
        code: of the deal, the person and the wording.
        at: when it came in, microseconds UTC.
    """

    code: str
    at: int


def read_acknowledgement(text: str, at: int) -> Acknowledgement | None:
    """The acknowledgement that ``text`` is, or None when it is something else.

    Args:
        text: a line to us.
        at: when it came in, microseconds UTC.
    """
    match = _WORDS.fullmatch(_own_line(text))
    return Acknowledgement(match[1].lower(), at) if match else None


def _own_line(text: str) -> str:
    """What somebody wrote himself above what his mail program quotes, if that is one line.

    A signature below (``-- ``) and the line that introduces the quote are the program's.
    """
    lines = [line.strip() for line in text.splitlines()]
    if _SIGNATURE in lines:
        lines = lines[: lines.index(_SIGNATURE)]
    said = [line for line in lines if line]
    own = [line for line in said if not line.startswith(">")]
    introduced = len(said) > len(own) and said[: len(own)] == own
    if introduced and 1 < len(own) <= _INTRODUCED and _WROTE.search(own[-1]):
        own = own[:1]
    return "\n".join(own)


def code_for(deal_id: DealId, person: PersonId, notice: str) -> str:
    """The code that a person answers with.

    Args:
        deal_id: the deal.
        person: who is asked.
        notice: hash of the wording.
    """
    return sha256(f"{deal_id}\n{person}\n{notice}".encode()).hexdigest()[:_CODE]


def asking(deal: DealView, person: Person, side: Side) -> Notice:
    """What a person is shown, in his line: the wording, and how he acknowledges it.

    Raises:
        ValueError: his side has no notice.
    """
    if side.notice is None or side.notice_hash is None:
        raise ValueError("the side has no notice")
    code = code_for(deal.deal_id, person.person_id, side.notice_hash)
    lines = [
        f"{person.name}, you are about to be told inside information.",
        f"{side.name} asks you to acknowledge this first:",
        "",
        side.notice,
        "",
        f"If you do, answer here with this line alone: I acknowledge {code}",
        "Until you have, you are let into no room of it.",
        "If you do not know what this is about, do not answer, and ask your counsel.",
    ]
    return Notice(person.person_id, "\n".join(lines))


def recorded(about: str) -> Notice:
    """What he is told once it counts."""
    return Notice(about, "Your acknowledgement is recorded, with its time and the wording's hash.")


class Acknowledging:
    """Hears acknowledgements.

    Args:
        store: the home's.
        book: deals in force.
        now: the clock.
    """

    def __init__(self, store: Store, book: Book, now: Clock) -> None:
        self._store = store
        self._book = book
        self._now = now

    async def hear(self, door: Door, said: Acknowledgement) -> str:
        """Records what somebody acknowledged from an account; returns what came of it."""
        for view, person in self._book.deals_of(*door):
            demand = view.demands[person.side]
            if demand.notice is None:
                continue
            if code_for(view.deal_id, person.person_id, demand.notice) == said.code:
                return await self._take(view, person.person_id, demand, door, said.at)
        return NOT_ACKNOWLEDGED

    async def _take(
        self, deal: DealView, person: PersonId, demand: Demand, door: Door, came_at: int
    ) -> str:
        crossing, notice = deal.persons.crossings.get(person, NEVER), demand.notice or ""
        where = stand(crossing, demand)
        if where is Stand.ACKNOWLEDGED:
            return ACKNOWLEDGED
        if person in deal.persons.left or crossing.shown != notice or where not in _ASKED:
            return NOT_ACKNOWLEDGED
        if came_at < (crossing.crossed_at or 0):  # it waited, and was about a crossing before
            return NOT_ACKNOWLEDGED
        said: dict[str, Json] = {
            "notice": notice,
            "by": person,
            "channel": door[0],
            "account": named(door[1]),
        }
        at, who = self._now(), f"person:{person}"
        kind = Kind.PERSON_ACKNOWLEDGED
        await self._store.write(
            lambda tx: state_person(tx, deal.deal_id, kind, person, at=at, actor=who, **said)
        )
        await self._book.reload(self._store, deal.deal_id)
        return ACKNOWLEDGED


_ASKED = (READS | {Stand.CROSSED}) - {Stand.NO_NOTICE}
