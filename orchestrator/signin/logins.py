"""What somebody signs in with, bound to who he is in a deal, as the deal's chain states it.

Rules kept here:

1. There is no table. Who a login is, is what the entries of the deal's chain come to; a row that
   somebody writes signs nobody in.
2. A login is named by the hash of what it is (a passkey's public key; issuer and subject of a
   provider), and is one person of a deal; to be another it is ended first.
3. Being bound makes a person a reader of what is his own. It gives no role: those come from
   credentials that people agreed to, and count in a session that proved them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from orchestrator.store.unit import Tx
from tiers.ids import PersonId

OWNER = PersonId("home")
"""Stands for the home's own user where a login of his is bound, in the home's own chain."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """The public part of a passkey that signs in.

    Attributes:
        kind: its algorithm.
        public: its COSE key, CBOR.
        handle: its credential id.
        rp: the sha256 of the relying party's id, hexadecimal.
        origin: the sha256 of the origin, hexadecimal.
    """

    kind: str
    public: bytes = field(repr=False)
    handle: bytes = field(repr=False)
    rp: str
    origin: str

    @property
    def login(self) -> str:
        """What names it as a login."""
        return f"sha256:{commitment('passkey', self.public.hex(), self.rp)}"

    def body(self) -> dict[str, Json]:
        """As an entry states it."""
        return {
            "kind": self.kind,
            "public": self.public.hex(),
            "handle": self.handle.hex(),
            "rp": self.rp,
            "origin": self.origin,
        }


def subject_login(issuer: str, subject: str) -> str:
    """What names somebody whom a provider knows."""
    return f"sha256:{commitment('oidc', issuer, subject)}"


@dataclass(frozen=True, slots=True)
class Login:
    """A login that is somebody in a deal.

    Attributes:
        passkey: None of a provider's subject.
        n: number of the entry that bound it.
        at: when, microseconds UTC.
        by: the actor who bound it.
    """

    login: str
    person: PersonId
    way: str
    passkey: Passkey | None
    n: int = 0
    at: int = 0
    by: str = ""


def bind(
    tx: Tx,
    chain: str,
    person: PersonId,
    login: str,
    passkey: Passkey | None,
    *,
    at: int,
    actor: str,
) -> None:
    """States that a login is a person of the chain's deal."""
    way = "oidc" if passkey is None else "passkey"
    more = {} if passkey is None else passkey.body()
    body: dict[str, Json] = {
        "person": person,
        "login": login,
        "way": way,
        "at": at,
        "by": actor,
        "row": _row(person, login, way, actor, more),
        **more,
    }
    append(tx, chain, Kind.LOGIN_BOUND, body, at=at, actor=actor)


def unbind(tx: Tx, chain: str, found: Login, *, why: str, at: int, actor: str) -> None:
    """States that a login is that person no more."""
    body: dict[str, Json] = {
        "person": found.person,
        "login": found.login,
        "why": why,
        "at": at,
        "row": commitment("login", found.person, found.login, None),
    }
    append(tx, chain, Kind.LOGIN_ENDED, body, at=at, actor=actor)


def read_logins(entries: Iterable[Stated]) -> Mapping[str, Login]:
    """What a chain's entries, in their order, come to: logins by their names.

    An entry whose commitment is not that of what it says binds nothing; one that would make
    another person of a login that is bound already neither.
    """
    found: dict[str, Login] = {}
    for entry in entries:
        if entry.kind == Kind.LOGIN_ENDED:
            found.pop(str(entry.body.get("login")), None)
        elif entry.kind == Kind.LOGIN_BOUND:
            login = _login(entry)
            if login is not None:
                found.setdefault(login.login, login)
    return found


def _login(entry: Stated) -> Login | None:
    body = entry.body
    try:
        person, login, way = PersonId(body["person"]), str(body["login"]), str(body["way"])
        by, passkey = str(body["by"]), _passkey(body) if way == "passkey" else None
    except (KeyError, TypeError, ValueError):
        return None
    more = {} if passkey is None else passkey.body()
    if body["row"] != _row(person, login, way, by, more):
        return None
    if passkey is not None and passkey.login != login:
        return None
    return Login(login, person, way, passkey, entry.n, entry.at, by)


def _passkey(body: Mapping[str, Any]) -> Passkey:
    return Passkey(
        str(body["kind"]),
        bytes.fromhex(body["public"]),
        bytes.fromhex(body["handle"]),
        str(body["rp"]),
        str(body["origin"]),
    )


def _row(person: PersonId, login: str, way: str, by: str, more: Mapping[str, Json]) -> str:
    return commitment("login", person, login, way, by, dict(more))
