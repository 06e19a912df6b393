"""The XMPP connector keeps the contract with OMEMO on; its people have a client of their own."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

pytest.importorskip("slixmpp_omemo", reason="needs the extra omemo: run .venv-omemo/bin/pytest")


from connectors.port import AccountId, Guarantee, RemoteId, RoomId
from connectors.port.events import SettingsChanged
from connectors.testing.contract import ConnectorContract
from connectors.testing.reading import SETTABLE
from connectors.testing.rig import Rig
from connectors.xmpp import wire
from connectors.xmpp.connector import SealingXmppConnector

from . import test_contract as unsealed
from .conftest import Lab, XmppFar, XmppFaults, XmppRig, through
from .omemo_people import ENCRYPTED, changed_keys, opened_by
from .omemo_rig import SEALED, SealedCrowd, SealedLab, SealedPerson
from .prosody import Prosody
from .proxy import Proxy

pytestmark = [
    pytest.mark.long,
    pytest.mark.real,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning"),
]


@dataclass
class SealedFar(XmppFar):
    """The far side with devices."""

    crowd: SealedCrowd

    async def write_unreadable(self, room: RoomId) -> RemoteId:
        space = ENCRYPTED.removesuffix("encrypted")
        key = wire.made(f"{space}key", text="AAAA", rid="1")
        sealed = wire.made(ENCRYPTED, wire.made(f"{space}header", key, sid="2"))
        return await self.alice.say(room, sealed, wire.made(f"{{{wire.HINTS}}}store"))

    async def add_device(self) -> None:
        await self._another("tablet")

    async def change_key(self) -> None:
        assert isinstance(self.alice, SealedPerson)
        await self._another("other", await changed_keys(self.alice, self.alice.keys))

    async def _another(self, resource: str, held: dict[str, Any] | None = None) -> None:
        server = self.lab.server
        made = SealedPerson(self.member, server.direct, server.ca, resource, held)
        self.crowd.people[f"{self.member}/{resource}"] = await made.open()

    async def opened(self, account: AccountId, room: RoomId) -> tuple[str, ...]:
        """With the bytes of everybody's in hand."""
        person = await self.crowd.person(account)
        assert isinstance(person, SealedPerson)
        seen = [each.text for each in await person.arrived(room, "wallcross", self.lab.server.ca)]
        for other in list(self.crowd.people.values()):
            if other is person or other.account == account:
                continue
            await other.settle()
            foreign = [m for m in other.shown if m.get("from") == f"{room}/wallcross"]
            names = {wire.name_by(m, room) for m in person.shown}
            for stanza in foreign:
                if wire.name_by(stanza, room) not in names:
                    text = await opened_by(person, stanza, self.bot)
                    assert text is None
        return tuple(each for each in seen if each)


@pytest.fixture
async def lab(prosody: Prosody, tmp_path: Path) -> AsyncIterator[SealedLab]:
    made = SealedLab(prosody, tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def rig(lab: Lab, proxy: Proxy) -> XmppRig:
    bot = lab.account("bot")
    lab.crowd = crowd = SealedCrowd(lab.server.direct, lab.server.ca, bot=bot)
    connector = await lab.bot(bot, **{**through(proxy), **SEALED})
    alice, bob = await lab.person("alice"), await lab.person("bob")
    room = await lab.room(connector, alice, bob)
    far = SealedFar(lab, bot, alice, crowd)
    return SealedRig(lab, bot, proxy, connector, far, XmppFaults(proxy, alice.account), room)


class SealedRig(XmppRig):
    """A rig whose connector seals, each time that it is opened."""

    async def _again(self, **settings: object) -> Any:
        await self.connector.close()
        more = {**through(self.proxy), **settings, **SEALED}
        self.connector = await self.lab.bot(self.bot, **more)
        return self.connector


CONCLUDED = (
    "verified devices are concluded from the members' devices by whoever keeps the keys of people"
)
DEVICES = {
    "test_a_changed_key_stops_it",
    "test_a_new_device_stops_it",
    "test_a_new_device_is_fine_where_devices_are_left_open",
    "test_a_new_device_is_told",
}


NOT_IN_THE_ROOMS_POWER = {
    Guarantee.ENCRYPTED_IN_TRANSIT: "it is a fact of our own line",
    Guarantee.HISTORY_HIDDEN: "what a room shows of before is sealed to others' devices",
}
settable = pytest.mark.parametrize(
    "guarantee", [g for g in SETTABLE if g not in NOT_IN_THE_ROOMS_POWER], ids=lambda g: g.value
)


class TestXmppSealed(ConnectorContract):
    kind = SealingXmppConnector
    patience: ClassVar[float] = 45.0
    excused: ClassVar[Mapping[str, str]] = {
        **{n: why for n, why in unsealed.TestXmpp.excused.items() if n not in DEVICES},
        "test_a_hardened_room_holds_all_that_is_promised": CONCLUDED,
        "test_a_new_device_is_not_verified": CONCLUDED,
    }

    @settable
    async def test_what_was_loosened_is_no_longer_held(
        self, rig: Rig, guarantee: Guarantee
    ) -> None:
        await super().test_what_was_loosened_is_no_longer_held(rig, guarantee)

    @settable
    async def test_what_was_loosened_is_put_back(self, rig: Rig, guarantee: Guarantee) -> None:
        await super().test_what_was_loosened_is_put_back(rig, guarantee)

    async def test_a_changed_setting_is_told(self, rig: Rig) -> None:
        """No room has a timer: another setting stands for it."""
        cursor = await self.now(rig.connector)
        await rig.far.loosen(rig.room, Guarantee.NO_PUBLIC_LINK)
        await self.told(rig.connector, cursor, SettingsChanged, lambda e: e.room == rig.room)
