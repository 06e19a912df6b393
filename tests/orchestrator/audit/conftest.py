"""A store on disk, and units of work over it without a loop where order alone matters."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    migrate(tmp_path / "wallcross.db")
    opened = Store(tmp_path / "wallcross.db")
    yield opened
    await opened.close()
