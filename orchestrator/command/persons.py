"""People in trouble: paused at once by one, given access back by as many as the deal takes.

Rules kept here:

1. Whatever takes away is done at once. In a founded deal a resumption waits for another person's
   signature; what he signs over is this person and how often he was paused, so that an agreement
   to one resumption is none to the next.
2. Nothing here opens a key: a person who comes back reads what his verified keys read.
"""

from collections.abc import Mapping, Sequence

from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded, waits
from orchestrator.approvals.standing import RESUME
from orchestrator.audit.body import Json
from orchestrator.client import trouble
from orchestrator.client.problems import Refused, Wrong
from orchestrator.command.conversations import deal_of
from orchestrator.command.people import listed
from orchestrator.command.runtime import Runtime
from orchestrator.deals.agreed_phase import back_rule
from orchestrator.deals.book import DealView
from orchestrator.deals.callback import CALL_BACK
from orchestrator.deals.lapsing import span_of
from orchestrator.rooms.distress import REASONS, Helped
from orchestrator.roster.adoption import in_force
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import DealId, PersonId
from tiers.people import Person

_UNTOLD = "tell the deal's owners yourself: nobody was told this time"


class Persons:
    """Implements ``orchestrator.api.port.TroubleAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def person_pause(
        self, deal: DealId, person: PersonId, reason: str, *, actor: str
    ) -> trouble.TroubleView:
        """Clears a person for nothing in one deal, at once."""
        view, who = self._named(deal, person)
        if reason not in REASONS:
            raise Wrong(
                f"{reason} is no reason that is known",
                still="Nothing was changed.",
                then=f"one of: {', '.join(REASONS)}",
            )
        helped = await self._r.distress.pause(view, who, reason, actor=actor)
        return _view(who, "paused", helped, (f"wallcross person resume {person}",))

    async def person_resume(
        self, deal: DealId, person: PersonId, *, actor: str
    ) -> trouble.TroubleView:
        """Gives a person back what the roster grants him, once as many agree as it takes."""
        view, who = self._named(deal, person)
        if person not in view.persons.paused:
            raise Refused(f"{who.name} is not paused", still="Nothing was changed.")
        request = await self._r.store.write(lambda tx: self._resumption(tx, view, who, actor))
        if request is not None:
            raise waits(
                request,
                f"giving {who.name} access back waits for the signature of somebody else",
                still="He is paused; nothing is sent to rooms that he reads.",
            )
        await self._r.distress.resume(view, who, actor=actor)
        then = (f"wallcross person devices {person}",)
        return _view(who, "as the roster says", Helped((view.code,), 0, 0, ()), then)

    def _resumption(self, tx: Tx, deal: DealView, person: Person, actor: str) -> str | None:
        """The request to be signed; None where the deal was never founded."""
        if not founded(tx, deal.deal_id):
            return None
        plan, rule = plan_of(tx, deal, person.person_id), _rule(deal, person)
        return ask(tx, deal.deal_id, plan, rule=rule, at=self._r.now(), actor=actor)

    async def person_phished(
        self, deal: DealId, person: PersonId, *, actor: str
    ) -> trouble.TroubleView:
        """Takes a person for taken over: paused everywhere, keys out, contacts told."""
        view, who = self._named(deal, person)
        helped = await self._r.distress.phished(view, who, heard_on=None, actor=actor)
        then = (
            *(() if helped.told else (_UNTOLD,)),
            CALL_BACK,
            "have him sign out every other device, and say which of his accounts it was",
            f"then a new key: wallcross person verify {person} --by A --by B --words …",
            f"then: wallcross person resume {person}",
        )
        return _view(who, "paused", helped, then)

    async def person_new_phone(
        self, deal: DealId, person: PersonId, *, actor: str
    ) -> trouble.TroubleView:
        """Notes that a person's next key will be another; nothing is opened."""
        view, who = self._named(deal, person)
        helped = await self._r.distress.new_phone(view, who, heard_on=None, actor=actor)
        then = (
            *(() if helped.told else (_UNTOLD,)),
            CALL_BACK,
            f"once it is seen: wallcross person verify {person} --by A --by B --words …",
            "where the old one stays on his account: --replaces DEVICE, in the same ceremony",
        )
        return _view(who, "as before", helped, then)

    async def person_call_back(self, deal: DealId, person: PersonId) -> trouble.CallBackView:
        """How to ask a person back. We keep no number; an own directory has one."""
        view, who = self._named(deal, person)
        at, lasts = self._r.now(), span_of(view.policy)
        keys = [
            f"{name} {known.device.device} ({known.state.value})"
            for name, account in sorted(who.accounts.items())
            for known in self._r.keyring.worth((name, account), at, lasts)
        ]
        found = await self._r.store.read(lambda tx: in_force(tx, deal, "roster"))
        return trouble.CallBackView(
            person=who.person_id,
            name=who.name,
            where=CALL_BACK,
            listed_since=found.at if found is not None else None,
            roster=view.roster_hash,
            ask=tuple(keys),
        )

    def _named(self, deal: DealId, person: PersonId) -> tuple[DealView, Person]:
        view = deal_of(self._r, deal)
        return view, listed(view, person)


async def resume_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Gives somebody access back whom enough people want back; of the pause that they signed for.

    Raises:
        Refused: he was paused once more since, or is not paused.
    """
    view, person = deal_of(runtime, deal), PersonId(str(body["person"]))
    who = listed(view, person)

    def agreed(tx: Tx, at: int) -> None:
        if plan_of(tx, view, person).body != dict(body) or person not in view.persons.paused:
            raise Refused("he was paused once more since", still="He stays paused.")
        approved.finish(tx, at)

    await runtime.distress.resume(view, who, actor=approved.actor, also=agreed)


def plan_of(tx: Tx, deal: DealView, person: PersonId) -> Plan:
    """What people sign who give a person access back: him, and which of his pauses it ends."""
    sql = "SELECT count(*) FROM audit WHERE deal_id = ? AND instr(entry, ?) AND instr(body, ?)"
    said = f'"person":"{person}"'.encode()
    row = tx.one(sql, (deal.deal_id, b'"person.paused"', said))
    return Plan(RESUME, {"person": person, "pause": row[0] if row is not None else 0})


def _rule(deal: DealView, person: Person) -> Rule:
    """Two others; one of the other party, or counsel, where it opens VALUATION to him."""
    adopted = deal.adopted if deal.adopted is not None else deal.roster
    return back_rule(adopted, person.person_id)


def _view(person: Person, stands: str, helped: Helped, then: Sequence[str]) -> trouble.TroubleView:
    return trouble.TroubleView(
        person=person.person_id,
        stands=stands,
        deals=helped.deals,
        rooms=helped.rooms,
        keys=helped.keys,
        told=tuple(helped.told),
        then=tuple(then),
    )
