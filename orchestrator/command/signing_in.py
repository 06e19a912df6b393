"""Signing in and out, and what whoever is signed in is told of himself."""

import asyncio
import base64
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence

from orchestrator.approvals.passkey import ALGORITHMS
from orchestrator.client.problems import Missing, Refused, SignInFirst, TooOften
from orchestrator.client.sign_in import (
    DeviceAsk,
    DeviceToken,
    DeviceView,
    LinkView,
    LoginView,
    MeView,
    MyDeal,
    NewLink,
    PasskeyAsk,
    SessionView,
    WaysView,
)
from orchestrator.clock import HOUR, MINUTE, SECOND, ticks
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.config.site import desk_site
from orchestrator.query.needs import needs_by_deal
from orchestrator.secrets.reference import resolve
from orchestrator.signin import devices
from orchestrator.signin.challenges import Challenges, Purpose
from orchestrator.signin.keeper import STILL, Keeper, Parts
from orchestrator.signin.links import LASTS
from orchestrator.signin.oidc import Answered, Oidc, Page
from orchestrator.signin.passkeys import Passkeys
from orchestrator.signin.provider import Provider, Registration, door_of
from orchestrator.signin.seats import Known
from orchestrator.signin.sessions import Limits, Session
from tiers.ids import DealId, PersonId
from tiers.people import Phase
from tiers.rights import Right, Seat, Viewer

LOCAL = "local"
"""The way of the home's own user at the home's own socket, without a session."""


def limits_of(runtime: Runtime) -> Limits:
    """How long sessions last, as the settings say."""
    web = runtime.settings.config.web
    return Limits(
        web.idle_min * MINUTE, web.longest_h * HOUR, web.step_up_min * MINUTE, web.sessions_each
    )


class SignIns:
    """Implements ``orchestrator.api.port_sign_in.SignInAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self.keeper = Keeper(
            Parts(runtime.store, runtime.book, runtime.now, ticks, limits_of(runtime))
        )
        self._oidc: Oidc | None = None
        self._devices = devices.Devices(ticks)
        challenges = Challenges(ticks)
        self.passkeys = Passkeys(self.keeper, challenges, desk_site(runtime.settings.config))

    async def viewer_of(self, secret: str, *, used: bool) -> Viewer | None:
        """Whose secret that is now; None: nobody's."""
        session = await self.keeper.session(secret, used=used)
        return None if session is None else await self.keeper.viewer(session)

    async def me(self, viewer: Viewer) -> MeView:
        """Whoever asks."""
        await self.keeper.seats.refresh()
        session = self._own_session(viewer)
        view = None if session is None else self._session_view(session)
        deals = tuple(await self._my_deals(viewer))
        return MeView(
            actor=viewer.actor,
            name=next((d.name for d in deals if d.name), viewer.actor.partition(":")[2]),
            way=LOCAL if session is None else session.who.way,
            until=None if view is None else view.until,
            idle_until=None if view is None else view.idle_until,
            stepped_up_until=None if view is None else view.stepped_up_until,
            deals=deals,
        )

    def _own_session(self, viewer: Viewer) -> Session | None:
        return None if viewer.session is None else self.keeper.sessions.by_id(viewer.session)

    async def _my_deals(self, viewer: Viewer) -> list[MyDeal]:
        seats = []
        for deal, known in self.keeper.seats.deals():
            seat = viewer.seats.get(deal)
            if viewer.whole:
                seat = Seat(deal, None, self.keeper.seats.operates(known))
            if seat is not None:
                seats.append((seat, known))
        deals = self._r.book.deals
        at, standings = self._r.now(), {seat.deal: known.standing for seat, known in seats}
        needs = await self._r.store.read(lambda tx: needs_by_deal(tx, viewer, deals, standings, at))
        return [self._my(viewer, seat, known, needs[seat.deal]) for seat, known in seats]

    def _my(self, viewer: Viewer, seat: Seat, known: Known, needs: Mapping[str, int]) -> MyDeal:
        view = self._r.book.deals.get(seat.deal)
        person = None if view is None or seat.person is None else view.roster.person(seat.person)
        powers = {right: viewer.power(seat.deal, right) for right in Right}
        deal = known.named
        return MyDeal(
            deal_id=deal.deal_id,
            code=deal.code,
            made_up=deal.made_up,
            phase=(Phase.PLANNING if view is None else view.phase).value,
            person=seat.person,
            name="" if person is None else person.name,
            roles=tuple(sorted(role.value for role in seat.roles)),
            rights={r.value: (p.scope.name.lower(), p.act.name.lower()) for r, p in powers.items()},
            needs=needs,
            stands_in=self.keeper.seats.stands_in(seat, known),
        )

    async def session_show(self, session: str) -> SessionView:
        """A session."""
        found = self.keeper.sessions.by_id(session)
        if found is None:
            raise SignInFirst("This session is over", still="Nothing was done", then="/in")
        return self._session_view(found)

    def _session_view(self, session: Session) -> SessionView:
        at, (longest, idle, raised) = self._r.now(), self.keeper.sessions.ends_in(session)
        return SessionView(
            session_id=session.session_id,
            way=session.who.way,
            until=at + longest,
            idle_until=at + idle,
            stepped_up_until=at + raised if raised else None,
        )

    async def session_end(self, session: str) -> None:
        """Ends a session."""
        await self.keeper.end(session)

    async def link_look(self, secret: str) -> LinkView:
        """What a link is for."""
        link = self.keeper.links.look(secret)
        if link is None:
            raise Refused(
                "This link was opened before or is too old", still=STILL, then="wallcross desk link"
            )
        if link.deal is None or link.person is None:
            name = link.actor.partition(":")[2]
            return LinkView(home=True, name=name, code="", made_up=False)
        view = deal_of(self._r, link.deal)
        person = view.roster.person(link.person)
        name = link.person if person is None else person.name
        return LinkView(home=False, name=name, code=view.code, made_up=view.made_up)

    async def link_open(self, secret: str, current: str | None) -> tuple[LinkView, str]:
        """Opens a link, once."""
        view = await self.link_look(secret)
        within = None if current is None else self.keeper.sessions.by_id(current)
        told, _ = await self.keeper.open(secret, within)
        return view, told

    async def link_new(self, deal: DealId, person: PersonId, *, actor: str) -> NewLink:
        """Makes a person's link."""
        view = deal_of(self._r, deal)
        if (view.adopted or view.roster).person(person) is None:
            raise Missing(f"{person} is not on the roster", then="wallcross roster show")
        if view.has_left(person):
            raise Refused(f"{person} left this deal", still="No link was made")
        return self._sign_in_link(await self.keeper.offer(deal, person, actor=actor))

    async def home_link(self, *, actor: str) -> NewLink:
        """Makes a link for the home's own user."""
        return self._sign_in_link(self.keeper.home_link(actor))

    def _sign_in_link(self, secret: str) -> NewLink:
        origin = self._r.settings.config.web.origin
        return NewLink(url=f"{origin}/in#{secret}", until=self._r.now() + LASTS)

    async def sign_out(self, deal: DealId, person: PersonId, *, actor: str) -> int:
        """Ends every session of a person."""
        return await self.keeper.end_person(deal, person, actor=actor)

    async def sign_out_all(self, *, actor: str) -> int:
        """Ends every session."""
        return await self.keeper.end_all(actor=actor)

    async def passkey_ask(self, purpose: Purpose, viewer: Viewer | None) -> PasskeyAsk:
        """A challenge for a browser."""
        current = None if viewer is None else self._own_session(viewer)
        asked = await self.passkeys.ask(purpose, current)
        site = desk_site(self._r.settings.config)
        new = purpose == "create" and viewer is not None
        name = (await self.me(viewer)).name if new and viewer is not None else ""
        return PasskeyAsk(
            challenge_id=asked.challenge.challenge_id,
            challenge=_b64(asked.challenge.message),
            rp_id=site.rp_id,
            rp_name="Wallcross",
            handles=tuple(map(_b64, asked.handles)),
            user_id=_b64(secrets.token_bytes(16)) if new else "",
            user_name=name,
            algorithms=tuple(ALGORITHMS) if new else (),
        )

    async def passkey_sign(
        self, challenge_id: str, answer: str, current: str | None
    ) -> tuple[SessionView, str]:
        """Signs in, or proves again."""
        within = None if current is None else self.keeper.sessions.by_id(current)
        secret, session = await self.passkeys.sign_in(challenge_id, answer, within)
        return self._session_view(session), secret

    async def passkey_new(self, challenge_id: str, answer: str, current: str) -> int:
        """Makes a new passkey a login; returns in how many deals."""
        session = self.keeper.sessions.by_id(current)
        if session is None:
            raise SignInFirst("This session is over", still="Nothing was done", then="/in")
        return len(await self.passkeys.add(challenge_id, answer, session))

    async def login_list(self, deal: DealId, person: PersonId) -> Sequence[LoginView]:
        """What a person signs in with."""
        await self.keeper.seats.refresh()
        found = self.keeper.seats.logins(deal).values()
        return [
            LoginView(login=one.login, person=one.person, way=one.way, since=one.at)
            for one in found
            if one.person == person
        ]

    async def login_end(self, deal: DealId, person: PersonId, login: str, *, actor: str) -> int:
        """Ends a login, at once."""
        return await self.keeper.unbind(deal, person, login, actor)

    def ways(self) -> WaysView:
        """How one may sign in here."""
        told = self._r.settings.config.web.oidc is not None
        return WaysView(passkey=True, link=True, oidc=told)

    async def oidc_begin(self, viewer: Viewer | None, *, again: bool) -> tuple[str, str]:
        """Where the browser goes, and what it keeps meanwhile."""
        current = None if viewer is None else self._own_session(viewer)
        return await (await self._by_provider()).begin(current, again=again)

    async def oidc_back(self, answer: Answered, viewer: Viewer | None) -> str:
        """Signs in whom the provider sent back."""
        current = None if viewer is None else self._own_session(viewer)
        secret, _ = await (await self._by_provider()).back(answer, current)
        return secret

    async def oidc_end(self, viewer: Viewer) -> str | None:
        """Ends the session; returns where it is ended at the provider."""
        session = self._own_session(viewer)
        if session is None:
            raise SignInFirst("This session is over", still="Nothing was done", then="/in")
        if session.who.way != "oidc":
            await self.keeper.end(session.session_id)
            return None
        return await (await self._by_provider()).end(session)

    async def oidc_ended_outside(self, logout_token: str) -> int:
        """Ends what the provider says is over."""
        return await (await self._by_provider()).ended_outside(logout_token)

    async def _by_provider(self) -> Oidc:
        """Signing in by the configured provider. Raises: Missing: there is none."""
        web = self._r.settings.config.web
        if web.oidc is None:
            raise Missing("No provider is configured here", then="[web.oidc] in wallcross.toml")
        if self._oidc is None:
            part, secret = web.oidc, None
            if part.client_secret is not None:
                found = await asyncio.to_thread(resolve, part.client_secret, self._r.secrets)
                secret = found.reveal_text()
            known = Registration(
                part.issuer, part.client_id, tuple(part.hosts), part.private, secret
            )
            provider = Provider(known, door_of(known), self._r.now)
            page = Page(web.origin, frozenset(part.operators))
            self._oidc = Oidc(self.keeper, provider, page, self._r.now, ticks)
        return self._oidc

    async def device_begin(self, label: str) -> DeviceAsk:
        """Begins signing in a program."""
        begun = self._devices.begin(label)
        if begun is None:
            raise TooOften("Too many programs wait to be signed in", still="Nothing was begun")
        secret, shown = begun
        return DeviceAsk(
            device=secret,
            shown=f"{shown[:4]}-{shown[4:]}",
            url=f"{self._r.settings.config.web.origin}/in/device",
            interval_s=devices.INTERVAL // SECOND,
            lasts_s=devices.LASTS // SECOND,
        )

    async def device_token(self, device: str) -> DeviceToken:
        """What came of it."""
        over = Refused("This code is over", still="Nobody was signed in", then="wallcross login")
        try:
            found = self._devices.take(device)
        except devices.Slower:
            raise TooOften("Ask again in a few seconds", still="Its code still waits") from None
        except LookupError:
            raise over from None
        if found is None:
            return DeviceToken(secret=None)
        who, session = found
        if self.keeper.sessions.by_id(session) is None:  # signed out, maybe by others, since
            raise over
        secret, _ = await self.keeper.begin(who, fresh=False)
        return DeviceToken(secret=secret)

    async def device_confirm(self, shown: str, viewer: Viewer, *, sure: bool) -> DeviceView:
        """What asks under a code; ``sure`` signs it in."""
        session = self._own_session(viewer)
        if session is None:
            raise SignInFirst("This session is over", still="Nothing was done", then="/in")
        act = self._devices.confirm if sure else self._devices.look
        found = act(shown, session)
        if found is None:
            raise Missing("Nothing waits under this code", still="Nothing was signed in")
        return DeviceView(label=found.label)

    def sessions_ended(self) -> AsyncGenerator[str]:
        """Ids of sessions as they end, from now on."""
        return self.keeper.sessions.ended()

    async def keep_sessions(self) -> None:
        """Ends for ever what is over by itself."""
        await self.keeper.keep()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
