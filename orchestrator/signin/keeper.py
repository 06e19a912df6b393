"""Signs people in and out, and says of each request who asks.

Rules kept here:

1. Whoever cannot be told for sure is nobody.
2. Each beginning and end of a session is an entry: of the deals that it is about, else of the home.
   An end counts at once, in memory, before its entry is written.
3. A link opened with a session adds a deal to it only where that makes nobody two people of one
   deal; the home's own user is not mixed with a person: that is another session.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Missing, Refused, SignInFirst
from orchestrator.clock import Clock
from orchestrator.deals.book import HOME, Book
from orchestrator.signin.links import Link, Links
from orchestrator.signin.logins import Passkey, bind, unbind
from orchestrator.signin.seats import Seats
from orchestrator.signin.sessions import Ended, Limits, Session, Sessions, Who, Why
from orchestrator.store.unit import Store, StoreError, Tx
from tiers.ids import DealId, PersonId
from tiers.rights import Viewer

STILL = "Nobody was signed in"
SYSTEM = "sign-in"
"""The actor of what happens by itself."""
SWEEP_S = 1.0
"""How often sessions that are over by themselves are looked for."""


@dataclass(slots=True)
class Parts:
    """What the keeper works with.

    Attributes:
        now: for entries.
        ticks: a clock that nobody can set, for every limit.
    """

    store: Store
    book: Book
    now: Clock
    ticks: Clock
    limits: Limits = field(default_factory=Limits)


class Keeper:
    """Everybody who is signed in, and how one gets there."""

    def __init__(self, parts: Parts) -> None:
        self._p = parts
        self._over: list[Ended] = []
        self.sessions = Sessions(parts.limits, parts.ticks, self._over.append)
        self.links = Links(parts.ticks)
        self.seats = Seats(parts.store, parts.book)

    # Who asks

    async def session(self, secret: str, *, used: bool = False) -> Session | None:
        """The session of a secret; None: nobody."""
        session = self.sessions.of(secret)
        if session is not None and used:
            self.sessions.use(session)
        await self._write_ends()
        return session

    async def viewer(self, session: Session) -> Viewer:
        """What a session may now, by the record as it stands."""
        await self.seats.refresh()
        return self.seats.viewer(session, stepped_up=self.sessions.stepped_up(session))

    # Links

    async def offer(self, deal: DealId, person: PersonId, *, actor: str) -> str:
        """Makes a person's one-time link, on the record; returns its secret."""
        at = self._p.now()
        body: dict[str, Json] = {"person": person}

        def unit(tx: Tx) -> None:
            append(tx, deal, Kind.LOGIN_OFFERED, body, at=at, actor=actor)

        await self._p.store.write(unit)
        return self.links.make(deal, person, actor)

    def home_link(self, actor: str) -> str:
        """Makes a link for the home's own user, who could do all of it without; its secret."""
        return self.links.make(None, None, actor)

    async def open(self, secret: str, current: Session | None) -> tuple[str, Session]:
        """Opens a link, once.

        Args:
            secret: of the link.
            current: the session in which it is opened, if any.

        Returns:
            the session's secret, new in any case, and the session.

        Raises:
            Refused: the link is void, or he would be two people of one deal.
        """
        link = self.links.take(secret)
        if link is None:
            raise Refused(
                "This link was opened before or is too old", still=STILL, then="wallcross desk link"
            )
        await self.seats.refresh()
        if link.deal is None or link.person is None:
            return await self._open_home(link, current)
        return await self._open_person(link.deal, link.person, current)

    async def _open_home(self, link: Link, current: Session | None) -> tuple[str, Session]:
        if current is not None and current.who.home:
            return await self.raise_up(current, ())
        return await self.begin(Who("home", home=True, actor=link.actor), instead_of=current)

    async def _open_person(
        self, deal: DealId, person: PersonId, current: Session | None
    ) -> tuple[str, Session]:
        if current is not None and self.seats.person(current, deal) == person:
            return await self.raise_up(current, ())
        if current is None or current.who.login is None or self.seats.runs_home(current):
            return await self.begin(Who("link", joined={deal: person}), instead_of=current)
        await self._bind_here(current, deal, person)
        return await self.raise_up(current, ())

    async def _bind_here(self, current: Session, deal: DealId, person: PersonId) -> None:
        """The login that he is signed in with is that person from now on."""
        login = current.who.login
        if login is None or self.seats.person(current, deal) is not None:
            raise Refused(
                "You are signed in as somebody else of this deal",
                still="The link is void now, and nothing else changed",
                then="sign out, and have another link made",
            )
        at, passkey = self._p.now(), self.seats.passkey_of(login)

        def unit(tx: Tx) -> None:
            bind(tx, deal, person, login, passkey, at=at, actor=f"person:{person}")

        await self._p.store.write(unit)

    async def bind_passkey(
        self, session: Session, people: Sequence[tuple[DealId, PersonId]], passkey: Passkey
    ) -> None:
        """Makes a passkey a login of somebody, where he is somebody already."""
        at, actor = self._p.now(), session.who.actor

        def unit(tx: Tx) -> None:
            for deal, person in people:
                by = actor or f"person:{person}"
                bind(tx, deal, person, passkey.login, passkey, at=at, actor=by)

        await self._p.store.write(unit)
        if session.who.login is None:
            self.sessions.named(session, passkey.login)
        await self.seats.refresh()

    async def unbind(self, deal: DealId, person: PersonId | None, login: str, actor: str) -> int:
        """Ends a login of a person, and every session that lives by it; returns how many.

        Raises:
            Missing: he has none of that name.
        """
        await self.seats.refresh()
        found, at = self.seats.logins(deal).get(login), self._p.now()
        if found is None or (person is not None and found.person != person):
            raise Missing("There is no such login")
        await self._p.store.write(
            lambda tx: unbind(tx, deal, found, why="taken_away", at=at, actor=actor)
        )
        return await self.end_where(lambda s: s.who.login == login, actor=actor)

    # Beginning and ending

    async def begin(
        self, who: Who, *, instead_of: Session | None = None, fresh: bool = True
    ) -> tuple[str, Session]:
        """Signs somebody in, on the record; returns the secret, told once, and the session."""
        if instead_of is not None:
            self.sessions.end(instead_of.session_id, "replaced")
        secret, session = self.sessions.begin(who, fresh=fresh)
        try:
            await self._note(Kind.SESSION_BEGAN, session, {"way": who.way})
        except BaseException:
            self.sessions.end(session.session_id, "revoked")  # nobody is signed in off the record
            raise
        await self._write_ends()
        return secret, session

    async def raise_up(self, session: Session, proven: Iterable[str]) -> tuple[str, Session]:
        """Notes that somebody proved himself again; his secret is another from now on."""
        await self._note(Kind.SESSION_RAISED, session, {})
        if self.sessions.by_id(session.session_id) is None:  # it ended while that was written
            raise SignInFirst("This session is over", still=STILL, then="/in")
        secret = self.sessions.step_up(session, proven)
        await self.seats.refresh()
        return secret, session

    async def end(self, session_id: str, why: Why = "signed_out") -> bool:
        """Ends a session; whether it was there."""
        ended = self.sessions.end(session_id, why)
        await self._write_ends()
        return ended

    async def end_person(self, deal: DealId, person: PersonId, *, actor: str) -> int:
        """Ends every session of a person of a deal, and makes his link void; returns how many."""
        await self.seats.refresh()
        self.links.void(deal, person)
        return await self.end_where(lambda s: self.seats.person(s, deal) == person, actor=actor)

    async def end_where(self, which: Callable[[Session], bool], *, actor: str) -> int:
        """Ends all sessions that fit; returns how many."""
        ended = self.sessions.end_where(which, actor)
        await self._write_ends()
        return ended

    async def end_all(self, *, actor: str) -> int:
        """Ends every session, and makes every link void; returns how many sessions."""
        self.links.void_all()
        return await self.end_where(lambda _: True, actor=actor)

    async def keep(self) -> None:
        """Ends for ever what is over by itself, and whoever is nobody any more."""
        while True:
            with suppress(StoreError):  # the entries are written with the next ones
                await self.sweep()
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """Ends what is over now, and sessions of people without a seat in any deal."""
        living = self.sessions.living()
        if living:
            await self.seats.refresh()
        for session in living:
            if not (self.seats.runs_home(session) or self._seated(session)):
                self.sessions.end(session.session_id, "no_seat")
        await self._write_ends()

    def _seated(self, session: Session) -> bool:
        """Whether he is somebody somewhere; a provider's new subject may yet open his link."""
        bare = session.who.way == "oidc" and not self._bound(session)
        return bare or bool(self.seats.viewer(session, stepped_up=False).seats)

    def _bound(self, session: Session) -> bool:
        return any(self.seats.person(session, deal) is not None for deal, _ in self.seats.deals())

    # The record

    async def _note(self, kind: Kind, session: Session, more: dict[str, Json]) -> None:
        await self.seats.refresh()
        at, entries = self._p.now(), self._entries(session)

        def unit(tx: Tx) -> None:
            for chain, actor in entries:
                body: dict[str, Json] = {"session": session.session_id, **more}
                append(tx, chain, kind, body, at=at, actor=actor)

        await self._p.store.write(unit)

    def _entries(self, session: Session) -> list[tuple[DealId, str]]:
        """In which chains a session is noted, and who acts there."""
        persons = [(d, self.seats.person(session, d)) for d, _ in self.seats.deals()]
        own = [(deal, f"person:{person}") for deal, person in persons if person is not None]
        if own and not self.seats.runs_home(session):
            return own
        return [(HOME, self.seats.viewer(session, stepped_up=False).actor)]

    async def _write_ends(self) -> None:
        """Writes what ended since; kept for the next time where it cannot be written."""
        while self._over:
            over = self._over.pop(0)
            try:
                told: dict[str, Json] = {"why": over.why}
                by = {} if over.by is None else {"by": over.by}
                await self._note(Kind.SESSION_ENDED, over.session, {**told, **by})
            except BaseException:
                self._over.insert(0, over)
                raise
