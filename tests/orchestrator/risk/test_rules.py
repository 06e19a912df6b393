"""Each rule is turned on by a fact and off by a new one; what cannot be told is not judged."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.clock import DAY, HOUR, MINUTE
from orchestrator.risk.rules import Ruling, judge
from orchestrator.risk.signals import (
    Certificate,
    Device,
    Listed,
    OwnKey,
    RecordSignal,
    RoomSignal,
    Seated,
    SideVolume,
    Signals,
    Wrote,
)
from tiers.exposure import Open, score
from tiers.exposure_rules import REGISTRY, rule_of
from tiers.guarantees import Demand, Evidence, Guarantee, Holding, Source
from tiers.ids import AccountId, PersonId, SideId
from tiers.trust import KeyState

AT = 2_000 * DAY
PLACE = "memory:room-1"
DEMANDED = (
    Guarantee.TIMER,
    Guarantee.NO_PUBLIC_LINK,
    Guarantee.INVITE_ONLY,
    Guarantee.HISTORY_HIDDEN,
    Guarantee.END_TO_END_ENCRYPTED,
)
DEMANDS = tuple(
    Demand(g, Evidence.VERIFIED, 7 * DAY if g is Guarantee.TIMER else None) for g in DEMANDED
)


def holding(guarantee: Guarantee, value: int | None = None) -> Holding:
    return Holding(guarantee, Evidence.VERIFIED, Source.SERVER, AT, value)


HELD = tuple(holding(g, 7 * DAY if g is Guarantee.TIMER else None) for g in DEMANDED)


def seated(name: str, state: KeyState | None = KeyState.VERIFIED) -> Seated:
    return Seated(AccountId(name), PersonId(name), name.title(), (Device("phone", state),))


ROOM = RoomSignal(
    place=PLACE,
    conversation="conv_1",
    demands=DEMANDS,
    verified=True,
    holdings=HELD,
    members=(seated("ada"), seated("bo")),
    whole=True,
    unread_since=None,
    at=AT,
)


def listed(person: str, name: str | None = None) -> Listed:
    return Listed(
        person=PersonId(person),
        name=name or person.title(),
        side=SideId("one"),
        accounts=(f"memory:{person}",),
        highest=True,
        since=AT - DAY,
        ends=None,
        looked=AT - DAY,
        seated=True,
    )


SIDE = SideVolume(SideId("one"), 6, 40, 50, 5, 4)
WELL = Signals(
    deal="deal_1",
    at=AT,
    rooms=(ROOM,),
    people=(listed("ada"), listed("bo")),
    certificates=(Certificate("pgp:x@y.example", PersonId("bo"), "Bo", AT + 90 * DAY),),
    keys=(OwnKey("journal joint", AT - 30 * DAY),),
    record=RecordSignal(1, HOUR),
    volumes=(SIDE,),
    on=frozenset({"volume_unusual", "hours_unusual"}),
)


def with_room(**news: object) -> Signals:
    return replace(WELL, rooms=(replace(ROOM, **news),))  # type: ignore[arg-type]  # as named


def without(guarantee: Guarantee, *more: Holding) -> Signals:
    left = tuple(h for h in HELD if h.guarantee is not guarantee)
    return with_room(holdings=(*left, *more))


def someone(**news: object) -> Signals:
    return replace(WELL, people=(replace(listed("ada"), **news), listed("bo")))  # type: ignore[arg-type]  # as named


CASES: dict[str, Signals] = {
    "timer_off": without(Guarantee.TIMER),
    "timer_long": without(Guarantee.TIMER, holding(Guarantee.TIMER, 30 * DAY)),
    "link_on": without(Guarantee.NO_PUBLIC_LINK),
    "open_door": without(Guarantee.INVITE_ONLY),
    "history_visible": without(Guarantee.HISTORY_HIDDEN),
    "encryption_off": without(Guarantee.END_TO_END_ENCRYPTED),
    "posture_unreadable": with_room(holdings=None, unread_since=AT - 2 * MINUTE),
    "members_unreadable": with_room(members=None, whole=False, unread_since=AT - 2 * MINUTE),
    "unverified_device": with_room(members=(seated("ada"), seated("bo", KeyState.PINNED))),
    "devices_unreadable": with_room(members=(replace(seated("ada"), devices=None),)),
    "changed_key": with_room(members=(seated("ada", KeyState.SUPERSEDED),)),
    "lookalike_name": replace(
        WELL, people=(listed("a1", "Marian Kestrel"), listed("a2", "Marian Kestre1"))
    ),
    "stale_clearance": someone(since=AT - 400 * DAY, looked=AT - 200 * DAY),
    "adviser_key_expires": replace(
        WELL, certificates=(Certificate("pgp:x@y.example", PersonId("bo"), "Bo", AT + 20 * DAY),)
    ),
    "rotation_overdue": replace(WELL, keys=(OwnKey("journal joint", AT - 400 * DAY),)),
    "unanchored": replace(WELL, record=RecordSignal(1, 7 * HOUR)),
    "volume_unusual": replace(WELL, volumes=(replace(SIDE, week=400),)),
    "hours_unusual": replace(WELL, volumes=(replace(SIDE, night=60),)),
}


def raised(ruling: Ruling) -> set[str]:
    return {rule for rule, _ in ruling.raised}


def test_where_all_is_well_nothing_is_raised_and_everything_is_judged() -> None:
    ruling = judge(WELL)
    assert ruling.raised == {}
    for rule in CASES:
        assert any(rule == known for known, _ in ruling.judged)


@pytest.mark.parametrize("rule", CASES)
def test_a_fact_turns_it_on_and_a_new_one_off(rule: str) -> None:
    on = judge(CASES[rule])
    assert raised(on) == {rule}
    [(_, subject)] = on.raised
    assert not on.over(rule, subject)
    assert judge(WELL).over(rule, subject)
    found = on.raised[rule, subject]
    assert found.severity.upper() in {"LOW", "MEDIUM", "HIGH", "CRITICAL"}
    assert rule in REGISTRY
    assert found.reasons
    assert rule_of(rule).remedies


@pytest.mark.parametrize(
    ("blind", "rules"),
    [
        (with_room(holdings=None, unread_since=AT), {"timer_off", "link_on", "encryption_off"}),
        (with_room(members=None, whole=False, unread_since=AT), {"unverified_device"}),
        (with_room(whole=False, unread_since=AT), {"unverified_device", "changed_key"}),
        (replace(WELL, people=None), {"lookalike_name", "stale_clearance"}),
        (replace(WELL, certificates=None), {"adviser_key_expires"}),
        (replace(WELL, record=None), {"unanchored"}),
    ],
)
def test_what_cannot_be_told_closes_nothing(blind: Signals, rules: set[str]) -> None:
    ruling = judge(blind)
    for rule in rules:
        on = judge(CASES[rule])
        [(_, subject)] = on.raised
        assert not ruling.over(rule, subject)


def test_a_hiccup_of_a_network_is_no_finding_and_a_channel_that_stands_still_tells_itself() -> None:
    assert raised(judge(with_room(holdings=None, unread_since=AT - MINUTE // 2))) == set()
    still = with_room(holdings=None, unread_since=AT - HOUR, still=True)
    assert raised(judge(still)) == set()


def test_a_stranger_in_a_room_who_reads_like_somebody_is_found() -> None:
    stranger = Seated(AccountId("@mari4n.kestrel:x.example"), None, None, None)
    people = (listed("a1", "Marian Kestrel"),)
    near = replace(
        WELL,
        people=people,
        rooms=(
            replace(ROOM, members=(replace(stranger, account=AccountId("@marian.kestre1:x")),)),
        ),
    )
    assert "lookalike_name" in raised(judge(near))


def test_no_anchor_at_all_is_said_so() -> None:
    [found] = judge(replace(WELL, record=RecordSignal(0, 0))).raised.values()
    assert "no anchor" in found.reasons[0]


@pytest.mark.parametrize(
    ("who", "odd"),
    [
        ({"since": AT - 40 * DAY, "looked": AT - 40 * DAY, "seated": False}, True),
        ({"since": AT - 40 * DAY, "looked": AT - 40 * DAY, "seated": True}, False),
        ({"ends": AT - DAY, "seated": True}, True),
        ({"ends": AT - DAY, "seated": False}, False),
        ({"since": AT - 400 * DAY, "looked": AT - DAY}, False),
        ({"highest": False, "since": AT - 400 * DAY, "looked": AT - 400 * DAY}, False),
    ],
)
def test_a_clearance_goes_stale_unless_somebody_looks(who: dict[str, object], odd: bool) -> None:
    assert ("stale_clearance" in raised(judge(someone(**who)))) is odd


def test_a_key_that_ended_or_ends_within_days_is_worse() -> None:
    def severity(ends: int) -> str:
        one = Certificate("pgp:x@y.example", PersonId("bo"), "Bo", ends)
        [found] = judge(replace(WELL, certificates=(one,))).raised.values()
        return found.severity

    assert [severity(AT + 20 * DAY), severity(AT + DAY), severity(0)] == ["medium", "high", "high"]


def test_what_was_written_ends_when_it_is_gone_and_not_before() -> None:
    stands = Wrote("watch_name", "msg_1", None, AT)
    assert not judge(replace(WELL, wrote=(stands,))).over("watch_name", "msg_1")
    gone = replace(stands, gone="its author took it back")
    assert judge(replace(WELL, wrote=(gone,))).over("watch_name", "msg_1")


@pytest.mark.parametrize("rule", ["volume_unusual", "hours_unusual"])
def test_rules_about_groups_are_off_until_turned_on_and_never_about_few(rule: str) -> None:
    odd = CASES[rule]
    off = judge(replace(odd, on=frozenset()))
    assert raised(off) == set()
    assert off.over(rule, "side one")  # turned off, it closes
    assert odd.volumes is not None
    few = replace(odd, volumes=tuple(replace(v, people=4) for v in odd.volumes))
    assert raised(judge(few)) == set()
    assert not REGISTRY[rule].on


@dataclass(frozen=True)
class Blinding:
    """A way to know less."""

    name: str
    blind: Callable[[Signals], Signals]


BLINDINGS = (
    Blinding("settings", lambda s: _rooms(s, holdings=None)),
    Blinding("members", lambda s: _rooms(s, members=None, whole=False)),
    Blinding("both", lambda s: _rooms(s, holdings=None, members=None, whole=False)),
)


def _rooms(signals: Signals, **news: object) -> Signals:
    blind = {**news, "unread_since": AT - HOUR}
    return replace(signals, rooms=tuple(replace(r, **blind) for r in signals.rooms))  # type: ignore[arg-type]  # as named


@given(st.sampled_from(BLINDINGS))
def test_unknown_scores_worse_than_known_to_be_well(blinding: Blinding) -> None:
    def points(signals: Signals) -> int:
        keys = judge(signals).raised
        return score(Open(f"{r} {s}", rule_of(r), None, "c") for r, s in keys).total

    assert points(WELL) == 0
    assert points(blinding.blind(WELL)) > 0


def test_planted_a_rule_that_trusts_what_it_cannot_read_is_caught() -> None:
    """Had an unread room counted as judged, its open finding would be over."""
    blind = judge(with_room(holdings=None, unread_since=AT))
    trusting = Ruling(blind.raised, blind.judged | {("timer_off", PLACE)})
    assert trusting.over("timer_off", PLACE)
    assert not blind.over("timer_off", PLACE)


def test_a_list_whose_names_all_read_alike_is_one_finding() -> None:
    alike = tuple(listed(f"p{n}", f"Person {n}") for n in range(200))
    found = {key for key in judge(replace(WELL, people=alike)).raised if key[0] == "lookalike_name"}
    assert found == {("lookalike_name", "list")}
