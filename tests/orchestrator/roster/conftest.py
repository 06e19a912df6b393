from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from orchestrator.config.mistakes import Mistake
from orchestrator.config.policy import default_text, read_policy
from orchestrator.roster.deals import Deal, create_deal
from orchestrator.roster.read import RosterInvalid, read_roster
from orchestrator.roster.write import template
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store

Find = Callable[..., tuple[Mistake, ...]]


@pytest.fixture
def files() -> dict[str, bytes]:
    """The template's files, to spoil."""
    return template()


@pytest.fixture
def mistakes() -> Callable[[Mapping[str, bytes]], tuple[Mistake, ...]]:
    """What is wrong with files."""

    def find(files: Mapping[str, bytes]) -> tuple[Mistake, ...]:
        try:
            read_roster(files)
        except RosterInvalid as invalid:
            return invalid.mistakes
        return ()

    return find


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "wallcross.db"
    migrate(path)
    opened = Store(path)
    yield opened
    await opened.close()


@pytest.fixture
async def deal(store: Store) -> Deal:
    """A deal with its policy in force, and no roster yet."""
    policy = read_policy(default_text())
    return await store.write(
        lambda tx: create_deal(
            tx, "HALCYON", made_up=False, policy=policy, at=10, actor="local:ann"
        )
    )
