"""Each red of the Signal doctor: shown with what to do, and over once it is put right."""

import socket
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from connectors.port.connector import Check
from connectors.signal import exposed
from connectors.signal.connector import SignalConnector, open_connector
from connectors.signal.doctor import older

from .conftest import NOBODY, NUMBER, Lab, part, until

# Taken from a machine: loopback 8080, everywhere 22, established elsewhere, IPv6 as well.
HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n"
)
V4 = HEAD + (
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2\n"
    "   2: 0A00000A:1F90 0B00000A:C350 01 00000000:00000000 00:00000000 00000000     0        0 3\n"
)
REST = f"{'0' * 32}:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n"
V6 = HEAD + (
    f"   0: 00000000000000000000000001000000:1F91 {REST}"
    f"   1: 00000000000000000000000000000000:1F92 {REST}"
    f"   2: 0000000000000000FFFF00000100007F:1F93 {REST}"
)


@pytest.mark.parametrize(
    ("port", "beyond"),
    [(8080, False), (22, True), (8081, False), (8082, True), (8083, False), (9999, None)],
)
def test_who_listens_is_read_from_the_kernels_tables(
    tmp_path: Path, port: int, beyond: bool | None
) -> None:
    tables = (tmp_path / "tcp", tmp_path / "tcp6")
    for file, text in zip(tables, (V4, V6), strict=True):
        file.write_text(text)
    assert exposed.listens_beyond(port, tables) is beyond


def test_a_table_that_makes_no_sense_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text("what is this\nnothing: of that 0A kind\n")
    assert exposed.listens_beyond(8080, (tmp_path / "tcp",)) is None


def test_this_machines_own_tables_are_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert exposed.listens_beyond(listener.getsockname()[1]) is False


async def _look(bot: SignalConnector, code: str) -> Check:
    (found,) = [check for check in await bot.inspect() if check.code == code]
    assert found.ok == (not found.remedy)
    return found


async def test_everything_is_in_order_here(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.room(bot, "ann", owners=frozenset({await lab.account("ann")}))
    assert [c.code for c in await bot.inspect() if not c.ok] == []


async def test_a_server_that_listens_beyond_loopback_is_red(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bot = await lab.bot()
    assert (await _look(bot, "api reach")).ok
    port = int(lab.server.url.rpartition(":")[2])
    table = tmp_path / "tcp"
    table.write_text(V4.replace("00000000:0016", f"00000000:{port:04X}"))
    monkeypatch.setattr(exposed.listens_beyond, "__defaults__", ((table,),))
    found = await _look(bot, "api reach")
    assert not found.ok
    assert not found.later
    assert "read and send as us" in found.hint
    assert "127.0.0.1" in found.remedy
    table.unlink()
    assert "could not be seen" in (await _look(bot, "api reach")).hint


async def test_a_proxy_that_lets_everybody_through_is_red(lab: Lab) -> None:
    """The stand-in asks for nothing, as a proxy does that was set up wrongly."""
    setup = lab.setup()
    secrets = {**setup.secrets, "api_token": "credential-of-the-proxy"}
    bot = open_connector(replace(setup, secrets=secrets))
    assert isinstance(bot, SignalConnector)
    lab.opened.append(bot)
    await bot.open()
    found = await _look(bot, "api reach")
    assert "without our credential" in found.hint
    assert "refuse" in found.remedy


async def test_a_log_of_bodies_is_red_until_it_is_off(lab: Lab) -> None:
    bot = await lab.bot()
    found = await _log_at(lab, bot, "debug")
    assert "in the clear" in found.hint
    assert "LOG_LEVEL=info" in found.remedy
    assert (await _log_at(lab, bot, "info")).ok


async def _log_at(lab: Lab, bot: SignalConnector, level: str) -> Check:
    async with httpx.AsyncClient(trust_env=False, verify=NOBODY) as client:
        body = {"logging": {"Level": level}}
        answer = await client.post(f"{lab.server.url}/v1/configuration", json=body)
    assert answer.is_success
    return await _look(bot, "api log")


async def test_an_old_release_is_red_and_a_newer_one_is_not(lab: Lab) -> None:
    await lab.hand.reset(version="0.100")
    bot = await lab.bot("old", least_version="0.101")
    found = await _look(bot, "api version")
    assert "older than 0.101" in found.hint
    assert not found.later
    await lab.hand.reset(version="0.101")
    assert (await _look(bot, "api version")).ok


@pytest.mark.parametrize(
    ("version", "least", "found"),
    [
        ("0.99", "0.100", True),
        ("0.100", "0.100", False),
        ("0.101-rc1", "0.100", False),
        ("1", "0.100", False),
        ("unset", "0.100", None),
        ("", "0.100", None),
    ],
)
def test_releases_are_compared_as_numbers(version: str, least: str, found: bool | None) -> None:
    assert older(version, least) is found


async def test_the_only_admin_is_red_until_a_person_is_one_too(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    found = await _look(bot, "room admins")
    assert "only admin of 1 rooms" in found.hint
    ann = await lab.account("ann")
    path = f"{lab.server.url}/v1/groups/{part(NUMBER)}/{part(room)}/admins"
    async with httpx.AsyncClient(trust_env=False, verify=NOBODY) as client:
        assert (await client.post(path, json={"admins": [ann]})).is_success
    assert (await _look(bot, "room admins")).ok


async def test_an_owner_who_is_still_to_come_in_is_no_red(lab: Lab) -> None:
    bot = await lab.bot(look_every=600.0)
    owner = await lab.account("owner")
    await lab.hand.person("owner", auto_join=False)
    await lab.room(bot, "ann", owners=frozenset({owner}))
    found = await _look(bot, "room admins")
    assert found.ok
    assert "has not come in yet" in found.hint


async def test_what_cannot_be_seen_is_not_in_order(lab: Lab) -> None:
    bot = await lab.bot()

    async def unseen() -> bool:
        found = {check.code: check.ok for check in await bot.inspect()}
        return not any(found[code] for code in ("api log", "api version", "room admins"))

    await lab.hand.go_down()
    await until(unseen)  # a connection that was open may answer once more
    await lab.hand.come_back()
    assert (await _look(bot, "api log")).ok


async def test_silence_before_the_first_post_stops_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    found = await _look(bot, "webhook")
    assert (found.ok, found.later) == (False, True)
    assert "RECEIVE_WEBHOOK_URL" in found.remedy
    await lab.account("ann")
    await lab.hand.write("ann", "hello")
    await lab.hand.settle()
    assert (await _look(bot, "webhook")).ok
