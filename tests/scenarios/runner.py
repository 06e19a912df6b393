"""Our process, for scenarios that end it: ``python -m tests.scenarios.runner ORDERS``.

Opens the home live as ``serve`` does (hardened, locked, its log on standard error, its API on the
owner-only socket) and says so on standard output in one JSON line. Ends when its standard input
does. ``ORDERS`` is one JSON object, see ``Orders``.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

from orchestrator.api.app import make_app
from orchestrator.api.server import listening
from orchestrator.client.problems import Missing
from orchestrator.clock import now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.flow.port import Classifies
from orchestrator.hygiene import harden, private_tmp
from orchestrator.logs import configured
from orchestrator.store.lock import home_lock
from orchestrator.wiring import open_runtime
from tiers.ids import AccountId, ConnectorName, DealId, PersonId
from tiers.people import Roster
from tiers.tier import Tier

from .house import (
    ACTOR,
    CHANNEL,
    HIGHEST,
    Preclassified,
    Talk,
    by_words,
    make_deal,
    make_talk,
    roster,
)
from .planted import PLANTS


@dataclass(frozen=True, slots=True)
class Orders:
    """What to run.

    Attributes:
        flags: settings, as ``--set`` gives them.
        talks: (label, floor) of the conversations to be there.
        classifier: ``preclassified``, ``words`` or ``shipped``.
        plant: a guard to take out on purpose, see ``planted``.
        channel: on which the conversations are.
        accounts: of people on that channel; each person's own name where nothing is said.
        keys: certificates of people, where the channel is told them.
        members: of every conversation; None lets in everybody who is cleared.
    """

    home: str
    socket: str
    flags: dict[str, str]
    talks: list[tuple[str, str]]
    classifier: str = "preclassified"
    plant: str | None = None
    checks: list[list[str]] = field(default_factory=list)
    channel: str = CHANNEL
    accounts: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    members: list[str] | None = None


def classifier(name: str) -> Classifies:
    """The classifier of that name."""
    if name == "shipped":  # its libraries are large, and it is begun again and again without it
        shipped: Classifies = import_module("tiers.model.load").load_classifier()
        return shipped
    return by_words() if name == "words" else Preclassified()


async def run(orders: Orders) -> None:
    """Serves until standard input ends."""
    settings = load(flags=orders.flags, environ={}, state=Path(orders.home))
    async with open_runtime(settings, classifier(orders.classifier), live=True, now=now) as runtime:
        home = OpenHome(runtime)
        deal = await _deal(home, orders)
        async with listening(make_app(home), Path(orders.socket)):
            ready = {"deal": deal, "pid": os.getpid(), "checks": orders.checks}
            rooms = {v.label: v.rooms[0].room for v in await home.conv_list(DealId(deal))}
            ready["rooms"] = [rooms[label] for label, _ in orders.talks]
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            await _until_stdin_ends()


async def _deal(home: OpenHome, orders: Orders) -> str:
    try:
        return await home.find_deal("HERON")
    except Missing:
        pass
    deal = await make_deal(home, (), people=_people(orders))
    await _take_keys(home, deal, orders)
    members = None if orders.members is None else tuple(orders.members)
    for label, floor in orders.talks:
        talk = Talk(label, Tier(floor), members=members)
        await make_talk(home, deal, talk, channel=orders.channel)
    return deal


def _people(orders: Orders) -> Roster:
    name = ConnectorName(orders.channel)
    found = roster((name,))
    people = tuple(
        replace(p, accounts={name: AccountId(orders.accounts.get(p.person_id, p.person_id))})
        for p in found.people
    )
    return replace(found, people=people)


async def _take_keys(home: OpenHome, deal: DealId, orders: Orders) -> None:
    """Each certificate is compared by two others."""
    for name, armour in orders.keys.items():
        person = PersonId(name)
        await home.key_add(deal, person, orders.channel, armour.encode(), actor=ACTOR)
        one, other = [PersonId(p) for p in HIGHEST if p != name][:2]
        await home.key_verify(deal, person, one, other, actor=ACTOR)


async def _until_stdin_ends() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()
    loop.remove_reader(sys.stdin.fileno())


def main() -> None:
    """Runs the orders."""
    orders = Orders(**json.loads(sys.argv[1]))
    orders.checks.extend([check.name, check.state] for check in harden())
    if orders.plant is not None:
        PLANTS[orders.plant]()
    home = Path(orders.home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with home_lock(home), configured(debug=True):
        private_tmp(home)
        asyncio.run(run(orders))


if __name__ == "__main__":
    main()
