"""An OpenID provider as it is spoken to: discovery, keys, the token endpoint, and its tokens.

Rules kept here (OpenID Connect Core 1.0, Discovery 1.0, Back-Channel Logout 1.0; RFC 9207, 9700):

1. One outbound door (``connectors.port.door``): the issuer's own host and those that the settings
   name beside it. No redirect is followed, no answer is large, and no URL is logged.
2. What the provider says of itself counts only while it names the configured issuer, exactly.
3. A token is believed when a key of the provider signed it with a listed asymmetric algorithm,
   it is by this issuer, for us, in time, and about the request that we made. ``none`` and
   shared-secret algorithms are on no list.
4. Nothing that the provider says is handed on in an error: its words are text from outside.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connectors.port.door import Door, DoorClosed, Limits, Opening
from orchestrator.client.problems import Refused, Unready
from orchestrator.clock import HOUR, MINUTE, SECOND, Clock

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures that count: asymmetric, of no short hash."""
KNOWN_FOR = 1 * HOUR
"""How long metadata and keys are believed before they are asked for again."""
AGAIN_AFTER = 1 * MINUTE
"""How soon keys are asked for again because a token names one that is not among them."""
LEEWAY_S = 60
"""Seconds by which the provider's clock may be off."""
LARGEST = 256 * 1024
"""Bytes of an answer."""
LONGEST_SUBJECT = 255
"""Characters (OpenID Connect Core 1.0, section 2)."""
LOGGED_OUT = "http://schemas.openid.net/event/backchannel-logout"
STILL = "Nobody was signed in"


@dataclass(frozen=True, slots=True)
class Registration:
    """What the provider knows us as."""

    issuer: str
    client_id: str
    hosts: Sequence[str] = ()
    private: bool = False
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the provider says of itself.

    Attributes:
        end_session: where one signs out there; None where it offers none.
        methods: how we may authenticate at the token endpoint.
        names_itself: its answers to a browser name it (RFC 9207).
    """

    authorization: str
    token: str
    jwks: str
    end_session: str | None
    methods: tuple[str, ...]
    names_itself: bool


@dataclass(frozen=True, slots=True)
class Said:
    """Who the provider says somebody is.

    Attributes:
        subject: his name there, for ever.
        auth_time: when he proved himself there, seconds since 1970; None where it does not say.
        outside: the session there; None where it does not say.
        token: the ID token itself, by which he is signed out there.
    """

    subject: str
    auth_time: int | None
    outside: str | None
    token: str = field(repr=False)


def door_of(registration: Registration) -> Door:
    """The way out to a provider, and to nowhere else."""
    scheme = urlsplit(registration.issuer).scheme
    places = [registration.issuer, *(f"{scheme}://{host}" for host in registration.hosts)]
    openings = [Opening.of(url, private=registration.private) for url in places]
    return Door(openings, Limits(answer_bytes=LARGEST, silence=10.0, connections=4))


class Provider:
    """The provider.

    Args:
        registration: what it knows us as.
        door: reaches it and nothing else.
        now: the clock.
    """

    def __init__(self, registration: Registration, door: Door, now: Clock) -> None:
        self.registration = registration
        self._door = door
        self._now = now
        self._metadata: tuple[int, Metadata] | None = None
        self._keys: tuple[int, KeySet] | None = None
        logging.getLogger("authlib").setLevel(logging.ERROR)  # it may name claims

    async def metadata(self) -> Metadata:
        """What it says of itself. Raises: Unready, Refused."""
        at = self._now()
        if self._metadata is None or at >= self._metadata[0] + KNOWN_FOR:
            issuer = self.registration.issuer
            path = "/.well-known/openid-configuration"
            told = await self._json("GET", issuer.rstrip("/") + path)
            self._metadata = at, self._read(told)
        return self._metadata[1]

    def _read(self, told: Mapping[str, Any]) -> Metadata:
        if told.get("issuer") != self.registration.issuer:
            raise Refused("The provider names another issuer than the settings", still=STILL)
        if "S256" not in (told.get("code_challenge_methods_supported") or ["S256"]):
            raise Refused("The provider offers no PKCE with S256", still=STILL)
        named = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        authorization, token, jwks = (self._place(told.get(name)) for name in named)
        ends = told.get("end_session_endpoint")
        methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Metadata(
            authorization,
            token,
            jwks,
            None if ends is None else self._place(ends),
            tuple(map(str, methods)),
            told.get("authorization_response_iss_parameter_supported") is True,
        )

    def _place(self, url: object) -> str:
        """An endpoint, which lies where the door leads. Raises: Refused."""
        try:
            found = urlsplit(str(url))
            self._door.opening(found.scheme, found.hostname or "", found.port)
        except (ValueError, DoorClosed):
            raise Refused(
                "The provider names an endpoint on a host that the settings do not",
                still=STILL,
                then="list it under hosts in [web.oidc]",
            ) from None
        return str(url)

    async def redeem(self, code: str, verifier: str, redirect: str) -> tuple[str, str]:
        """Exchanges a code, once; returns the ID token and the access token (RFC 6749, 7636)."""
        metadata, own = await self.metadata(), self.registration
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        uri, headers, body = ClientAuth(own.client_id, own.secret, self._method(metadata)).prepare(
            "POST", metadata.token, dict(_FORM), urlencode(form)
        )
        told = await self._json("POST", uri, headers=headers, content=body)
        id_token, access = told.get("id_token"), told.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access, str):
            raise Refused("The provider gave no ID token", still=STILL)
        return id_token, access

    def _method(self, metadata: Metadata) -> str:
        if self.registration.secret is None:
            return "none"
        ways = ("client_secret_basic", "client_secret_post")
        found = next((way for way in ways if way in metadata.methods), None)
        if found is None:
            raise Refused("The provider takes no client secret", still=STILL)
        return found

    async def believe(
        self, token: str, access: str, *, nonce: str, max_age: int | None = None
    ) -> Said:
        """Who an ID token is about. Raises: Refused: it is not to be believed."""
        header, claims = await self._verified(token)
        own = self.registration.client_id
        params = {"nonce": nonce, "client_id": own, "access_token": access, "max_age": max_age}
        try:
            found = CodeIDToken(claims, header, self._options(), params)
            found.validate(self._seconds(), LEEWAY_S)
            return self._said(found, token)
        except (JoseError, KeyError, TypeError, ValueError):
            raise Refused("The provider's word about you is not to be believed", still=STILL) from (
                None
            )

    def _said(self, found: Mapping[str, Any], token: str) -> Said:
        own, issued = self.registration.client_id, found["iat"]
        several = isinstance(found["aud"], list) and len(found["aud"]) > 1
        if several and found.get("azp") != own:
            raise ValueError("for others too")
        if not -LEEWAY_S <= self._seconds() - int(issued) <= 10 * LEEWAY_S:
            raise ValueError("not issued just now")
        subject, when, outside = found["sub"], found.get("auth_time"), found.get("sid")
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise ValueError("no subject")
        if outside is not None and not isinstance(outside, str):
            raise ValueError("no session's id")
        return Said(subject, None if when is None else int(when), outside, token)

    def _options(self) -> Any:
        return {
            "iss": {"essential": True, "value": self.registration.issuer},
            "aud": {"essential": True, "value": self.registration.client_id},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "sub": {"essential": True},
        }

    async def logged_out(self, token: str) -> tuple[str | None, str | None, str]:
        """Whom a logout token is about: subject, session there, and the token's own id.

        Raises:
            Refused: it is not to be believed.
        """
        _, claims = await self._verified(token)
        events = claims.get("events")
        fits = (
            claims.get("iss") == self.registration.issuer
            and self.registration.client_id in _listed(claims.get("aud"))
            and isinstance(events, Mapping)
            and isinstance(events.get(LOGGED_OUT), Mapping)
            and "nonce" not in claims
            and isinstance(claims.get("jti"), str)
            and isinstance(claims.get("iat"), int)
            and abs(self._seconds() - claims["iat"]) <= 2 * LEEWAY_S
        )
        subject, outside = claims.get("sub"), claims.get("sid")
        told = [one for one in (subject, outside) if one is not None]
        if not fits or not told or not all(isinstance(one, str) for one in told):
            raise Refused("This is no logout token of the provider", still="Nobody was signed out")
        return subject, outside, claims["jti"]

    async def _verified(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Header and claims of a token that a key of the provider signed. Raises: Refused."""
        try:
            found = jwt.decode(token, await self._jwks(), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, TypeError, KeyError):
            fresh = await self._jwks(anew=True)
            try:
                found = jwt.decode(token, fresh, algorithms=list(ALGORITHMS))
            except (JoseError, ValueError, TypeError, KeyError):
                raise Refused("No key of the provider signed this", still=STILL) from None
        return dict(found.header), dict(found.claims)

    async def _jwks(self, *, anew: bool = False) -> KeySet:
        at = self._now()
        lasts = AGAIN_AFTER if anew else KNOWN_FOR
        if self._keys is None or at >= self._keys[0] + lasts:
            told = await self._json("GET", (await self.metadata()).jwks)
            try:
                self._keys = at, KeySet.import_key_set(told)  # type: ignore[arg-type]  # as told
            except (JoseError, ValueError, TypeError, KeyError):
                raise Unready("The provider's keys cannot be read", still=STILL) from None
        return self._keys[1]

    async def _json(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        try:
            async with self._door.client() as http:  # seldom enough for a connection each
                answer = await http.request(method, url, **more)
        except DoorClosed as error:
            raise Unready(f"The provider is not reached ({error.code})", still=STILL) from None
        except httpx.HTTPError as error:
            told = f"The provider does not answer ({type(error).__name__})"
            raise Unready(told, still=STILL) from None
        if not answer.is_success:
            raise Refused(f"The provider answered {answer.status_code}", still=STILL)
        try:
            found = json.loads(answer.content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Refused("The provider's answer cannot be read", still=STILL)
        return found

    def _seconds(self) -> int:
        return self._now() // SECOND


_FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


def _listed(audience: object) -> list[object]:
    return audience if isinstance(audience, list) else [audience]
