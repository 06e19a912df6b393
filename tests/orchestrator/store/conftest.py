"""A store on disk with one plain table beside the product's own."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "wallcross.db"
    migrate(file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE thing (n INTEGER PRIMARY KEY, data BLOB) STRICT")
        connection.commit()
    return file


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    opened = Store(path)
    yield opened
    await opened.close()
