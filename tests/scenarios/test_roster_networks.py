"""The roster's side on Wickr, XMPP and Signal's second back end, over a live home.

Rooms, drift, leave, notices and evidence. Wickr and Signal are stand-ins in processes of their own,
XMPP is a real Prosody. What a network cannot do is asserted as what we say about it.
"""

import asyncio
import io
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from connectors.wickr.standin.control import Upload
from orchestrator.client.evidence import RoomEvidence
from orchestrator.client.leave_words import step_line
from orchestrator.client.plans import DoneLine, PlanView
from orchestrator.client.problems import Failed
from orchestrator.client.views import NewConversation
from orchestrator.clock import SECOND, now
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.config.policy import default_text, read_policy
from orchestrator.flow import room_notice
from orchestrator.wiring import open_runtime
from tiers.guarantees import Guarantee
from tiers.ids import ConnectorName, PersonId, RoomId
from tiers.tier import Tier

from .conftest import Hands, House, as_stated, eventually
from .far_sides import EVERYBODY, OWNER, STRANGER, FarSide, Signal, Wickr, Xmpp, listed
from .house import ACTOR, PRICE, Talk, by_words, make_deal, make_talk

pytestmark = pytest.mark.long
NETWORKS = [
    pytest.param(Wickr, id="wickr"),
    pytest.param(Signal, id="signal-json-rpc"),
    pytest.param(Xmpp, id="xmpp", marks=pytest.mark.real),
]
PEOPLE = {*EVERYBODY} - {STRANGER}
GONE = "bo"
TALKS = (Talk("lunch", Tier.COORDINATION), Talk("tea", Tier.COORDINATION))


BY_SERVER, SHOWN = ("verified", "said by the server"), ("verified", "shown by cryptography")
READ = {"invite_only": BY_SERVER, "members_readable": BY_SERVER}
PROVEN = {
    "wickr": {
        **READ,
        "timer": BY_SERVER,
        "encrypted_in_transit": BY_SERVER,
        "end_to_end_encrypted": BY_SERVER,
    },
    "signal": {
        **READ,
        "timer": BY_SERVER,
        "no_public_link": BY_SERVER,
        "encrypted_in_transit": SHOWN,
        "end_to_end_encrypted": SHOWN,
        "history_hidden": SHOWN,
    },
    "xmpp": {**READ, "no_public_link": BY_SERVER, "encrypted_in_transit": BY_SERVER},
}
"""What is known of a room for coordination on each network, and how; of all else nothing is."""
LACKING = {
    "wickr": {"no_public_link", "history_hidden", "devices_verified"},
    "signal": {"devices_verified"},
    "xmpp": {"end_to_end_encrypted", "history_hidden", "timer", "devices_verified"},
}
"""What a room for valuation lacks there."""
WHY = {
    "wickr": ("no public link", "cannot read what was said before", "no device that can be read"),
    "signal": ("has a device that nobody verified",),
    "xmpp": ("encrypted end to end", "disappear", "no device that can be read"),
}


@dataclass
class Town:
    """A live home on one network, everybody in two conversations."""

    house: House
    far: FarSide
    folder: Path

    def room(self, label: str = "lunch") -> RoomId:
        return self.house.room(label, self.far.name)

    async def evidence(self, label: str = "lunch") -> RoomEvidence:
        found = await self.house.home.evidence_show(self.house.deal, label)
        [room] = found.conversations[0].rooms
        return room

    async def plan(self) -> PlanView:
        return await self.house.home.plan(self.house.deal)

    async def done(self, shown: PlanView) -> list[DoneLine]:
        acts = self.house.home.plan_apply(self.house.deal, shown.hash, None, actor=ACTOR)
        return [line async for line in acts]

    async def paused(self, label: str = "lunch") -> str | None:
        shown = await self.house.home.conv_show(self.house.deal, label)
        return shown.rooms[0].paused

    async def noted(self) -> None:
        """Until a reading has shown who was let in, and the room stands still."""

        async def stands() -> bool:
            return await self.paused() is not None

        await eventually(stands)

    async def goes_on(self) -> None:
        async def goes() -> bool:
            return await self.paused() is None

        await eventually(goes)

    async def reads(self, who: str, text: str, label: str = "lunch") -> None:
        """Until a person's client shows a text of ours."""

        async def there() -> bool:
            return any(text in each for each in await self.far.shown(who, self.room(label)))

        await eventually(there)

    async def says(self, text: str, label: str = "lunch") -> None:
        message = await self.house.send(text, person=OWNER, to=label)
        assert await self.house.ends(message) == "delivered", await self.house.reasons(message)

    async def taken(self, count: int) -> None:
        """Until so many messages were taken in from the network, and no more."""
        sql = "SELECT message_id FROM message WHERE connector = ?"

        async def there() -> bool:
            return len(await self.house.rows(sql, self.far.name)) >= count

        await eventually(there)
        await self.house.quiet()
        assert len(await self.house.rows(sql, self.far.name)) == count

    async def proof_holds(self) -> None:
        """The proof of the leave is checked in a process that knows nothing of the home."""
        archive = self.house.home.leave_proof(self.house.deal, PersonId(GONE), actor=ACTOR)
        pieces = [piece async for piece in archive]
        folder = self.folder / "proof"
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as packed:
            packed.extractall(folder, filter="data")
        assert self.far.name in (folder / "LEAVE.txt").read_text("utf-8").casefold()
        checks = [sys.executable, "-m", "orchestrator.cli", "leave", "check", str(folder)]
        alone = [sys.executable, "-I", "verify_audit.py", "."]
        for line, where in ((checks, None), (alone, folder / "audit")):
            done = await asyncio.to_thread(
                subprocess.run, line, cwd=where, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr


def policy_for(far: FarSide) -> str:
    """The policy that ships, lower tiers held to what this network can beside."""
    text = default_text()
    for tier in ("operations", "coordination"):  # nothing less is demanded above
        head = f"[tiers.{tier}.demands]\n"
        text = text.replace(head, head + "".join(f"{demand}\n" for demand in far.demands))
    return read_policy(text)


@pytest.fixture(params=NETWORKS)
async def town(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    secrets_apart: None,  # noqa: ARG001 - for its effect
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Town]:
    monkeypatch.setattr(room_notice, "QUIET", SECOND // 20)
    far: FarSide = request.param()
    folder = tmp_path / far.name
    folder.mkdir()
    async with AsyncExitStack() as stack:
        await far.open(folder, stack)
        settings = load(flags=far.flags(), environ={}, state=tmp_path / "home")
        running = open_runtime(settings, by_words(), live=True, now=now)
        runtime = await stack.enter_async_context(running)
        stack.push_async_exit(partial(as_stated, runtime))
        home = OpenHome(runtime)
        deal = await make_deal(home, (), people=listed(far))
        await home.adopt(deal, "policy", policy_for(far), actor=ACTOR)
        house = House(home, deal, None, Hands())  # type: ignore[arg-type]  # no memory network
        for talk in TALKS:
            await make_talk(home, deal, talk, channel=far.name)
            for who in sorted(PEOPLE):
                await far.come_in(who, house.room(talk.label, far.name))
        yield Town(house, far, tmp_path)


async def test_a_conversation_opens_from_the_roster_and_is_read_back_with_evidence(
    town: Town,
) -> None:
    assert await town.far.seated(town.room()) == PEOPLE
    assert await town.far.ruling(town.room()) == {OWNER}
    shown = await town.plan()
    assert (shown.acts, shown.left, shown.unread) == ((), (), 0)
    assert shown.right == len(PEOPLE) * len(TALKS)
    found = await town.evidence()
    assert (found.complete, {*found.members}, found.strangers) == (True, PEOPLE, ())
    known = {c.guarantee: (c.evidence, c.source) for c in found.controls if c.evidence is not None}
    assert known == PROVEN[town.far.name]
    assert {c.guarantee for c in found.controls} == {g.value for g in Guarantee}
    assert all(c.met and c.at is not None for c in found.controls if c.demanded is not None)
    assert found.paused is None


async def test_a_message_arrives_each_way_and_people_are_told_who_hosts_it(town: Town) -> None:
    await town.says("The list was read again.")
    await town.reads("el", "The list was read again.")
    await town.reads("el", "This conversation is hosted by Kestrel Industries.")

    async def told() -> bool:
        return {*(await town.evidence()).told} == {town.far.accounts[n] for n in PEOPLE}

    await eventually(told)
    assert await town.far.write("el", town.room(), "Thank you.")
    await town.taken(1)


async def test_a_stranger_whom_somebody_lets_in_is_drift_and_is_put_out(town: Town) -> None:
    await town.far.let_in(town.room(), STRANGER)
    await town.noted()
    held = await town.house.send("Is he one of us?", to="lunch")
    assert await town.house.ends(held) == "held"
    shown = await town.plan()
    removed = [(a.conversation, a.account) for a in shown.acts if a.kind == "remove"]
    assert removed == [("lunch", town.far.accounts[STRANGER])]
    ended = await town.done(shown)
    assert {d.outcome for d in ended} == {"seen"}, ended
    assert await town.far.seated(town.room()) == PEOPLE
    await town.goes_on()
    await town.says("We are by ourselves.")
    await town.reads("el", "We are by ourselves.")
    theirs = await town.far.shown(STRANGER, town.room())
    assert not any("by ourselves" in t or "one of us" in t for t in theirs)


async def test_whoever_is_missing_is_asked_in(town: Town) -> None:
    await town.far.put_out(town.room(), "di")

    async def seen() -> bool:
        return "member_missing" in await town.house.findings()

    await eventually(seen)
    shown = await town.plan()
    assert [(a.kind, a.conversation, a.person) for a in shown.acts] == [("invite", "lunch", "di")]
    assert [d.outcome for d in await town.done(shown)] == ["seen"]
    assert await town.far.seated(town.room()) == PEOPLE
    await town.far.come_in("di", town.room())
    await town.says("Welcome back.")
    await town.reads("di", "Welcome back.")


async def test_a_setting_that_somebody_loosens_is_put_back(town: Town) -> None:
    assert await town.far.strict(town.room())
    await town.far.loosen(town.room())
    assert not await town.far.strict(town.room())

    async def seen() -> bool:
        shown = await town.plan()
        return ("harden", "lunch") in [(a.kind, a.conversation) for a in shown.acts]

    await eventually(seen)
    shown = await town.plan()
    assert {a.kind for a in shown.acts} == {"harden"}
    assert {d.outcome for d in await town.done(shown)} == {"seen"}
    assert await town.far.strict(town.room())
    assert (await town.plan()).acts == ()


async def test_who_leaves_is_out_of_every_room_reads_nothing_and_is_not_read(town: Town) -> None:
    await town.says("before he left")
    await town.reads(GONE, "before he left")
    assert await town.far.write(GONE, town.room(), "Still here.")
    await town.taken(1)
    found = await town.house.home.leave(town.house.deal, PersonId(GONE), "left", actor=ACTOR)
    assert found.state == "gone", [step_line(s) for s in found.steps]
    rooms = [(s.what, s.state) for s in found.steps if s.kind == "room" and s.was_in]
    assert sorted(rooms) == [(t.label, "seen") for t in TALKS]
    for talk in TALKS:
        assert await town.far.seated(town.room(talk.label)) == PEOPLE - {GONE}
        await town.says("after he left", talk.label)
        await town.reads("el", "after he left", talk.label)
        assert not any("after" in t for t in await town.far.shown(GONE, town.room(talk.label)))
    assert not await town.far.write(GONE, town.room(), "And what of me?")
    await town.far.write_direct(GONE, "#lunch And what of me?")
    assert await town.far.write("el", town.room(), "He is out.")
    await town.taken(3)
    sql = "SELECT state FROM message WHERE connector = ? AND person_id = ? ORDER BY arrival"
    states = await town.house.rows(sql, town.far.name, GONE)
    assert states == [("delivered",), ("held",)], "what he writes to us alone goes to nobody"
    for who in PEOPLE - {GONE}:
        assert not any("what of me" in t for t in await town.far.shown(who, town.room()))
    await town.proof_holds()


async def test_who_leaves_while_the_network_is_away_is_out_once_it_is_back(town: Town) -> None:
    """Nothing is claimed meanwhile, and nobody has to ask again."""
    home, deal, gone = town.house.home, town.house.deal, PersonId(GONE)
    await town.far.go_away()
    found = await home.leave(deal, gone, "left", actor=ACTOR, wait=False)
    assert found.state == "open"
    assert {s.state for s in found.steps if s.kind == "room"} == {"not_confirmed"}
    assert found.last_seen_at is None
    await town.far.come_back()

    async def seen() -> bool:
        return (await home.leave_show(deal, gone)).state == "gone"

    await eventually(seen)
    for talk in TALKS:
        assert await town.far.seated(town.room(talk.label)) == PEOPLE - {GONE}
    await town.proof_holds()


@pytest.mark.parametrize("town", NETWORKS[:2], indirect=True)
async def test_a_success_that_did_nothing_is_not_taken_for_one(town: Town) -> None:
    """Prosody does what it says; a line that swallows it is a case of the contract."""
    assert isinstance(town.far, Wickr | Signal)
    await town.far.let_in(town.room(), STRANGER)
    await town.noted()
    shown = await town.plan()
    town.house.home.runtime.hands._patience = SECOND
    await town.far.lie()
    [gone] = await town.done(shown)
    assert (gone.outcome, gone.why) == ("not_confirmed", "not_seen")
    assert STRANGER in await town.far.seated(town.room())
    await town.far.hand.clear_faults()
    assert [d.outcome for d in await town.done(shown)] == ["seen"]
    assert await town.far.seated(town.room()) == PEOPLE


async def test_who_makes_himself_an_admin_is_one_no_more(town: Town) -> None:
    await town.far.raise_up(town.room(), "el")
    assert await town.far.ruling(town.room()) == {OWNER, "el"}

    async def planned() -> bool:
        return bool((await town.plan()).acts)

    await eventually(planned)
    shown = await town.plan()
    assert [(a.kind, a.conversation, a.person) for a in shown.acts] == [("demote", "lunch", "el")]
    assert [d.outcome for d in await town.done(shown)] == ["seen"]
    assert await town.far.ruling(town.room()) == {OWNER}
    assert await town.far.seated(town.room()) == PEOPLE


async def test_a_notice_reaches_a_person_in_his_private_line(town: Town) -> None:
    message = await town.house.send(
        f"{PRICE}: we raise our offer to 27.50 per share.", person="di", to="lunch"
    )
    assert await town.house.ends(message) == "held"

    async def told() -> bool:
        channel = ConnectorName(town.far.name)
        line = town.house.home.runtime.book.line_room(channel, town.far.accounts["di"])
        if line is None:
            return False
        heard = await town.far.whispered("di", line)
        return any("Held. Nobody has seen it." in text for text in heard)

    await eventually(told)
    assert not any("27.50" in t for t in await town.far.shown("el", town.room()))


async def test_a_conversation_that_it_cannot_carry_is_read_back_as_lacking_and_held(
    town: Town,
) -> None:
    """For valuation; each is told why, and of what no act of ours can put right."""
    new = NewConversation(label="price", floor="valuation", channel=town.far.name, owner=OWNER)
    await town.house.home.conv_new(town.house.deal, new, actor=ACTOR)
    lacking = {c.guarantee for c in (await town.evidence("price")).controls if not c.met}
    assert lacking == LACKING[town.far.name]
    message = await town.house.send(f"{PRICE}: 12", to="price")
    assert await town.house.ends(message) == "held"
    why = await town.house.reasons(message)
    assert all(words in why for words in WHY[town.far.name]), why
    plan = await town.plan()
    assert {a.because for a in plan.held} == lacking - {"devices_verified"}
    assert {a.held for a in plan.held} <= {"not_offered"}
    assert plan.acts == ()


async def test_a_room_in_which_we_alone_may_write_is_refused_or_not_claimed(town: Town) -> None:
    """Wickr and XMPP have none. On Signal every admin may write, and the room has an owner."""
    new = NewConversation(
        label="gate", floor="coordination", channel=town.far.name, owner=OWNER, gate=True
    )
    if town.far.name != "signal":
        with pytest.raises(Failed, match="no_gate"):
            await town.house.home.conv_new(town.house.deal, new, actor=ACTOR)
        shown = await town.house.home.conv_show(town.house.deal, "gate")
        assert shown.rooms == ()
        assert (await town.plan()).acts == ()
        return
    shown = await town.house.home.conv_new(town.house.deal, new, actor=ACTOR)
    assert shown.rooms[0].mode == "witness"
    plan = await town.plan()
    assert [(a.kind, a.conversation, a.because) for a in plan.acts] == [("harden", "gate", "gate")]
    town.house.home.runtime.hands._patience = SECOND
    assert [(d.outcome, d.why) for d in await town.done(plan)] == [("not_confirmed", "not_seen")]


@pytest.mark.parametrize("town", [pytest.param(Wickr, id="wickr")], indirect=True)
async def test_what_an_app_calls_a_picture_of_a_screen_is_a_finding(town: Town) -> None:
    assert isinstance(town.far, Wickr)
    picture = Upload("screen.png", b"png", screenshot=True)
    await town.far.hand.write(OWNER, room=town.room(), file=picture)
    await town.far.hand.write(OWNER, room=town.room(), file=Upload("a.png", b"png"))
    await town.taken(2)
    sql = "SELECT severity FROM finding WHERE rule = 'screenshot' AND closed_at IS NULL"
    assert await town.house.rows(sql) == [("low",)], "of one of the two, in a room to coordinate"
