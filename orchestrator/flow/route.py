"""Route: resolve, classify, decide, and write the plan, for each accepted message in its order.

Rules kept here:

1. One lane for each deal, ``@route/<deal>``; messages are routed in the order of acceptance.
2. A message is journaled in the unit that routes it. Without a journal key or counsel's signed
   decision it waits where it is, on disk, and a finding says so.
3. An error while a message is looked at is a hold with that reason, never a send; it is shown as
   a code, never with what was looked at.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from orchestrator.audit.body import Json
from orchestrator.clock import MINUTE, Clock
from orchestrator.deals.book import API, Book, DealView
from orchestrator.deals.counsel import JournalEntry
from orchestrator.deals.findings import Raised, raise_finding
from orchestrator.flow.acknowledging import Acknowledgement, Door, read_acknowledgement
from orchestrator.flow.answers import Answer, read_answer
from orchestrator.flow.body import Body, FileBody
from orchestrator.flow.bots import RULE, why_not
from orchestrator.flow.documents import Addressed, addressed
from orchestrator.flow.echo import Echoes, Heard, Said
from orchestrator.flow.guard import body_of, held_as
from orchestrator.flow.judge import Judge, Question
from orchestrator.flow.past import is_old, past_of
from orchestrator.flow.plan import Answered, Plan, Waiting, Writer
from orchestrator.flow.port import Journals, OpensLines, ReadsRooms
from orchestrator.flow.resolve import Asked, Resolved, resolve
from orchestrator.flow.telling import ECHO, Looked, Telling, said
from orchestrator.flow.urgent import Urgent, read_urgent
from orchestrator.journal.policy import scopes_of
from orchestrator.outbox.marks import (
    DELIVERY_COLUMNS,
    MESSAGE_COLUMNS,
    NOT_AS_STATED,
    Origin,
    Placing,
    Target,
    is_planted,
)
from orchestrator.outbox.rows import unlocked
from orchestrator.seal.body import Unlocked
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, StoreError, Tx
from tiers.classify import Classification
from tiers.conversation import Conversation, Place, RoomBinding
from tiers.decision import Decision, Effect, Reason
from tiers.ids import ConversationId, DealId, MessageId, PersonId, RuleId
from tiers.routing import Held, Placed, RoomView, Route, place, route
from tiers.tier import Tier
from tiers.watch import WatchList

BATCH = 64
LANE = "@route/"
"""Begins the lane of a deal; no channel's name begins so."""
_WAITING = f"""
SELECT message_id, deal_id, connector, remote_id, room, sender, person_id, named,
    COALESCE(edits, reply_to),
    unreadable, accepted_at, state, tier,
    (SELECT readers FROM document d WHERE d.message_id = message.message_id),
    taken_back_at, {MESSAGE_COLUMNS.format("message")}, mark FROM message """  # noqa: S608 - our own columns
_ROW = 15
"""Where the columns of a row end; what is under its mark follows, and the mark."""
_ANSWERED = f"""
SELECT m.message_id, m.conversation_id, m.tier, m.placed, {DELIVERY_COLUMNS.format("d")}, d.mark
FROM delivery d JOIN message m USING (message_id)
WHERE d.connector = ?1 AND d.remote_id = ?2 AND m.deal_id = ?3 UNION ALL
SELECT message_id, conversation_id, tier, placed, {", ".join(["NULL"] * 12)}
FROM message WHERE connector = ?1 AND remote_id = ?2 AND deal_id = ?3"""  # noqa: S608 - our own columns
_PLANTED = "its row in the store is not the one that was written when it was accepted"


@dataclass(frozen=True, slots=True)
class Opened:
    """A waiting message with its sealed body and files, and what it answers."""

    row: Waiting
    body: Unlocked | None
    answered: tuple[str | None, str | None]
    """(conversation, tier) of the message that it answers."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the router works with."""

    store: Store
    sealer: Sealer
    book: Book
    rooms: ReadsRooms
    lines: OpensLines
    journals: Journals
    judge: Judge
    writer: Writer
    now: Clock
    clock_trusted: Callable[[], bool]
    watch: Callable[[DealId], WatchList]


Outcome = Route | Held | Answered
Spoken = Answer | Acknowledgement | Urgent
"""What a line to us may be, beside a message."""
Act = Callable[[Resolved, Spoken, Door], Awaitable[str]]
"""Does what somebody said to us from an account, and returns a code of what came of it."""


class Router:
    """Routes what was accepted.

    Args:
        services: what it works with.
        act: does what an author answered.
    """

    def __init__(self, services: Services, act: Act) -> None:
        self._s = services
        self._act = act
        self._telling = Telling(services.lines, services.judge, services.now)
        self._echoes = Echoes(services.now)

    async def drain(self, lane: str) -> int | None:
        """Routes all that waits in a deal; returns when to come again for what must wait."""
        deal_id = lane.removeprefix(LANE)
        after = 0
        waits = False
        while True:
            found = await self._s.store.read(partial(self._waiting, deal_id=deal_id, after=after))
            if not found:
                return self._s.now() + MINUTE if waits else None
            plans = await self._plans([opened for _, opened in found if opened is not None])
            ready = [plan for plan in plans if plan.journal is not None]
            waits = waits or len(ready) < len(found)
            await self._write(plans)
            after = found[-1][0]

    async def _plans(self, batch: list[Opened]) -> list[Plan]:
        """A plan for each, in order; a reply may answer what is planned, but not yet written."""
        plans: list[Plan] = []
        known: dict[tuple[str, str], tuple[str | None, str | None]] = {}
        for opened in batch:
            row = opened.row
            before = known.get((row.connector, row.reply_to)) if row.reply_to else None
            plan = await self._plan(replace(opened, answered=before) if before else opened)
            known[row.connector, row.remote_id] = (plan.conversation_id(), plan.tier().value)
            plans.append(plan)
        return plans

    async def _write(self, plans: list[Plan]) -> None:
        at = self._s.now()

        def unit(tx: Tx) -> None:
            for plan in plans:
                if plan.journal is not None:
                    self._s.writer.write(tx, plan, at)
                else:
                    raise_finding(tx, plan.row.deal_id, "journal", _NO_JOURNAL, at)

        await self._s.store.write(unit)

    def _waiting(self, tx: Tx, deal_id: str, after: int) -> list[tuple[int, Opened | None]]:
        """What waits, in order; None for a planted row whose journal copy is there already.

        Such a row says that it was never routed, and it was: it waits for its time to end.
        """
        sql = (
            "SELECT arrival, message_id FROM message WHERE deal_id = ? AND state = 'accepted' "
            "AND arrival > ? ORDER BY arrival LIMIT ?"
        )
        found = tx.all(sql, (deal_id, after, BATCH))
        opened = ((arrival, self.open(tx, message_id)) for arrival, message_id in found)
        return [(arrival, None if _was_routed(tx, one.row) else one) for arrival, one in opened]

    def open(self, tx: Tx, message_id: str) -> Opened:
        """Reads a message's row, its seal and what it answers."""
        values = tx.one(_WAITING + "WHERE message_id = ?", (message_id,))
        if values is None:
            raise LookupError("no such message")
        *origin, found = values[_ROW:]
        planted = is_planted(tx.pen, Origin(*origin), found)
        row = replace(Waiting(*values[:_ROW]), planted=planted)
        return Opened(row, unlocked(tx, self._s.sealer, message_id), _answered(tx, row))

    def row(self, tx: Tx, message_id: str) -> Waiting:
        """Reads a message's row. Raises: LookupError."""
        return self.open(tx, message_id).row

    async def _plan(self, opened: Opened) -> Plan:
        bodies: tuple[Unlocked, ...] = ()
        try:
            if opened.row.planted:
                return await self._unjudged(opened, bodies, NOT_AS_STATED, _PLANTED)
            if opened.body is None:
                return await self._unjudged(opened, bodies, "destroyed", "its body is gone")
            body = body_of(opened.body)
            files = [(file, await self._unlocked(file)) for file in body.files]
            bodies = (opened.body, *(sealed for _, sealed in files))
            return await self._judged(opened, bodies, body, files)
        except StoreError:
            raise  # the lane comes again: nothing is known of this message yet
        except Exception as error:  # noqa: BLE001 - one message must not stop all behind it
            because = f"it could not be looked at ({type(error).__name__})"
            return await self._unjudged(opened, bodies, "error", because)

    async def _unlocked(self, file: FileBody) -> Unlocked:
        return await self._s.store.read(partial(self._s.sealer.unlock, owner=file.file_id))

    async def _unjudged(
        self, opened: Opened, bodies: tuple[Unlocked, ...], rule: str, because: str
    ) -> Plan:
        """Holds what nobody looked at; where not even its copy can be made, it waits."""
        row = opened.row
        deal = self._s.book.deals.get(DealId(row.deal_id))
        outcome = Held(_no(rule, because), Tier.VALUATION, None)
        held = held_as(deal, row.person_id, self._s.now())
        try:
            entry = await self._journal(opened, deal, None, Tier.VALUATION, bodies)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - it waits with a finding; those behind it go on
            entry = None
        why = Raised("unjudged", "high", (because,), "wallcross held list", held.owner)
        return Plan(row, deal, outcome, entry, None, held, raised=((row.message_id, why),))

    async def _judged(
        self,
        opened: Opened,
        bodies: tuple[Unlocked, ...],
        body: Body,
        files: list[tuple[FileBody, Unlocked]],
    ) -> Plan:
        row = opened.row
        resolved = resolve(self._s.book, _asked(opened), body.text, self._s.now())
        judged = await self._s.judge.judge(body, files, self._question(opened, resolved))
        found = judged.found
        document: Addressed | None = None
        outcome: Outcome
        old = await self._is_old(row)
        if row.readers is not None:
            document = await self._document(row, resolved, found)
            outcome = document.outcome
        else:
            outcome = await self._outcome(row, resolved, found, body, old=old)
            outcome = self._unless_bot(outcome, row, resolved.deal, found)
        if old and (stopped := _of_old(outcome)) is not None:
            outcome, document = stopped, None if document is None else Addressed(stopped)
        conversation = _conversation(outcome) or resolved.bound
        entry = await self._journal(opened, resolved.deal, conversation, found.tier, bodies)
        plan = await self._complete(row, resolved, found, outcome, entry)
        more = ((row.message_id, raised) for raised in said(judged, resolved))
        raised = (*plan.raised, *more)
        return replace(plan, addressed=document, prints=judged.prints, raised=raised)

    def _question(self, opened: Opened, resolved: Resolved) -> Question:
        bound = resolved.bound
        answered = opened.answered[1]
        return Question(
            bound.conversation_id if bound else None,
            bound.floor if bound else None,
            Tier(answered) if answered else None,
            self._s.watch(DealId(opened.row.deal_id)),
            opened.row.unreadable is not None,
            resolved.witness,
            self._s.book.deals.get(DealId(opened.row.deal_id)),
        )

    async def _is_old(self, row: Waiting) -> bool:
        """Whether it was written before this restored home went on: it may have had its way."""
        since = self._s.writer.went_on_at
        if not since:
            return False
        return await self._s.store.read(lambda tx: is_old(tx, row.message_id, since))

    async def _outcome(
        self, row: Waiting, resolved: Resolved, found: Classification, body: Body, *, old: bool
    ) -> Outcome:
        # in the line that we opened or in one that he began: anywhere but in a conversation's room
        to_us = row.room is not None and not resolved.witness and not body.files
        spoken: Spoken | None = _spoken(body.text, row.accepted_at) if to_us else None
        if spoken is None and _to_us_alone(row, resolved, body):
            spoken = read_urgent(body.text)
        if spoken is not None and resolved.person is not None:
            return await self._heard(row, resolved, found, spoken, old=old)
        placed = _placed(row, resolved, found)
        if isinstance(placed, Held):
            return placed
        if resolved.deal is None:
            return Held(_no("deal", "no deal is in force"), found.tier, None)
        rooms = resolved.deal.rooms.get(placed.conversation.conversation_id, ())
        if resolved.person is None and len(rooms) > 1:
            stranger = _no("author", "nobody on the list owns the account that wrote it")
            return Held(stranger, placed.as_tier, placed.conversation)
        if len(rooms) < 2:  # noqa: PLR2004 - one room mirrors nothing
            return await self.route(resolved.deal, placed, row)
        return await self._mirrored(resolved.deal, placed, row, body, witness=resolved.witness)

    async def _heard(
        self,
        row: Waiting,
        resolved: Resolved,
        found: Classification,
        spoken: Spoken,
        *,
        old: bool,
    ) -> Outcome:
        """Does what somebody said to us, unless it may have been done before a restore."""
        if old:
            return Held(_no(RESTORED, _OLD), found.tier, None)
        door = (row.connector, row.sender)
        return Answered(found.tier, await self._act(resolved, spoken, door))

    def _unless_bot(
        self, outcome: Outcome, row: Waiting, deal: DealView | None, found: Classification
    ) -> Outcome:
        """What becomes of a message, but where a bot handed it in that may not send it there."""
        if not isinstance(outcome, Route) or deal is None:
            return outcome
        placed, door = outcome.placed, (row.connector, row.remote_id)
        cid, seen_as = placed.conversation.conversation_id, max(placed.as_tier, found.tier)
        why = why_not(deal, door, cid, seen_as, row.person_id, self._s.now())
        return outcome if why is None else Held(_no(RULE, why), seen_as, placed.conversation)

    async def _mirrored(
        self, deal: DealView, placed: Placed, row: Waiting, body: Body, *, witness: bool
    ) -> Route | Held:
        """Decides for several rooms; what a bridge posted anew goes to none of them."""
        here = (row.connector, row.room) if witness and row.room is not None else None
        cid = placed.conversation.conversation_id
        said = Said(here, row.sender, row.message_id, body)
        heard = self._echoes.hears(cid, said)
        if heard in {Heard.ECHO, Heard.AGAIN}:
            lately = self._echoes.lately(cid)
            ended = await self._s.store.read(lambda tx: _ended(tx, lately))
            heard = self._echoes.hears(cid, said, ended)
        if heard is Heard.ECHO:
            return Route(placed, (), Decision((_ECHO,)))
        if heard is Heard.AGAIN:
            return Held(_no(ECHO, _AGAIN), placed.as_tier, placed.conversation)
        if heard is Heard.LOOP:
            return Held(_no(ECHO, _LOOP), placed.as_tier, placed.conversation)
        outcome = await self.route(deal, placed, row)
        if isinstance(outcome, Route):
            self._echoes.remember(cid, said)
        return outcome

    async def _document(self, row: Waiting, resolved: Resolved, found: Classification) -> Addressed:
        """A formal document goes only as a person addressed it, to rooms of his conversation."""
        deal, bound = resolved.deal, resolved.bound
        if deal is None or bound is None or resolved.person is None or row.unreadable is not None:
            because = "a document names one conversation that its sender may use, and can be read"
            return Addressed(Held(_no("document", because), found.tier, bound))
        readers = [PersonId(reader) for reader in json.loads(row.readers or "[]")]
        trusted = self._s.clock_trusted()
        return await addressed(
            deal, bound, found.tier, readers, self._read, self._s.now, clock_trusted=trusted
        )

    async def address(
        self, deal: DealView, conversation: Conversation, tier: Tier, row: Waiting
    ) -> Addressed:
        """Decides each copy of a document to which people agreed, on facts read now.

        Args:
            deal: in force.
            conversation: where its sender put it.
            tier: what it is held as.
            row: the document.
        """
        readers = [PersonId(reader) for reader in json.loads(row.readers or "[]")]
        trusted, now = self._s.clock_trusted(), self._s.now
        return await addressed(
            *(deal, conversation, tier, readers, self._read, now),
            clock_trusted=trusted,
            agreed=True,
        )

    async def _read(self, deal: DealView, binding: RoomBinding, not_before: int) -> RoomView:
        return await self._s.rooms.view(deal, binding, not_before=not_before)

    async def route(
        self,
        deal: DealView,
        placed: Placed,
        row: Waiting,
        still: frozenset[Place] = frozenset(),
    ) -> Route | Held:
        """Reads a conversation's rooms back and decides for all of them.

        Args:
            deal: in force.
            placed: the conversation and the tier.
            row: the message.
            still: rooms that may be read, and that nothing goes into.
        """
        if row.taken_back_at is not None:
            return Route(placed, (), Decision((_TAKEN_BACK,)))
        past = await self._s.store.read(lambda tx: past_of(tx, row.message_id))
        views = [
            await self._view(deal, placed, row, n)
            for n in range(len(deal.rooms.get(placed.conversation.conversation_id, ())))
        ]
        return route(
            placed,
            (replace(v, still=True) if v.binding.place in still else v for v in views),
            deal.roster,
            deal.policy,
            at=self._s.now(),
            clock_trusted=self._s.clock_trusted(),
            had=past.begun,
        )

    async def _view(self, deal: DealView, placed: Placed, row: Waiting, n: int) -> RoomView:
        binding = deal.rooms[placed.conversation.conversation_id][n]
        origin = (binding.connector, binding.room) == (row.connector, row.room)
        not_before = self._s.now() - deal.policy.tiers[placed.as_tier].fresh_for // 2
        return await self._s.rooms.view(deal, binding, not_before=not_before, origin=origin)

    async def _journal(
        self,
        opened: Opened,
        deal: DealView | None,
        conversation: Conversation | None,
        tier: Tier,
        bodies: tuple[Unlocked, ...],
    ) -> JournalEntry | None:
        if deal is None:
            return None
        person = deal.author(opened.row.connector, opened.row.sender)
        scopes = scopes_of(
            conversation=conversation is not None,
            side=conversation.side if conversation is not None else None,
            sender_side=person.side if person is not None else deal.roster.host,
        )
        mid, at = MessageId(opened.row.message_id), self._s.now()
        return await self._s.journals.prepare(deal, scopes, tier, mid, bodies, at)

    async def _complete(
        self,
        row: Waiting,
        resolved: Resolved,
        found: Classification,
        outcome: Outcome,
        entry: JournalEntry | None,
    ) -> Plan:
        held = held_as(resolved.deal, row.person_id, self._s.now())
        looked = Looked(row, resolved, found, outcome)
        withdraw = None
        if looked.above() and row.room is not None:
            able = await self._s.rooms.can_withdraw(row.connector, row.room)
            withdraw = row.remote_id if able else None
        gone = withdraw is not None
        return Plan(
            row,
            resolved.deal,
            outcome,
            entry,
            found,
            held,
            told=await self._telling.told(looked, held.deadline, withdrawn=gone),
            raised=self._telling.findings(looked, withdrawn=gone),
            withdraw=withdraw,
            facts=_facts(resolved.deal, found),
        )


_NO_JOURNAL = Raised(
    "journal",
    "high",
    ("messages wait: there is no journal key and no signed decision of counsel for them",),
    "wallcross journal keygen, then wallcross journal adopt",
)


_TAKEN_BACK = Reason(RuleId("taken_back"), Effect.ALLOW, "its author deleted it")
RESTORED = "restored"
_OLD = "it was written before this restored home went on, and may have been passed on already"
_AGAIN = "somebody else's very words were carried here a little while ago"
_LOOP = (
    "more, or more of the same, was said here than people write, as by a bridge between two rooms"
)
_ECHO = Reason(RuleId(ECHO), Effect.ALLOW, "whoever has a seat has it already")


def _of_old(outcome: Outcome) -> Held | None:
    """What becomes of what may have been passed on before a restore; None: as it was decided."""
    if not isinstance(outcome, Route) or not outcome.legs:
        return None
    placed = outcome.placed
    return Held(_no(RESTORED, _OLD), placed.as_tier, placed.conversation)


def _spoken(text: str, accepted_at: int) -> Spoken | None:
    return read_answer(text) or read_acknowledgement(text, accepted_at)


def _was_routed(tx: Tx, row: Waiting) -> bool:
    """Whether a planted row pretends to be new."""
    sql = "SELECT 1 FROM journal WHERE message_id = ?"
    return row.planted and tx.one(sql, (row.message_id,)) is not None


def _asked(opened: Opened) -> Asked:
    row = opened.row
    answered = opened.answered[0]
    return Asked(
        DealId(row.deal_id),
        row.connector,
        row.room,
        row.sender,
        ConversationId(row.named) if row.named else None,
        ConversationId(answered) if answered else None,
    )


def _answered(tx: Tx, row: Waiting) -> tuple[str | None, str | None]:
    """Conversation and tier of the message that a reply answers, ours or a person's."""
    if row.reply_to is None:
        return None, None
    found = tx.one(_ANSWERED, (row.connector, row.reply_to, row.deal_id))
    if found is None:
        return None, None
    message, placed, tier, placed_mark, *sent, sent_mark = found
    known = not is_planted(tx.pen, Placing(message, placed, tier), placed_mark)
    if sent[0] is None:
        return (placed, tier) if known else (None, Tier.VALUATION.value)
    delivered = Target(*sent)
    if is_planted(tx.pen, delivered, sent_mark):
        return None, Tier.VALUATION.value
    return delivered.conversation_id, tier if known else Tier.VALUATION.value


def _ended(tx: Tx, messages: tuple[str, ...]) -> frozenset[str]:
    """Those that stand in no other room, or not in each: nobody may rely on having them."""
    found = tx.all(
        "SELECT message_id FROM message WHERE message_id IN (SELECT value FROM json_each(?)) "
        "AND (taken_back_at IS NOT NULL OR state IN ('held', 'dropped', 'dead'))",
        (json.dumps(messages),),
    )
    return frozenset(message_id for (message_id,) in found)


def _to_us_alone(row: Waiting, resolved: Resolved, body: Body) -> bool:
    """Whether a person wrote it to us on a network, and not into a conversation's room."""
    return row.connector != API and not resolved.witness and not body.files


def _conversation(outcome: Outcome) -> Conversation | None:
    if isinstance(outcome, Route):
        return outcome.placed.conversation
    return outcome.conversation if isinstance(outcome, Held) else None


def _placed(row: Waiting, resolved: Resolved, found: Classification) -> Placed | Held:
    if resolved.ambiguous:
        return Held(_no("which", resolved.ambiguous), found.tier, None, resolved.choices)
    if row.unreadable is not None and not resolved.witness:
        # what would be delivered is not what its author wrote
        unread = _no("unread", "we could not read it, or a file of it")
        return Held(unread, found.tier, resolved.bound)
    return place(resolved.bound, found.tier, found.strength, resolved.choices)


def _facts(deal: DealView | None, found: Classification) -> dict[str, Json]:
    return {
        "tier": found.tier.value,
        "strength": found.strength.value,
        "rules": sorted({e.rule for e in found.evidence}),
        "classifier": found.classifier,
        "policy": deal.policy.hash if deal else None,
        "roster": deal.roster_hash if deal else None,
    }


def _no(rule: str, because: str) -> Decision:
    return Decision((Reason(RuleId(rule), Effect.HOLD, because),))
