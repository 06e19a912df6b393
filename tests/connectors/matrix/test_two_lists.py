"""A homeserver that shows each client other members: what gives it away, and what it never gains.

What we seal to is what we read: who is hidden from us gets no key, and the list of devices that a
message was sealed to is the proof of it. What is shown in one place and hidden in another makes
the list one that is not whole, and nothing is concluded from it.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from connectors.matrix.connector import MatrixConnector
from connectors.matrix.witness import Witness
from connectors.port import AccountId, RoomId
from connectors.port.errors import ReadersChanged
from connectors.port.events import KeyChanged, MembershipChanged
from connectors.port.messages import MemberSnapshot, Reader
from orchestrator.demo.farside import Person

from .conftest import Lab, Proxy, sealed_to
from .hiding import EVERY_LIST, silent_about, without

real = pytest.mark.long


@dataclass
class Scene:
    """A room with Anna and with Eve, whom the homeserver hides from our account alone."""

    lab: Lab
    proxy: Proxy
    bot: MatrixConnector
    anna: Person
    eve: Person
    room: RoomId
    cursor: str

    def hide(self, *kinds: str) -> None:
        for kind in kinds:
            self.proxy.always(kind, without(self.eve.user, kind))

    async def eve_comes_in(self) -> None:
        await self.anna.invite(self.room, self.eve.user)
        await self.eve.join(self.room)
        await self.anna.until(lambda: self.anna.members(self.room) == 3)

    async def members(self) -> tuple[set[str], bool]:
        snapshot: MemberSnapshot = await self.bot.members(self.room)
        return {m.account for m in snapshot.members}, snapshot.complete

    async def can_open(self, person: Person, event: str) -> bool:
        """Whether somebody's keys open a message whose bytes he was handed."""
        await person.sync()
        raw = await self.anna.held_by_server(self.room, event)
        return await person.opens(self.room, raw) is not None


@pytest.fixture
async def scene(lab: Lab, proxy: Proxy) -> Scene:
    bot = await lab.bot(homeserver=await proxy.start())
    anna, eve = await lab.person("anna"), await lab.person("eve")
    room = await lab.room(bot, anna, owners=frozenset({AccountId(anna.user)}))
    return Scene(lab, proxy, bot, anna, eve, room, await lab.now(bot))


@real
@pytest.mark.parametrize("kind", ["state", "joined"])
async def test_who_stands_in_one_list_alone_counts_and_the_list_is_not_whole(
    scene: Scene, kind: str
) -> None:
    await scene.eve_comes_in()
    scene.hide(kind)
    accounts, complete = await scene.members()
    assert scene.eve.user in accounts
    assert not complete


@real
async def test_who_is_hidden_from_every_list_is_given_away_by_the_stream(scene: Scene) -> None:
    scene.hide(*EVERY_LIST)
    await scene.eve_comes_in()

    def joined(events: list[Any]) -> bool:
        changes = [e for e in events if isinstance(e, MembershipChanged)]
        return any(e.account == scene.eve.user for e in changes)

    await scene.lab.events(scene.bot, scene.cursor, joined)
    accounts, complete = await scene.members()
    assert scene.eve.user in accounts
    assert not complete


@real
async def test_who_is_hidden_from_lists_and_stream_is_given_away_by_his_devices(
    scene: Scene,
) -> None:
    scene.hide(*EVERY_LIST, "sync")
    await scene.eve_comes_in()

    def announced(events: list[Any]) -> bool:
        return any(isinstance(e, KeyChanged) and e.account == scene.eve.user for e in events)

    await scene.lab.events(scene.bot, scene.cursor, announced)
    accounts, complete = await scene.members()
    assert scene.eve.user in accounts
    assert not complete


@real
async def test_who_is_hidden_everywhere_gets_no_key(scene: Scene) -> None:
    """Two clients are shown two lists, and nothing tells us. What we seal to is what we read."""
    scene.hide(*EVERY_LIST, "membership")
    scene.proxy.always("sync", silent_about(scene.eve.user))
    await scene.eve_comes_in()
    accounts, complete = await scene.members()
    assert (accounts, complete) == ({scene.bot.account, scene.anna.user}, True)
    readers = {Reader(m.account, m.devices) for m in (await scene.bot.members(scene.room)).members}
    accepted = await scene.bot.send(scene.lab.delivery(scene.room, "52", *readers))
    assert scene.eve.user not in sealed_to(accepted.sealed_to)
    assert await scene.can_open(scene.anna, accepted.remote_id)
    assert not await scene.can_open(scene.eve, accepted.remote_id)


@real
async def test_who_is_hidden_from_the_list_of_the_send_is_missing_from_the_proof(
    scene: Scene,
) -> None:
    await scene.eve_comes_in()
    scene.hide("members")
    accepted = await scene.bot.send(scene.lab.delivery(scene.room, "52", scene.anna, scene.eve))
    assert scene.eve.user not in sealed_to(accepted.sealed_to)
    assert not await scene.can_open(scene.eve, accepted.remote_id)


@real
async def test_who_is_shown_to_the_send_alone_stops_it(scene: Scene) -> None:
    await scene.eve_comes_in()
    scene.hide("state", "joined", "membership")
    readers = {Reader(m.account, m.devices) for m in (await scene.bot.members(scene.room)).members}
    with pytest.raises(ReadersChanged):
        await scene.bot.send(scene.lab.delivery(scene.room, "52", *readers))


@real
async def test_who_left_before_the_stream_tells_is_gone_and_the_list_is_whole(
    scene: Scene,
) -> None:
    await scene.eve_comes_in()
    await scene.lab.events(scene.bot, scene.cursor, bool)
    await scene.bot.remove(scene.room, AccountId(scene.eve.user))
    accounts, complete = await scene.members()
    assert (accounts, complete) == ({scene.bot.account, scene.anna.user}, True)


# what is remembered


ROOM, OTHER = "!a:deal.test", "!b:deal.test"
ANNA, EVE = AccountId("@anna:deal.test"), AccountId("@eve:deal.test")


def member(account: str, membership: str, by: str | None = None) -> dict[str, Any]:
    content = {"membership": membership}
    who = {"sender": by or account, "state_key": account}
    return {"type": "m.room.member", "content": content, **who}


@pytest.mark.parametrize(
    ("events", "doubted"),
    [
        ([member(EVE, "join")], True),
        ([{"type": "m.room.encrypted", "sender": EVE}], True),
        ([member(EVE, "invite", by=EVE), member(EVE, "join")], True),
        ([member(EVE, "invite", by=ANNA)], False),
        ([member(EVE, "join"), member(EVE, "leave", by=ANNA)], False),
        ([member(EVE, "join"), member(EVE, "ban", by=ANNA)], False),
        ([member(EVE, "join"), member(EVE, "leave")], False),
        ([member(EVE, "leave", by=ANNA), member(EVE, "join")], True),
        ([{"type": "m.room.member", "content": "x"}], False),
    ],
)
def test_who_is_doubted_is_who_was_shown_and_did_not_go(
    events: list[dict[str, Any]], *, doubted: bool
) -> None:
    witness = Witness()
    for event in events:
        witness.event(ROOM, event)
    assert (EVE in witness.doubts(ROOM, frozenset({ANNA}))) is doubted
    assert EVE not in witness.doubts(ROOM, frozenset({ANNA, EVE}))
    assert witness.doubts(OTHER, frozenset()) == frozenset()


def test_devices_of_somebody_in_no_room_are_asked_about_once() -> None:
    witness = Witness()
    witness.devices({EVE}, ())
    assert witness.doubts(ROOM, frozenset({ANNA})) == {EVE}
    witness.cleared(ROOM, EVE)
    assert witness.doubts(ROOM, frozenset({ANNA})) == frozenset()
    assert witness.doubts(OTHER, frozenset({ANNA})) == {EVE}
    witness.devices({EVE}, ())
    assert witness.doubts(ROOM, frozenset({ANNA})) == {EVE}


def test_devices_of_members_of_other_rooms_are_no_doubt() -> None:
    witness = Witness()
    witness.devices({EVE}, ())
    assert witness.doubts(OTHER, frozenset({ANNA, EVE})) == frozenset()
    assert witness.doubts(ROOM, frozenset({ANNA})) == frozenset()
    witness.devices((), {EVE})
    assert witness.doubts(OTHER, frozenset()) == frozenset()
