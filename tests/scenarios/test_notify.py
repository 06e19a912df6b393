"""People are told in their order and in time, once, of what needs them, and nothing of what it is.

The home's clock is put on by hand, and each look is taken by hand: nothing here waits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from orchestrator.client.notify import NewOnCall, SendView
from orchestrator.client.problems import Missing, Problem, Refused, Unready, Wrong
from orchestrator.clock import HOUR, MINUTE, SECOND
from orchestrator.command.notifying import on_call_check
from orchestrator.deals.findings import Raised, close_findings, raise_finding
from orchestrator.notify import rows
from orchestrator.notify.run import Notifier
from orchestrator.notify.ways import Carries, Gone, NotTaken, To, Took
from orchestrator.notify.words import Notice
from orchestrator.roster.document import to_document
from tests.orchestrator.notify.conftest import Browser
from tiers.ids import DealId, PersonId, SideId
from tiers.rights import DeskRole, Seat, Viewer

from .conftest import House, Opens
from .house import ACTOR, roster, without
from .test_approvals import ADA, BO, CY, TEXT, ask_release, found, hold, say

WHOLE = Viewer(ACTOR, whole=True)


@dataclass
class Hand:
    """A way that writes down what it carries, and fails as it is told to."""

    fails: list[Exception] = field(default_factory=list)
    carried: list[tuple[str | None, Notice]] = field(default_factory=list)

    async def carry(self, notice: Notice, to: To) -> Took:
        if self.fails:
            raise self.fails.pop(0)
        self.carried.append((to.person.person if to.person else None, notice))
        return Took("hand.taken")

    def who(self) -> list[str | None]:
        return [person for person, _ in self.carried]


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> Callable[[Notifier], Any]:
    """The engine tells nobody by itself here."""
    turn, asked = Notifier.turn, list[Notifier]()

    async def later(notifier: Notifier) -> None:
        asked.append(notifier)

    monkeypatch.setattr(Notifier, "turn", later)
    return turn


@dataclass
class Desk:
    """A house whose people are told by hands."""

    house: House
    hands: dict[str, Hand]
    _turn: Callable[[Notifier], Any]

    @property
    def notifier(self) -> Notifier:
        found = self.house.home.runtime.notifier
        assert found is not None
        return found

    async def turn(self, later: int = 0) -> None:
        self.house.clock.ahead += later
        ways: dict[str, Carries] = dict(self.hands)
        self.notifier.ways = ways
        await self._turn(self.notifier)

    async def sends(self) -> list[SendView]:
        alerts = await self.house.home.alert_list(self.house.deal, WHOLE, every=True)
        return [send for alert in alerts for send in alert.sends]

    def told(self, way: str = "push") -> list[str | None]:
        return self.hands[way].who()


def listing(*people: str, **more: Any) -> list[NewOnCall]:
    return [
        NewOnCall(person=p, ways=("push", "mail"), mail=f"{p}@kestrel.example", **more)
        for p in people
    ]


@pytest.fixture
async def desk(house: House, by_hand: Callable[[Notifier], Any]) -> Desk:
    await house.home.on_call_set(house.deal, listing("ada", "bo", "cy"), actor=ACTOR)
    return Desk(house, {"push": Hand(), "mail": Hand()}, by_hand)


async def test_the_first_is_told_at_once_then_the_next_then_everybody(desk: Desk) -> None:
    await hold(desk.house)
    await desk.turn()
    assert desk.told() == ["ada"]
    [(_, notice)] = desk.hands["push"].carried
    assert (notice.code, dict(notice.counts)) == ("HERON", {"held": 1})
    assert "27.50" not in repr(notice)
    await desk.turn(5 * MINUTE - SECOND)
    assert desk.told() == ["ada"]
    await desk.turn(SECOND)
    assert desk.told() == ["ada", "bo"]
    await desk.turn(10 * MINUTE - SECOND)
    assert desk.told() == ["ada", "bo"]
    await desk.turn(SECOND)
    assert desk.told() == ["ada", "bo", "cy"]
    await desk.turn(HOUR)
    assert desk.told()[:3] == ["ada", "bo", "cy"]
    kinds = [e.kind for e in await desk.house.home.audit_tail(desk.house.deal, 60)]
    assert kinds.count("alert.sent") >= 3


async def test_what_is_settled_or_answered_is_told_to_nobody_else(desk: Desk) -> None:
    house = desk.house
    message = await hold(house)
    await desk.turn()
    await house.home.held_drop(message, actor=ACTOR)
    await desk.turn(5 * MINUTE)
    await desk.turn(HOUR)
    assert desk.told() == ["ada"]
    assert await house.home.alert_list(house.deal, WHOLE, every=False) == []
    await hold(house)
    await desk.turn()
    [alert] = await house.home.alert_list(house.deal, WHOLE, every=False)
    await house.home.alert_answer(house.deal, alert.alert, person("ada"))
    with pytest.raises(Missing):
        await house.home.alert_answer(house.deal, alert.alert, person("ada"))
    await desk.turn(5 * MINUTE)
    assert desk.told() == ["ada", "ada"]
    [alert] = await house.home.alert_list(house.deal, WHOLE, every=False)
    assert alert.answered_by == "person:ada"


async def test_a_storm_is_one_message(desk: Desk) -> None:
    house = desk.house
    raised = Raised("storm", "high", ("made up",), "nothing")

    def unit(tx: Any) -> None:
        for n in range(500):
            raise_finding(tx, house.deal, f"subject_{n}", raised, house.home.runtime.now())

    await house.home.runtime.store.write(unit)
    await desk.turn()
    [(_, notice)] = desk.hands["push"].carried
    assert dict(notice.counts) == {"finding": 500}
    for n in range(500, 520):
        await house.home.runtime.store.write(
            lambda tx, n=n: raise_finding(tx, house.deal, f"s_{n}", raised, 1)  # type: ignore[misc]  # bound at once
        )
        await desk.turn(10 * SECOND)
    assert desk.told() == ["ada"]
    await desk.turn(2 * MINUTE)
    assert [sum(n.counts.values()) for p, n in desk.hands["push"].carried if p == "ada"] == [
        500,
        20,
    ]


async def test_quiet_hours_cover_everything_but_held_messages(desk: Desk) -> None:
    house = desk.house
    at = house.home.runtime.now() // MINUTE
    start = at % (24 * 60)
    hours = f"{start // 60:02}:{start % 60:02}-{(start // 60 + 2) % 24:02}:{start % 60:02}"
    await house.home.on_call_set(house.deal, listing("ada", quiet=hours), actor=ACTOR)
    raised = Raised("made_up", "high", ("made up",), "nothing")
    await house.home.runtime.store.write(
        lambda tx: raise_finding(tx, house.deal, "x", raised, house.home.runtime.now())
    )
    await desk.turn()
    await desk.turn(HOUR)
    assert desk.told() == []
    await hold(house)
    await desk.turn()
    assert desk.told() == ["ada"]
    [(_, notice)] = desk.hands["push"].carried
    assert notice.counts["held"] == 1


async def test_quiet_hours_cover_no_deadline_of_a_held_message(desk: Desk) -> None:
    house = desk.house
    message = await hold(house)
    [(deadline,)] = await house.rows("SELECT deadline FROM held WHERE message_id = ?", message)
    soon = deadline - house.home.runtime.now() - 20 * MINUTE
    start = (deadline // MINUTE - 60) % (24 * 60)
    end = (start + 4 * 60) % (24 * 60)
    hours = f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"
    await house.home.on_call_set(house.deal, listing("ada", quiet=hours), actor=ACTOR)
    await desk.turn()
    await desk.turn(soon)
    assert any("deadline" in n.counts for _, n in desk.hands["push"].carried)


@pytest.mark.parametrize(("severity", "told"), [("medium", []), ("critical", ["ada"])])
async def test_what_is_worse_than_serious_is_told_too(
    desk: Desk, severity: str, told: list[str]
) -> None:
    house = desk.house
    raised = Raised("made_up", severity, ("made up",), "nothing")
    await house.home.runtime.store.write(
        lambda tx: raise_finding(tx, house.deal, "x", raised, house.home.runtime.now())
    )
    await desk.turn()
    assert desk.told() == told


async def test_a_way_that_breaks_is_tried_again_and_the_next_one_too(desk: Desk) -> None:
    """As where the secret of a mail server cannot be had: its telling stayed begun for ever."""
    await hold(desk.house)
    desk.hands["push"].fails = [RuntimeError("broken"), RuntimeError("broken")]
    await desk.turn()
    await desk.turn(31 * SECOND)
    await desk.turn(MINUTE)
    assert (desk.told(), desk.told("mail")) == (["ada"], ["ada"])
    states = {(s.way, s.state, s.again) for s in await desk.sends() if s.person == "ada"}
    assert states == {("push", "sent", True), ("mail", "sent", False)}


async def test_who_sleeps_comes_last_and_is_told_in_the_morning(desk: Desk) -> None:
    house = desk.house
    at = house.home.runtime.now() // MINUTE
    start = at % (24 * 60)
    hours = f"{start // 60:02}:{start % 60:02}-{(start // 60 + 2) % 24:02}:{start % 60:02}"
    people = [*listing("ada", quiet=hours), *listing("bo")]
    await house.home.on_call_set(house.deal, people, actor=ACTOR)
    raised = Raised("made_up", "high", ("made up",), "nothing")
    await house.home.runtime.store.write(
        lambda tx: raise_finding(tx, house.deal, "x", raised, house.home.runtime.now())
    )
    await desk.turn()
    assert desk.told() == ["bo"]
    await desk.turn(5 * MINUTE)
    assert desk.told() == ["bo"]
    await desk.turn(2 * HOUR)
    assert desk.told() == ["bo", "ada"]


async def test_a_way_that_fails_is_tried_again_and_the_next_one_too(desk: Desk) -> None:
    await hold(desk.house)
    desk.hands["push"].fails = [NotTaken("push.not_reached"), NotTaken("push.later_429", HOUR)]
    await desk.turn()
    assert desk.told() == []
    await desk.turn(31 * SECOND)
    assert (desk.told(), desk.told("mail")) == ([], [])
    await desk.turn(30 * SECOND)
    await desk.turn(SECOND)
    assert desk.told("mail") == ["ada"]
    states = {(s.way, s.state, s.code) for s in await desk.sends() if s.person == "ada"}
    assert states == {("push", "queued", "push.later_429"), ("mail", "sent", "hand.taken")}


async def test_a_way_that_is_gone_is_replaced_at_once(desk: Desk) -> None:
    await hold(desk.house)
    desk.hands["push"].fails = [Gone("push.nowhere")]
    await desk.turn()
    await desk.turn(SECOND)
    assert desk.told("mail") == ["ada"]


async def test_after_so_many_attempts_it_is_dead_and_says_why(desk: Desk) -> None:
    house = desk.house
    await house.home.on_call_set(house.deal, listing("ada"), actor=ACTOR)
    await hold(house)
    for hand in desk.hands.values():
        hand.fails = [NotTaken("down") for _ in range(rows.MOST_ATTEMPTS)]
    await desk.turn()
    for _ in range(2 * rows.MOST_ATTEMPTS):
        await desk.turn(rows.LONGEST_WAIT)
    found = [s for s in await desk.sends() if s.way == "push"]
    assert ("dead", "down", rows.MOST_ATTEMPTS) in [(s.state, s.code, s.attempts) for s in found]


class Killed(BaseException):
    """The program ends here."""


async def test_killed_between_the_sending_and_its_mark_it_goes_again_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hold(desk.house)
    with monkeypatch.context() as patch:

        def killed(*_: object) -> None:
            raise Killed

        patch.setattr(rows, "sent", killed)
        with pytest.raises(Killed):
            await desk.turn()
    [(_, first)] = desk.hands["push"].carried
    assert [s.state for s in await desk.sends()] == ["started"]
    await desk.house.restart()
    await desk.turn()
    _, (_, again) = desk.hands["push"].carried
    assert (again.send_id, again.again, first.again) == (first.send_id, True, False)
    assert [s.state for s in await desk.sends()] == ["sent"]
    await desk.turn(SECOND)
    assert len(desk.told()) == 2


async def test_a_planted_row_tells_nobody(desk: Desk) -> None:
    await hold(desk.house)
    await desk.notifier.look()
    await desk.house.home.runtime.store.write(
        lambda tx: tx.run("UPDATE alert_send SET person = 'el' WHERE person = 'ada'")
    )
    await desk.turn()
    assert desk.told() == []


async def test_who_left_is_told_nothing(desk: Desk) -> None:
    house = desk.house
    await hold(house, "bo")
    await desk.notifier.look()
    await house.home.leave(house.deal, PersonId("ada"), "resigned", actor=ACTOR)
    await desk.turn()
    assert "ada" not in desk.told()
    await desk.turn(5 * MINUTE)
    assert desk.told() == ["bo"]


async def test_whose_signature_is_needed_is_told_of_it_first(desk: Desk) -> None:
    house = desk.house
    await found(house, ADA, BO, CY)
    message = await hold(house)
    await desk.turn()
    request = await ask_release(house, message)
    await desk.turn(6 * MINUTE)
    assert desk.told()[:1] == ["ada"]
    assert "bo" in desk.told(), "ada wrote it and may not agree: bo is the first who may"
    notices = [n for p, n in desk.hands["push"].carried if p == "bo"]
    assert any("request" in n.counts for n in notices)
    await say(house, request, BO, "no")
    await desk.turn()
    left = await house.home.alert_list(house.deal, WHOLE, every=False)
    assert [alert.kind for alert in left] == ["held"]


async def test_who_may_not_know_the_deals_name_is_not_told_it(desk: Desk) -> None:
    house = desk.house
    await house.home.on_call_set(house.deal, listing("el"), actor=ACTOR)
    await house.home.adopt(house.deal, "roster", to_document(without(roster(), "el")), actor=ACTOR)
    await hold(house)
    await desk.turn()
    [(who, notice)] = desk.hands["push"].carried
    assert (who, notice.code) == ("el", None)


async def test_a_channel_that_is_down_is_told_to_the_deals_that_use_it(desk: Desk) -> None:
    house, store = desk.house, desk.house.home.runtime.store
    home, at = DealId("home"), house.home.runtime.now()
    raised = Raised("channel_closed", "high", ("made up",), "nothing")
    await store.write(lambda tx: raise_finding(tx, home, "memory", raised, at))
    await store.write(lambda tx: raise_finding(tx, home, "another", raised, at))
    await desk.turn()
    [(_, notice)] = desk.hands["push"].carried
    assert dict(notice.counts) == {"channel": 1}
    await store.write(lambda tx: close_findings(tx, home, "channel_closed", "memory", at))
    await desk.turn(HOUR)
    assert desk.told() == ["ada"]


async def test_a_deadline_is_told_before_it_lapses(desk: Desk) -> None:
    house = desk.house
    message = await hold(house)
    [(deadline,)] = await house.rows("SELECT deadline FROM held WHERE message_id = ?", message)
    await desk.turn()
    await desk.turn(deadline - house.home.runtime.now() - 20 * MINUTE)
    assert any("deadline" in n.counts for _, n in desk.hands["push"].carried)


async def test_the_webhook_hears_of_new_things_once(desk: Desk) -> None:
    desk.hands["webhook"] = Hand()
    await hold(desk.house)
    await desk.turn()
    await desk.turn(5 * MINUTE)
    assert desk.told("webhook") == [None]


async def test_a_line_carries_it_through_the_outbox_and_only_he_reads_it(desk: Desk) -> None:
    house = desk.house
    people = [NewOnCall(person="bo", ways=("line",))]
    await house.home.on_call_set(house.deal, people, actor=ACTOR)
    await hold(house)
    notifier = desk.notifier
    await desk._turn(notifier)
    told = await house.told("bo")
    assert any(m.text.startswith("Project HERON needs you.\n1 message is held.") for m in told)
    assert TEXT not in " ".join(m.text for m in told)
    assert ("line", "sent") in {(s.way, s.state) for s in await desk.sends()}


def person(name: str, *roles: DeskRole) -> Viewer:
    return _of(f"person:{name}", name, roles)


def _of(actor: str, name: str, roles: tuple[DeskRole, ...]) -> Viewer:
    class Anywhere(dict[DealId, Seat]):
        def get(self, key: DealId, default: Any = None) -> Any:
            del default
            return Seat(
                key, PersonId(name), frozenset(roles or {DeskRole.PARTICIPANT}), SideId("x")
            )

    return Viewer(actor, seats=Anywhere())


async def test_each_sees_himself_on_the_list_and_what_he_was_told(desk: Desk) -> None:
    house = desk.house
    await hold(house)
    await desk.turn()
    home, deal = house.home, house.deal
    assert [v.person for v in await home.on_call_show(deal, WHOLE)] == ["ada", "bo", "cy"]
    assert [v.person for v in await home.on_call_show(deal, person("bo"))] == ["bo"]
    assert await home.on_call_show(deal, person("el")) == []
    [alert] = await home.alert_list(deal, person("ada"), every=False)
    assert [s.person for s in alert.sends] == ["ada"]
    assert await home.alert_list(deal, person("bo"), every=False) == []
    with pytest.raises(Missing):
        await home.alert_answer(deal, alert.alert, person("bo"))
    owner = person("bo", DeskRole.OWNER)
    assert len(await home.alert_list(deal, owner, every=False)) == 1


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (NewOnCall(person="nobody", ways=("push",)), Missing),
        (NewOnCall(person="ada", ways=("mail",)), Wrong),
        (NewOnCall(person="ada", ways=("mail",), mail="a@b@c"), Wrong),
        (NewOnCall(person="ada", ways=("mail",), mail="a@b\r\nBcc: x@y"), Wrong),
        (NewOnCall(person="ada", ways=("push", "push")), Wrong),
        (NewOnCall(person="ada", ways=()), Wrong),
        (NewOnCall(person="ada", ways=("push",), quiet="22-7"), Wrong),
        (NewOnCall(person="ada", ways=("push",), quiet="00:00-00:00"), Wrong),
        (NewOnCall(person="ada", ways=("push",), zone="Nowhere"), Wrong),
    ],
)
async def test_what_no_list_holds(house: House, wrong: NewOnCall, problem: type[Problem]) -> None:
    with pytest.raises(problem):
        await house.home.on_call_set(house.deal, [wrong], actor=ACTOR)
    assert await house.home.on_call_show(house.deal, WHOLE) == []


async def test_doctor_says_who_is_missing(house: House) -> None:
    view = house.home.runtime.book.deals[house.deal]
    check = await on_call_check(house.home.runtime, view)
    assert (check.state, check.text) == ("ok", "made up, and nobody is on call")
    await house.home.on_call_set(house.deal, listing("ada"), actor=ACTOR)
    assert (await on_call_check(house.home.runtime, view)).state == "soon"
    await house.home.on_call_set(house.deal, listing("ada", "bo"), actor=ACTOR)
    assert (await on_call_check(house.home.runtime, view)).text == "2 people are told"


async def test_a_browser_is_its_persons_sealed_and_gone_when_he_leaves(opens: Opens) -> None:
    house = await opens()
    home, deal, (key, auth) = house.home, house.deal, Browser().text()
    where = "https://push.example/wpush/CANARY-OF-A-BROWSER"
    with pytest.raises(Unready):
        await home.push_add(deal, person("ada"), where, key, auth)
    assert (await home.push_key()).key is None
    notifier = home.runtime.notifier
    assert notifier is not None

    class Known:
        origins = frozenset({"https://push.example"})

    notifier.ways = {**notifier.ways, "push": Known()}  # type: ignore[dict-item]  # only asked for its origins
    with pytest.raises(Refused):
        await home.push_add(deal, person("ada"), "https://evil.example/x", key, auth)
    with pytest.raises(Wrong):
        await home.push_add(deal, person("ada"), where, key, "AAAA")
    with pytest.raises(Refused):
        await home.push_add(deal, WHOLE, where, key, auth)
    await home.push_add(deal, person("ada"), where, key, auth)
    await home.push_add(deal, person("ada"), where, key, auth)
    [one] = await notifier.subscriptions.of(deal, PersonId("ada"))
    assert one.endpoint == where
    assert await notifier.subscriptions.of(deal, PersonId("bo")) == ()
    store = house.home.runtime.settings.state
    data = b"".join(p.read_bytes() for p in store.rglob("*") if p.is_file())
    assert b"CANARY-OF-A-BROWSER" not in data
    with pytest.raises(Missing):
        await home.push_drop(deal, person("bo"), where)
    store_of, moved = house.home.runtime.store, "UPDATE push_subscription SET person = ?"
    await store_of.write(lambda tx: tx.run(moved, ("bo",)))  # somebody who writes the database
    assert await notifier.subscriptions.of(deal, PersonId("bo")) == (), "it is not his browser"
    await store_of.write(lambda tx: tx.run(moved, ("ada",)))
    assert await notifier.subscriptions.of(deal, PersonId("ada")) == (one,)
    await home.leave(deal, PersonId("ada"), "resigned", actor=ACTOR)
    await notifier.look()
    assert await notifier.subscriptions.of(deal, PersonId("ada")) == ()
    assert await house.rows("SELECT 1 FROM sealed WHERE owner LIKE 'psh%'") == []
