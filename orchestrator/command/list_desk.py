"""The list changed at the desk: shown first, then exactly what was shown, by two where it gives.

Rules kept here:

1. A change is shown with the hash of the list that it makes. What is carried out has that hash and
   stands on the list that was in force then, or nothing is done.
2. What gives waits for the signatures that the deal demands; in a deal that is not founded nobody
   who may only ask changes anything.
3. Nothing is dated back: a change counts from now, or later.
4. Whoever may only ask learns nothing of who is on the list: the id of somebody new is made here,
   and he names no account.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from secrets import token_hex

from orchestrator.approvals.errors import NotAllowed
from orchestrator.approvals.requests import founded
from orchestrator.client import card as views
from orchestrator.client.folding import folded
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.clock import MINUTE
from orchestrator.command.adopting import adopt_or_ask
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.roster.adoption import AdoptionRefused, in_force
from orchestrator.roster.changes import Change, changes
from orchestrator.roster.document import document_hash, from_document, to_document
from orchestrator.roster.edit import STILL, Move, added, as_compartment, moved, new_grant
from orchestrator.roster.read import RosterInvalid
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId, PersonId, SideId
from tiers.people import Person, Profile, Roster, Span
from tiers.rights import Act, Right, Scope, Viewer
from tiers.roster_change import widens
from tiers.tier import Tier

_SHOWN_FOR = 15 * MINUTE
"""For how long what was shown may be asked for."""
_MADE = 6
_OURS = re.compile(rf"[a-z0-9][a-z0-9._-]*\.[0-9a-f]{{{_MADE}}}")
"""Ids that are made here: nobody can tell from one who is listed."""
_NO_ID = re.compile(r"[^a-z0-9]+")
_AGAIN = "look at the change again, and then ask for it"


class ListDesk:
    """Implements ``orchestrator.api.port_memberships.ListAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def list_parts(self, deal: DealId, viewer: Viewer) -> views.ListParts:
        """Sides, compartments and channels that the viewer may have somebody listed with."""
        view = deal_of(self._r, deal)
        listed, me = view.adopted or view.roster, viewer.person(deal)
        gives = _gives(viewer, deal)
        grants = listed.grants if gives else [g for g in listed.grants if g.person_id == me]
        return views.ListParts(
            sides=tuple((side.side_id, side.name) for side in listed.sides),
            compartments=tuple(sorted({"deal", *(g.compartment for g in grants)})),
            channels=tuple(sorted(self._r.settings.config.channels)) if gives else (),
        )

    async def person_access(
        self, deal: DealId, person: PersonId, change: views.AccessChange, *, actor: str
    ) -> views.AccessView:
        """Shows, or makes, a change of what somebody may see. Raises: Missing, Refused, Wrong."""
        at = self._list_instant(change.at)
        move = Move(
            at,
            compartment=None if change.compartment is None else as_compartment(change.compartment),
            highest=None if change.highest is None else Tier(change.highest),
            out=change.highest is None,
            until=change.until,
        )

        def edit(roster: Roster) -> Roster:
            held = any(
                g.person_id == person
                and g.compartment == (change.compartment or g.compartment)
                and (g.span.end is None or g.span.end > at)
                for g in roster.grants
            )
            who = roster.person(person)
            if held or who is None or change.highest is None:
                return moved(roster, person, move)
            span = Span(at, change.until)
            place = change.compartment or "deal"
            grant = new_grant(person, place, Tier(change.highest), span, None)
            return added(roster, who, [grant], ())

        return await self._list_change(deal, edit, at, change.shown, actor)

    async def person_add(
        self, deal: DealId, new: views.NewPerson, viewer: Viewer
    ) -> views.AccessView:
        """Shows, or asks for, somebody new on the list. Raises: Missing, Refused, Wrong."""
        at, who = self._list_instant(new.at), _id_of(new, gives=_gives(viewer, deal))
        view = deal_of(self._r, deal)
        if (view.adopted or view.roster).person(who) is not None:
            raise Refused("Somebody of that id is on the list already", still=STILL)
        if not _gives(viewer, deal) and not await self._list_founded(deal):
            raise Refused(
                "Nobody can agree to it yet: this deal is not founded",
                still=STILL,
                then="tell the deal's owner",
            )
        accounts = {ConnectorName(c): AccountId(a) for c, a in new.accounts.items()}
        organisational = Profile.ORGANISATIONAL
        person = Person(who, new.name, SideId(new.side), new.role, organisational, accounts)
        grants = []
        if new.highest is not None:
            span = Span(at, new.until)
            grants.append(new_grant(who, new.compartment, Tier(new.highest), span, None))
        found = await self._list_change(
            deal, lambda r: added(r, person, grants, ()), at, new.shown, viewer.actor
        )
        return replace(found, person=who)

    async def _list_founded(self, deal: DealId) -> bool:
        return await self._r.store.read(lambda tx: founded(tx, deal))

    def _list_instant(self, at: int | None) -> int:
        now = self._r.now()
        if at is None:
            return now
        if at < now - _SHOWN_FOR:
            raise Wrong("That was shown too long ago", still=STILL, then=_AGAIN)
        return at

    async def _list_change(
        self,
        deal: DealId,
        edit: Callable[[Roster], Roster],
        at: int,
        shown: str | None,
        actor: str,
    ) -> views.AccessView:
        view = deal_of(self._r, deal)

        def unit(tx: Tx) -> views.AccessView:
            found = in_force(tx, deal, "roster")
            if found is None:
                raise Missing("No list is in force", still=STILL)
            before = from_document(found.document)
            after = edit(before)
            document = to_document(after)
            told = _told(view, before, after, document_hash(document), at)
            if shown is None:
                return told
            if shown != told.hash:
                raise Refused("The list has changed since", still=STILL, then=_AGAIN)
            made = adopt_or_ask(tx, deal, "roster", document, at=self._r.now(), actor=actor)
            request = made if isinstance(made, str) else None
            return replace(told, request=request, done=request is None)

        try:
            work = self._r.store.read if shown is None else self._r.store.write
            answer = await work(unit)
        except (AdoptionRefused, NotAllowed, RosterInvalid) as error:
            raise Refused(str(error), still=STILL) from None
        if answer.done:
            await self._r.book.reload(self._r.store, deal)
        return answer


def _gives(viewer: Viewer, deal: DealId) -> bool:
    """Whether somebody changes the list, as far as others agree; else he may ask at most."""
    whole = viewer.sees(deal, Right.ADD, Scope.ALL)
    return whole and viewer.may(deal, Right.ADD, Act.SECOND, own=False)


def _id_of(new: views.NewPerson, *, gives: bool) -> PersonId:
    """The id of somebody new: as given, or made here where the asker sees no list.

    Raises:
        Wrong: it is none that was made here, or an account is named.
    """
    if gives and new.person:
        return PersonId(new.person)
    if not new.person:
        words = _NO_ID.sub(".", folded(new.name)).strip(".")[:40]
        return PersonId(f"{words or 'person'}.{token_hex(_MADE // 2)}")
    if not _OURS.fullmatch(new.person) or new.accounts:
        raise Wrong("The id of somebody new is made here, and he names his accounts", still=STILL)
    return PersonId(new.person)


def _told(deal: DealView, before: Roster, after: Roster, digest: str, at: int) -> views.AccessView:
    return views.AccessView(
        lines=tuple(_lines(deal, after, changes(before, after))),
        person="",
        hash=digest,
        takes_two=widens(before, after),
        request=None,
        done=False,
        at=at,
    )


def _lines(deal: DealView, after: Roster, found: list[Change]) -> Iterator[views.AccessLine]:
    for each in found:
        who = after.person(PersonId(each.subject)) or deal.roster.person(PersonId(each.subject))
        yield views.AccessLine(
            change=each.change,
            name=who.name if who is not None else each.subject,
            compartment=each.compartment,
            highest=each.highest,
            since=each.since,
            until=each.until,
            told=each.told,
        )
