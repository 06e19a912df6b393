"""Takes people out of a deal, says where that stands, and undoes it in time; lost devices.

Rules kept here:

1. One command, one person, at once: what takes away waits for nobody. Who waits for it is answered
   when everything was read back, or when patience is over; what is not confirmed is tried on by
   itself, and so is all of it where nobody waits.
2. It is undone by two people, within half an hour, and only while his devices are as they were. He
   comes back into no room by that: the roster that clears him again, and a plan, let him in.
3. A lost device is taken out for good; its owner keeps his seats.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from connectors.port.connector import VerifiesPeers
from connectors.port.errors import ConnectorError
from connectors.port.messages import Device
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import LASTS, Approved, ask, founded, waits
from orchestrator.approvals.standing import RETURN
from orchestrator.audit.body import Json, coded
from orchestrator.audit.kinds import Kind
from orchestrator.client.leaves import LeaveView, LostView
from orchestrator.client.problems import Failed, Missing, Refused, Wrong
from orchestrator.clock import SECOND
from orchestrator.command import leave_proof, leave_shown
from orchestrator.command.conversations import deal_of
from orchestrator.command.keys import Keys
from orchestrator.command.people import listed
from orchestrator.command.runtime import Runtime
from orchestrator.deals.agreed_phase import back_rule
from orchestrator.deals.book import DealView
from orchestrator.deals.findings import close_findings
from orchestrator.deals.persons import state_person
from orchestrator.rooms import leave_rows as rows
from orchestrator.rooms.leave_begin import Began
from orchestrator.rooms.leave_late import LATE
from orchestrator.rooms.leave_rows import UNDO_FOR, Leave
from orchestrator.rooms.leave_who import TooMany, former
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.conversation import Place
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId, DeviceId, PersonId
from tiers.people import Person
from tiers.trust import KeyState

LEAVE = "person.leave"
"""Verb of the request to take somebody out."""
PATIENCE = 30 * SECOND
"""How long a command waits for everything to be read back."""
_PAUSE_S = 0.5


class Leaves:
    """Implements ``orchestrator.api.port.LeaveAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def leave(
        self, deal: DealId, person: PersonId, reason: str, *, actor: str, wait: bool = True
    ) -> LeaveView:
        """Takes somebody out, at once; ``wait``: the answer comes when it was seen, or late."""
        view = deal_of(self._r, deal)
        if coded(reason) != reason:
            raise Wrong(
                "a reason is a code of lower-case words: no text",
                still="He has not left; nothing was changed.",
                then="for example --reason left, replaced, conflict, phished",
            )
        leaver = await self._leaver(view, person)
        try:
            began = await self._r.leaving.begin(view, leaver, reason, actor=actor)
        except TooMany:
            await self._ask_to_leave(view, leaver, reason, actor)
            raise
        if self._r.live and wait:
            await self._until_seen(began.leave)
        elif self._r.live:
            self._r.running.start("leave", self._until_seen(began.leave))
        return await self._leave_view(deal, began.leave.person, began)

    async def _leaver(self, deal: DealView, person: PersonId) -> Person:
        """Somebody on the roster, or on one before it: he may sit in rooms all the same."""
        found = await self._r.store.read(lambda tx: former(tx, deal, person))
        return deal.roster.person(person) or found or listed(deal, person)

    async def _ask_to_leave(self, deal: DealView, person: Person, reason: str, actor: str) -> None:
        """Asks those who may sign to have somebody taken out, where there are such."""
        plan = Plan(LEAVE, {"person": person.person_id, "reason": reason})
        rule = Rule(barred=frozenset({person.person_id}))
        request = await self._r.store.write(lambda tx: self._asked(tx, deal, plan, rule, actor))
        if request is not None:
            raise waits(request, f"that {person.name} leaves waits for others to agree")

    def _asked(
        self, tx: Tx, deal: DealView, plan: Plan, rule: Rule, actor: str, lasts: int = LASTS
    ) -> str | None:
        """The request to be signed; None where the deal was never founded."""
        if not founded(tx, deal.deal_id):
            return None
        at = self._r.now()
        return ask(tx, deal.deal_id, plan, rule=rule, at=at, actor=actor, lasts=lasts)

    async def _until_seen(self, leave: Leave) -> None:
        """Tries until everything was seen, patience is over, or nothing can be asked here."""
        ends = self._r.now() + PATIENCE
        while self._r.now() < ends:
            await self._r.leaving.press(leave, until=ends)
            missing = await self._r.store.read(lambda tx: rows.missing(tx, leave))
            if not any(act.connector in self._r.connectors for act in missing):
                return
            await asyncio.sleep(_PAUSE_S)

    async def leave_list(self, deal: DealId) -> Sequence[LeaveView]:
        """Every leave of a deal, newest first."""
        view = deal_of(self._r, deal)
        found = await self._r.store.read(lambda tx: rows.of_deal(tx, deal))
        return [await leave_shown.shown(self._r, view, leave) for leave in found]

    async def leave_show(self, deal: DealId, person: PersonId) -> LeaveView:
        """Somebody's last leave."""
        return await self._leave_view(deal, person, None)

    async def _leave_view(self, deal: DealId, person: PersonId, began: Began | None) -> LeaveView:
        view = deal_of(self._r, deal)
        leave = await self._last_leave(view, person)
        return await leave_shown.shown(self._r, view, leave, began)

    async def _last_leave(self, deal: DealView, person: PersonId) -> Leave:
        found = await self._r.store.read(lambda tx: rows.newest(tx, deal.deal_id, person))
        if found is None:
            raise Missing(
                f"{(await self._leaver(deal, person)).name} has not left this deal",
                then="wallcross leave status",
            )
        return found

    async def leave_proof(
        self, deal: DealId, person: PersonId, *, actor: str
    ) -> AsyncIterator[bytes]:
        """The signed proof of somebody's last leave, as a tar archive."""
        shown = await self._leave_view(deal, person, None)
        async for piece in leave_proof.pieces(self._r, deal_of(self._r, deal), shown, actor=actor):
            yield piece

    async def leave_undo(self, deal: DealId, person: PersonId, *, actor: str) -> LeaveView:
        """Brings somebody back whom two people want back, in time."""
        view = deal_of(self._r, deal)
        leave = await self._last_leave(view, person)
        self._check_undo(view, leave)
        plan = Plan(RETURN, {"person": person, "leave": leave.leave_id})
        rule, lasts = return_rule(view, listed(view, person)), until(leave) - self._r.now()
        request = await self._r.store.write(
            lambda tx: self._asked(tx, view, plan, rule, actor, lasts)
        )
        if request is not None:
            raise waits(
                request,
                f"bringing {listed(view, person).name} back waits for two others to agree",
                still="He stays out; nothing is sent to him.",
            )
        if not view.made_up:
            raise Refused(
                "two people must sign to bring somebody back, and the deal is not founded",
                still="He stays out; nothing is sent to him.",
                then="wallcross deal found",
            )
        await self.bring_back(view, leave, actor=actor)
        return await self._leave_view(deal, person, None)

    def _check_undo(self, deal: DealView, leave: Leave) -> None:
        """Whether it may still be undone. Raises: Refused."""
        if leave.person not in deal.persons.left or leave.state == rows.UNDONE:
            raise Refused("he is not out", still="Nothing was changed.")
        if not leave_shown.undoable(leave, self._r.now()):
            raise Refused(
                "it is too late to undo this",
                still="He stays out; his keys are withdrawn.",
                then="list him anew in the roster, under a new id, and cross him again",
            )
        if not self._unchanged(leave):
            raise Refused(
                "his devices or keys are not what they were when he left",
                still="He stays out.",
                then="list him anew in the roster, under a new id, and verify his keys",
            )

    def _unchanged(self, leave: Leave) -> bool:
        out = {KeyState.REVOKED, KeyState.COMPROMISED}
        for place, devices in leave.devices.items():
            name, _, account = place.partition("/")
            known = self._r.keyring.known((ConnectorName(name), AccountId(account)))
            now = {k.device.device: k.device.key for k in known if k.state not in out}
            if now != devices:
                return False
        return True

    async def bring_back(
        self, deal: DealView, leave: Leave, *, actor: str, approved: Approved | None = None
    ) -> None:
        """Undoes a leave, once whoever must agree has agreed.

        Raises:
            Refused: it may not be undone any more.
        """
        self._check_undo(deal, leave)
        at = self._r.now()

        def unit(tx: Tx) -> None:
            if approved is not None:
                approved.finish(tx, at)
            if not rows.end(tx, leave, rows.UNDONE, at):
                raise Refused("he is not out", still="Nothing was changed.")
            state_person(
                tx, deal.deal_id, Kind.PERSON_RETURNED, leave.person, at=at, actor=actor,
                leave=leave.leave_id,
                request=approved.request_id if approved is not None else None,
            )  # fmt: skip
            close_findings(tx, deal.deal_id, LATE, leave.person, at)

        await self._r.store.write(unit)
        await self._r.book.reload(self._r.store, deal.deal_id)
        await self._trust_again(leave)

    async def _trust_again(self, leave: Leave) -> None:
        """Has each network's own store trust again what was verified before he left."""
        acts = await self._r.store.read(lambda tx: rows.acts_of(tx, leave.leave_id))
        for act in (a for a in acts if a.kind == rows.KEY and a.seen_at is not None):
            network = self._r.connectors.get(act.connector)
            key = leave.devices[f"{act.connector}/{act.account}"][act.subject]
            if network is None or not isinstance(network, VerifiesPeers):
                continue
            try:
                await network.trust(act.account, Device(DeviceId(act.subject), key))
            except ConnectorError as error:
                raise Failed(
                    f"{act.connector} did not take his key again ({error.code})",
                    still="He is back; nothing is sealed to that device.",
                    then="wallcross key verify, once the channel answers",
                ) from None

    async def person_lost(
        self, deal: DealId, person: PersonId, device: str, *, actor: str
    ) -> LostView:
        """Takes a lost device out for good; rooms that demanded verified ones stand still."""
        view = deal_of(self._r, deal)
        before = _standing(view)
        key = await Keys(self._r).key_mark(deal, person, device, "revoke", actor=actor)
        after = deal_of(self._r, deal)
        paused = _standing(after) - before
        names = {cid: c.label for cid, c in after.conversations.items()}
        return LostView(
            person=person,
            channel=key.connector,
            device=key.device,
            state=key.state,
            paused=tuple(sorted({names[cid] for cid, _ in paused})),
        )


def until(leave: Leave) -> int:
    """Until when a leave may be undone, microseconds UTC."""
    return leave.began_at + UNDO_FOR


def return_rule(deal: DealView, person: Person) -> Rule:
    """Two others; one of the other party, or counsel, where it opens VALUATION to him again."""
    adopted = deal.adopted if deal.adopted is not None else deal.roster
    return back_rule(adopted, person.person_id)


async def return_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Brings somebody back whom enough people want back; of the leave that they signed for."""
    view, person = deal_of(runtime, deal), PersonId(str(body["person"]))
    leave = await runtime.store.read(lambda tx: rows.newest(tx, deal, person))
    if leave is None or leave.leave_id != body["leave"]:
        raise Refused("he left once more since", still="He stays out.")
    await Leaves(runtime).bring_back(view, leave, actor=approved.actor, approved=approved)


async def leave_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Takes somebody out whom enough people want out; it is tried on by itself."""
    view = deal_of(runtime, deal)
    person = listed(view, PersonId(str(body["person"])))
    reason = str(body["reason"])
    await runtime.leaving.begin(view, person, reason, actor=approved.actor, approved=approved)


def _standing(deal: DealView) -> set[tuple[ConversationId, Place]]:
    """Conversations and places of rooms that stand still."""
    return {(b.conversation_id, b.place) for r in deal.rooms.values() for b in r if b.paused}
