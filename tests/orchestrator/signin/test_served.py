"""The desk's own socket: owner only, and the stream of ended sessions for our own front alone."""

import asyncio
import stat

import pytest

from orchestrator.api.door import SOCKET, at_desk
from orchestrator.client.api import Client
from orchestrator.client.problems import Refused, SignInFirst
from orchestrator.client.wire import socket_transport
from orchestrator.signin.secret import COOKIE
from tests.orchestrator.signin.conftest import DeskHouse
from tiers.ids import PersonId


async def test_the_front_hears_of_each_end(desk: DeskHouse) -> None:
    settings = desk.home.runtime.settings
    async with at_desk(desk.home, settings):
        path = settings.state / SOCKET
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600
        browser = await desk.signed_in("ada")
        session = (await browser.get("/session")).json()["session_id"]
        async with Client(socket_transport(str(path))) as front:
            heard = front.gate_ended()
            assert await anext(heard) == ""
            await desk.home.sign_out(desk.house.deal, PersonId("ada"), actor="local:test")
            told = [await asyncio.wait_for(anext(heard), 5)]
            assert told == [session]
            await heard.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_nobody_else_hears_of_it_nor_is_anybody_by_the_socket_alone(desk: DeskHouse) -> None:
    settings = desk.home.runtime.settings
    async with at_desk(desk.home, settings):
        path = str(settings.state / SOCKET)
        async with Client(socket_transport(path)) as front:
            with pytest.raises(SignInFirst):
                await front.me()
        browser = await desk.signed_in(None)
        for headers in (
            {"cookie": f"{COOKIE}={browser.cookie}"},
            {"sec-fetch-site": "same-origin"},
            {"x-forwarded-for": "10.0.0.1"},
        ):
            async with Client(socket_transport(path), headers=headers) as handed_on:
                with pytest.raises(Refused):
                    await anext(handed_on.gate_ended())


async def test_what_is_over_by_itself_is_ended_without_a_request(desk: DeskHouse) -> None:
    async with at_desk(desk.home, desk.home.runtime.settings):
        await desk.signed_in("ada")
        ended = desk.home.sessions_ended()
        waiting = asyncio.ensure_future(anext(ended))
        await asyncio.sleep(0)
        desk.ticks.at += desk.keeper.sessions.limits.idle
        assert (await asyncio.wait_for(waiting, 10)).startswith("ses_")
        await ended.aclose()
