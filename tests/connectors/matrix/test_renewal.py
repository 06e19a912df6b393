"""A real Synapse takes another password from us; we stay the device that we are."""

from dataclasses import replace

import httpx
import pytest

from connectors.matrix.connector import MatrixConnector, open_connector
from connectors.port.errors import ConnectorError
from connectors.port.renewal import ProvesSecrets, SetsPassword

from .conftest import PASSWORD, Lab

NEW = "another-password-5518"


async def opened(lab: Lab, user: str, **secrets: str) -> MatrixConnector:
    """The same device again, with other secrets."""
    setup = lab.setup(user)
    connector = open_connector(replace(setup, secrets={**setup.secrets, **secrets}))
    assert isinstance(connector, MatrixConnector)
    lab.opened.append(connector)
    await connector.open()
    return connector


async def test_another_password_is_taken_and_proven_as_the_same_device(lab: Lab) -> None:
    user = lab.account("bot")
    bot = await lab.bot(user)
    assert isinstance(bot, SetsPassword)
    assert isinstance(bot, ProvesSecrets)
    devices = await bot.own_devices()
    await bot.set_password(NEW)
    assert (await bot.health()).up, "no device is signed out"
    with pytest.raises(ConnectorError):
        await bot.prove_secrets()
    assert (await bot.health()).up, "what was refused ended no session"
    await bot.close()
    again = await opened(lab, user, password=NEW)
    await again.prove_secrets()
    assert (await again.health()).up
    assert await again.own_devices() == devices, "the same device with the same keys"
    anna = await lab.person("anna")
    room = await lab.room(again, anna)
    await again.send(lab.delivery(room, "Still us.", anna))


async def test_a_kept_session_opens_with_a_wrong_password_and_proves_none(lab: Lab) -> None:
    user = lab.account("bot")
    await (await lab.bot(user)).close()
    wrong = await opened(lab, user, password="never-the-password")
    with pytest.raises(ConnectorError):
        await wrong.prove_secrets()
    assert (await wrong.health()).up


async def test_a_token_of_another_device_is_not_ours(lab: Lab) -> None:
    user = lab.account("bot")
    await (await lab.bot(user)).close()
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user},
        "password": PASSWORD,
    }
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{lab.server.url}/_matrix/client/v3/login", json=body)
    other = await opened(lab, user, access_token=answer.json()["access_token"])
    with pytest.raises(ConnectorError, match="other_device"):
        await other.prove_secrets()
