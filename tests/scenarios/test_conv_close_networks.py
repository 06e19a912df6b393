"""Twelve conversations are closed on three networks: Synapse, Signal's stand-in, PGP mail."""

import asyncio

import pytest

from orchestrator.client.conversing import Closed

from .house import ACTOR
from .test_leave_networks import Everywhere, all_arrived, everywhere

__all__ = ["everywhere"]
pytestmark = pytest.mark.long


async def test_each_room_is_seen_empty_and_left_where_its_network_lets_us(
    everywhere: Everywhere,
) -> None:
    await all_arrived(everywhere)
    before = await everywhere.has()
    done: dict[str, list[Closed]] = {}
    for network in everywhere.networks:
        for label in everywhere.labels(network):
            found = await everywhere.home.conv_close(
                everywhere.deal, label, even_waiting=False, only_look=False, actor=ACTOR
            )
            done.setdefault(network.name, []).append(found)
    states = {name: {one.state for one in found} for name, found in done.items()}
    assert states == {name: {"closed"} for name in done}, done
    hows = {name: {r.how for one in found for r in one.rooms} for name, found in done.items()}
    assert hows == {"matrix": {"left"}, "signal": {"left"}, "mail": {"mailing"}}
    assert everywhere.home.runtime.book.rooms() == ()
    await asyncio.sleep(1)  # what was on its way would be there by now
    assert await everywhere.has() == before
