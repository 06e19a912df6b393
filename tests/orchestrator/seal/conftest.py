"""A home with its secrets beside it."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from orchestrator.clock import HOUR
from orchestrator.seal.master import create_master, open_master
from orchestrator.seal.sealer import Sealer
from orchestrator.secrets.home import HomeSecrets
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store

# no deadline: a shared machine stalls by itself
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


@dataclass
class House:
    """A home, its secrets and a clock that a test moves."""

    base: Path
    now: int = 1_800_000_000_000_000

    @property
    def home(self) -> Path:
        return self.base / "home"

    def secrets(self) -> HomeSecrets:
        return HomeSecrets(self.base / "secrets", "home_1", None)

    def sealer(self, home: Path | None = None) -> Sealer:
        secrets = self.secrets()
        return Sealer(home or self.home, secrets, open_master(secrets), lambda: self.now)

    def store(self, home: Path | None = None) -> Store:
        return Store((home or self.home) / "wallcross.db")

    async def copy(self, store: Store, name: str) -> Path:
        """A backup of the home as it is now; the store goes on."""
        to = self.base / name
        await store.write(lambda _tx: shutil.copytree(self.home, to))
        return to

    def hour(self) -> int:
        self.now += HOUR
        return self.now


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.home.mkdir(mode=0o700)
    migrate(made.home / "wallcross.db")
    create_master(made.secrets())
    return made


@pytest.fixture
async def store(house: House) -> AsyncIterator[Store]:
    opened = house.store()
    yield opened
    await opened.close()


@pytest.fixture
def sealer(house: House) -> Sealer:
    return house.sealer()
