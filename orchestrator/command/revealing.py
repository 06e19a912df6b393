"""A held message read by one person, once, when two others agreed to it; its author is told.

Rules kept here:

1. Who reads it is a person of the deal, by name, who is cleared for what it is held as, in that
   conversation and on that side. Two others sign; his own signature does not count. Counsel names
   the matter.
2. What is agreed to is one message, one reader and one reading, within an hour. That it was read
   is an entry of the chain, written in the unit that opens the seal and tells the author: what is
   not on the record was not shown, and what is on it is not shown again.
3. The text is in what ``open`` returns and nowhere else. A bot, an operator and the home's own user
   are nobody here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded, standing
from orchestrator.approvals.standing import Request, Standing
from orchestrator.audit.body import Json, coded
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment, stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.held_desk import RevealedView
from orchestrator.client.problems import Missing, Refused, Unready, Waits, Wrong
from orchestrator.clock import DAY, HOUR, SECOND, iso
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.flow.body import unpack
from orchestrator.flow.notices import Notice, code_of
from orchestrator.flow.plan import Told, Waiting
from orchestrator.flow.stopped import told_in_line
from orchestrator.seal.errors import SealError
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.conversation import Conversation
from tiers.ids import ConversationId, DealId, MessageId, PersonId
from tiers.people import DEAL, Person
from tiers.rights import Act, DeskRole, Right, Scope, Viewer
from tiers.tier import Tier

REVEAL = "held.reveal"
"""Of a plan that lets one person read a held message."""
LASTS, WITHIN, SHOWN = DAY, HOUR, 60 * SECOND
"""For how long it is asked for; how long after the agreement it may be read; for how long it is
shown, microseconds."""
STILL = "It stays held; nobody has been shown it."
_HELD = "SELECT tier, conversation_id FROM held WHERE message_id = ? AND state = 'held'"


@dataclass(frozen=True, slots=True)
class Case:
    """A held message, as its reading is decided.

    Attributes:
        meant: the conversation that its author put it in; None: it named none.
    """

    row: Waiting
    tier: Tier
    meant: Conversation | None


def reveal_plan(case: Case, reader: PersonId, matter: str | None) -> Plan:
    """The plan that people agree to."""
    body: dict[str, Json] = {
        "message": case.row.message_id,
        "person": reader,
        "tier": case.tier.value,
    }
    return Plan(REVEAL, body if matter is None else {**body, "matter": matter})


def reveal_rule(reader: PersonId) -> Rule:
    """What it takes: two, and not whoever reads."""
    return Rule(barred=frozenset({reader}))


def may_reveal(viewer: Viewer, deal: DealId) -> bool:
    """Whether a viewer's part in a deal lets him ask to read what is held."""
    power = viewer.power(deal, Right.HELD)
    begins = power.scope is Scope.ALL and power.act >= Act.SECOND
    return begins and viewer.person(deal) is not None and not viewer.whole


def needs_matter(viewer: Viewer, deal: DealId) -> bool:
    """Whether he reads it as counsel alone, for a matter that has a number."""
    seat = viewer.seats.get(deal)
    own = frozenset[DeskRole]() if seat is None else seat.roles
    return not own & {DeskRole.OWNER, DeskRole.SECURITY_OFFICER}


def reveals(found: Standing, message: str, reader: PersonId | None) -> list[Request]:
    """Requests that somebody may read a message; of one reader where he is named; newest last."""
    named = (r for r in found.requests.values() if r.plan.verb == REVEAL)
    about = [r for r in named if r.plan.body.get("message") == message]
    own = [r for r in about if reader is None or r.plan.body.get("person") == reader]
    return sorted(own, key=lambda r: r.asked_at)


def read_already(entries: Iterable[Stated]) -> frozenset[str]:
    """The requests under which something was read."""
    shown = (e for e in entries if e.kind == Kind.MESSAGE_REVEALED)
    return frozenset(str(e.body["request"]) for e in shown)


def open_until(request: Request) -> int | None:
    """Until when it may be read under a request; None: people did not agree to it."""
    reader = PersonId(str(request.plan.body.get("person")))
    if request.done_at is None or not request.agreed_under(reveal_rule(reader)):
        return None
    return request.done_at + WITHIN


async def reveal_agreed(
    runtime: Runtime, deal_id: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """People agreed: from now on it may be read, once. The text stays sealed until then."""
    message, at = str(body["message"]), runtime.now()

    def unit(tx: Tx) -> None:
        _case(runtime, tx, deal_of(runtime, deal_id), message)
        approved.finish(tx, at)

    await runtime.store.write(unit)


class Reveals:
    """Asks for a reading, and opens it. Args: runtime: the open home."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def ask(
        self, deal_id: DealId, message: MessageId, matter: str | None, viewer: Viewer
    ) -> str:
        """Asks two people to let the viewer read a held message; returns the request's id.

        Raises:
            Refused, Missing, Wrong: nothing was asked for.
            Waits: the deal is not founded, and nobody can sign.
        """
        reader, deal = self._reader(deal_id, viewer), deal_of(self._r, deal_id)
        number, at = _matter(viewer, deal_id, matter), self._r.now()

        def unit(tx: Tx) -> str:
            case = _case(self._r, tx, deal, message)
            _check_cleared(deal, reader, case, at)
            if not founded(tx, deal_id):
                then = f"found the deal first, so that people can sign: {deal.code}"
                raise Waits("Two people must agree before it is read", still=STILL, then=then)
            plan, rule = reveal_plan(case, reader.person_id, number), reveal_rule(reader.person_id)
            return ask(tx, deal_id, plan, rule=rule, at=at, actor=viewer.actor, lasts=LASTS)

        return await self._r.store.write(unit)

    async def open(self, deal_id: DealId, message: MessageId, viewer: Viewer) -> RevealedView:
        """The text, once, for whom two people agreed to it.

        Raises:
            Refused, Missing: nobody agreed, it was read already, or it is gone.
            Unready: the clock is not trusted.
        """
        reader, deal = self._reader(deal_id, viewer), deal_of(self._r, deal_id)
        if not self._r.clock_trusted():
            raise Unready("The clock is not trusted, so that nothing is opened", still=STILL)
        at = self._r.now()
        told = await self._told(deal, message, reader, at)

        def unit(tx: Tx) -> RevealedView:
            case = _case(self._r, tx, deal, message)
            _check_cleared(deal, reader, case, at)
            request = _open_request(tx, deal_id, message, reader.person_id, at)
            _state(tx, deal_id, request, told=told is not None, at=at, actor=viewer.actor)
            if told is not None:
                self._r.writer.tell(tx, deal_id, told, at)
            return self._text(tx, message, told=told is not None, at=at)

        return await self._r.store.write(unit)

    def _reader(self, deal_id: DealId, viewer: Viewer) -> Person:
        deal, person_id = deal_of(self._r, deal_id), viewer.person(deal_id)
        person = None if person_id is None else deal.roster.person(person_id)
        if person is None or not may_reveal(viewer, deal_id):
            raise Refused("Your part in this deal does not include this", still=STILL)
        if person.person_id in deal.persons.paused | deal.persons.left:
            raise Refused("You are paused, or left", still=STILL)
        return person

    async def _told(
        self, deal: DealView, message: MessageId, reader: Person, at: int
    ) -> Told | None:
        """What its author is told, where there is a line to tell him in."""
        row = await self._r.store.read(lambda tx: _case(self._r, tx, deal, message).row)
        author = deal.author(row.connector, row.sender)
        if author is None or author.person_id in deal.persons.left:
            return None
        door, notice = (row.connector, row.sender), _notice(message, reader, at)
        return await told_in_line(self._r.lines, door, author, deal.deal_id, notice)

    def _text(self, tx: Tx, message: str, *, told: bool, at: int) -> RevealedView:
        try:
            body = unpack(self._r.sealer.open(tx, message))
        except SealError:
            raise Missing("Its text is destroyed", still="Nobody can read it any more") from None
        sizes = tuple(file.size for file in body.files)
        return RevealedView(
            text=body.text, subject=body.subject, files=sizes, until=at + SHOWN, author_told=told
        )


def _matter(viewer: Viewer, deal: DealId, matter: str | None) -> str | None:
    number = (matter or "").strip().casefold()
    if not number:
        if needs_matter(viewer, deal):
            raise Refused("Counsel reads it for a matter, by its number", still=STILL)
        return None
    if coded(number) != number:
        raise Wrong("A matter number is letters, digits, and - _ . : / between them", still=STILL)
    return number


def _case(runtime: Runtime, tx: Tx, deal: DealView, message: str) -> Case:
    """A held message of a deal. Raises: Missing; Refused: this home did not write it so."""
    held = tx.one(_HELD, (message,))
    row = runtime.router.row(tx, message) if held is not None else None
    if held is None or row is None or row.deal_id != deal.deal_id:
        raise Missing("There is no such held message")
    if row.planted:
        raise Refused("Its row in the store is not the one that this home wrote", still=STILL)
    meant = deal.conversations.get(ConversationId(held[1])) if held[1] else None
    return Case(row, Tier(held[0]), meant)


def _check_cleared(deal: DealView, reader: Person, case: Case, at: int) -> None:
    """Raises: Refused: it is above him, behind a wall, or another side's."""
    roster, author = deal.roster, PersonId(case.row.person_id or "")
    known = {g.compartment for g in roster.grants_of(author, at)} | {DEAL}
    within = known if case.meant is None else {case.meant.compartment}
    cleared = all(
        roster.may_see(reader.person_id, one, case.tier, at)
        and not roster.walled_off(reader.person_id, one, at)
        for one in within
    )
    if not cleared or (case.meant is not None and case.meant.side not in {None, reader.side}):
        raise Refused(
            "You are not cleared for what it is held as",
            still=STILL,
            then="ask somebody who is cleared for it to read it",
        )


def _open_request(tx: Tx, deal: DealId, message: str, reader: PersonId, at: int) -> Request:
    """The request under which it may be read now, each signature checked again. Raises: Refused."""
    known = reveals(standing(tx, deal), message, reader)
    shown = read_already(stated(tx, deal))
    for request in known:
        until = open_until(request)
        if until is not None and at < until and request.request_id not in shown:
            return request
    if any(request.request_id in shown for request in known):
        raise Refused("It was shown to you once, and is not shown again", still="It stays held")
    raise Refused("Nobody agreed that you read it, or that is over", still=STILL)


def _state(tx: Tx, deal: DealId, request: Request, *, told: bool, at: int, actor: str) -> None:
    plan = request.plan.body
    body: dict[str, Json] = {
        "request": request.request_id,
        "message": plan["message"],
        "person": plan["person"],
        "told": told,
        "at": at,
        "row": commitment("revealed", deal, request.request_id),
    }
    append(tx, deal, Kind.MESSAGE_REVEALED, body, at=at, actor=actor)


def _notice(message: str, reader: Person, at: int) -> Notice:
    lines = [
        f"{reader.name} read your held message {code_of(message)} on {iso(at)[:16]} UTC.",
        "Two other people agreed to that before. It was shown once, for a minute, and stays held.",
    ]
    return Notice(message, "\n".join(lines))
