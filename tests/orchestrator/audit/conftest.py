"""A store on disk with the home's key, and chains in it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.heads import HeadKey, SignedHead, load_key, sign_heads
from orchestrator.audit.kinds import Kind
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx

AT = 1_700_000_000_000_000
SECOND = 1_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    migrate(tmp_path / "wallcross.db")
    opened = Store(tmp_path / "wallcross.db")
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def key() -> HeadKey:
    return load_key("home_" + "7" * 32, lambda: bytes(range(32)))


Fill = Callable[[str, int, int], Awaitable[None]]
Sign = Callable[[int], Awaitable[SignedHead]]


@pytest.fixture
def fill(store: Store) -> Fill:
    """Appends entries to a deal's chain from a second on, one a second."""

    async def fill_(deal: str, count: int, second: int) -> None:
        def unit(tx: Tx) -> None:
            for k in range(count):
                at = AT + (second + k) * SECOND
                body: dict[str, Json] = {"size": second + k, "room": "!a:b", "tier": "valuation"}
                append(tx, deal, Kind.MESSAGE_ACCEPTED, body, at=at, actor="system")

        await store.write(unit)

    return fill_


@pytest.fixture
def sign(store: Store, key: HeadKey) -> Sign:
    """Signs all heads at a second."""

    async def sign_(second: int) -> SignedHead:
        return await store.write(lambda tx: sign_heads(tx, key, at=AT + second * SECOND))

    return sign_
