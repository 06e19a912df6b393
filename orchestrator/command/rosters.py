"""A roster's history, its reviews, the deal's phase, and who might see what at an instant.

Rules kept here:

1. The past is answered from the records alone (``orchestrator.deals.past``, ``rooms.presence``).
2. A phase that gives anybody anything takes, in a founded deal, two people; one that only takes
   away, or changes nothing of who may read, takes one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded, waits
from orchestrator.audit.body import Json
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client import rosters as views
from orchestrator.client.problems import Missing, Refused
from orchestrator.command.adopting import check_draft
from orchestrator.command.conversations import deal_of, ever_of, over
from orchestrator.command.reviews import OVERDUE, due_at
from orchestrator.command.runtime import Runtime
from orchestrator.deals.agreed_phase import PHASE, roster_rule
from orchestrator.deals.findings import close_findings
from orchestrator.deals.past import Past, read_past
from orchestrator.deals.persons import state_person
from orchestrator.rooms.presence import Present, presence
from orchestrator.roster.adoption import AdoptionRefused, document_of, history, in_force
from orchestrator.roster.document import from_document
from orchestrator.roster.phase import closed_at, phase_of, state_phase
from orchestrator.roster.read import RosterInvalid
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import DealId, PersonId
from tiers.people import Phase, Roster
from tiers.roster_change import gains, losses, widens

SHORTEST = 6
"""Digits by which a roster may be named."""


class Rosters:
    """Implements ``orchestrator.api.port.RosterAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def deal_phase(self, deal: DealId, phase: Phase, *, actor: str) -> bool:
        """Puts a deal into a phase; returns whether it was in another.

        Raises:
            Waits: somebody would read more in it, and the deal is founded.
        """
        at = self._r.now()
        done = await self._r.store.write(lambda tx: _phase_or_ask(tx, deal, phase, at, actor))
        if isinstance(done, str):
            still = "The deal stays in its phase."
            raise waits(done, f"{phase.value} gives people more to read: it waits", still)
        await self._r.book.reload(self._r.store, deal)
        return done

    async def roster_history(self, deal: DealId) -> Sequence[views.HistoryRow]:
        """Every adoption, phase and review of a deal, newest first."""
        return await self._r.store.read(lambda tx: sorted(_history(tx, deal), key=_newest))

    async def roster_once(self, deal: DealId, name: str) -> str:
        """The document of a roster that was adopted once, by its hash or the beginning of it."""

        def read(tx: Tx) -> str:
            known = dict.fromkeys(digest for _, digest, _ in history(tx, deal, "roster"))
            found = [digest for digest in known if digest.startswith(name)]
            if len(name) < SHORTEST or len(found) != 1:
                raise Missing(f"no roster of that hash: {name}", then="wallcross roster history")
            return document_of(tx, deal, "roster", found[0])

        try:
            return await self._r.store.read(read)
        except AdoptionRefused as error:
            raise Refused(str(error), then="wallcross audit verify") from None

    async def roster_review(self, deal: DealId, by: PersonId, *, actor: str) -> views.ReviewView:
        """Records that a person looked through who may see what, as it is in force."""
        view, at = deal_of(self._r, deal), self._r.now()
        if view.roster.person(by) is None or by in view.persons.left | view.persons.paused:
            raise Missing(f"{by} is nobody of this deal now", then="wallcross roster show")

        def unit(tx: Tx) -> None:
            reviewed = {"roster": view.roster_hash, "phase": view.phase.value}
            state_person(tx, deal, Kind.PERSON_REVIEWED, by, at=at, actor=actor, **reviewed)
            close_findings(tx, deal, OVERDUE, deal, at)

        await self._r.store.write(unit)
        next_by = due_at(at, view.policy)
        return views.ReviewView(by=by, at=at, hash=view.roster_hash, next_by=next_by)

    async def could_see(
        self, deal: DealId, person: PersonId, at: int, known_at: int | None
    ) -> views.CouldSee:
        """What a person might see at an instant, and where he was, from the records."""
        past, stays = await self._past(deal, at, known_at)
        known = at if known_at is None else known_at
        view = deal_of(self._r, deal)
        conversations = (*view.conversations.values(), *view.closed.values())
        there = [c for c in conversations if past and c.conversation_id in past.made]
        who = past.adopted.person(person) if past else None
        return views.CouldSee(
            person=person,
            name=None if who is None else who.name,
            at=at,
            known_at=known,
            **_when(past),
            whole=not self._r.book.record.flaws,
            listed=who is not None,
            barred=() if past is None or who is None else past.standing(who),
            held=() if past is None else tuple(_held(past, person)),
            conversations=tuple(
                views.Conversed(
                    **_place(c),
                    might=past is not None and past.might(person, c),
                    because=() if past is None else past.why(person, c),
                    was_in=tuple(_stays(stays, c, person)),
                )
                for c in there
            ),
        )

    async def who_could_see(
        self, deal: DealId, name: str, at: int, known_at: int | None
    ) -> views.WhoCouldSee:
        """Who might read a conversation at an instant, and who was in it, from the records."""
        found = ever_of(deal_of(self._r, deal), name)
        past, stays = await self._past(deal, at, known_at)
        return views.WhoCouldSee(
            **_place(found),
            at=at,
            known_at=at if known_at is None else known_at,
            **_when(past),
            whole=not self._r.book.record.flaws,
            readers=tuple(_readers(past, stays, found)),
        )

    async def _past(
        self, deal: DealId, at: int, known_at: int | None
    ) -> tuple[Past | None, list[Present]]:
        known = at if known_at is None else known_at

        def read(tx: Tx) -> tuple[Past | None, list[Present]]:
            stays = [s for s in presence(tx, deal) if s.obtained_at <= min(at, known)]
            there = [s for s in stays if s.ceased_at is None or s.ceased_at > min(at, known)]
            return read_past(tx, deal, at, known), there

        try:
            return await self._r.store.read(read)
        except AdoptionRefused as error:
            raise Refused(str(error), then="wallcross audit verify") from None


def _phase_or_ask(tx: Tx, deal: DealId, phase: Phase, at: int, actor: str) -> bool | str:
    """States a phase (True), finds that it is that one already, or asks and gives the request."""
    entries = stated(tx, deal)
    before = phase_of(entries)
    if before is phase:
        return False
    if closed_at(entries) is not None:
        raise over()
    adopted = in_force(tx, deal, "roster")
    if adopted is not None:
        roster = from_document(adopted.document)
        then, now = roster.in_phase(before), roster.in_phase(phase)
        gives = widens(then, now)
        if gives and not founded(tx, deal):
            check_draft(tx, deal)
        elif gives:
            seen: dict[str, Json] = {"before": before.value, "roster": adopted.hash}
            plan = Plan(PHASE, {"phase": phase.value, **seen})
            return ask(tx, deal, plan, rule=roster_rule(then, now), at=at, actor=actor)
    state_phase(tx, deal, before, phase, at=at, actor=actor)
    return True


async def phase_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Puts a deal into the phase that people agreed to, from the one that they saw it in."""
    at = runtime.now()

    def unit(tx: Tx) -> None:
        entries, adopted = stated(tx, deal), in_force(tx, deal, "roster")
        before = phase_of(entries)
        if closed_at(entries) is not None:
            raise over()
        seen = (body["before"], body["roster"])
        if adopted is None or (before.value, adopted.hash) != seen:
            raise NotAllowed("another phase or roster is in force than was agreed to: ask again")
        approved.finish(tx, at)
        phase = Phase(str(body["phase"]))
        state_phase(
            tx, deal, before, phase, at=at, actor=approved.actor, request=approved.request_id
        )

    await runtime.store.write(unit)
    await runtime.book.reload(runtime.store, deal)


def _history(tx: Tx, deal: DealId) -> Iterator[views.HistoryRow]:
    yield from _adoptions(tx, deal)
    for entry in stated(tx, deal):
        if entry.kind == Kind.DEAL_PHASE:
            phase, digest, by = entry.body["phase"], None, None
        elif entry.kind == Kind.PERSON_REVIEWED:
            phase, digest, by = entry.body["phase"], entry.body["roster"], entry.body["person"]
        else:
            continue
        yield views.HistoryRow(
            at=entry.at,
            what="phase" if by is None else "reviewed",
            actor=_actor(tx, deal, entry.n),
            hash=digest,
            phase=phase,
            by=by,
            gained=0,
            lost=0,
        )


def _adoptions(tx: Tx, deal: DealId) -> Iterator[views.HistoryRow]:
    before: Roster | None = None
    for at, digest, actor in reversed(history(tx, deal, "roster")):
        after = _readable(document_of(tx, deal, "roster", digest))
        yield views.HistoryRow(
            at=at,
            what="adopted",
            actor=actor,
            hash=digest,
            phase=None,
            by=None,
            gained=len(gains(before, after)),
            lost=len(losses(before, after)),
        )
        before = after


def _readable(document: str) -> Roster | None:
    """A roster as it was adopted; None: by a build whose form this one does not read."""
    try:
        return from_document(document)
    except RosterInvalid:
        return None


def _newest(row: views.HistoryRow) -> int:
    return -row.at


def _actor(tx: Tx, deal: DealId, n: int) -> str:
    (entry,) = tx.all("SELECT entry FROM audit WHERE deal_id = ? AND n = ?", (deal, n))
    return str(json.loads(entry[0])["actor"])


def _when(past: Past | None) -> dict[str, Any]:
    return {
        "roster_hash": None if past is None else past.adoption.hash,
        "adopted_at": None if past is None else past.adoption.at,
        "phase": None if past is None else past.phase.value,
    }


def _place(found: Conversation) -> dict[str, Any]:
    return {
        "conversation_id": found.conversation_id,
        "label": found.label,
        "floor": found.floor.value,
        "compartment": found.compartment,
        "side": found.side,
    }


def _held(past: Past, person: PersonId) -> Iterator[views.Held]:
    for held, bar, because in past.holding(person):
        yield views.Held(
            compartment=held.grant.compartment,
            highest=held.grant.highest.value,
            because=because,
            barred=bar,
        )


def _stays(
    stays: Iterable[Present], made: Conversation, person: PersonId | None
) -> Iterator[views.Stay]:
    for stay in stays:
        if stay.conversation_id == made.conversation_id and stay.person_id == person:
            yield _stay(stay)


def _stay(stay: Present) -> views.Stay:
    return views.Stay(
        channel=stay.connector,
        room=stay.room,
        account=stay.account,
        obtained_at=stay.obtained_at,
        ceased_at=stay.ceased_at,
    )


def _readers(past: Past | None, stays: list[Present], made: Conversation) -> Iterator[views.Reader]:
    here = [s for s in stays if s.conversation_id == made.conversation_id]
    inside = {s.person_id for s in here if s.person_id is not None}
    people = past.adopted.people if past is not None else ()
    for person in people:
        who = person.person_id
        might = past is not None and past.might(who, made)
        if not (might or who in inside):
            continue
        yield views.Reader(
            person=who,
            name=person.name,
            side=person.side,
            might=might,
            because=() if past is None else past.why(who, made),
            was_in=tuple(_stays(here, made, who)),
        )
    listed = {p.person_id for p in people}
    for stay in (s for s in here if s.person_id not in listed):
        yield views.Reader(
            person=stay.person_id,
            name=None,
            side=None,
            might=False,
            because=("was not on the list",),
            was_in=(_stay(stay),),
        )
