"""What somebody who is signed in is, in each deal: read from the record, anew for each request.

Rules kept here:

1. A session says which login it is, never what it may: seats come from the chains and the roster in
   force, each time, so that whoever leaves, is paused or not crossed loses his at once.
2. Everybody of the roster is a participant. More he is by credentials that count
   (``orchestrator.approvals.standing``), in a session that proved one of them, or whose
   directory's subject is one of its ties; in a deal that is not founded, without proof.
3. Whoever runs the home is its operator, of every deal. Of a deal that is not founded and names no
   security officer he stands in for one, and for an owner.
4. What did not change is not read again: a chain costs one look at its last entry that grants.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.approvals.standing import Standing, read_standing
from orchestrator.audit.granted import stated
from orchestrator.deals.book import HOME, Book, DealView
from orchestrator.deals.crossing import NEVER, READS, stand
from orchestrator.roster.deals import Deal, list_deals
from orchestrator.signin.logins import Login, Passkey, read_logins
from orchestrator.signin.sessions import Session
from orchestrator.store.unit import Store, Tx
from tiers.approval import Role
from tiers.ids import DealId, PersonId
from tiers.people import Person
from tiers.rights import DeskRole, Seat, Viewer

# The expressions are those of the index `audit_granting`.
_NEWEST = """
SELECT max(n) FROM audit INDEXED BY audit_granting
WHERE instr(body, X'22726f77223a22') > 0
    AND (instr(entry, X'226b696e64223a226b65792e') > 0) = 0 AND deal_id = ?"""
ROLES: Mapping[Role, DeskRole] = {
    Role.APPROVER: DeskRole.APPROVER,
    Role.OWNER: DeskRole.OWNER,
    Role.COUNSEL: DeskRole.COUNSEL,
    Role.CONTROL_ROOM: DeskRole.COUNSEL,
    Role.SECURITY_OFFICER: DeskRole.SECURITY_OFFICER,
}
STANDS_IN = frozenset({DeskRole.OPERATOR, DeskRole.SECURITY_OFFICER, DeskRole.OWNER})
ADVISER = "adviser"
"""The role on the roster of whoever only receives and answers documents."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a chain came to, up to its entry number ``n``."""

    n: int
    deal: Deal | None
    standing: Standing
    logins: Mapping[str, Login]

    @property
    def named(self) -> Deal:
        """The deal. Raises: LookupError for the home's own chain."""
        if self.deal is None:
            raise LookupError("the home's own chain is of no deal")
        return self.deal


@dataclass(frozen=True, slots=True)
class Held:
    """A passkey, and whose it is.

    Attributes:
        deal: ``home`` where it is the home's own user's.
        by: the actor who bound it.
        credential: the hash of the credential that it is for approvals; None: it signs in alone.
        count: what it counted when it signed an approval last.
    """

    deal: DealId
    person: PersonId
    passkey: Passkey
    by: str = ""
    credential: str | None = None
    count: int = 0


class Seats:
    """Reads what sessions may."""

    def __init__(self, store: Store, book: Book) -> None:
        self._store = store
        self._book = book
        self._known: dict[DealId, Known] = {}

    async def refresh(self) -> None:
        """Reads what the chains state since the last look."""
        self._known = await self._store.read(self._read)

    def _read(self, tx: Tx) -> dict[DealId, Known]:
        deals: list[tuple[DealId, Deal | None]] = [(d.deal_id, d) for d in list_deals(tx)]
        return {deal_id: self._one(tx, deal_id, deal) for deal_id, deal in [*deals, (HOME, None)]}

    def _one(self, tx: Tx, deal_id: DealId, deal: Deal | None) -> Known:
        row = tx.one(_NEWEST, (deal_id,))
        newest = 0 if row is None or row[0] is None else int(row[0])
        before = self._known.get(deal_id)
        if before is not None and before.n == newest:
            return before
        entries = stated(tx, deal_id)
        return Known(newest, deal, read_standing(deal_id, entries), read_logins(entries))

    def viewer(self, session: Session, *, stepped_up: bool) -> Viewer:
        """What a session may, by what was read last."""
        seats = {seat.deal: seat for seat in self._seats(session)}
        persons = {seat.person for seat in seats.values() if seat.person is not None}
        return Viewer(
            _actor(session, persons),
            seats=seats,
            session=session.session_id,
            stepped_up=stepped_up,
        )

    def _seats(self, session: Session) -> Iterator[Seat]:
        runs = self.runs_home(session)
        for deal_id, known in self._known.items():
            if known.deal is None:
                continue
            person = self.person(session, deal_id)
            found = None if person is None else self._own(session, deal_id, person)
            seat = found or Seat(deal_id, None, frozenset())
            if runs:
                seat = _with(seat, self.operates(known))
            if seat.roles:
                yield seat

    def runs_home(self, session: Session) -> bool:
        """Whether he is the home's own user."""
        home = self._known.get(HOME)
        login = session.who.login
        return session.who.home or bool(home and login and login in home.logins)

    def person(self, session: Session, deal: DealId) -> PersonId | None:
        """Who of a deal's roster a session says it is, whatever that is worth now."""
        known, login = self._known.get(deal), session.who.login
        if known is None:
            return None
        bound = None if login is None else known.logins.get(login)
        if bound is not None:
            return bound.person
        signing = known.standing.signing
        own = [signing[name].person for name in session.who.proven if name in signing]
        return next(iter(own), session.who.joined.get(deal))

    def _own(self, session: Session, deal: DealId, person: PersonId) -> Seat | None:
        view, known = self._book.deals.get(deal), self._known[deal]
        listed = None if view is None else (view.adopted or view.roster).person(person)
        if view is None or listed is None or not _present(view, known.standing, listed):
            return None
        sides = {side.side_id: side for side in view.roster.sides}
        roles = {DeskRole.ADVISER if _advises(listed) else DeskRole.PARTICIPANT}
        roles |= set(_enrolled(session, known.standing, person))
        party = sides[listed.side].party if listed.side in sides else None
        return Seat(deal, person, frozenset(roles), listed.side, party)

    def operates(self, known: Known) -> frozenset[DeskRole]:
        """What whoever runs the home is to a deal."""
        standing = known.standing
        named = any(Role.SECURITY_OFFICER in c.roles for c in standing.signing.values())
        alone = standing.founded_at is None and not named
        return STANDS_IN if alone else frozenset({DeskRole.OPERATOR})

    def stands_in(self, seat: Seat, known: Known) -> bool:
        """Whether somebody is more to a deal than its operator only as he stands in."""
        roles = self.operates(known)
        return roles == STANDS_IN and seat.roles >= roles

    def standing(self, deal: DealId) -> Standing | None:
        """Where a deal's approvals stood at the last look."""
        known = self._known.get(deal)
        return None if known is None else known.standing

    def logins(self, chain: DealId) -> Mapping[str, Login]:
        """The logins that a chain binds."""
        known = self._known.get(chain)
        return {} if known is None else known.logins

    def deals(self) -> Iterator[tuple[DealId, Known]]:
        """Every deal, oldest first."""
        yield from ((d, known) for d, known in self._known.items() if known.deal is not None)

    def passkey_of(self, login: str) -> Passkey | None:
        """The passkey that a login is; None of a provider's subject, or of what nobody bound."""
        found = (known.logins.get(login) for known in self._known.values())
        return next((one.passkey for one in found if one is not None), None)

    def passkeys(self) -> Iterator[Held]:
        """Every passkey that signs somebody in."""
        for deal_id, known in self._known.items():
            for login in known.logins.values():
                if login.passkey is not None:
                    yield Held(deal_id, login.person, login.passkey, by=login.by)
            for name, found in known.standing.signing.items():
                if found.handle is not None and found.rp is not None and found.origin is not None:
                    own = Passkey(found.kind, found.public, found.handle, found.rp, found.origin)
                    count = known.standing.counts.get(name, 0)
                    yield Held(deal_id, found.person, own, credential=name, count=count)


def _with(seat: Seat, more: frozenset[DeskRole]) -> Seat:
    return Seat(seat.deal, seat.person, seat.roles | more, seat.side, seat.party)


def _advises(person: Person) -> bool:
    return person.role.casefold() == ADVISER


def _present(view: DealView, standing: Standing, person: Person) -> bool:
    """Whether somebody is of the deal now: here, not paused, and crossed where his side demands."""
    gone = view.persons.left | view.persons.paused
    if person.person_id in gone or not standing.present(person.person_id):
        return False
    demand = view.demands.get(person.side)
    crossing = view.persons.crossings.get(person.person_id, NEVER)
    return demand is None or stand(crossing, demand) in READS


def _enrolled(session: Session, standing: Standing, person: PersonId) -> Iterator[DeskRole]:
    """The roles of his credentials that are in force for this session."""
    for name, credential in standing.signing.items():
        subject = session.who.subject
        shown = name in session.who.proven or (subject is not None and subject in credential.ties)
        if credential.person == person and (standing.founded_at is None or shown):
            yield from (ROLES[role] for role in credential.roles)


def _actor(session: Session, persons: set[PersonId]) -> str:
    if session.who.actor is not None:
        return session.who.actor
    if len(persons) == 1:
        return f"person:{next(iter(persons))}"
    name = session.who.login or session.session_id
    return f"login:{name.rpartition(':')[2][:32]}" if session.who.login else f"session:{name[4:36]}"
