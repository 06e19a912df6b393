"""The socket is for its owner alone, from its first instant to its last."""

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from orchestrator.api.app import make_app
from orchestrator.api.server import listening, owner_socket
from orchestrator.api.who import actor_of, here, peer_of
from orchestrator.client.api import Client
from orchestrator.client.path import reachable
from orchestrator.client.problems import SignInFirst, Unready
from orchestrator.client.wire import socket_transport

from .conftest import MemoryHome


async def test_the_api_answers_on_the_socket(home: MemoryHome, tmp_path: Path) -> None:
    path = tmp_path / "run" / "wallcross.sock"
    async with listening(make_app(home), path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        with reachable(path) as near:
            async with Client(socket_transport(near)) as client:
                made = await client.deal_new("HALCYON", made_up=True, policy=None)
                assert await client.deal_show("HALCYON") == made
    assert not path.exists()


async def test_a_path_longer_than_the_kernel_takes(home: MemoryHome, tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120) / "run" / "wallcross.sock"
    async with listening(make_app(home), path):
        assert path.exists()
        with reachable(path) as near:
            async with Client(socket_transport(near)) as client:
                assert await client.deal_list() == []
    assert not path.exists()


async def test_a_left_over_socket_is_replaced(home: MemoryHome, tmp_path: Path) -> None:
    path = tmp_path / "run" / "wallcross.sock"
    path.parent.mkdir(mode=0o700)
    dead = socket.socket(socket.AF_UNIX)
    with reachable(path) as near:
        dead.bind(near)
    dead.close()
    async with listening(make_app(home), path):
        with reachable(path) as near:
            _, writer = await asyncio.open_unix_connection(near)
            writer.close()
            await writer.wait_closed()


def test_a_folder_that_others_enter_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(Unready) as caught, owner_socket(folder / "wallcross.sock"):
        pass
    assert "chmod 700" in caught.value.then


def test_the_peer_is_who_the_kernel_says() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert peer_of(one) == (f"uid:{os.geteuid()}", os.getpid())
    inet = socket.socket(socket.AF_INET)
    with inet:
        assert peer_of(inet) is None
    assert peer_of(None) is None


@pytest.mark.parametrize("client", [None, ("uid:4242", 1), ("127.0.0.1", 1)])
def test_nobody_else_acts(client: tuple[str, int] | None) -> None:
    with pytest.raises(SignInFirst):
        actor_of(client)


def test_the_actor_is_the_systems_user() -> None:
    assert actor_of(here()).startswith("local:")
