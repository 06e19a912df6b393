"""Sealed rooms through the whole connector: killed, caught up, and nothing left at the server."""

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.importorskip("slixmpp_omemo", reason="needs the extra omemo: run .venv-omemo/bin/pytest")

from connectors.port import AccountId, DeviceId, RoomId
from connectors.port.errors import IdentityChanged
from connectors.port.messages import Device, Reader
from connectors.xmpp.connector import SealingXmppConnector, XmppConnector

from .conftest import Lab
from .omemo_people import changed_keys, opened_by
from .omemo_rig import SEALED, SealedCrowd, SealedLab, SealedPerson
from .prosody import Prosody
from .test_burst import lines_of, started, taken_in, wrote

pytestmark = [
    pytest.mark.real,
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning"),
]


@pytest.fixture
async def lab(prosody: Prosody, tmp_path: Path) -> AsyncIterator[SealedLab]:
    made = SealedLab(prosody, tmp_path)
    yield made
    await made.close()


async def sealing(lab: Lab, account: str) -> SealingXmppConnector:
    """Our connector with OMEMO on; whoever is made after it seals to it."""
    lab.crowd = SealedCrowd(lab.server.direct, lab.server.ca, bot=account)
    bot = await lab.bot(account, **SEALED)
    assert isinstance(bot, SealingXmppConnector)
    return bot


async def person(lab: Lab, name: str) -> SealedPerson:
    made = await lab.person(name)
    assert isinstance(made, SealedPerson)
    return made


async def readers(bot: XmppConnector, room: RoomId) -> frozenset[Reader]:
    return frozenset(Reader(m.account, m.devices) for m in (await bot.members(room)).members)


async def texts(lab: Lab, who: SealedPerson, room: RoomId) -> list[str]:
    return [each.text for each in await who.arrived(room, "wallcross", lab.server.ca)]


async def test_what_came_sealed_while_we_were_killed_is_caught_up_and_opened(
    lab: Lab, tmp_path: Path
) -> None:
    account = lab.account("killed")
    bot, alice = await sealing(lab, account), await person(lab, "alice")
    room = await lab.room(bot, alice)
    first = await lab.now(bot)
    await bot.close()
    setup = lab.setup(account, **SEALED)
    told = {"settings": dict(setup.settings), "secrets": dict(setup.secrets)}
    config, stored = tmp_path / "child.json", tmp_path / "stored"
    config.write_text(json.dumps({**told, "state": str(setup.state)}))
    stored.write_text(json.dumps({"cursor": first, "texts": [], "missed": []}) + "\n")
    for round_ in range(3):
        child = started(config, stored)
        try:
            await wrote(alice, room, 15, 15 * round_)
            await taken_in(stored, 15 * round_ + (15 if round_ == 2 else 2))
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    said = [text for line in lines_of(stored) for text in line["texts"]]
    assert said == [f"number {n}" for n in range(45)]
    assert not [line for line in lines_of(stored) if line["missed"]]


async def test_who_is_removed_opens_nothing_more_though_he_has_the_bytes(lab: Lab) -> None:
    bot = await sealing(lab, lab.account("bot"))
    alice, mal = await person(lab, "alice"), await person(lab, "mal")
    room = await lab.room(bot, alice, mal)
    await bot.send(lab.delivery(room, "before", *await readers(bot, room)))
    assert await texts(lab, alice, room) == await texts(lab, mal, room) == ["before"]
    await bot.remove(room, mal.account)
    assert mal.account not in {m.account for m in (await bot.members(room)).members}
    accepted = await bot.send(lab.delivery(room, "after", *await readers(bot, room)))
    assert accepted.sealed_to is not None
    assert mal.account not in {r.account for r in accepted.sealed_to}
    assert await texts(lab, alice, room) == ["before", "after"]
    in_hand = [m for m in alice.shown if m.get("from") == f"{room}/wallcross"][-1]
    assert await opened_by(mal, in_hand, str(bot.account)) is None
    assert "after" not in await texts(lab, mal, room)


async def test_a_new_device_and_a_changed_key_stop_the_send(lab: Lab) -> None:
    bot = await sealing(lab, lab.account("bot"))
    alice = await person(lab, "alice")
    room = await lab.room(bot, alice)
    before = await readers(bot, room)
    server = lab.server
    tablet = SealedPerson(alice.account, server.direct, server.ca, "tablet")
    lab.crowd.people["tablet"] = await tablet.open()
    with pytest.raises(IdentityChanged):
        await bot.send(lab.delivery(room, "to whom?", *before))
    agreed = await readers(bot, room)
    held = await changed_keys(alice, alice.keys)
    other = SealedPerson(alice.account, server.direct, server.ca, "other", held)
    lab.crowd.people["other"] = await other.open()
    with pytest.raises(IdentityChanged):
        await bot.send(lab.delivery(room, "to whom?", *agreed))
    assert await texts(lab, alice, room) == []


async def test_a_device_that_is_on_the_list_without_keys_can_be_set_aside(lab: Lab) -> None:
    bot = await sealing(lab, lab.account("bot"))
    alice = await person(lab, "alice")
    room = await lab.room(bot, alice)
    manager = await alice.omemo.get_session_manager()
    phone, _ = await manager.get_own_device_information()
    await manager._upload_device_list(
        "eu.siacs.conversations.axolotl", {phone.device_id: None, 7: None}
    )
    gone = Device(DeviceId("7"), "")
    people = await readers(bot, room)
    assert gone in next(r.devices or () for r in people if r.account == alice.account)
    await bot.distrust(AccountId(alice.account), gone)
    await bot.send(lab.delivery(room, "to the phone", *people))
    assert await texts(lab, alice, room) == ["to the phone"]


async def test_no_text_stands_in_the_servers_files(lab: Lab) -> None:
    bot = await sealing(lab, lab.account("bot"))
    alice = await person(lab, "alice")
    room = await lab.room(bot, alice)
    cursor = await lab.now(bot)
    await bot.send(lab.delivery(room, "our planted canary", *await readers(bot, room)))
    await alice.write(room, "her planted canary")
    (heard,) = await lab.messages(bot, cursor, 1)
    assert heard.content.text == "her planted canary"
    assert heard.sender_device is not None
    data = lab.server.folder / "data"
    found = [f for f in data.rglob("*") if f.is_file() and b"planted canary" in f.read_bytes()]
    assert found == []
