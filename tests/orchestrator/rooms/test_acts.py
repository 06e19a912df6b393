"""One act on a network: asked once, looked for with growing pauses, said to be what was seen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest

from connectors.port.capabilities import Capabilities, Posture, Undo
from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain
from connectors.port.messages import Member, MemberSnapshot, Presence, RoomSpec
from orchestrator.clock import SECOND
from orchestrator.deals.book import Book, DealView
from orchestrator.keys.keyring import Keyring
from orchestrator.rooms.acts import FIRST_LOOK_S, LONGEST_S, Done, Hands, Outcome
from orchestrator.rooms.observe import Observer
from orchestrator.rooms.presence import Presences
from orchestrator.store.unit import Store
from tiers.conversation import RoomBinding
from tiers.guarantees import Guarantee
from tiers.ids import AccountId, PersonId, RoomId
from tiers.remedy import Act, ActKind

from .conftest import CHANNEL, LISTED, OURS

PATIENCE = 20 * SECOND
Step = Callable[["Far", AccountId], None]


@dataclass
class Far:
    """A network that does what it is told to, when it is told to: see ``does`` and ``raises``."""

    clock: "Clock"
    inside: dict[AccountId, bool] = field(default_factory=dict)
    takes: float = 0.0
    """Seconds until what was asked is so; infinite: never."""
    raises: list[ConnectorError] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    complete: bool = True
    later: list[tuple[float, Step, AccountId]] = field(default_factory=list)
    account: AccountId = OURS

    @property
    def capabilities(self) -> Capabilities:
        can = frozenset({Guarantee.INVITE_ONLY})
        return Capabilities(can, 1, 0, idempotent_send=False, idempotent_for=0, re_offers=False)

    async def members(self, room: RoomId) -> MemberSnapshot:
        self.reads.append(self.clock.seconds)
        due = [step for step in self.later if step[0] <= self.clock.seconds]
        for _, act, account in due:
            act(self, account)
        self.later = [step for step in self.later if step not in due]
        members = [Member(a, Presence.JOINED, admin) for a, admin in self.inside.items()]
        return MemberSnapshot(room, tuple(members), self.complete, self.clock())

    async def posture(self, room: RoomId) -> Posture:
        who, at = frozenset({OURS}), self.clock()
        return Posture(room, (), False, True, Undo.NONE, None, who, at)  # noqa: FBT003 - in the order of the port

    async def invite(self, room: RoomId, account: AccountId) -> None:
        self._ask(f"invite {room}", lambda far, who: far.inside.setdefault(who, False), account)

    async def remove(self, room: RoomId, account: AccountId) -> None:
        self._ask(f"remove {room}", lambda far, who: far.inside.pop(who, None), account)

    async def set_admin(self, room: RoomId, account: AccountId, *, admin: bool) -> None:
        self._ask(f"admin {room}", lambda far, who: far.inside.update({who: admin}), account)

    def _ask(self, what: str, act: Callable[["Far", AccountId], object], who: AccountId) -> None:
        self.asked.append(what.partition(" ")[0])
        error = self.raises.pop(0) if self.raises else None
        if error is None or isinstance(error, Uncertain):
            self.later.append((self.clock.seconds + self.takes, cast("Step", act), who))
        if error is not None:
            raise error


@dataclass
class Clock:
    """Moves only while somebody waits."""

    seconds: float = 1000.0
    waited: list[float] = field(default_factory=list)

    def __call__(self) -> int:
        return int(self.seconds * SECOND)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.seconds += seconds


@dataclass
class World:
    hands: Hands
    far: Far
    clock: Clock
    deal: DealView
    binding: RoomBinding
    store: Store
    book: Book

    async def do(self, kind: ActKind, name: str, cause: str = "plan:x") -> Done:
        person = PersonId(name) if name in LISTED else None
        act = Act(kind, *self.binding.place, AccountId(name), person, "because")
        return await self.hands.do(self.deal, act, cause=cause, actor="local:test")

    async def entries(self) -> list[str]:
        rows = await self.store.read(lambda tx: tx.all("SELECT body FROM audit ORDER BY n"))
        return [body.decode() for (body,) in rows]


@pytest.fixture
async def world(store: Store, deal: DealView, binding: RoomBinding) -> World:
    cid = binding.conversation_id
    talk = (cid, deal.deal_id, "lunch", "coordination", "deal")
    await store.write(lambda tx: tx.run("INSERT INTO deal VALUES (?, 'X', 1, 0)", talk[1:2]))
    sql = "INSERT INTO conversation VALUES (?, ?, ?, ?, ?, NULL, 'open', 0)"
    await store.write(lambda tx: tx.run(sql, talk))
    clock = Clock()
    far = Far(clock, {OURS: True, AccountId("ada"): True, AccountId("bo"): False})
    connectors: Mapping[Any, Any] = {CHANNEL: far}
    found = SimpleNamespace(room=lambda *_: (deal, binding))
    book = cast("Book", found)
    observer = Observer(connectors, Keyring(), {}, store, clock, lambda _: False)
    hands = Hands(
        store, book, observer, Presences(store), connectors, clock,
        patience=PATIENCE, sleep=clock.sleep,
    )  # fmt: skip
    return World(hands, far, clock, deal, binding, store, book)


async def test_what_is_seen_at_once_needs_no_waiting(world: World) -> None:
    done = await world.do(ActKind.REMOVE, "bo")
    assert (done.outcome, done.why) == (Outcome.SEEN, None)
    assert (world.far.asked, world.clock.waited) == (["remove"], [])
    assert AccountId("bo") not in world.far.inside


@pytest.mark.parametrize("kind", [ActKind.REMOVE, ActKind.PROMOTE])
async def test_it_is_asked_once_and_looked_for_with_growing_pauses(
    world: World, kind: ActKind
) -> None:
    world.far.takes = 9.0
    done = await world.do(kind, "bo")
    assert done.outcome is Outcome.SEEN
    assert len(world.far.asked) == 1
    assert world.clock.waited[0] == FIRST_LOOK_S
    assert all(b == min(2 * a, LONGEST_S) for a, b in pairwise(world.clock.waited))


async def test_patience_ends(world: World) -> None:
    world.far.takes = float("inf")
    began = world.clock.seconds
    done = await world.do(ActKind.REMOVE, "bo")
    assert (done.outcome, done.why) == (Outcome.NOT_CONFIRMED, "not_seen")
    assert PATIENCE <= (world.clock.seconds - began) * SECOND < PATIENCE + LONGEST_S * SECOND
    [told] = [e for e in await world.entries() if '"outcome"' in e]
    assert '"outcome":"not_confirmed"' in told


async def test_where_nothing_left_it_is_asked_again(world: World) -> None:
    world.far.raises = [Unavailable("down"), Unavailable("down")]
    done = await world.do(ActKind.REMOVE, "bo")
    assert done.outcome is Outcome.SEEN
    assert len(world.far.asked) == 3


async def test_where_it_may_have_happened_it_is_only_looked_for(world: World) -> None:
    world.far.raises = [Uncertain("cut")]
    done = await world.do(ActKind.REMOVE, "bo")
    assert done.outcome is Outcome.SEEN
    assert len(world.far.asked) == 1


async def test_what_is_refused_is_not_asked_again_and_told_by_its_code(world: World) -> None:
    world.far.raises = [Rejected("not_an_admin")]
    done = await world.do(ActKind.REMOVE, "bo")
    assert (done.outcome, done.why) == (Outcome.REFUSED, "not_an_admin")
    assert (len(world.far.asked), world.clock.waited) == (1, [])


async def test_a_refusal_of_what_is_so_already_is_no_failure(world: World) -> None:
    world.far.raises = [Rejected("not_a_member")]
    done = await world.do(ActKind.REMOVE, "di")
    assert done.outcome is Outcome.SEEN


async def test_a_list_that_is_not_whole_removes_nobody_by_a_plan(world: World) -> None:
    world.far.complete = False
    done = await world.do(ActKind.REMOVE, "bo")
    assert (done.outcome, done.why) == (Outcome.REFUSED, "incomplete")
    assert world.far.asked == []


async def test_whoever_leaves_is_put_out_in_any_case_and_not_said_to_be_gone(world: World) -> None:
    world.far.complete = False
    done = await world.do(ActKind.REMOVE, "bo", cause="leave:x")
    assert done.outcome is Outcome.NOT_CONFIRMED
    assert world.far.asked == ["remove"]


@pytest.mark.parametrize("kind", [ActKind.REMOVE, ActKind.DEMOTE])
@pytest.mark.parametrize("cause", ["plan:x", "leave:x"])
async def test_our_own_account_is_never_touched(world: World, kind: ActKind, cause: str) -> None:
    done = await world.do(kind, OURS, cause)
    assert (done.outcome, done.why) == (Outcome.REFUSED, "protected")
    assert world.far.asked == []


@pytest.mark.parametrize("cause", ["plan:x", "leave:x"])
async def test_nobody_is_let_in_whom_the_roster_does_not_clear(world: World, cause: str) -> None:
    done = await world.do(ActKind.INVITE, "mallory", cause)
    assert (done.outcome, done.why) == (Outcome.REFUSED, "not_cleared")
    assert world.far.asked == []
    assert (await world.do(ActKind.INVITE, "di")).outcome is Outcome.SEEN


async def test_what_a_network_does_not_offer_is_refused(world: World) -> None:
    act = Act(ActKind.HARDEN, *world.binding.place, None, None, "invite_only")
    done = await world.hands.do(world.deal, act, cause="plan:x", actor="local:test")
    assert (done.outcome, done.why) == (Outcome.REFUSED, "not_offered")


async def test_what_was_asked_is_on_disk_before_it_is_asked(world: World) -> None:
    seen: list[int] = []

    async def remove(_room: RoomId, account: AccountId) -> None:
        rows = await world.store.read(lambda tx: tx.all("SELECT * FROM act"))
        seen.append(len(rows))
        world.far.inside.pop(account)

    world.far.remove = remove  # type: ignore[method-assign, assignment]  # looks while it is asked
    await world.do(ActKind.REMOVE, "bo")
    assert seen == [1]
    assert await world.hands.unfinished() == []


async def test_a_room_setting_is_spec_of_how_it_was_made(world: World) -> None:
    given: list[RoomSpec] = []

    async def harden(_room: RoomId, spec: RoomSpec) -> None:
        given.append(spec)

    world.far.harden = harden  # type: ignore[attr-defined]  # now it offers it
    act = Act(ActKind.HARDEN, *world.binding.place, None, None, "invite_only")
    done = await world.hands.do(world.deal, act, cause="plan:x", actor="local:test")
    assert done.outcome is Outcome.NOT_CONFIRMED, "what it said it can do is not there"
    assert given
    assert (given[0].gate, given[0].timer, given[0].members) == (False, None, frozenset())


async def test_a_network_that_says_when_to_come_again_is_left_alone_until_then(
    world: World,
) -> None:
    world.far.raises = [Unavailable("rate_limited", retry_after=5 * SECOND)]
    done = await world.do(ActKind.REMOVE, "bo")
    assert done.outcome is Outcome.SEEN
    assert len(world.far.asked) == 2
    assert world.clock.waited[0] >= 5


async def test_a_network_that_wants_to_be_left_alone_for_longer_is_not_waited_for(
    world: World,
) -> None:
    world.far.raises = [Unavailable("rate_limited", retry_after=3600 * SECOND)]
    began = world.clock.seconds
    done = await world.do(ActKind.REMOVE, "bo")
    assert (done.outcome, done.why) == (Outcome.NOT_CONFIRMED, "rate_limited")
    assert len(world.far.asked) == 1
    assert (world.clock.seconds - began) * SECOND <= PATIENCE


async def test_who_leaves_while_he_is_about_to_be_asked_in_is_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He was cleared when it was looked at, and left while it was written down."""
    write = world.store.write

    async def left(unit: Any) -> Any:
        written = await write(unit)
        nobody = replace(world.deal, roster=world.deal.roster.without({PersonId("di")}))
        monkeypatch.setattr(world.book, "room", lambda *_: (nobody, world.binding))
        return written

    monkeypatch.setattr(world.store, "write", left)
    done = await world.do(ActKind.INVITE, "di")
    assert (done.outcome, done.why) == (Outcome.REFUSED, "not_cleared")
    assert world.far.asked == []
    assert await world.hands.unfinished() == []


async def test_what_no_connector_should_raise_is_an_unknown_outcome(world: World) -> None:
    """It may have happened: it is looked for, and leaves nothing half-known."""
    world.far.raises = [cast("ConnectorError", KeyError("of a malformed answer"))]
    done = await world.do(ActKind.REMOVE, "bo", cause="leave:x")
    assert (done.outcome, done.why) == (Outcome.NOT_CONFIRMED, "not_seen")
    assert len(world.far.asked) == 1
    assert await world.hands.unfinished() == []


async def test_a_list_that_makes_a_connector_fail_is_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: RoomId) -> MemberSnapshot:
        raise KeyError("of a malformed answer")

    monkeypatch.setattr(world.far, "members", fails)
    done = await world.do(ActKind.REMOVE, "bo")
    assert (done.outcome, done.why) == (Outcome.REFUSED, "incomplete")
    assert world.far.asked == []
