"""A deal that ends: nothing is taken or sent for it any more, and nothing opens it again.

Rules kept here:

1. What waits is counted first, in the unit that closes; while something does it is refused, unless
   whoever closes has it dropped. What nobody looked at yet, or a network is being handed, and
   what a legal hold wants and nobody journaled, is never dropped by it.
2. One unit states it all: what was dropped, each conversation's end, tokens, windows, the close.
   From then on nobody is cleared for anything of the deal (``orchestrator.deals.book``).
3. In a founded deal it takes two people, who are told what waits; what they agreed to is done
   only while the same conversations are open. Rooms are given up as any closed conversation's.
4. Record, journal and legal holds stay; the report of what was prevented is made at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded, standing, waits
from orchestrator.approvals.windows import withdraw_window
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client.closing import ClosingView
from orchestrator.client.problems import Refused, Wrong
from orchestrator.clock import MINUTE
from orchestrator.command.conversations import deal_of, over
from orchestrator.command.preserving import holds_of
from orchestrator.command.prevented import AtClose
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.legal_holds import HoldsUnreadable
from orchestrator.deals.tokens import revoked_body
from orchestrator.flow.accept import CLOSED
from orchestrator.flow.desk import drop_held
from orchestrator.flow.overdue import IN_FLIGHT, end_parts
from orchestrator.outbox import rows
from orchestrator.outbox.port import OURS
from orchestrator.rooms.closing import settle
from orchestrator.rooms.conversation_rows import end
from orchestrator.roster.phase import closed_at, phase_of, state_closed
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId
from tiers.routing import RoomView

CLOSE = "deal.close"
"""Of a plan that closes a deal for good."""
STILL = "The deal is open, as it was."
_WAITING = """
SELECT message_id, state, NOT EXISTS (SELECT 1 FROM journal j
        WHERE j.message_id = message.message_id AND j.key_id IS NOT NULL),
    EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = message.message_id
        AND d.kind = 'send' AND d.state = 'started' AND d.started_at > ?)
FROM sealed CROSS JOIN message ON owner = message_id
WHERE sealed.deal_id = ? AND connector <> ?
    AND state IN ('accepted', 'held', 'delivering', 'possibly') ORDER BY arrival"""


@dataclass(frozen=True, slots=True)
class _Waits:
    """A message whose body is here still. ``alone``: no copy of it is in the journal."""

    message_id: str
    state: str
    alone: bool
    starting: bool


class DealClosing:
    """Implements ``orchestrator.api.port_closing.ClosingAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def deal_closing(self, deal: DealId) -> ClosingView:
        """What the end of a deal comes to."""
        view, at = deal_of(self._r, deal), self._r.now()
        return await self._r.store.read(lambda tx: _view(tx, view, at))

    async def deal_close(
        self, deal: DealId, code: str, *, even_waiting: bool, actor: str
    ) -> ClosingView:
        """Closes a deal for good, or asks two people to agree to it."""
        view, at = deal_of(self._r, deal), self._r.now()
        if code != view.code:
            raise Wrong("That is not the code name of this deal", still=STILL)

        def unit(tx: Tx) -> str | None:
            _check(tx, view, at, even_waiting=even_waiting)
            if not founded(tx, deal):
                _close(tx, self._r.sealer, view, at, actor, even_waiting=even_waiting)
                return None
            return ask(tx, deal, _plan(view, even_waiting), rule=Rule(), at=at, actor=actor)

        asks = await self._r.store.read(lambda tx: founded(tx, deal))
        rooms = [] if asks else await _read(self._r, view)
        request = await self._r.store.write(unit)
        if request is not None:
            raise waits(request, "The end of a deal waits for the signatures of two people", STILL)
        await _behind(self._r, view, rooms)
        return await self.deal_closing(deal)


async def close_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Closes the deal whose end people agreed to, while the same conversations are open."""
    view, at, even_waiting = deal_of(runtime, deal), runtime.now(), body["even_waiting"] is True

    def unit(tx: Tx) -> None:
        if _plan(view, even_waiting).body != dict(body):
            raise NotAllowed("another conversation is open than was agreed to: ask again")
        _check(tx, view, at, even_waiting=even_waiting)
        approved.finish(tx, at)
        _close(tx, runtime.sealer, view, at, approved.actor, even_waiting=even_waiting)

    rooms = await _read(runtime, view)
    await runtime.store.write(unit)
    await _behind(runtime, view, rooms)


def _plan(view: DealView, even_waiting: bool) -> Plan:  # noqa: FBT001 - as it was asked for
    talks = sorted(view.conversations)
    return Plan(CLOSE, {"conversations": talks, "even_waiting": even_waiting})


async def _read(runtime: Runtime, view: DealView) -> list[RoomView]:
    """A deal's rooms while people are in them, for telling them; none where nothing is open."""
    begins = runtime.now() - MINUTE
    rooms = [b for found in view.rooms.values() for b in found] if runtime.live else []
    return [await runtime.observer.view(view, b, not_before=begins) for b in rooms]


async def _behind(runtime: Runtime, view: DealView, rooms: list[RoomView]) -> None:
    """What follows once it is on disk; what is cut short here, the schedules go on with."""
    deal = view.deal_id
    await runtime.book.reload(runtime.store, deal)
    await AtClose(runtime).look_at(deal)
    for room in rooms:
        await runtime.watcher.tell_closed(view, room)
    if runtime.live:
        for conversation in tuple(deal_of(runtime, deal).closing):
            await runtime.closing.press(deal, conversation)


def _waiting(tx: Tx, deal: DealId, at: int) -> list[_Waits]:
    found = tx.all(_WAITING, (at - IN_FLIGHT, deal, OURS))
    return [_Waits(m, state, bool(alone), bool(now)) for m, state, alone, now in found]


def _held_legally(tx: Tx, deal: DealId) -> int:
    """How many legal holds stand; where that cannot be read, at least one."""
    try:
        return len(holds_of(tx, deal))
    except HoldsUnreadable:
        return 1


def _check(tx: Tx, view: DealView, at: int, *, even_waiting: bool) -> None:
    """Raises: Refused: it is closed, or something waits that may not be dropped."""
    if closed_at(stated(tx, view.deal_id)) is not None:
        raise over()
    found = _view(tx, view, at)
    soon = found.unrouted + found.starting
    if soon:
        told = _counts(found, "unrouted", "starting")
        raise Refused(
            "Something is on its way just now", still=STILL, then="a minute later", details=told
        )
    if found.unkept:
        told = _counts(found, "unkept")
        wrong = "A legal hold stands, and what waits is in no journal"
        raise Refused(wrong, still=STILL, then="wallcross held list", details=told)
    if found.held + found.possibly + found.queued and not even_waiting:
        then = "wallcross held list; or the same with --even-waiting: then they are dropped"
        told = _counts(found, "held", "possibly", "queued")
        raise Refused("Something of this deal waits", still=STILL, then=then, details=told)


_TOLD = {
    "held": "held",
    "possibly": "possibly delivered, for a person to decide",
    "queued": "under way",
    "unrouted": "accepted and not looked at yet",
    "starting": "being handed to a network now",
    "unkept": "kept nowhere else",
}


def _counts(found: ClosingView, *names: str) -> list[str]:
    counted = ((getattr(found, name), _TOLD[name]) for name in names)
    return [f"{count} {words}" for count, words in counted if count]


def _close(
    tx: Tx, sealer: Sealer, view: DealView, at: int, actor: str, *, even_waiting: bool
) -> None:
    """Everything that a deal's end states, in the unit that ends it."""
    deal, waiting = view.deal_id, _waiting(tx, view.deal_id, at) if even_waiting else []
    for one in waiting:
        _drop(tx, sealer, deal, one, actor, at)
    for made in view.conversations.values():
        end(tx, made, at, actor)
        settle(tx, deal, made.conversation_id, at)
    for token in view.tokens:
        append(tx, deal, Kind.TOKEN_REVOKED, revoked_body(token, at), at=at, actor=actor)
    for window in standing(tx, deal).windows:
        withdraw_window(tx, deal, window, at=at, actor=actor)
    before = phase_of(stated(tx, deal))
    state_closed(tx, deal, before, len(waiting), at=at, actor=actor)


def _drop(tx: Tx, sealer: Sealer, deal: DealId, one: _Waits, actor: str, at: int) -> None:
    """Ends a message that waits, as a person would; what may have arrived stays so."""
    if one.state == "held":
        drop_held(tx, sealer, deal, one.message_id, actor, at)
        return
    end_parts(tx, deal, one.message_id, CLOSED, at)
    rows.finish(tx, sealer, (one.message_id,), at)
    rows.supersede(tx, one.message_id, at)
    rows.destroy_body(tx, sealer, one.message_id)
    tx.run(
        "UPDATE message SET state = 'dead', settled_at = ? "
        "WHERE message_id = ? AND state = 'delivering'",
        (at, one.message_id),
    )
    body: dict[str, Json] = {"message": one.message_id, "reason": CLOSED}
    append(tx, deal, Kind.MESSAGE_DEAD, body, at=at, actor=actor)


def _view(tx: Tx, view: DealView, at: int) -> ClosingView:
    """What a deal's end comes to, or came to."""
    deal, found = view.deal_id, _waiting(tx, view.deal_id, at)
    entries, agreed = stated(tx, deal), standing(tx, deal)
    ended = next((e.body for e in entries if e.kind == Kind.DEAL_CLOSED), None)
    count, holds = partial(_count, found), _held_legally(tx, deal)
    reports = [e.body for e in entries if e.kind == Kind.PREVENTED_REPORTED and e.body["closing"]]
    rooms = (*view.rooms.values(), *view.closing.values())
    return ClosingView(
        deal_id=deal,
        code=view.code,
        phase=phase_of(entries).value,
        closed_at=closed_at(entries),
        two_people=agreed.founded_at is not None,
        held=count("held"),
        possibly=count("possibly"),
        queued=count("delivering"),
        unrouted=count("accepted"),
        starting=sum(one.starting for one in found),
        unkept=sum(one.alone and one.state != "accepted" for one in found) if holds else 0,
        dropped=0 if ended is None else int(ended["count"]),
        conversations=len(view.conversations),
        rooms=sum(map(len, rooms)),
        tokens=len(view.tokens),
        windows=len(agreed.windows),
        requests=sum(request.open(at) for request in agreed.requests.values()),
        legal_holds=holds,
        report=None if ended is None or not reports else str(reports[-1]["hash"]),
    )


def _count(found: list[_Waits], state: str) -> int:
    return sum(one.state == state for one in found)
