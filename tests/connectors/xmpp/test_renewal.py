"""A real Prosody takes another password from us, where it lets accounts set it, and signs us in by
it alone from then on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.port.connector import Setup
from connectors.port.errors import ConnectorError, Rejected
from connectors.port.renewal import ProvesSecrets, SetsPassword
from connectors.xmpp.connector import open_connector

from .conftest import Lab, started
from .prosody import Prosody

NEW = "another-password-5518"


@pytest.fixture(scope="module")
def settable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    server = started(tmp_path_factory.mktemp("settable"), passwords=True)
    yield server
    server.stop()


async def opens(setup: Setup) -> bool:
    connector = open_connector(setup)
    try:
        await connector.open()
    except ConnectorError:
        return False
    finally:
        await connector.close()
    return True


async def test_it_takes_another_and_no_more_the_old_one(settable: Prosody, tmp_path: Path) -> None:
    lab = Lab(settable, tmp_path)
    account = lab.account("bot")
    bot = await lab.bot(account)
    assert isinstance(bot, SetsPassword)
    assert not isinstance(bot, ProvesSecrets), "opening signs in by the password each time"
    await bot.set_password(NEW)
    await bot.close()
    setup = lab.setup(account)
    assert not await opens(setup)
    assert await opens(replace(setup, secrets={**setup.secrets, "password": NEW}))


async def test_a_server_that_lets_nobody_set_one_refuses_for_certain(lab: Lab) -> None:
    bot = await lab.bot()
    with pytest.raises(Rejected):
        await bot.set_password(NEW)
    assert (await bot.health()).up
