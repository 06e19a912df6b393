"""What people may do with a message that is held, dead or in doubt.

Rules kept here:

1. To the same or a stricter conversation one person moves it, at once. Downwards, and a VALUATION
   document anywhere, takes the signatures of two people; without them it is asked for, and stays.
2. Whatever is asked for, the route decides again on facts read now; a person's wish opens nothing.
3. Nobody sees the content here.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.requests import Approved, founded
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Missing, Problem, Refused
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.flow.agreed import (
    STILL,
    ask_now,
    document_plan,
    document_rule,
    release_plan,
    release_rule,
    waiting,
)
from orchestrator.flow.answers import Answer, Way
from orchestrator.flow.documents import Addressed, write_copies
from orchestrator.flow.guard import held_as
from orchestrator.flow.notices import code_of
from orchestrator.flow.plan import Plan, Waiting, Writer, reasons_text
from orchestrator.flow.resolve import Resolved
from orchestrator.outbox import rows
from orchestrator.outbox.marks import Placing, is_planted, mark
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.conversation import Conversation
from tiers.ids import ConversationId, DealId, PersonId
from tiers.people import Person
from tiers.routing import Held, Placed, Route
from tiers.tier import Tier

RouteNow = Callable[[DealView, Placed, Waiting], Awaitable[Route | Held]]
OpenRow = Callable[[Tx, str], Waiting]
AddressNow = Callable[[DealView, Conversation, Tier, Waiting], Awaitable[Addressed]]
"""Decides each reader's copy of a document to which people agreed, on facts read now."""


MOVED, DROPPED, RELEASE_ASKED = "moved", "dropped", "release_asked"
DONE = frozenset({MOVED, DROPPED, RELEASE_ASKED})
"""What an answer can come to when it is acted upon."""


@dataclass(frozen=True, slots=True)
class Case:
    """A held message with what stands beside it."""

    row: Waiting
    tier: Tier
    meant: ConversationId | None
    """The conversation its author put it in."""
    withdrawn: bool
    """It was taken back from the room that it was written in, or is being."""


class Desk:
    """The verbs on held messages.

    Args:
        route: decides for a conversation on facts read now.
        open_row: reads a message's row.
        address: decides the copies of a document.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        book: Book,
        writer: Writer,
        now: Clock,
        route: RouteNow,
        open_row: OpenRow,
        address: AddressNow,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._book = book
        self._writer = writer
        self._now = now
        self._route = route
        self._open_row = open_row
        self._address = address

    async def act(self, resolved: Resolved, answer: Answer) -> str:
        """Does what an author answered in his line; returns a code of what came of it."""
        if resolved.person is None or resolved.deal is None:
            return "nobody"
        if resolved.person.person_id in resolved.deal.persons.paused:
            return "paused"  # whoever writes from his account may be somebody else
        message_id = await self._store.read(
            partial(_own_held, deals=self._deals_of(resolved.person), code=answer.code)
        )
        if message_id is None:
            return "nothing_waits"
        actor = f"person:{resolved.person.person_id}"
        try:
            return await self._do(message_id, answer, actor)
        except Problem as problem:
            return f"not_done_{problem.kind}"

    def _deals_of(self, person: Person) -> dict[str, PersonId]:
        """Who somebody is in each deal: the same id may be another person in another deal."""
        return {
            deal_id: owner.person_id
            for deal_id, view in self._book.deals.items()
            for door in person.accounts.items()
            if (owner := view.roster.owner(*door)) is not None
        }

    async def _do(self, message_id: str, answer: Answer, actor: str) -> str:
        if answer.way is Way.DROP:
            await self.drop(message_id, actor=actor)
            return DROPPED
        if answer.way is Way.ASK:
            await self.ask(message_id, actor=actor, proved=True)
            return RELEASE_ASKED
        case = await self._case(message_id)
        target = self._stricter(self._deal(case), case, answer.label)
        await self.move(message_id, target.conversation_id, actor=actor)
        return MOVED

    def _stricter(self, deal: DealView, case: Case, label: str | None) -> Conversation:
        """The conversation that option 1 means: the named one, else the only one that fits."""
        author = self._author(deal, case)
        fits = [c for c in deal.open_to(author, self._now()) if c.floor >= case.tier]
        if label is not None:
            fits = [c for c in fits if c.label.casefold() == label.casefold()]
        else:
            least = min((c.floor for c in fits), default=None)
            fits = [c for c in fits if c.floor is least]
        if len(fits) != 1:
            raise Missing("no single conversation fits", then="answer again with its #name")
        return fits[0]

    def _author(self, deal: DealView, case: Case) -> Person:
        person = deal.roster.person(PersonId(case.row.person_id)) if case.row.person_id else None
        if person is None:
            raise Refused("its author is not on the list", still="It stays held.")
        return person

    async def _case(self, message_id: str) -> Case:
        def read(tx: Tx) -> Case:
            held = tx.one(
                "SELECT tier, conversation_id FROM held WHERE message_id = ? AND state = 'held'",
                (message_id,),
            )
            if held is None:
                raise Missing("no held message of that id", then="wallcross held list")
            meant = ConversationId(held[1]) if held[1] else None
            undo = "SELECT 1 FROM delivery WHERE message_id = ? AND kind = 'undo'"
            withdrawn = tx.one(undo, (message_id,)) is not None
            placed = "SELECT message_id, conversation_id, tier, placed FROM message"
            *placing, found = tx.one(f"{placed} WHERE message_id = ?", (message_id,)) or (None,) * 4
            row, tier = self._open_row(tx, message_id), Tier(held[0])
            if row.planted or is_planted(tx.pen, Placing(*placing), found):
                return Case(replace(row, planted=True), Tier.VALUATION, None, withdrawn)
            return Case(row, max(tier, Tier(placing[2])), meant, withdrawn)

        return await self._store.read(read)

    def _deal(self, case: Case) -> DealView:
        deal = self._book.deals.get(DealId(case.row.deal_id))
        if deal is None:
            raise Refused("its deal is not in force", still="It stays held.")
        return deal

    async def move(
        self,
        message_id: str,
        target: ConversationId,
        *,
        actor: str,
        agreed: Approved | None = None,
        proved: bool = False,
    ) -> None:
        """Sends a held message to the same or a stricter conversation, or to an agreed one.

        Args:
            message_id: the held message.
            target: where to.
            actor: who moves it.
            agreed: who signed that it goes there, where it is below the message's tier.
            proved: see ``ask_now``.

        Raises:
            Missing: no such held message, or no such conversation.
            Waits: the conversation is below the message's tier: two people must agree.
            Refused: a rule says no; the message stays held, with the new reasons.
        """
        case = await self._case(message_id)
        deal = self._deal(case)
        conversation = deal.conversations.get(target)
        if conversation is None or conversation not in deal.open_to(
            self._author(deal, case), self._now()
        ):
            raise Missing("no conversation of that name is open to its author")
        if case.row.readers is not None:
            raise await self._addressed_once(deal, case, actor)
        _check_sendable(case)
        if conversation.floor < case.tier and agreed is None:
            plan = release_plan(message_id, conversation.conversation_id, case.tier)
            rule = release_rule(self._author(deal, case).person_id)
            wrong = "that conversation is below the tier of the message: two people must agree"
            at = self._now()
            raise await waiting(
                self._store, deal, plan, rule, wrong, at=at, actor=actor, proved=proved
            )
        await self._send(deal, case, conversation, actor, agreed)

    async def _send(
        self,
        deal: DealView,
        case: Case,
        conversation: Conversation,
        actor: str,
        agreed: Approved | None,
    ) -> None:
        placed = Placed(conversation, conversation.floor)
        row = replace(case.row, room=None) if case.withdrawn else case.row
        outcome = await self._route(deal, placed, row)
        if isinstance(outcome, Held):
            raise _fits_not(outcome)
        held = held_as(deal, case.row.person_id, self._now())
        plan = Plan(case.row, deal, outcome, None, None, held)
        at = self._now()

        def unit(tx: Tx) -> None:
            if agreed is not None:
                agreed.finish(tx, at)
            _settle(tx, case.row.message_id, "moved", actor, at)
            placing = Placing(case.row.message_id, conversation.conversation_id, case.row.tier)
            tx.run(
                "UPDATE message SET conversation_id = ?, placed = ? WHERE message_id = ?",
                (placing.conversation_id, mark(tx.pen, placing), placing.message_id),
            )
            body: dict[str, Json] = {
                "message": case.row.message_id,
                "conversation": conversation.conversation_id,
                "tier": case.tier.value,
            }
            append(tx, case.row.deal_id, Kind.MESSAGE_MOVED, body, at=at, actor=actor)
            self._writer.route(tx, plan, outcome, at)

        await self._store.write(unit)

    async def send_document(self, message_id: str, *, actor: str, agreed: Approved) -> None:
        """Sends a VALUATION document to which people agreed, each copy decided anew.

        Raises:
            Missing: no such held document.
            Refused: no copy may go now; it stays held, with the new reasons.
        """
        case = await self._case(message_id)
        deal = self._deal(case)
        conversation = deal.conversations.get(case.meant) if case.meant is not None else None
        if conversation is None or case.row.readers is None:
            raise Missing("no held document of that id", then="wallcross held list")
        _check_sendable(case)
        found = await self._address(deal, conversation, case.tier, case.row)
        if isinstance(found.outcome, Held):
            raise _fits_not(found.outcome)
        outcome, held = found.outcome, held_as(deal, case.row.person_id, self._now())
        plan, at = Plan(case.row, deal, outcome, None, None, held), self._now()

        def unit(tx: Tx) -> None:
            agreed.finish(tx, at)
            _settle(tx, message_id, "moved", actor, at)
            write_copies(tx, case.row, found, held.owner, at)
            self._writer.route(tx, plan, outcome, at)

        await self._store.write(unit)

    async def _addressed_once(self, deal: DealView, case: Case, actor: str) -> Problem:
        """Why a formal document is not sent on from here; of a VALUATION one, that it waits."""
        if case.tier is not Tier.VALUATION or case.meant is None:
            return Refused(
                "a formal document goes only as its sender addressed it",
                still=STILL,
                then="put right what held it, then wallcross doc send again; wallcross held drop",
            )
        readers = [PersonId(reader) for reader in json.loads(case.row.readers or "[]")]
        plan = document_plan(case.row.message_id, case.meant, readers)
        rule = document_rule(deal, self._author(deal, case).person_id, readers)
        wrong = "a valuation document goes only once two people agree"
        return await waiting(self._store, deal, plan, rule, wrong, at=self._now(), actor=actor)

    async def release(self, message_id: str, *, actor: str, proved: bool = False) -> None:
        """Sends a held message where its author meant it, if that is not downwards.

        Raises:
            Waits: it is downwards, or a VALUATION document: two people must agree.
            Refused, Missing: as for ``move``.
        """
        case = await self._case(message_id)
        if case.meant is None:
            raise Refused("its author named no conversation", then="wallcross held move")
        await self.move(message_id, case.meant, actor=actor, proved=proved)

    async def drop(self, message_id: str, *, actor: str) -> None:
        """Destroys a held message; the journal keeps its copy."""
        case = await self._case(message_id)
        at = self._now()

        await self._store.write(
            lambda tx: drop_held(tx, self._sealer, case.row.deal_id, message_id, actor, at)
        )

    async def ask(self, message_id: str, *, actor: str, proved: bool = False) -> None:
        """Asks the deal's owner for a message's release; it stays held."""
        case = await self._case(message_id)
        at = self._now()
        why = ("its author asks for the release of a held message",)

        def unit(tx: Tx) -> None:
            request = self._ask_down(tx, case, at, actor, proved=proved)
            then = f"approve show {request}" if request else f"held release {message_id}"
            raised = Raised("release_asked", "medium", why, f"wallcross {then}")
            raise_finding(tx, case.row.deal_id, message_id, raised, at)
            body: dict[str, Json] = {"message": message_id}
            if request is None:
                append(tx, case.row.deal_id, Kind.APPROVAL_ASKED, body, at=at, actor=actor)

        await self._store.write(unit)

    def _ask_down(self, tx: Tx, case: Case, at: int, actor: str, *, proved: bool) -> str | None:
        """Asks people for a release downwards, where a founded deal has people to ask."""
        deal, meant = self._deal(case), case.meant
        there = deal.conversations.get(meant) if meant is not None else None
        if there is None or there.floor >= case.tier or not founded(tx, deal.deal_id):
            return None
        plan = release_plan(case.row.message_id, there.conversation_id, case.tier)
        rule = release_rule(self._author(deal, case).person_id)
        try:
            return ask_now(tx, deal.deal_id, plan, rule, at=at, actor=actor, proved=proved)
        except NotAllowed:  # too few may agree: the deal's owner sees the finding
            return None


def _check_sendable(case: Case) -> None:
    """Refuses what nobody's agreement could send on."""
    if case.row.planted:
        raise Refused(
            "its row in the store is not the one that this home wrote",
            still="It stays held.",
            then="wallcross audit verify --state; its author writes it again",
        )
    if case.row.unreadable is not None:
        raise Refused(
            "we could not read it, or a file of it",
            still="It stays held.",
            then="its author writes it again; wallcross held drop",
        )


def _fits_not(outcome: Held) -> Refused:
    return Refused(
        "it does not fit there now",
        still="It stays held.",
        details=reasons_text(outcome.decision.against),
    )


def _own_held(tx: Tx, deals: dict[str, PersonId], code: str | None) -> str | None:
    """The one held message of a person that a code means; without a code, the only one."""
    found = [
        message_id
        for deal_id, person_id in deals.items()
        for (message_id,) in tx.all(
            "SELECT h.message_id FROM held h JOIN message m USING (message_id) "
            "WHERE h.state = 'held' AND h.deal_id = ? AND m.person_id = ?",
            (deal_id, person_id),
        )
        if code is None or code_of(message_id) == code
    ]
    return found[0] if len(found) == 1 else None


def _settle(tx: Tx, message_id: str, state: str, actor: str, at: int) -> None:
    tx.expect(
        "UPDATE held SET state = ?, settled_at = ?, settled_by = ? "
        "WHERE message_id = ? AND state = 'held'",
        (state, at, actor, message_id),
    )


def drop_held(tx: Tx, sealer: Sealer, deal_id: str, message_id: str, actor: str, at: int) -> None:
    """Destroys a held message; the journal keeps its copy.

    Raises:
        StoreError: it is held no more.
    """
    _settle(tx, message_id, "dropped", actor, at)
    tx.expect(
        "UPDATE message SET state = 'dropped', settled_at = ? "
        "WHERE message_id = ? AND state = 'held'",
        (at, message_id),
    )
    rows.supersede(tx, message_id, at)
    rows.destroy_body(tx, sealer, message_id)
    body: dict[str, Json] = {"message": message_id}
    append(tx, deal_id, Kind.MESSAGE_DROPPED, body, at=at, actor=actor)
