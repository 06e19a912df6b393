"""Signing in at a provider: the authorization code flow, proving again, and signing out.

Rules kept here (OpenID Connect Core 1.0, RP-Initiated and Back-Channel Logout 1.0; RFC 7636, 9207):

1. State, nonce and PKCE verifier are new each time, used once, within ten minutes, and bound to the
   browser that began: an answer that somebody else began signs nobody in.
2. Where the provider names itself in its answer, it has to be the one that was asked.
3. Who proves himself again is the one who is signed in, and proved it there after he was asked.
4. A subject is nobody until a chain binds it, or the settings name it as an operator.
"""

import re
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlencode

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from orchestrator.approvals.credentials import tie
from orchestrator.client.problems import Refused
from orchestrator.clock import MINUTE, SECOND, Clock
from orchestrator.signin.keeper import STILL, SYSTEM, Keeper
from orchestrator.signin.logins import subject_login
from orchestrator.signin.provider import Provider, Said
from orchestrator.signin.secret import digest, new_secret, same
from orchestrator.signin.sessions import Session, Who

LASTS = 10 * MINUTE
MOST = 10_000
"""Sign-ins under way at once: beyond it the oldest is void."""
BACK = "/api/v1/session/oidc/back"
AGAIN_S = 60
"""Seconds of ``max_age`` with which a proof is asked for again: it makes the provider say when. Not
0, at which providers are known to ask for ever; what is held against it is when we asked."""
SKEW_S = 5
"""Seconds by which a proof may seem to lie before it was asked for."""
_PLAIN = re.compile(r"[A-Za-z0-9._@-]{1,64}").fullmatch


@dataclass(frozen=True, slots=True)
class Began:
    """A sign-in under way.

    Attributes:
        browser: the hash of what the browser keeps meanwhile.
        session: whose proof is asked for again; None: somebody signs in.
        asked_s: when, seconds since 1970.
        until: of the unsettable clock, microseconds.
    """

    browser: bytes = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    session: str | None
    asked_s: int
    until: int


@dataclass(frozen=True, slots=True)
class Page:
    """How the provider and the desk are told apart.

    Attributes:
        origin: of the desk.
        operators: subjects that run this home.
    """

    origin: str
    operators: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a browser brings back from the provider.

    Attributes:
        issuer: as the answer names it (RFC 9207); None where it does not.
        browser: what the browser kept meanwhile.
    """

    code: str = field(repr=False)
    state: str = field(repr=False)
    issuer: str | None
    browser: str | None = field(repr=False)


class Oidc:
    """Signs in by a provider.

    Args:
        keeper: of sessions.
        provider: who says who somebody is.
        page: of the desk.
        now: the clock.
        ticks: a clock that nobody can set.
    """

    def __init__(
        self, keeper: Keeper, provider: Provider, page: Page, now: Clock, ticks: Clock
    ) -> None:
        self._keeper = keeper
        self._provider = provider
        self._page = page
        self._now = now
        self._ticks = ticks
        self._under_way: dict[bytes, Began] = {}
        self._tokens: dict[str, str] = {}
        self._heard: dict[str, int] = {}

    async def begin(self, current: Session | None, *, again: bool) -> tuple[str, str]:
        """Begins a sign-in, or asks for a proof again.

        Returns:
            where the browser goes, and what it keeps meanwhile.
        """
        if again and current is None:
            raise Refused("You are not signed in", still="Nothing was done", then="/in")
        metadata, own = await self._provider.metadata(), self._provider.registration
        state, browser, nonce = new_secret(), new_secret(), secrets.token_urlsafe(24)
        verifier = secrets.token_urlsafe(48)
        session = current.session_id if again and current is not None else None
        self._remember(state, browser, nonce, verifier, session)
        url = prepare_grant_uri(
            metadata.authorization,
            own.client_id,
            "code",
            self._page.origin + BACK,
            "openid",
            state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            prompt="login" if again else None,
            max_age=str(AGAIN_S) if again else None,
        )
        return str(url), browser

    def _remember(
        self, state: str, browser: str, nonce: str, verifier: str, session: str | None
    ) -> None:
        at = self._ticks()
        self._under_way = {k: b for k, b in self._under_way.items() if at < b.until}
        if len(self._under_way) >= MOST:
            self._under_way.pop(next(iter(self._under_way)))
        asked = self._now() // SECOND
        began = Began(digest(browser), nonce, verifier, session, asked, at + LASTS)
        self._under_way[digest(state)] = began

    async def back(self, answer: Answered, now: Session | None) -> tuple[str, Session]:
        """Signs in whom the provider sent back; returns the session's secret and the session.

        Args:
            answer: what the browser brings back.
            now: the session in which he comes back, if any.

        Raises:
            Refused: the answer is not to ours, or not to be believed.
        """
        began = self._taken(answer)
        metadata, own = await self._provider.metadata(), self._provider.registration
        if answer.issuer != own.issuer and (answer.issuer is not None or metadata.names_itself):
            raise Refused("Another provider answered than the one that was asked", still=STILL)
        page = self._page.origin + BACK
        token, access = await self._provider.redeem(answer.code, began.verifier, page)
        max_age = None if began.session is None else AGAIN_S
        said = await self._provider.believe(token, access, nonce=began.nonce, max_age=max_age)
        if began.session is not None:
            return await self._again(said, began, now)
        return await self._sign_in(said, now)

    def _taken(self, answer: Answered) -> Began:
        """What the answer is to, once. Raises: Refused."""
        began, kept = self._under_way.pop(digest(answer.state), None), answer.browser
        ours = began is not None and kept is not None and same(began.browser, digest(kept))
        if began is None or not ours or self._ticks() >= began.until:
            raise Refused("This sign-in was not begun here, or is too old", still=STILL, then="/in")
        return began

    async def _again(self, said: Said, began: Began, now: Session | None) -> tuple[str, Session]:
        login = subject_login(self._provider.registration.issuer, said.subject)
        is_him = now is not None and now.session_id == began.session and now.who.login == login
        late = said.auth_time is not None and said.auth_time >= began.asked_s - SKEW_S
        if now is None or not is_him or not late:
            raise Refused(
                "The provider did not say that it is you, just now",
                still="You are signed in as before",
            )
        self._tokens[now.session_id] = said.token
        return await self._keeper.raise_up(now, ())

    async def _sign_in(self, said: Said, now: Session | None) -> tuple[str, Session]:
        runs = said.subject in self._page.operators
        who = Who(
            "oidc",
            login=subject_login(self._provider.registration.issuer, said.subject),
            home=runs,
            actor=_operator(said.subject) if runs else None,
            subject=tie("subject", said.subject),
            outside=said.outside,
        )
        limit = self._keeper.sessions.limits.step_up // SECOND
        at = self._now() // SECOND
        fresh = said.auth_time is not None and at - said.auth_time < limit
        secret, session = await self._keeper.begin(who, instead_of=now, fresh=fresh)
        living = {one.session_id for one in self._keeper.sessions.living()}
        self._tokens = {k: v for k, v in self._tokens.items() if k in living}
        self._tokens[session.session_id] = said.token
        return secret, session

    async def end(self, session: Session) -> str | None:
        """Ends a session; returns where it is ended at the provider, if it is."""
        token = self._tokens.pop(session.session_id, None)
        await self._keeper.end(session.session_id)
        metadata = await self._provider.metadata()
        if metadata.end_session is None:
            return None
        own = self._provider.registration.client_id
        return prepare_logout(metadata.end_session, own, self._page.origin + "/in", token)

    async def ended_outside(self, logout_token: str) -> int:
        """Ends what the provider says is over; returns how many sessions. Raises: Refused."""
        subject, outside, name = await self._provider.logged_out(logout_token)
        at = self._ticks()
        self._heard = {k: until for k, until in self._heard.items() if at < until}
        if name in self._heard:
            raise Refused("This logout token was heard before", still="Nobody was signed out")
        self._heard[name] = at + LASTS
        login = None
        if subject is not None:
            login = subject_login(self._provider.registration.issuer, subject)

        def meant(session: Session) -> bool:
            who = session.who
            if outside is not None:
                return who.outside == outside and login in {None, who.login}
            return login is not None and who.login == login

        return await self._keeper.end_where(meant, actor=SYSTEM)


def prepare_logout(endpoint: str, client_id: str, back: str, token: str | None) -> str:
    """Where a browser goes to be signed out at the provider."""
    given = {"client_id": client_id, "post_logout_redirect_uri": back, "id_token_hint": token}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def _operator(subject: str) -> str:
    """An operator as the audit names him."""
    return f"operator:{subject if _PLAIN(subject) else sha256(subject.encode()).hexdigest()[:32]}"
