"""What of a message takes people's signatures, and whether they are there.

Rules kept here:

1. Two things of a message wait for people: its release into a conversation below its tier, and a
   VALUATION document. In a signing window one person agrees to a release that another, who
   showed his own key or wrote in his line, asked for. Each plan names the message, where it
   goes, and the tier that it is held as.
2. Whether it was agreed to is read from the chain, every signature checked again, before the plan
   is carried out and again just before the wire. Whoever wrote it, or would get it, does not count.
3. Agreement lets it be treated as the tier of where it goes, and nothing else: clearances, rooms,
   keys and walls are decided as always.
"""

from collections.abc import Iterable

from orchestrator.approvals import windows
from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import LASTS, ask, founded, standing, waits
from orchestrator.approvals.standing import PERSON
from orchestrator.audit.body import Json
from orchestrator.client.problems import Waits
from orchestrator.deals.book import DealView
from orchestrator.outbox.item import Item
from orchestrator.store.unit import Store, Tx
from tiers.approval import Rule
from tiers.ids import ConversationId, DealId, PersonId
from tiers.people import Party
from tiers.signing import Asked, against
from tiers.tier import Tier

RELEASE = windows.RELEASE
DOCUMENT = "document.send"
STILL = "It stays held; nobody has been sent it."


def release_plan(message_id: str, conversation_id: str, tier: Tier) -> Plan:
    """The release of a held message into a conversation below its tier."""
    body = {"message": message_id, "conversation": conversation_id, "tier": tier.value}
    return Plan(RELEASE, dict(body))


def document_plan(message_id: str, conversation_id: str, readers: Iterable[str]) -> Plan:
    """The sending of a VALUATION document to the readers that its sender named."""
    body: dict[str, Json] = {"message": message_id, "conversation": conversation_id}
    return Plan(DOCUMENT, {**body, "members": list(readers)})


def release_rule(author: PersonId) -> Rule:
    """What a release downwards takes: two, and not its author."""
    return Rule(barred=frozenset({author}))


def document_rule(deal: DealView, sender: PersonId, readers: Iterable[PersonId]) -> Rule:
    """What a VALUATION document takes: two, of whom one vouches from beyond its readers' party."""
    named = frozenset(readers)
    parties = {_party(deal, reader) for reader in named}
    return Rule(
        barred=named | {sender},
        valuation_raise=True,
        gaining=frozenset(p for p in parties if p is not None) if None not in parties else _NONE,
    )


_NONE: frozenset[Party] = frozenset()


async def waiting(
    store: Store,
    deal: DealView,
    plan: Plan,
    rule: Rule,
    wrong: str,
    *,
    at: int,
    actor: str,
    proved: bool = False,
) -> Waits:
    """Asks for people's agreement, and is what to tell: that it waits for them; see ``ask_now``.

    Raises:
        NotAllowed: too few people may agree to it.
    """

    def unit(tx: Tx) -> str | None:
        if not founded(tx, deal.deal_id):
            return None
        return ask_now(tx, deal.deal_id, plan, rule, at=at, actor=actor, proved=proved)

    request = await store.write(unit)
    if request is None:
        return Waits(
            wrong,
            still=STILL,
            then=f"found the deal first, so that people can sign: wallcross deal found {deal.code}",
        )
    return waits(request, wrong, STILL)


def ask_now(
    tx: Tx, deal_id: DealId, plan: Plan, rule: Rule, *, at: int, actor: str, proved: bool = False
) -> str:
    """Asks for people's agreement; in a signing window for one person's, where its rules hold.

    Args:
        tx: the unit of work.
        deal_id: a founded deal.
        plan: what is to be done.
        rule: what it takes without a window.
        at: now, microseconds UTC.
        actor: who asks.
        proved: he showed a key of his own, or wrote in his line. Whoever came by a link may be
            whoever made the link, and would be both of the two people.

    Raises:
        NotAllowed: too few people may agree to it.
    """
    for eased, lasts in _eased(tx, deal_id, plan, rule, at, actor) if proved else ():
        try:
            return ask(tx, deal_id, plan, rule=eased, at=at, actor=actor, lasts=lasts)
        except NotAllowed:  # none of the window's people but the asker and the author
            continue
    return ask(tx, deal_id, plan, rule=rule, at=at, actor=actor)


def _eased(
    tx: Tx, deal_id: DealId, plan: Plan, rule: Rule, at: int, actor: str
) -> Iterable[tuple[Rule, int]]:
    """What it takes in each signing window that lets one be enough, and until when it lasts."""
    if plan.verb != RELEASE:
        return
    found, where = standing(tx, deal_id), ConversationId(str(plan.body["conversation"]))
    asker = PersonId(actor.removeprefix(PERSON)) if actor.startswith(PERSON) else None
    for name, window in found.windows.items():
        eased, lapses = window.eases(rule, name), min(at + LASTS, window.closes)
        asked = Asked(asker, where, at, lapses, eased)
        if not against(window, asked, signing=found.signing_at, known=found.approvers()):
            yield eased, lapses - at


def was_agreed(tx: Tx, deal_id: DealId, verb: str, **exactly: str) -> bool:
    """Whether a plan of that verb, with those fields, was agreed to and carried out."""
    found = standing(tx, deal_id)
    return any(
        request.plan.verb == verb
        and all(request.plan.body.get(name) == value for name, value in exactly.items())
        and (request.in_window or request.agreed_under(Rule()))
        for request in found.requests.values()
    )


async def may_go_down(store: Store, item: Item) -> bool:
    """Whether a message may be sent as a tier below the one that it was held as."""
    query = "SELECT tier FROM held WHERE message_id = ? AND state = 'moved'"
    held = store.glance(lambda tx: tx.one(query, (item.message_id,)))
    if held is None or Tier(held[0]) <= Tier(item.as_tier):
        return True
    deal, where = DealId(item.deal_id), str(item.conversation_id)
    return await store.read(
        lambda tx: was_agreed(tx, deal, RELEASE, message=item.message_id, conversation=where)
    )


async def may_send_document(store: Store, item: Item) -> bool:
    """Whether people agreed to the sending of a VALUATION document."""
    deal, where = DealId(item.deal_id), str(item.conversation_id)
    return await store.read(
        lambda tx: was_agreed(tx, deal, DOCUMENT, message=item.message_id, conversation=where)
    )


def _party(deal: DealView, person_id: PersonId) -> Party | None:
    person = deal.roster.person(person_id)
    side = deal.roster.side(person.side) if person is not None else None
    return None if side is None else side.party
