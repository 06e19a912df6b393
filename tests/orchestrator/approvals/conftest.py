"""People with keys of their own, and a deal whose people they are."""

import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.approvals import requests
from orchestrator.approvals.credentials import Signed
from orchestrator.approvals.plan import Answer, Plan, enrolment, statement
from orchestrator.approvals.standing import FOUND, Standing
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx
from tests.orchestrator.approvals.signers import Signer
from tiers.approval import Rule
from tiers.ids import DealId

DEAL = DealId("deal_" + "d" * 32)
OTHER = DealId("deal_" + "e" * 32)


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
        self,
        request: str,
        person: Signer,
        said: Answer = "yes",
        signed: Signed | None = None,
        reason: str | None = None,
    ) -> None:
        found = (await self.standing()).requests[request]
        text = statement(DEAL, found.plan.hash, found.expires_at, said, reason)
        made, at = signed or person.sign(text), self.tick()
        await self.store.write(
            lambda tx: requests.answer(
                tx,
                DEAL,
                request,
                said,
                person.person,
                made,
                at=at,
                actor="local:ops",
                reason=reason,
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
