"""A deal's conversation for valuation on XMPP with OMEMO, over a live home on a real Prosody.

People's clients are slixmpp's with slixmpp-omemo, which nobody here wrote. What somebody can read
is what his client opens with the keys that it holds. The policy is the one that ships, unchanged.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip("slixmpp_omemo", reason="needs the extra omemo: run .venv-omemo/bin/pytest")

from connectors.xmpp import connector as xmpp_connector
from orchestrator.client.views import NewConversation
from orchestrator.clock import DAY, SECOND, now
from orchestrator.command.home import OpenHome
from orchestrator.command.risk_look import RiskLook
from orchestrator.config.load import load
from orchestrator.flow import room_notice
from orchestrator.wiring import open_runtime
from tests.connectors.xmpp.omemo_people import opened_by
from tests.connectors.xmpp.omemo_rig import SealedCrowd, SealedPerson
from tests.connectors.xmpp.prosody import DOMAIN
from tiers.ids import DealId, PersonId, RoomId

from .conftest import Hands, House, as_stated, eventually
from .far_sides import OWNER, STRANGER, Xmpp, listed
from .house import ACTOR, PRICE, by_words, make_deal, verify_all

pytestmark = [
    pytest.mark.real,
    pytest.mark.long,
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning"),
]
INSIDERS = ("ada", "bo", "cy")
BOT = f"wallcross@{DOMAIN}"


@dataclass
class SealedXmpp(Xmpp):
    """Prosody, and clients that seal."""

    name: ClassVar[str] = "xmpp"

    async def open(self, folder: Path, stack: AsyncExitStack) -> None:
        await super().open(folder, stack)
        self.crowd = SealedCrowd(self.server.direct, self.server.ca, bot=BOT)
        stack.push_async_callback(self.crowd.close)
        week = {"channels.xmpp.settings.archive_seconds": str(7 * 24 * 3600)}
        self.told = self.flags() | week
        for who in INSIDERS:
            await self.person(who)

    def with_omemo(self, *, omemo: bool) -> Mapping[str, str]:
        """The channel's settings, the same secrets each time."""
        return {**self.told, "channels.xmpp.settings.omemo": str(omemo).lower()}

    async def client(self, who: str) -> SealedPerson:
        found = await self.person(who)
        assert isinstance(found, SealedPerson)
        return found

    async def tablet(self, who: str) -> SealedPerson:
        """Another device of somebody's account, which nobody compared."""
        made = SealedPerson(self.accounts[who], self.server.direct, self.server.ca, "tablet")
        made.bot = BOT
        self.crowd.people[f"{who}'s tablet"] = await made.open()
        return made

    def stores(self, text: str) -> list[str]:
        """Files of the server that hold a text."""
        data = self.server.folder / "data"
        found = [f for f in data.rglob("*") if f.is_file() and text.encode() in f.read_bytes()]
        return [str(f.relative_to(data)) for f in found]


@dataclass
class Sealed:
    """A live home with a conversation about the price."""

    house: House
    far: SealedXmpp

    @property
    def room(self) -> RoomId:
        return self.house.room("price", "xmpp")

    async def says(self, text: str) -> str:
        """What became of a text of ada's, and why."""
        message = await self.house.send(f"{PRICE}: {text}", person=OWNER, to="price")
        return f"{await self.house.ends(message)} {await self.house.reasons(message)}".rstrip()

    async def reads(self, who: str, text: str) -> None:
        """Until a person's client has opened a text of ours."""

        async def there() -> bool:
            try:
                shown = await self.far.shown(who, self.room)
            except KeyError:  # more came meanwhile, and is not opened yet
                return False
            return any(text in each for each in shown)

        await eventually(there)

    async def reads_nothing(self, client: SealedPerson, text: str) -> None:
        """What ada opens does not open under another's keys, though he has its bytes."""
        ada = await self.far.client(OWNER)
        shown = await ada.arrived(self.room, "wallcross", self.far.server.ca)
        [key] = [each.key for each in shown if text in each.text]
        in_hand = next(m for m in ada.shown if m.get("id") == key)
        assert await opened_by(client, in_hand, BOT) is None

    async def open_findings(self) -> set[str]:
        """What the leak-risk page shows after a look at what stands now."""
        await self.house.home.conv_show(self.house.deal, "price")
        await RiskLook(self.house.home.runtime).look()
        return await self.house.findings()

    async def stands(self, *, paused: bool) -> None:
        async def so() -> bool:
            shown = await self.house.home.conv_show(self.house.deal, "price")
            return (shown.rooms[0].paused is not None) is paused

        await eventually(so)

    async def known(self, who: str, count: int) -> list[str]:
        """The devices of somebody, once we know of so many."""

        async def there() -> bool:
            await self.house.home.conv_show(self.house.deal, "price")
            return len(await self.house.home.key_list(self.house.deal, PersonId(who))) == count

        await eventually(there)
        return [k.device for k in await self.house.home.key_list(self.house.deal, PersonId(who))]


@dataclass
class Town:
    """A Prosody with people, and a home that may be opened again with other settings."""

    far: SealedXmpp
    folder: Path
    deal: list[DealId] = field(default_factory=list)

    @asynccontextmanager
    async def home(self, *, omemo: bool = True) -> AsyncIterator[Sealed]:
        flags = self.far.with_omemo(omemo=omemo)
        settings = load(flags=flags, environ={}, state=self.folder / "home")
        async with open_runtime(settings, by_words(), live=True, now=now) as runtime:
            home = OpenHome(runtime)
            if not self.deal:
                self.deal.append(await make_deal(home, (), people=listed(self.far)))
            house = House(home, self.deal[0], None, Hands())  # type: ignore[arg-type]  # no memory network
            yield Sealed(house, self.far)
            await as_stated(runtime, None)

    async def founded(self, sealed: Sealed) -> None:
        """The conversation, its people in it, their devices compared and the timer seen."""
        home, deal = sealed.house.home, sealed.house.deal
        new = NewConversation(label="price", floor="valuation", channel="xmpp", owner=OWNER)
        await home.conv_new(deal, new, actor=ACTOR)
        for who in INSIDERS:
            await self.far.come_in(who, sealed.room)
            await sealed.known(who, 1)
        await verify_all(home, deal)
        by = PersonId(OWNER)
        await home.conv_attest(deal, "price", "timer", 7 * DAY, by=by, actor=ACTOR)
        await sealed.stands(paused=False)


@pytest.fixture
async def town(
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Town]:
    monkeypatch.setattr(room_notice, "QUIET", SECOND // 20)
    far = SealedXmpp()
    folder = tmp_path / "xmpp"
    folder.mkdir()
    async with AsyncExitStack() as stack:
        await far.open(folder, stack)
        yield Town(far, tmp_path)


@pytest.fixture
async def sealed(town: Town) -> AsyncIterator[Sealed]:
    async with town.home() as made:
        await town.founded(made)
        yield made


async def test_it_is_sealed_read_by_its_people_and_shown_as_that(sealed: Sealed) -> None:
    assert await sealed.says("27.50 a share, canary") == "delivered"
    for who in INSIDERS:
        await sealed.reads(who, "27.50 a share")
    assert await sealed.far.write("bo", sealed.room, f"{PRICE}: his canary, too high")

    async def taken() -> bool:
        sql = "SELECT state FROM message WHERE connector = 'xmpp' AND person_id = 'bo'"
        return await sealed.house.rows(sql) == [("delivered",)]

    await eventually(taken)
    assert sealed.far.stores("canary") == []
    found = await sealed.house.home.evidence_show(sealed.house.deal, "price")
    [room] = found.conversations[0].rooms
    known = {c.guarantee: (c.evidence, c.source) for c in room.controls if c.demanded is not None}
    assert known["end_to_end_encrypted"] == ("verified", "shown by cryptography")
    assert known["history_hidden"] == ("verified", "shown by cryptography")
    assert known["timer"] == ("attested", "said by a person")
    assert known["devices_verified"] == ("verified", "shown by cryptography")
    assert all(c.met for c in room.controls)
    assert {key.state for key in room.keys} == {"verified"}
    assert "encryption_off" not in await sealed.open_findings()


async def test_a_device_that_nobody_compared_is_held_and_opens_nothing(sealed: Sealed) -> None:
    home, deal, bo = sealed.house.home, sealed.house.deal, PersonId("bo")
    [phone] = await sealed.known("bo", 1)
    tablet = await sealed.far.tablet("bo")
    await tablet.join(sealed.room, "tablet")
    await sealed.stands(paused=True)
    assert (await sealed.says("to whom?")).startswith("held")
    [new] = {*await sealed.known("bo", 2)} - {phone}
    await home.key_mark(deal, bo, new, "revoke", actor=ACTOR)
    assert "revoked" in await sealed.says("and while it stands on his list?")
    came = [m for m in tablet.shown if m.get("from") == f"{sealed.room}/wallcross"]
    assert [m for m in came if await opened_by(tablet, m, BOT) is not None] == []


async def test_a_stranger_whom_somebody_lets_in_reads_nothing(sealed: Sealed) -> None:
    await sealed.far.let_in(sealed.room, STRANGER)
    await sealed.stands(paused=True)
    assert (await sealed.says("is he one of us?")).startswith("held")
    home, deal = sealed.house.home, sealed.house.deal
    shown = await home.plan(deal)
    assert {a.kind for a in shown.acts} == {"remove"}
    acts = home.plan_apply(deal, shown.hash, None, actor=ACTOR)
    assert {line.outcome async for line in acts} == {"seen"}
    await sealed.stands(paused=False)
    assert await sealed.says("by ourselves") == "delivered"
    await sealed.reads("bo", "by ourselves")
    await sealed.reads_nothing(await sealed.far.client(STRANGER), "by ourselves")


async def test_who_left_opens_the_next_no_more_with_its_bytes_in_hand(sealed: Sealed) -> None:
    assert await sealed.says("before he left") == "delivered"
    await sealed.reads("bo", "before he left")
    leave = sealed.house.home.leave
    found = await leave(sealed.house.deal, PersonId("bo"), "left", actor=ACTOR)
    assert found.state == "gone"
    assert await sealed.far.seated(sealed.room) == {"ada", "cy"}
    assert await sealed.says("after he left") == "delivered"
    for who in ("ada", "cy"):
        await sealed.reads(who, "after he left")
    await sealed.reads_nothing(await sealed.far.client("bo"), "after he left")


async def test_without_the_extra_nothing_goes_and_encryption_off_is_a_finding(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for and missing, the channel stays shut; left off, its rooms are read and say so."""
    async with town.home() as first:
        await town.founded(first)
        assert await first.says("sealed") == "delivered"
    with monkeypatch.context() as removed:
        removed.setattr(xmpp_connector, "_SEALER", "connectors.xmpp.omemo.not_installed")
        async with town.home() as shut:
            [channel] = await shut.house.home.channel_list()
            assert (channel.state, channel.why) == ("closed", "omemo_missing")
    async with town.home(omemo=False) as bare:
        assert (await bare.says("in the clear")).startswith("held")
        assert "encryption_off" in await bare.open_findings()
        assert town.far.stores("in the clear") == []
    async with town.home() as again:
        await again.stands(paused=False)
        assert "encryption_off" not in await again.open_findings()
        assert await again.says("sealed again") == "delivered"
        await again.reads("cy", "sealed again")
