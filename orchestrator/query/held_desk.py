"""What of a deal is held, as one viewer may see it. No text, subject or file name.

Rules kept here:

1. A person sees his own; whoever sees the whole deal sees all; who is asked to agree sees what he
   is asked about; who sees counts sees two figures.
2. *Held* is said only of what went through us; of what was written into a room it is told whether
   it was seen gone, and how many people may have read it.
3. It is found among what is held now, not among what ever was.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orchestrator.approvals.standing import Request, Standing
from orchestrator.audit.granted import stated
from orchestrator.client import held_desk as views
from orchestrator.command.held_desk import ASK, READ, may_act, ways_out
from orchestrator.command.messages import seen_by
from orchestrator.command.revealing import needs_matter, open_until, read_already, reveals
from orchestrator.command.runtime import Runtime
from orchestrator.flow.agreed import RELEASE
from orchestrator.query.cut import Cut, cut
from orchestrator.query.needs import may_sign
from orchestrator.store.unit import Row, Tx
from tiers.ids import ConversationId, DealId, PersonId
from tiers.rights import Right, Scope, Viewer
from tiers.tier import Tier

MOST = 200
SHORT, MEDIUM = 280, 4_000
"""Bytes up to which a message is called so."""
_LISTED = """
SELECT h.message_id, h.conversation_id, m.person_id, h.tier, h.reasons, h.owner, h.next_person,
    h.held_at, h.deadline, m.size, m.facts,
    (SELECT max(state) FROM delivery d WHERE d.message_id = h.message_id AND kind = 'undo'),
    (SELECT max(settled_at) FROM delivery d WHERE d.message_id = h.message_id AND kind = 'undo')
        - m.accepted_at,
    EXISTS (SELECT 1 FROM finding f WHERE f.deal_id = h.deal_id AND f.subject = h.message_id
        AND f.rule = 'above_room'),
    EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = h.message_id AND kind = 'send'
        AND d.state IN ('done', 'possibly')),
    EXISTS (SELECT 1 FROM document t WHERE t.message_id = h.message_id)
FROM held h INDEXED BY held_open JOIN message m USING (message_id)
WHERE h.deal_id = ?1 AND h.state = 'held'
    AND (?2 OR m.person_id = ?3 OR h.message_id IN (SELECT value FROM json_each(?4)))
ORDER BY h.deadline LIMIT ?5"""
_FIGURES = """
SELECT count(*), COALESCE(sum(deadline < ?), 0) FROM held INDEXED BY held_open
WHERE deal_id = ? AND state = 'held'"""


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look into the store gave."""

    rows: list[Row]
    figures: tuple[int, int]
    found: Standing
    read: frozenset[str]


class HeldLists:
    """Lists what is held. Args: runtime: the open home."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def listed(self, deal: DealId, viewer: Viewer) -> views.HeldDeskView:
        """What is held, cut to a viewer. Raises: Unready."""
        seen, at = await cut(self._r, deal, viewer), self._r.now()
        look = await self._r.store.read(lambda tx: self._look(tx, seen, at))
        scope = seen.scope(Right.HELD)
        counts = scope in {Scope.ALL, Scope.COUNTS}
        items = [_item(seen, row, look, at) for row in look.rows[:MOST]]
        return views.HeldDeskView(
            at=at,
            total=look.figures[0] if counts else None,
            overdue=look.figures[1] if counts else None,
            items=tuple(items),
            more=len(look.rows) > MOST,
        )

    def _look(self, tx: Tx, seen: Cut, at: int) -> _Look:
        deal, found = seen.deal.deal_id, self._r.standings.of(tx, seen.deal.deal_id)
        whole = seen.scope(Right.HELD) is Scope.ALL
        asked = [] if whole else sorted(_asked_about(found, seen.person, at))
        row = tx.one(_FIGURES, (at, deal)) or (0, 0)
        listed = (deal, whole, seen.person, json.dumps(asked), MOST + 1)
        opened = any(r.plan.verb == "held.reveal" for r in found.requests.values())
        read = read_already(stated(tx, deal)) if opened else frozenset[str]()
        rows = [] if not whole and seen.person is None else tx.all(_LISTED, listed)
        return _Look(rows, (int(row[0]), int(row[1])), found, read)


def _asked_about(found: Standing, person: PersonId | None, at: int) -> Iterator[str]:
    """Messages about which somebody's signature is asked for."""
    for request in may_sign(found, person, at):
        message = request.plan.body.get("message")
        if isinstance(message, str):
            yield message


def _item(seen: Cut, row: Row, look: _Look, at: int) -> views.HeldItem:
    mid, cid, author, tier, reasons, owner, following, held_at, deadline, size, facts, *rest = row
    undo, visible, above, part, document = rest
    meant = None if cid is None else ConversationId(cid)
    mine, may = seen.person is not None and seen.person == author, _may(seen, author)
    state = seen_by(undo, above_room=bool(above), part=bool(part))
    requests = list(look.found.requests.values())
    return views.HeldItem(
        message_id=mid,
        where="" if meant is None else _called(seen, meant, mine=mine),
        author=author if mine or seen.sees_person(author) else None,
        author_name=_named(seen, author),
        tier=tier,
        why=_why(reasons, told=mine or seen.scope(Right.HELD) is Scope.ALL),
        rules=tuple(map(str, json.loads(facts or "{}").get("rules", ()))),
        owner_name=_named(seen, owner),
        next_name=_named(seen, following),
        held_at=held_at,
        deadline=deadline,
        overdue=deadline < at,
        length=_length(size),
        document=bool(document),
        seen=state,
        visible_us=visible if state == "withdrawn" else None,
        readers=None if state == "nobody" or meant is None else _readers(seen, meant, at),
        mine=mine,
        yours=seen.person is not None and seen.person == owner,
        fits=tuple(_ways(seen, author, Tier(tier), at)) if may and not document else (),
        may=tuple(act for act in may if not (document and act == ASK)),
        matter=READ in may and needs_matter(seen.viewer, seen.deal.deal_id),
        asked=any(_asks(r, mid, at) for r in requests),
        reveal=_reveal(seen, look, mid, at) if READ in may else None,
    )


def _may(seen: Cut, author: str | None) -> tuple[str, ...]:
    return may_act(seen.viewer, seen.deal, author)


def _called(seen: Cut, conversation: ConversationId, *, mine: bool) -> str:
    """A conversation as he reads it; its author wrote its name himself."""
    found = seen.deal.conversations.get(conversation)
    if found is None:
        return ""
    return "#" + (found.label if mine and found.floor < Tier.VALUATION else seen.name(conversation))


def _named(seen: Cut, person: str | None) -> str:
    if person is None or not seen.sees_person(person):
        return ""
    found = (seen.deal.adopted or seen.deal.roster).person(PersonId(person))
    return person if found is None else found.name


def _why(reasons: str, *, told: bool) -> tuple[views.WhyView, ...]:
    """The reasons, each once, the weightiest first; who is only asked to agree is told the rules.

    Whom or what a reason is about is not told: it may be an account that he does not see.
    """
    counts = Counter((str(rule), str(because)) for rule, because, _ in json.loads(reasons))
    return tuple(
        views.WhyView(rule=rule, because=because if told else "", count=count)
        for (rule, because), count in counts.most_common()
    )


def _length(size: int) -> str:
    return "short" if size <= SHORT else "medium" if size <= MEDIUM else "long"


def _readers(seen: Cut, conversation: ConversationId, at: int) -> int | None:
    found = seen.deal.conversations.get(conversation)
    if found is None:
        return None
    return len(seen.deal.roster.cleared(found.compartment, found.floor, found.side, at))


def _ways(seen: Cut, author: str | None, tier: Tier, at: int) -> Iterable[views.WayOutView]:
    for one in ways_out(seen.deal, author, tier, at):
        name = seen.name(one.conversation_id)
        yield views.WayOutView(conversation=one.conversation_id, name=name, floor=one.floor.value)


def _asks(request: Request, message: str, at: int) -> bool:
    about = request.plan.body.get("message") == message
    return request.plan.verb == RELEASE and about and request.open(at)


def _reveal(seen: Cut, look: _Look, message: str, at: int) -> views.RevealView | None:
    """Where the viewer's own newest request to read it stands."""
    own = reveals(look.found, message, seen.person)
    if not own:
        return None
    request = own[-1]
    until = open_until(request)
    state, end = _stands(look, request, until, at)
    reader = str(request.plan.body.get("person"))
    return views.RevealView(request=request.request_id, state=state, reader=reader, until=end)


def _stands(look: _Look, request: Request, until: int | None, at: int) -> tuple[str, int | None]:
    if request.request_id in look.read:
        return "read", None
    if until is not None:
        return ("open", until) if at < until else ("lapsed", None)
    if request.no_by is not None:
        return "refused", None
    if not request.open(at):
        return "lapsed", None
    return ("waits" if look.found.missing(request) else "agreed"), request.expires_at
