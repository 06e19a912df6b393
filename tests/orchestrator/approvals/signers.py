"""People with keys of their own, for tests of approvals wherever they are."""

import base64
from dataclasses import dataclass, field
from hashlib import sha512
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from orchestrator.approvals.credentials import Credential, Signed
from orchestrator.approvals.sshsig import BEGIN, END, read_public
from tiers.approval import Role
from tiers.ids import PersonId
from tiers.people import Party


def packed(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


@dataclass
class Signer:
    """A person with an Ed25519 key in OpenSSH's form, who signs as ssh-keygen does."""

    name: str
    roles: frozenset[Role] = frozenset({Role.APPROVER})
    party: Party | None = Party.ACQUIRER
    ties: frozenset[str] = frozenset()
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def person(self) -> PersonId:
        return PersonId(self.name)

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    @property
    def credential(self) -> Credential:
        found = read_public(self.public)
        return Credential(
            self.person, "ssh", found.kind, found.blob, self.roles, self.party, self.ties
        )

    def sign(self, message: bytes, namespace: bytes = b"wallcross") -> Signed:
        reserved, algorithm, digest = b"", b"sha512", sha512(message).digest()
        over = b"SSHSIG" + b"".join(map(packed, (namespace, reserved, algorithm, digest)))
        blob = read_public(self.public).blob
        made = packed(b"ssh-ed25519") + packed(self.key.sign(over))
        head = b"SSHSIG" + (1).to_bytes(4, "big")
        return Signed(head + b"".join(map(packed, (blob, namespace, reserved, algorithm, made))))

    def written(self, folder: Path) -> Path:
        """The private key in a file that ssh-keygen reads."""
        file = folder / f"id_{self.name}"
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        file.touch(0o600)
        file.write_bytes(pem)
        return file

    def armoured(self, message: str) -> str:
        """A signature as ssh-keygen writes it."""
        text = base64.b64encode(self.sign(message.encode()).signature).decode()
        return f"{BEGIN}\n{text}\n{END}\n"
