"""slixmpp-omemo's plug-in: what it does by itself, shown on it, and what is left of that in ours.

Rule kept here: each way of it that the rules of `connectors.xmpp.omemo` stand against is seen on
the plug-in as a client uses it. A version that does otherwise fails here, and less need be ours.
"""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("slixmpp_omemo", reason="needs the extra omemo: run .venv-omemo/bin/pytest")

from omemo.backend import DecryptionFailed
from omemo.session_manager import NoEligibleDevices
from slixmpp import JID
from slixmpp.stanza import Message

from connectors.port.errors import Unreadable
from connectors.xmpp.omemo.pep import LIST_NODE
from connectors.xmpp.omemo.store import Store

from .omemo_child import BOT, KEY, PEER, Offline
from .omemo_lab import NS, Crash, OmemoLab, served
from .omemo_people import Person, PersonsOmemo, until
from .prosody import Prosody

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning"),
]
CANARY = "a planted canary"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    yield from served(tmp_path_factory.mktemp("prosody"))


@pytest.fixture
async def lab(server: Prosody, tmp_path: Path) -> AsyncIterator[OmemoLab]:
    made = OmemoLab(server, tmp_path)
    yield made
    for one in made.opened:
        await one.close()


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plug-in with the trust that it brings: each device when it is first seen."""
    monkeypatch.setattr(PersonsOmemo, "_btbv_enabled", property(lambda _: True))
    monkeypatch.delattr(PersonsOmemo, "_devices_blindly_trusted")


def sealed_to(message: Message) -> set[int]:
    return {int(key.get("rid", "0")) for key in message.xml.iter(f"{NS}key")}


async def number(person: Person) -> int:
    return int((await person.device()).device)


async def published(person: Person, *numbers: str) -> None:
    """Puts a device list of any kind where a person's stands."""
    listed = Element(f"{NS}list")
    for each in numbers:
        listed.append(Element(f"{NS}device", {"id": each}))
    pubsub: Any = person.client.plugin["xep_0060"]
    await pubsub.publish(JID(person.address), LIST_NODE, "current", listed)


@pytest.mark.usefixtures("blind")
async def test_it_seals_to_devices_that_nobody_named(lab: OmemoLab) -> None:
    """Of the reader, and of whoever has our password; ours names each and stops at another."""
    desk, anna = await lab.person("desk"), await lab.person("anna")
    first = await desk.sealed(anna.address, "x", anna.address, kind="chat")
    assert sealed_to(first) == {await number(anna)}
    thief = await lab.person("desk", "thief")
    tablet = await lab.person("anna", "tablet")
    await until(lambda: len(desk.keys.held.get(f"/devices/{anna.address}/list", ())) == 2)
    await until(lambda: len(desk.keys.held.get(f"/devices/{desk.address}/list", ())) == 2)
    then = await desk.sealed(anna.address, "x", anna.address, kind="chat")
    assert sealed_to(then) == {await number(p) for p in (anna, tablet, thief)}


async def test_it_logs_what_it_seals(lab: OmemoLab, caplog: pytest.LogCaptureFixture) -> None:
    desk, anna = await lab.person("desk"), await lab.person("anna")
    caplog.set_level(logging.DEBUG, logger="slixmpp_omemo")
    await desk.sealed(anna.address, CANARY, anna.address, kind="chat")
    assert any(CANARY in line for line in caplog.messages)


async def test_it_keeps_the_text_of_what_it_sealed_for_a_room(lab: OmemoLab) -> None:
    """Until the room shows it; where it never does, for as long as the process lives."""
    bot, desk, anna = await lab.bot(), await lab.person("desk"), await lab.person("anna")
    await desk.sealed("r@rooms.deal.test", CANARY, anna.address)
    kept = desk.omemo._XEP_0384__muc_reflection_cache
    assert [text for texts in kept.values() for text in texts.values()] == [CANARY.encode()]
    await bot.sealer.seal(CANARY, await bot.readers(anna))
    assert bot.sealer._engine._plugin._XEP_0384__muc_reflection_cache == {}


@pytest.mark.usefixtures("blind")
async def test_it_writes_in_the_midst_of_an_act_that_comes_to_nothing(lab: OmemoLab) -> None:
    """A send that is refused leaves trust behind that nobody gave."""
    desk, anna = await lab.person("desk"), await lab.person("anna")
    before = dict(desk.keys.held)
    with pytest.raises(NoEligibleDevices):
        await desk.sealed(anna.address, "x", anna.address, lab.address("nobody"), kind="chat")
    new = desk.keys.held.keys() - before.keys()
    trusted = {key for key in new if key.startswith(f"/trust/{anna.address}/")}
    assert {desk.keys.held[key] for key in trusted} == {"BLINDLY_TRUSTED"}


async def test_it_publishes_before_it_tells_what_it_opened_and_a_crash_there_loses_it(
    lab: OmemoLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, anna = await lab.person("desk"), await lab.person("anna")
    message: Any = await anna.sealed(desk.address, CANARY, desk.address, kind="chat")
    message["from"] = anna.address

    async def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(desk.client.plugin["xep_0060"], "publish", crash)
        with pytest.raises(Crash):
            await desk.omemo.decrypt_message(message)
    again = await lab.person("desk", held=desk.keys.held)
    with pytest.raises(DecryptionFailed):
        await again.omemo.decrypt_message(message)


async def test_it_publishes_and_ends_catching_up_before_anything_was_caught_up(
    lab: OmemoLab,
) -> None:
    """Keys that two senders picked meanwhile are gone then; ours waits to be told."""
    bot, anna = await lab.bot(), await lab.person("anna")
    assert (await bot.readers(anna))[anna.account] == {await anna.device()}
    theirs, ours = await anna.omemo.get_session_manager(), bot.sealer._engine._manager
    assert not theirs._SessionManager__synchronizing
    assert ours._SessionManager__synchronizing


async def test_a_list_that_makes_no_sense_is_an_empty_one_to_it(lab: OmemoLab) -> None:
    bot, desk, anna = await lab.bot(), await lab.person("desk"), await lab.person("anna")
    await published(anna, "no number")
    manager = await desk.omemo.get_session_manager()
    assert await manager._download_device_list(NS.strip("{}"), anna.address) == {}
    with pytest.raises(Unreadable):
        await bot.readers(anna)


async def test_it_believes_what_a_server_pushes(lab: OmemoLab) -> None:
    """Ours takes a push for a reason to read, and its plug-in hears none."""
    bot, desk, anna = await lab.bot(), await lab.person("desk"), await lab.person("anna")
    await desk.sealed(anna.address, "x", anna.address, kind="chat")
    await bot.sealer.seal("x", await bot.readers(anna))
    push: Any = desk.client.make_message(mto=desk.address, mfrom=anna.address)
    push["pubsub_event"]["items"]["node"] = LIST_NODE
    listed = Element(f"{NS}list")
    listed.append(Element(f"{NS}device", {"id": "4711"}))
    push["pubsub_event"]["items"]["item"]["payload"] = listed
    desk.client.event("oldmemo_device_list_publish", push)
    await until(lambda: 4711 in desk.keys.held[f"/devices/{anna.address}/list"])
    plugins: Any = bot.client.plugin
    assert "xep_0384" not in set(plugins)
    assert not bot.client.event_handled("oldmemo_device_list_publish")
    assert not bot.sealer._engine._plugin.xmpp.is_connected()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=TEXTS)
async def test_whatever_a_text_holds_comes_through_it_as_it_was(text: str, tmp_path: Path) -> None:
    ends = [tmp_path / name / str(abs(hash(text))) for name in ("bot", "peer")]
    stores = [Store(end, KEY) for end in ends]
    bot, peer = await Offline(BOT, stores[0]).start(), await Offline(PEER, stores[1]).start()
    to_peer = bot.meet(PEER, peer.own.number, await peer.shown())
    peer.meet(BOT, bot.own.number, await bot.shown())
    assert await peer.open(await bot.seal(text, to_peer), BOT) == (text, None)
    for store in stores:
        store.close()
