"""Views of who is signed in, and the calls about it.

Rules kept here: as for ``orchestrator.client.views``. No secret is in any view but the one that an
operation makes and tells once, and that is kept out of every repr.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.client.wire import Wire, deal_path, part, read, refuse

GATE_S = 30.0
"""Without a sign of life for so long the stream of ended sessions counts as broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MyDeal:
    """A deal as whoever asks is in it.

    Attributes:
        phase: the phase that it is in.
        person: who of its roster he is; None for whoever runs the home.
        name: his name on the roster; empty without a person.
        roles: what he is to it, as ``tiers.rights`` names it.
        rights: what he may, by the row's name: the scope and the act, each by its name.
        needs: how much waits for him, by the page that shows it.
        stands_in: he runs the home and stands in for those who are not named yet.
    """

    deal_id: str
    code: str
    made_up: bool
    phase: str
    person: str | None
    name: str
    roles: tuple[str, ...]
    rights: Mapping[str, tuple[str, str]]
    needs: Mapping[str, int] = field(default_factory=dict)
    stands_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView:
    """Whoever asks. Instants in microseconds UTC.

    Attributes:
        actor: as the audit names him.
        name: for people.
        way: how he signed in; ``local``: as the home's own user, without a session.
        until: when his session ends at the latest; None without a session.
        idle_until: when it ends unless it is used.
        stepped_up_until: until when he counts as just having proved himself; None: he does not.
    """

    actor: str
    name: str
    way: str
    until: int | None
    idle_until: int | None
    stepped_up_until: int | None
    deals: Sequence[MyDeal]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """A session; instants as in ``MeView``."""

    session_id: str
    way: str
    until: int
    idle_until: int
    stepped_up_until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """What a one-time link is for, told to whoever holds it.

    Attributes:
        home: it is the home's own user's.
        name: of its person; the account on the machine for the home's own.
        code: of its deal; empty for the home's own.
    """

    home: bool
    name: str
    code: str
    made_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A one-time link, told once.

    Attributes:
        url: with its secret behind the ``#``.
        until: when it is void, microseconds UTC.
    """

    url: str = field(repr=False)
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAsk:
    """What a page hands to ``navigator.credentials``; bytes in base64url without padding.

    Attributes:
        challenge_id: comes back with the browser's answer.
        handles: to sign: the passkeys that will do, none named: any of this site; to make one:
            those that are there already.
        user_id, user_name: whose a new one is; empty when signing.
        algorithms: COSE numbers that count, for a new one.
    """

    challenge_id: str
    challenge: str
    rp_id: str
    rp_name: str
    handles: tuple[str, ...]
    user_id: str
    user_name: str
    algorithms: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysView:
    """How one may sign in here.

    Attributes:
        oidc: a provider says who somebody is.
    """

    passkey: bool
    link: bool
    oidc: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """Where a browser goes from here; None: nowhere."""

    url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAsk:
    """A program that waits to be signed in.

    Attributes:
        device: its own secret, by which it asks.
        shown: the code that its owner types in at ``url``.
        interval_s: seconds between its questions.
        lasts_s: seconds for which the code is good.
    """

    device: str = field(repr=False)
    shown: str
    url: str
    interval_s: int
    lasts_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """What asks to be signed in, told to whoever typed its code in.

    Attributes:
        label: what it says that it is: not to be believed, and shown as text alone.
    """

    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceToken:
    """What came of a program's question.

    Attributes:
        secret: for ``Authorization: Bearer``; None: its owner has not confirmed yet.
    """

    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView:
    """What somebody signs in with.

    Attributes:
        login: its name: a hash.
        way: ``passkey`` or ``oidc``.
        since: when it was bound, microseconds UTC.
    """

    login: str
    person: str
    way: str
    since: int


class SignInApi(Wire):
    """Calls about who is signed in."""

    async def me(self) -> MeView:
        """Whoever asks."""
        return await self._get(MeView, "/me")

    async def session_show(self) -> SessionView:
        """The session of whoever asks."""
        return await self._get(SessionView, "/session")

    async def session_end(self) -> None:
        """Ends it."""
        await self._call("POST", "/session/end")

    async def session_alive(self) -> SessionView:
        """Says that its owner is there."""
        return await self._post(SessionView, "/session/alive")

    async def session_link(self, secret: str, *, sure: bool) -> LinkView:
        """What a one-time link is for; ``sure`` opens it, and the answer sets the cookie."""
        return await self._post(LinkView, "/session/link", {"secret": secret, "sure": sure})

    async def passkey_ask(self) -> PasskeyAsk:
        """What a passkey signs to sign in, or to prove that it is him."""
        return await self._post(PasskeyAsk, "/session/passkey/ask")

    async def passkey_sign(self, challenge_id: str, answer: str) -> SessionView:
        """Signs in with what the browser answered, as JSON; the answer sets the cookie."""
        body = {"challenge_id": challenge_id, "answer": answer}
        return await self._post(SessionView, "/session/passkey", body)

    async def passkey_new_ask(self) -> PasskeyAsk:
        """What a new passkey is made with."""
        return await self._post(PasskeyAsk, "/session/passkey/new/ask")

    async def passkey_new(self, challenge_id: str, answer: str) -> int:
        """Makes a new passkey a login; answers in how many deals."""
        body = {"challenge_id": challenge_id, "answer": answer}
        return await self._post(int, "/session/passkey/new", body)

    async def login_list(self, deal: str, person: str) -> Sequence[LoginView]:
        """What a person signs in with."""
        path = f"{deal_path(deal)}/people/{part(person)}/logins"
        return await self._get(list[LoginView], path)

    async def login_end(self, deal: str, person: str, login: str) -> int:
        """Ends a login; answers how many sessions ended by it."""
        path = f"{deal_path(deal)}/people/{part(person)}/logins/end"
        return await self._post(int, path, {"login": login})

    async def sign_in_ways(self) -> WaysView:
        """How one may sign in here."""
        return await self._get(WaysView, "/session/ways")

    async def oidc_begin(self, *, again: bool = False) -> Away:
        """Begins at the provider; ``again``: whoever is signed in proves himself there."""
        return await self._post(Away, "/session/oidc/begin", {"again": again})

    async def oidc_end(self) -> Away:
        """Ends the session; answers where it is ended at the provider."""
        return await self._post(Away, "/session/oidc/end")

    async def device_begin(self, label: str) -> DeviceAsk:
        """Begins signing in a program (RFC 8628)."""
        return await self._post(DeviceAsk, "/device/begin", {"label": label})

    async def device_token(self, device: str) -> DeviceToken:
        """Whether its owner confirmed."""
        return await self._post(DeviceToken, "/device/token", {"device": device})

    async def device_confirm(self, shown: str, *, sure: bool) -> DeviceView:
        """What asks under a code; ``sure`` signs it in as whoever asks."""
        return await self._post(DeviceView, "/session/device", {"shown": shown, "sure": sure})

    async def desk_link(self, deal: str, person: str) -> NewLink:
        """Makes a person's one-time link."""
        return await self._post(NewLink, f"{deal_path(deal)}/people/{part(person)}/sign-in")

    async def desk_home_link(self) -> NewLink:
        """Makes a one-time link for the home's own user."""
        return await self._post(NewLink, "/sign-in")

    async def desk_end(self, deal: str, person: str) -> int:
        """Signs a person out everywhere; answers how many sessions ended."""
        return await self._post(int, f"{deal_path(deal)}/people/{part(person)}/sign-out")

    async def desk_end_all(self) -> int:
        """Signs everybody out; answers how many sessions ended."""
        return await self._post(int, "/sign-out")

    async def gate_ended(self) -> AsyncIterator[str]:
        """Ids of sessions as they end, from now on; the first item, empty, says that it is on."""
        path = f"{self._base}/gate/ended"
        async with self._http.stream("GET", path, timeout=GATE_S) as answer:
            await refuse(answer)
            async for line in answer.aiter_lines():
                if line.startswith(":"):
                    yield ""
                elif line.startswith("data: "):
                    yield read(str, json.loads(line.removeprefix("data: "))["session"])
