"""People with keys of their own, and a deal whose people they are."""

import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha512
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from orchestrator.approvals import requests
from orchestrator.approvals.credentials import Credential, Signed
from orchestrator.approvals.plan import Answer, Plan, enrolment, statement
from orchestrator.approvals.sshsig import read_public
from orchestrator.approvals.standing import FOUND, Standing
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx
from tiers.approval import Role, Rule
from tiers.ids import DealId, PersonId
from tiers.people import Party

DEAL = DealId("deal_" + "d" * 32)
OTHER = DealId("deal_" + "e" * 32)


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


@dataclass
class Deal:
    """A deal's chain, with people who enrol, ask and sign."""

    store: Store
    at: int = 1_000_000

    async def standing(self) -> Standing:
        return await self.store.read(lambda tx: requests.standing(tx, DEAL))

    def tick(self) -> int:
        self.at += 1
        return self.at

    async def enrol(self, *people: Signer) -> None:
        for person in people:
            await self.store.write(lambda tx, p=person: self._enrol(tx, p))  # type: ignore[misc]

    def _enrol(self, tx: Tx, person: Signer) -> str:
        credential = person.credential
        proof = person.sign(enrolment(DEAL, credential.hash))
        requests.check_enrolment(requests.standing(tx, DEAL), credential, proof)
        return requests.enrol(tx, DEAL, credential, None, at=self.tick(), actor="local:ops")

    async def ask(self, plan: Plan, rule: Rule | None = None, actor: str = "local:ops") -> str:
        given, at = rule or Rule(), self.tick()
        return await self.store.write(
            lambda tx: requests.ask(tx, DEAL, plan, rule=given, at=at, actor=actor)
        )

    async def say(
        self, request: str, person: Signer, said: Answer = "yes", signed: Signed | None = None
    ) -> None:
        found = (await self.standing()).requests[request]
        made = signed or person.sign(statement(DEAL, found.plan.hash, found.expires_at, said))
        at = self.tick()
        await self.store.write(
            lambda tx: requests.answer(
                tx, DEAL, request, said, person.person, made, at=at, actor="local:ops"
            )
        )

    async def finish(self, request: str) -> None:
        at = self.tick()
        await self.store.write(
            lambda tx: requests.finish(tx, DEAL, request, at=at, actor="local:ops")
        )

    async def found(self, *people: Signer) -> None:
        await self.enrol(*people)
        request = await self.ask(self.founding(*people))
        for person in people:
            await self.say(request, person)
        await self.finish(request)

    def founding(self, *people: Signer) -> Plan:
        return Plan(FOUND, {"credentials": sorted(p.credential.hash for p in people)})


def signers(*names: str) -> tuple[Signer, ...]:
    return tuple(Signer(name) for name in names)


@pytest.fixture
def people() -> Callable[..., tuple[Signer, ...]]:
    return signers


@pytest.fixture
async def deal(tmp_path: Path) -> AsyncIterator[Deal]:
    path = tmp_path / "wallcross.db"
    migrate(path)
    store = Store(path)
    await store.write(
        lambda tx: append(
            tx, DEAL, Kind.DEAL_CREATED, {"code": "D", "made_up": False}, at=1, actor="local:ops"
        )
    )
    yield Deal(store)
    await store.close()


@pytest.fixture
def ssh_sign(tmp_path: Path) -> Callable[..., str]:
    """Has ssh-keygen sign a message with a key file."""

    def sign(key: Path, message: bytes, namespace: str = "wallcross") -> str:
        line = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace]
        done = subprocess.run(line, input=message, capture_output=True, check=True, cwd=tmp_path)
        return done.stdout.decode()

    return sign
