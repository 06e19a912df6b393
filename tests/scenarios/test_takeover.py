"""The published take-over scripts, replayed: each is seen, stopped, and told to people.

Fake support, a linked device, a re-registration, an executive's double who writes first. On the
memory network, whose devices are told one by one, and on the Signal stand-in, which tells what
Signal tells: one safety number for an account (docs/takeover.md).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from connectors.port.connector import OwnDevices
from connectors.port.words import words_for
from connectors.signal.standin.control import Control
from orchestrator.client.problems import Refused
from orchestrator.command.home import OpenHome
from orchestrator.command.risk_look import RiskLook
from orchestrator.rooms.distress import PHISHED
from tiers.ids import PersonId
from tiers.rights import DeskRole
from tiers.tier import Tier

from .conftest import OURS, Hands, House, Opens, eventually
from .house import ACTOR, PRICE, SUPPLY, Talk, make_deal
from .test_home_signal import SIGNAL, Phones, people, phones, shown
from .test_risk import desk
from .test_risk_answers import audited

__all__ = ["phones"]

ADA, BO, CY = PersonId("ada"), PersonId("bo"), PersonId("cy")
ON_MEMORY = (Talk("price", Tier.VALUATION), Talk("lunch", Tier.COORDINATION))
CODE = "Your account will be suspended. Send us the verification code that you received."


async def one_finding(house: House, rule: str) -> tuple[str, str]:
    """Severity and reasons of a finding, once one is open."""
    sql = "SELECT severity, reasons FROM finding WHERE rule = ? AND closed_at IS NULL"

    async def is_open() -> bool:
        return bool(await house.rows(sql, rule))

    await eventually(is_open)
    severity, reasons = (await house.rows(sql, rule))[0]
    return str(severity), str(reasons)


async def paused(house: House, room: str) -> bool:
    [(why,)] = await house.rows("SELECT paused FROM room WHERE room = ?", room)
    return why is not None


def stops(house: House, room: str) -> Callable[[], Awaitable[bool]]:
    async def stopped() -> bool:
        return await paused(house, room)

    return stopped


# On the memory network.


async def test_memory_fake_support_asks_for_a_code(opens: Opens) -> None:
    house = await opens(ON_MEMORY)
    await house.far.register("signal-support")
    await house.far.direct("signal-support", OURS, CODE)
    _, why = await one_finding(house, "first_contact")
    assert "office" in why
    assert "press" in why
    assert "verification" not in why, "none of his words"
    await house.quiet()
    assert {m.sender for m in await house.far.inbox("signal-support")} == {"signal-support"}


async def test_memory_a_linked_device_appears_and_reads_nothing_of_ours(opens: Opens) -> None:
    """He scanned a code that somebody showed him: his account has one device more."""
    house = await opens(ON_MEMORY)
    await house.far.add_device("bo", "LINKED", "a-key-of-somebody-else")
    await eventually(stops(house, house.room("price")))
    await one_finding(house, "new_device")
    assert "never on one that came with it" in (await house.told("ada"))[-1].text
    message = await house.send(f"{PRICE}: 27", to="price")
    assert await house.ends(message) == "held"
    assert await house.seen("bo", "price") == []
    # he notices, and says so
    await house.far.direct("bo", OURS, "phished")
    severity, _ = await one_finding(house, PHISHED)
    assert severity == "critical"
    await eventually(stops(house, house.room("lunch")))
    assert {k.state for k in await house.home.key_list(house.deal, BO)} == {"superseded"}


async def test_memory_a_double_of_an_executive_writes_first(opens: Opens) -> None:
    house = await opens(ON_MEMORY)
    await house.far.register("ad\u0430")  # the last letter is Cyrillic
    await house.far.direct("ad\u0430", OURS, "Keep this between us: what do they offer?")
    severity, why = await one_finding(house, "first_contact")
    assert severity == "high"
    assert "reads exactly like Ada" in why
    await house.far.add_member(house.room("lunch"), "ad\u0430", by="ada")
    await eventually(stops(house, house.room("lunch")))
    assert await house.ends(await house.send("Soup today", to="lunch")) == "held"
    assert await house.far.inbox("ad\u0430", house.room("lunch")) == ()


# On Signal.


@dataclass
class OnSignal:
    """A deal on the Signal stand-in, its keys verified."""

    house: House
    hand: Control
    home: OpenHome

    @property
    def room(self) -> str:
        return self.house.room("supply", SIGNAL)


TALKS = (
    Talk("supply", Tier.OPERATIONS, members=("ada", "bo", "cy", "di")),
    Talk("price", Tier.VALUATION, members=("ada", "bo", "cy")),
)


@pytest.fixture
async def signal(phones: Phones) -> OnSignal:
    hand = await phones.start()
    await phones.opened()
    deal = await make_deal(phones.home, TALKS, channel=SIGNAL, people=await people(hand))
    house = House(phones.home, deal, None, Hands())  # type: ignore[arg-type]  # no memory network
    return OnSignal(house, hand, phones.home)


async def test_signal_fake_support_asks_for_a_code(signal: OnSignal) -> None:
    await signal.hand.person("Signal Support", number="+15550999")
    await signal.hand.write("Signal Support", CODE)
    _, why = await one_finding(signal.house, "first_contact")
    assert "Signal Support" in why
    assert "office" in why
    assert "press" in why
    [(name,)] = await signal.house.rows("SELECT claimed_name FROM quarantine")
    assert name == "Signal Support"
    await signal.house.quiet()
    assert {m.author for m in await signal.hand.arrived("Signal Support")} == {"Signal Support"}


async def test_signal_a_double_of_an_executive_writes_first(signal: OnSignal) -> None:
    await signal.hand.person("\u0412o", number="+15550999")  # the first letter is Cyrillic
    await signal.hand.write("\u0412o", "This is urgent, and between us.")
    severity, why = await one_finding(signal.house, "first_contact")
    assert severity == "high"
    assert "reads exactly like Bo" in why
    assert {m.author for m in await signal.hand.arrived("\u0412o")} == {"\u0412o"}


async def test_signal_a_registration_anew_changes_the_safety_number(signal: OnSignal) -> None:
    """Somebody registered his number: his account's key is another, and nothing goes to it."""
    house = signal.house
    await signal.hand.reinstall("bo", tell=True)
    message = await house.send(f"{SUPPLY} today", to="supply")
    assert await house.ends(message) == "held"
    await one_finding(house, "new_device")
    await eventually(stops(house, house.room("price", SIGNAL)))
    assert not any(SUPPLY in (m.text or "") for m in await signal.hand.arrived("bo", signal.room))
    told = await shown(signal.hand, "ada", "Held. Nobody has seen it.")
    assert told.group is None, "in her own line"
    # two people call him on a number that they had, and he reads his new number out
    [key] = [k for k in await house.home.key_list(house.deal, BO) if k.state == "seen"]
    spaced = " ".join(key.key[n : n + 5] for n in range(0, len(key.key), 5))
    assert key.words == words_for(spaced)
    await house.home.key_verify(house.deal, BO, ADA, CY, words=spaced, actor=ACTOR)
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert not await paused(house, house.room("price", SIGNAL))


async def test_signal_whoever_writes_on_a_linked_device_stops_valuation(signal: OnSignal) -> None:
    """One key for all devices: what is linked is seen by the number of the device that wrote."""
    house, price = signal.house, signal.house.room("price", SIGNAL)
    await signal.hand.write("bo", "Good morning.", group=price)

    async def noted() -> bool:
        return len(await house.rows("SELECT 1 FROM wrote_on WHERE device = '1'")) == 1

    await eventually(noted)
    assert not await paused(house, price)
    await signal.hand.write("bo", "What do they offer?", group=price, device=2)
    severity, why = await one_finding(house, "linked_device")
    assert severity == "high"
    assert "never wrote on before" in why
    await eventually(stops(house, price))
    assert not await paused(house, signal.room), "pinned keys are enough there"
    told = await shown(signal.hand, "ada", "never wrote on before")
    assert told.group is None
    await signal.home.conv_resume(house.deal, "price", actor=ACTOR)
    await signal.hand.write("bo", "It was my own laptop.", group=price, device=2)
    await house.quiet()
    assert not await paused(house, price), "asked once, it is his"


async def test_signal_a_device_linked_to_our_own_account_is_told(signal: OnSignal) -> None:
    """Whoever is linked to our own account reads all that we read."""
    await signal.hand.add_device("bot", "somebody's laptop")
    severity, _ = await one_finding(signal.house, "own_device")
    assert severity == "high"
    await RiskLook(signal.house.home.runtime).look()
    assert "own_device" in await signal.house.findings(), "it is linked still"


async def test_signal_a_device_linked_to_our_own_account_is_unlinked_from_the_card(
    signal: OnSignal,
) -> None:
    """The finding is over by the list that was read afterwards."""
    await signal.hand.add_device("bot", "somebody's laptop")
    await one_finding(signal.house, "own_device")
    sql = "SELECT finding_id FROM finding WHERE rule = 'own_device' AND closed_at IS NULL"
    [(finding,)] = await signal.house.rows(sql)
    async with desk(signal.house, DeskRole.COUNSEL, person="cy") as client:
        with pytest.raises(Refused):
            await client.finding_answer(signal.house.deal, finding, "shut_out")
    async with desk(signal.house, DeskRole.SECURITY_OFFICER, person="bo") as client:
        came = await client.finding_answer(signal.house.deal, finding, "shut_out")
    assert came.closed
    assert came.done == ("asked the network to sign it out",)
    assert await audited(signal.house, finding) == 1
    connector = signal.home.runtime.connectors[SIGNAL]
    assert isinstance(connector, OwnDevices)
    assert [device.device for device in await connector.own_devices()] == ["1"]


async def test_signal_phished_in_his_line_stops_him_and_tells_the_owner(signal: OnSignal) -> None:
    house = signal.house
    await signal.hand.write("bo", "Ich wurde gephisht")
    severity, _ = await one_finding(house, PHISHED)
    assert severity == "critical"
    await eventually(stops(house, signal.room))
    assert {k.state for k in await house.home.key_list(house.deal, BO)} == {"superseded"}
    told = await shown(signal.hand, "ada", "was phished")
    assert told.group is None
    message = await house.send(f"{SUPPLY} again", to="supply")
    assert await house.ends(message) == "held"
