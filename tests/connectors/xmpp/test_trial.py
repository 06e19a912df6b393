"""`channel test` on an XMPP account, on a real Prosody: a room of our own, read back and left."""

import pytest
from slixmpp import JID

from connectors.port import RoomId
from connectors.port.connector import AcceptsInvites
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Unreadable
from connectors.port.events import MembershipChange, MembershipChanged
from connectors.xmpp import wire
from orchestrator.command.trial import Trial
from tiers.policy import Grade

from .conftest import Lab, XmppRig, said
from .people import body
from .prosody import ROOMS

pytestmark = pytest.mark.real

NOT_OFFERED = "not offered here: what is said cannot be deleted; this line stays, with us alone"
"""Without ``moderation``."""


async def test_a_room_of_our_own_is_read_back_spoken_in_and_left(lab: Lab) -> None:
    bot = await lab.bot()
    trial = Trial("xmpp", bot)
    await trial.run()
    assert [(s.name, s.ok, s.text) for s in trial.steps if s.name != "signed in"] == [
        ("own room, settings read back", True, "4 guarantees"),
        ("members read back", True, "1 member"),
        ("own message", True, "accepted"),
        ("own message read back", True, "as the network has it"),
        ("taking back", True, NOT_OFFERED),
        ("own room given up", True, "left"),
    ]
    assert trial.grade(Grade.FIELD, stated=False, timer_seen=False) is Grade.FIELD
    assert list(map(str, bot._open.store.rooms())) == [bot.account]


async def test_a_room_with_members_is_not_left_without_an_owner(lab: Lab) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    with pytest.raises(Rejected) as caught:
        await bot.leave(room)
    assert caught.value.code == "last_owner"
    root = await lab.root()
    await root.affiliate(room, alice.account, "owner")
    await bot.leave(room)
    item = wire.made(f"{{{wire.MUC_ADMIN}}}item", affiliation="owner")
    query = wire.made(f"{{{wire.MUC_ADMIN}}}query", item)
    owners = wire.listed(await root.ask(room, "get", query), "owner")
    assert owners == frozenset({alice.account})


@pytest.mark.parametrize("how", ["malformed", "server fault"])
async def test_a_room_whose_lists_make_no_sense_is_not_left_without_an_owner(
    rig: XmppRig, how: str
) -> None:
    """We may be its only owner, so nobody walks out on a list that nobody can read."""
    await rig.faults.muddle(how)
    with pytest.raises(ConnectorError) as caught:
        await rig.connector.leave(rig.room)
    assert isinstance(caught.value, Unreadable | Unavailable)
    with pytest.raises(Rejected) as caught:
        await rig.connector.leave(rig.room)
    assert caught.value.code == "last_owner"
    assert rig.connector._open.seats.inside(rig.room)


async def test_who_asks_us_in_is_told_and_where_we_go_in_we_listen(lab: Lab) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    assert isinstance(bot, AcceptsInvites)
    cursor, room = await lab.now(bot), f"of-alice@{ROOMS}"
    await alice.join(room)
    await alice.configure(room, whois="anyone", membersonly="1")
    await alice.affiliate(room, bot.account, "member")
    message = alice.make_message(mto=JID(bot.account))
    message.append(wire.made(f"{{{wire.INVITE}}}x", jid=room))
    message.send()
    events, cursor = await lab.events(bot, cursor, bool)
    asked = events[0]
    assert isinstance(asked, MembershipChanged)
    assert (asked.room, asked.account, asked.by) == (room, bot.account, alice.account)
    assert asked.change is MembershipChange.INVITED
    await bot.join(asked.room)
    await alice.say(room, body("welcome"))
    events, _ = await lab.events(bot, cursor, lambda e: bool(said(e)))
    assert said(events)[0].content.text == "welcome"
    await bot.leave(asked.room)

    with pytest.raises(Rejected):
        await bot.join(RoomId("nowhere@elsewhere.test"))


async def test_a_gate_that_no_room_can_have_is_refused_and_nothing_is_made(lab: Lab) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    for asked in (bot.create(lab.spec(gate=True)), bot.harden(room, lab.spec(gate=True))):
        with pytest.raises(Rejected) as caught:
            await asked
        assert caught.value.code == "no_gate"
    assert not (await bot.posture(room)).gate
