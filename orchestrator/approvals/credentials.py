"""A person's public key or passkey, as the chain states it, and the check of what it signed.

Rules kept here:

1. A credential is named by the hash of all that it permits: whose it is, its public half, its
   roles, the party of its owner's side, and what he may share with others. To change one of them
   is another credential.
2. A signature is believed only after it was checked against the public half that the chain
   states; a number that a key or passkey counts only goes up.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal

from orchestrator.approvals import passkey, sshsig
from orchestrator.approvals.errors import BadSignature, NoKey
from orchestrator.audit.body import Json
from orchestrator.audit.granted import commitment
from tiers.approval import Approver, Role
from tiers.ids import PersonId
from tiers.people import Party

Way = Literal["ssh", "passkey"]


def tie(kind: str, name: str) -> str:
    """The opaque name of what a person may share with another.

    Args:
        kind: such as ``subject``, ``login``, ``device`` or ``key``.
        name: as it is known outside.
    """
    return sha256(f"{kind}:{name}".encode()).hexdigest()


def login_tie(actor: str) -> str:
    """The tie of whoever acts under an actor's name, such as ``local:ada``."""
    return tie("login", actor)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature as it was handed in.

    Attributes:
        signature: of SSH the whole of it without armour; of a passkey the bare signature.
        client_data: of a passkey: what its browser says it was asked for.
        authenticator: of a passkey: what it says of itself.
    """

    signature: bytes
    client_data: bytes = b""
    authenticator: bytes = b""

    def body(self) -> dict[str, Json]:
        """As an entry holds it."""
        found = {"signature": self.signature.hex()}
        if self.client_data or self.authenticator:
            found |= {"client_data": self.client_data.hex()}
            found |= {"authenticator": self.authenticator.hex()}
        return dict(found)


def signed_of(body: Mapping[str, Any]) -> Signed:
    """The signature that an entry holds."""
    parts = (bytes.fromhex(body.get(n, "")) for n in ("signature", "client_data", "authenticator"))
    return Signed(*parts)


@dataclass(frozen=True, slots=True)
class Credential:
    """What one person signs approvals with.

    Attributes:
        way: an SSH key, or a passkey.
        kind: a code for its algorithm.
        public: SSH: the key as SSH packs it; a passkey: its COSE key.
        handle: a passkey's credential id; None of an SSH key.
        rp: a passkey's relying party, as the sha256 of its id; None of an SSH key.
        origin: the sha256 of the origin that a passkey is asked from; None of an SSH key.
        party: the party that its owner's side serves.
        ties: what its owner may share with others.
    """

    person: PersonId
    way: Way
    kind: str
    public: bytes = field(repr=False)
    roles: frozenset[Role]
    party: Party | None
    ties: frozenset[str] = frozenset()
    handle: bytes | None = field(default=None, repr=False)
    rp: str | None = None
    origin: str | None = None

    @property
    def hash(self) -> str:
        """What names it."""
        return commitment("credential", *self.body().values())

    def body(self) -> dict[str, Json]:
        """As an entry, or a plan, states it."""
        return {
            "person": self.person,
            "way": self.way,
            "kind": self.kind,
            "public": self.public.hex(),
            "roles": [r.value for r in Role if r in self.roles],
            "party": None if self.party is None else self.party.value,
            "ties": sorted(self.ties),
            "handle": None if self.handle is None else self.handle.hex(),
            "rp": self.rp,
            "origin": self.origin,
        }

    def approver(self) -> Approver:
        """Its owner, as the rules see him by this credential."""
        own = {*self.ties, tie("key", self.public.hex())}
        return Approver(self.person, self.roles, self.party, frozenset(own))

    def check(self, message: bytes, signed: Signed, counted: int) -> int:
        """Checks that it signed ``message``; returns what it counts now (0: it counts nothing).

        Args:
            message: the exact bytes.
            signed: what was handed in.
            counted: what it counted when it signed last.

        Raises:
            BadSignature: it did not, or its count went back: there may be a second of it.
        """
        count = _counted(self, message, signed)
        if (count or counted) and count <= counted:
            raise BadSignature("its count did not go up: there may be a copy of this key")
        return count


@lru_cache(maxsize=4096)  # of what depends on nothing else; a chain is read again and again
def _counted(credential: Credential, message: bytes, signed: Signed) -> int:
    """What a signature says that its key counts, once it is known to be by that key."""
    if credential.way == "ssh":
        return sshsig.verify(credential.public, message, signed.signature)
    return passkey.verify(
        credential.public,
        credential.rp,
        credential.origin,
        message,
        signature=signed.signature,
        client=signed.client_data,
        authenticator=signed.authenticator,
    )


def fingerprint(credential: Credential) -> str:
    """The fingerprint of an SSH key as `ssh-keygen -l` shows it; of a passkey its hash likewise."""
    digest = base64.b64encode(sha256(credential.public).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def credential_of(body: Mapping[str, Any]) -> Credential:
    """The credential that an entry, or a plan, states.

    Raises:
        NoKey: it states none.
    """
    try:
        return _read(body)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NoKey("this is no credential of ours") from None


def _read(body: Mapping[str, Any]) -> Credential:
    party, handle = body["party"], body["handle"]
    return Credential(
        PersonId(body["person"]),
        "ssh" if body["way"] == "ssh" else "passkey",
        body["kind"],
        bytes.fromhex(body["public"]),
        frozenset(map(Role, body["roles"])),
        None if party is None else Party(party),
        frozenset(body["ties"]),
        None if handle is None else bytes.fromhex(handle),
        body["rp"],
        body["origin"],
    )
