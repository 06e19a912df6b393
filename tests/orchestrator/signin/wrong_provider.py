"""A small OpenID provider on loopback that can be wrong in each way that matters."""

import base64
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from orchestrator.api.server import listening_near

CLIENT, SECRET = "wallcross", "the-clients-own-secret"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@cache
def made_key() -> RSAKey:
    """A key, made once: that is slow."""
    return RSAKey.generate_key(2048, {"kid": "one"})


@dataclass
class Wrong:
    """The provider. What a test puts into ``lies`` it says instead of the truth.

    Attributes:
        lies: by name: ``claims`` (replaced), ``without`` (left out), ``alg``, ``metadata`` …
        now: seconds since 1970.
    """

    port: int
    now: int
    subject: str = "ada@kestrel.example"
    key: RSAKey = field(default_factory=made_key)
    lies: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    redeemed: list[dict[str, str]] = field(default_factory=list)
    sid: str = "session-there"

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def grants(self, url: str) -> dict[str, str]:
        """As if somebody signed in there: what his browser brings back."""
        query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.asked)}"
        self.asked[code] = query
        return {"code": code, "state": query["state"], "iss": self.lies.get("iss", self.issuer)}

    def id_token(self, query: dict[str, str], access: str) -> str:
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "exp": self.now + 300,
            "iat": self.now,
            "auth_time": self.now,
            "nonce": query.get("nonce"),
            "sid": self.sid,
            "at_hash": b64(sha256(access.encode()).digest()[:16]),
        }
        claims |= self.lies.get("claims", {})
        for name in self.lies.get("without", ()):
            claims.pop(name)
        return self.signed(claims)

    def signed(self, claims: dict[str, Any]) -> str:
        alg = self.lies.get("alg", "RS256")
        if alg in {"none", "HS256"}:
            body = b64(json.dumps({"alg": alg, "kid": "one"}).encode())
            body += "." + b64(json.dumps(claims).encode())
            public = self.key.as_pem(private=False)
            mac = hmac.digest(public, body.encode(), "sha256") if alg == "HS256" else b""
            return f"{body}.{b64(mac)}"
        key = self.lies.get("key", self.key)
        return jwt.encode({"alg": alg, "kid": "one"}, claims, key)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        status, told = self.answer(scope["path"], body, dict(scope["headers"]))
        headers = [(b"content-type", b"application/json")]
        if status == 302:
            headers.append((b"location", b"http://127.0.0.1:1/elsewhere"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    def answer(self, path: str, body: bytes, headers: dict[bytes, bytes]) -> tuple[int, Any]:
        if path in self.lies.get("redirects", ()):
            return 302, {}
        if path == "/.well-known/openid-configuration":
            return 200, self.metadata() | self.lies.get("metadata", {})
        if path == "/jwks":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/token":
            return self.token({k: v[0] for k, v in parse_qs(body.decode()).items()}, headers)
        return 404, {}

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/end",
            "authorization_response_iss_parameter_supported": True,
        }

    def token(self, form: dict[str, str], headers: dict[bytes, bytes]) -> tuple[int, Any]:
        self.redeemed.append(form)
        query = self.asked.get(form.get("code", ""))
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode())
        if query is None or headers.get(b"authorization") != b"Basic " + known:
            return 400, {"error": "invalid_grant"}
        verifier = b64(sha256(form["code_verifier"].encode()).digest())
        if verifier != query["code_challenge"] or form["redirect_uri"] != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        access = "an-access-token"
        return 200, {
            "token_type": "Bearer",
            "access_token": access,
            "id_token": self.id_token(query, access),
        }


@asynccontextmanager
async def standing(now: int) -> AsyncIterator[Wrong]:
    """The provider, on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    wrong = Wrong(port, now)
    async with listening_near(wrong, "127.0.0.1", port):
        yield wrong
