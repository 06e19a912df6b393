"""What others say of a person that opens something for him: in a founded deal, by signature.

Rules kept here:

1. While a deal is not founded it is recorded by name. Once it is, it is asked for, and recorded
   when enough people signed: one of his side's control room for its agreement, two others for a
   paper that he signed or for an account that counsel says is his.
2. What was right when it was asked for is looked at again before it is recorded; a paper is of the
   one crossing that it was asked for.
"""

from collections.abc import Callable, Mapping
from functools import partial

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded, standing, waits
from orchestrator.approvals.standing import AGREE, ATTEST, PAPER
from orchestrator.audit.body import Json
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Refused
from orchestrator.clock import DAY
from orchestrator.command.conversations import deal_of
from orchestrator.command.people import listed, side_of, where
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.crossing import NEVER, Stand
from orchestrator.deals.persons import state_person
from orchestrator.store.unit import Tx
from tiers.approval import Role, Rule
from tiers.ids import AccountId, ConnectorName, DealId, PersonId
from tiers.people import Person

_KINDS = {
    AGREE: Kind.PERSON_AGREED,
    PAPER: Kind.PERSON_ACKNOWLEDGED,
    ATTEST: Kind.ACCOUNT_BOUND,
}
ATTESTED_FOR = 30 * DAY
AS_BEFORE = "Nothing was changed."
Body = Mapping[str, Json]
Check = Callable[[Runtime, DealView, Person, Body], None]


def may_agree(runtime: Runtime, deal: DealView, person: Person, body: Body) -> None:
    """Raises: Refused: he is not of the control room, or nobody asks it now."""
    del runtime
    side = side_of(deal, person)
    if body["by"] not in side.control_room:
        raise Refused(
            f"{body['by']} is not of the control room of {side.name}",
            still=AS_BEFORE,
            then="wallcross roster show; the column control_room of sides.csv names it",
        )
    if where(deal, person) not in {Stand.TO_AGREE, Stand.CLEANSED}:
        raise Refused("his control room is not asked now", still=AS_BEFORE)


def may_acknowledge(runtime: Runtime, deal: DealView, person: Person, body: Body) -> None:
    """Raises: Refused: he was not shown the wording in force, or not in that crossing."""
    del runtime
    crossing = deal.persons.crossings.get(person.person_id, NEVER)
    asked = where(deal, person) in {Stand.CROSSED, Stand.ASKED_AGAIN}
    same = crossing.crossed_at == body.get("crossed")
    if not (asked and same) or not (
        crossing.shown == body["notice"] == deal.demands[person.side].notice
    ):
        raise Refused(
            f"{person.name} is not asked to acknowledge that now",
            still=AS_BEFORE,
            then=f"wallcross person show {person.person_id}",
        )


def may_attest(runtime: Runtime, deal: DealView, person: Person, body: Body) -> None:
    """Raises: Refused: the account is another's, his is known better, or ``by`` is no counsel."""
    channel, account = ConnectorName(str(body["channel"])), AccountId(str(body["account"]))
    counsel = listed(deal, PersonId(str(body["by"])))
    own, his = side_of(deal, person), side_of(deal, counsel)
    if own.side_id == deal.roster.host:
        then = f"wallcross person enrol {person.person_id}"
        raise Refused("people of the host prove their accounts", still=AS_BEFORE, then=then)
    if "counsel" not in counsel.role.casefold() or own.party is not his.party:
        raise Refused(
            f"{counsel.name} is not counsel of {person.name}'s party, as the roster says",
            still=AS_BEFORE,
            then="wallcross roster show; the role says counsel",
        )
    if {w.person_id for _, w in runtime.book.deals_of(channel, account)} - {person.person_id}:
        raise Refused("that account is somebody else's", still=AS_BEFORE)
    attested = (person.person_id, channel) in deal.persons.attested
    if channel in person.accounts and not attested:
        raise Refused(
            f"whose account on {channel} is {person.name}'s is known better already",
            still=AS_BEFORE,
            then=f"wallcross person show {person.person_id}",
        )


_CHECKS: Mapping[str, Check] = {AGREE: may_agree, PAPER: may_acknowledge, ATTEST: may_attest}


async def vouch(
    runtime: Runtime, deal: DealView, verb: str, person: Person, body: Body, *, actor: str
) -> None:
    """Records what is said of a person, or asks for the signatures that it takes.

    Args:
        runtime: the home's parts.
        deal: in force.
        verb: what is said.
        person: of whom.
        body: ``by`` (who says so), and what belongs to it.
        actor: who holds the keyboard.

    Raises:
        Refused: it is not so, or nobody asks it.
        Waits: the deal is founded: it waits for signatures.
    """
    _CHECKS[verb](runtime, deal, person, body)
    at = runtime.now()
    plan = Plan(verb, {"person": person.person_id, **body})

    def unit(tx: Tx) -> str | None:
        if founded(tx, deal.deal_id):
            rule = _rule(tx, deal, verb, person)
            return ask(tx, deal.deal_id, plan, rule=rule, at=at, actor=actor)
        _record(tx, deal, verb, person, body, at, actor)
        return None

    request = await runtime.store.write(unit)
    if request is not None:
        raise waits(request, f"what is said of {person.name} waits for a signature")
    await runtime.book.reload(runtime.store, deal.deal_id)


def _rule(tx: Tx, deal: DealView, verb: str, person: Person) -> Rule:
    """Whose signatures it takes; never his own."""
    barred = {person.person_id}
    if verb != AGREE:
        return Rule(barred=frozenset(barred))
    room = set(side_of(deal, person).control_room)
    others = {c.person for c in standing(tx, deal.deal_id).signing.values()} - room
    return Rule(1, frozenset(barred | others), roles=frozenset({Role.CONTROL_ROOM}))


def _record(
    tx: Tx, deal: DealView, verb: str, person: Person, body: Body, at: int, actor: str
) -> None:
    more: dict[str, Json] = dict(body)
    if verb == ATTEST:
        more |= {"graded": "attested", "until": at + ATTESTED_FOR}
    who, kind = person.person_id, _KINDS[verb]
    state_person(tx, deal.deal_id, kind, who, at=at, actor=actor, **more)


async def _agreed(
    verb: str, runtime: Runtime, deal: DealId, body: Body, approved: Approved
) -> None:
    """Records what people signed for."""
    view = deal_of(runtime, deal)
    person = listed(view, PersonId(str(body["person"])))
    said = {name: value for name, value in body.items() if name != "person"}
    if verb == AGREE:
        said["by"] = approved.people[0]
    _CHECKS[verb](runtime, view, person, said)
    at = runtime.now()

    def unit(tx: Tx) -> None:
        approved.finish(tx, at)
        _record(tx, view, verb, person, said, at, approved.actor)

    await runtime.store.write(unit)
    await runtime.book.reload(runtime.store, deal)


VOUCHED = {verb: partial(_agreed, verb) for verb in _KINDS}
"""Who carries out what was signed for, by verb."""
