"""A person in one screen: his side, what he may see, where he sits, and what ails it.

Rule kept here: what is told is what decisions rest on. Where his standing takes something away,
that is said beside it, and why.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.client import people
from orchestrator.client.problems import Missing
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.crossing import NEVER, Stand, counts_until, stand
from orchestrator.deals.lapsing import span_of
from orchestrator.rooms.presence import Present, presence
from orchestrator.store.unit import Tx
from tiers.ids import ConnectorName, ConversationId, DealId, PersonId
from tiers.people import Grant, Person, Roster, Side


def listed(deal: DealView, person: PersonId) -> Person:
    """A person of a deal, with every account that counts as his. Raises: Missing."""
    found = deal.roster.person(person)
    if found is None:
        raise Missing(f"nobody of the id {person} is on this deal", then="wallcross roster show")
    return found


def side_of(deal: DealView, person: Person) -> Side:
    """The side that a person is of; a roster lists each."""
    return next(side for side in deal.roster.sides if side.side_id == person.side)


class People:
    """Implements ``orchestrator.api.port.PersonAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def person_list(self, deal: DealId) -> Sequence[people.PersonView]:
        """Everybody of a deal, in the roster's order."""
        view = deal_of(self._r, deal)
        facts = await self._r.store.read(lambda tx: _facts(tx, view, None))
        return [self._view(view, who, facts) for who in view.roster.people]

    async def person_show(self, deal: DealId, person: PersonId) -> people.PersonView:
        """One person of a deal."""
        view = deal_of(self._r, deal)
        who = listed(view, person)
        return self._view(view, who, await self._r.store.read(lambda tx: _facts(tx, view, person)))

    def as_listed(self, view: DealView, who: Person) -> people.PersonView:
        """A person as the list and his standing have him: neither seats nor findings are read."""
        return self._view(view, who, _Facts({}, {}, {}))

    def _view(self, view: DealView, who: Person, facts: "_Facts") -> people.PersonView:
        person, side, at = who.person_id, side_of(view, who), self._r.now()
        return people.PersonView(
            person=who.person_id,
            name=who.name,
            side=side.side_id,
            side_name=side.name,
            party=side.party.value,
            role=who.role,
            profile=who.profile.value,
            notice=_notice(view, who),
            paused=person in view.persons.paused,
            left=person in view.persons.left,
            barred=tuple(_barred(view, who, at)),
            sees=tuple(_grant(view, h.grant, at) for h in _adopted(view).held_by(person)),
            seats=tuple(_seats(view, who, facts)),
            accounts=tuple(self._accounts(view, who)),
            findings=tuple(_findings(who, facts)),
        )

    def _accounts(self, deal: DealView, person: Person) -> Iterable[people.AccountView]:
        known, lasts = _adopted(deal).person(person.person_id), span_of(deal.policy)
        for name, account in sorted(person.accounts.items()):
            keys = self._r.keyring.worth((name, account), self._r.now(), lasts)
            states = Counter(k.state.value for k in keys)
            until = deal.roster.attested.get((name, account))
            proved = "proved" if until is None else "attested"
            by = "roster" if known is not None and name in known.accounts else proved
            yield people.AccountView(
                channel=name, account=account, by=by, keys=dict(states), until=until
            )


def _adopted(deal: DealView) -> Roster:
    return deal.adopted if deal.adopted is not None else deal.roster


def _grant(deal: DealView, grant: Grant, at: int) -> people.GrantView:
    place = grant.person_id, grant.compartment
    stands = deal.roster.may_see(*place, grant.highest, at) and grant.span.holds(at)
    return people.GrantView(
        compartment=grant.compartment,
        highest=grant.highest.value,
        since=grant.span.start,
        until=grant.span.end,
        counts=stands and not deal.roster.walled_off(*place, at),
    )


_WHY = {
    Stand.TO_AGREE: "his control room has not agreed yet",
    Stand.TO_CROSS: "he was not crossed yet",
    Stand.CROSSED: "he has not acknowledged his side's notice",
    Stand.CLEANSED: "he was cleansed",
}


def where(deal: DealView, person: Person) -> Stand:
    """Where a person stands with his side's notice."""
    crossing = deal.persons.crossings.get(person.person_id, NEVER)
    return stand(crossing, deal.demands[person.side])


def _barred(deal: DealView, person: Person, at: int) -> Iterable[str]:
    if person.person_id in deal.persons.left:
        yield "he left the deal"
    if person.person_id in deal.persons.paused:
        yield "he is paused"
    standing = where(deal, person)
    if standing in _WHY:
        yield _WHY[standing]
    until = _until(deal, person)
    if until is not None and at >= until:
        yield "the notice's wording changed, and he has not acknowledged the new one"


def _until(deal: DealView, person: Person) -> int | None:
    """Until when his acknowledgement of an earlier wording counts; None: it is not about that."""
    crossing = deal.persons.crossings.get(person.person_id, NEVER)
    return counts_until(crossing, deal.demands[person.side], deal.policy.notice_grace)


def _notice(deal: DealView, person: Person) -> people.NoticeView:
    crossing = deal.persons.crossings.get(person.person_id, NEVER)
    wording = deal.demands[person.side].notice
    return people.NoticeView(
        stands=where(deal, person).value,
        wording=wording,
        agreed_at=crossing.agreed_at,
        agreed_by=crossing.agreed_by,
        crossed_at=crossing.crossed_at,
        acknowledged_at=crossing.acknowledged.get(wording or ""),
        counts_until=_until(deal, person),
        cleansed_at=crossing.cleansed_at,
        cleansed_because=crossing.cleansed_because,
    )


Sitting = tuple[str, str, str]
"""Conversation, channel and room."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the tables have about people, read once for all of them.

    Attributes:
        asked: by person, when he was asked into each room.
        seen: by person, where a reading shows him.
        findings: by subject, what is open.
    """

    asked: Mapping[str, Mapping[Sitting, int]]
    seen: Mapping[str, Mapping[Sitting, Present]]
    findings: Mapping[str, Sequence[people.OpenFinding]]


def _facts(tx: Tx, deal: DealView, person: PersonId | None) -> _Facts:
    """What there is of a deal's people, or of one."""
    asked: dict[str, dict[Sitting, int]] = defaultdict(dict)
    for who, cid, name, room, since in tx.all(
        "SELECT s.person_id, s.conversation_id, s.connector, s.room, s.since FROM seat s "
        "JOIN conversation c USING (conversation_id) "
        "WHERE c.deal_id = ?1 AND (?2 IS NULL OR s.person_id = ?2) "
        "ORDER BY s.since, s.conversation_id",
        (deal.deal_id, person),
    ):
        asked[who][cid, name, room] = since
    seen: dict[str, dict[Sitting, Present]] = defaultdict(dict)
    for stay in presence(tx, deal.deal_id):
        if stay.ceased_at is None and stay.person_id is not None:
            place = stay.conversation_id, str(stay.connector), str(stay.room)
            seen[stay.person_id][place] = stay
    return _Facts(asked, seen, _open(tx, deal))


def _open(tx: Tx, deal: DealView) -> Mapping[str, Sequence[people.OpenFinding]]:
    found: dict[str, list[people.OpenFinding]] = defaultdict(list)
    for subject, rule, severity, reasons, remedy, first_seen in tx.all(
        "SELECT subject, rule, severity, reasons, remedy, first_seen FROM finding "
        "WHERE deal_id = ? AND closed_at IS NULL ORDER BY first_seen",
        (deal.deal_id,),
    ):
        one = people.OpenFinding(
            rule=rule,
            severity=severity,
            reasons=tuple(json.loads(reasons)),
            remedy=remedy,
            first_seen=first_seen,
        )
        found[subject].append(one)
    return found


def _seats(deal: DealView, person: Person, facts: _Facts) -> Iterable[people.SeatView]:
    """Where he was asked in, and where a reading shows him, asked or not."""
    asked = facts.asked.get(person.person_id, {})
    seen = facts.seen.get(person.person_id, {})
    for cid, channel, room in dict.fromkeys((*asked, *seen)):
        known = deal.conversations.get(ConversationId(cid))
        made, stay = known or deal.closed.get(ConversationId(cid)), seen.get((cid, channel, room))
        if made is not None:
            yield people.SeatView(
                conversation_id=cid,
                label=made.label,
                floor=made.floor.value,
                channel=channel,
                room=room,
                account=stay.account if stay else person.accounts.get(ConnectorName(channel)),
                asked_at=asked.get((cid, channel, room)),
                obtained_at=stay.obtained_at if stay else None,
            )


def _findings(person: Person, facts: _Facts) -> Iterable[people.OpenFinding]:
    subjects = (person.person_id, *(f"{c}:{a}" for c, a in person.accounts.items()))
    found = (one for subject in subjects for one in facts.findings.get(subject, ()))
    return sorted(found, key=lambda one: one.first_seen)
