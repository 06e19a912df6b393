"""Who may do what in a room that is there: people keep their standing, and nothing opens a gate."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.matrix import levels, rooms
from connectors.matrix.rooms import RoomRules, RoomState
from connectors.port import AccountId
from connectors.port.messages import RoomSpec

BOT, SPARE, ANNA, BOB = (AccountId(f"@{n}:deal.test") for n in ("bot", "spare", "anna", "bob"))
OURS = (BOT, SPARE)
DAY = 86_400_000_000


def spec(*, gate: bool = False, timer: int | None = DAY) -> RoomSpec:
    return RoomSpec("4f1c", frozenset({ANNA, BOB}), frozenset({ANNA}), timer, gate)


def rules(version: str) -> RoomRules:
    return RoomRules(version, federate=False, servers=(), own=BOT, standby=SPARE)


def events(version: str, *, gate: bool = False, **changed: Any) -> list[dict[str, Any]]:
    """The state that a homeserver makes of our request, with levels changed since."""
    body = rooms.create_request(spec(gate=gate), rules(version))
    content = {"room_version": version, **body["creation_content"]}
    joined = {"membership": "join"}
    levelled = body["power_level_content_override"] | changed
    return [
        {"type": "m.room.create", "state_key": "", "sender": BOT, "content": content},
        {"type": levels.LEVELS, "state_key": "", "content": levelled},
        *body["initial_state"],
        *(
            {"type": "m.room.member", "state_key": a, "content": joined}
            for a in (BOT, SPARE, ANNA, BOB)
        ),
    ]


def made(version: str, *, gate: bool = False, **changed: Any) -> RoomState:
    return RoomState(events(version, gate=gate, **changed))


def hardened(
    before: list[dict[str, Any]], version: str, *, gate: bool = False, timer: int | None = DAY
) -> RoomState:
    """The room after it was hardened."""
    put = levels.to_put(RoomState(before), spec(gate=gate, timer=timer), rules(version))
    return RoomState([*before, *({"type": k, "state_key": "", "content": c} for k, c in put)])


@pytest.mark.parametrize("version", ["11", "12"])
@pytest.mark.parametrize("gate", [True, False], ids=["gate", "open"])
def test_a_room_as_we_make_it_needs_nothing_put_back(version: str, *, gate: bool) -> None:
    state = made(version, gate=gate)
    assert list(levels.to_put(state, spec(gate=gate), rules(version))) == []


@pytest.mark.parametrize("version", ["11", "12"])
def test_who_stands_by_can_do_all_that_we_can_and_a_gate_holds_with_him(version: str) -> None:
    state = made(version, gate=True)
    assert state.level(SPARE) == state.level(BOT) > rooms.GATE_LEVEL
    assert state.admins() == {BOT, SPARE, ANNA}
    assert rooms.gated(state, BOT, SPARE)
    assert not rooms.gated(state, BOT)


def test_version_12_names_its_creators_in_no_list_of_users() -> None:
    state = made("12")
    content = levels.with_admin(state, BOB, OURS, admin=True)
    assert content is not None
    assert not set(content["users"]) & set(OURS)
    (put,) = levels.to_put(made("12", users={BOT: 100, ANNA: 100}), spec(), rules("12"))
    assert put[1]["users"] == {ANNA: 100}


@pytest.mark.parametrize("version", ["11", "12"])
def test_an_admin_is_made_and_unmade_and_nobody_else_is_touched(version: str) -> None:
    state = made(version)
    assert levels.with_admin(state, ANNA, OURS, admin=True) is None
    assert levels.with_admin(state, BOB, OURS, admin=False) is None
    before = state.content(levels.LEVELS)
    content = levels.with_admin(state, BOB, OURS, admin=True)
    assert content == {**before, "users": {**before["users"], BOB: rooms.OWNER_LEVEL}}
    content = levels.with_admin(state, ANNA, OURS, admin=False)
    assert content is not None
    assert content["users"] == {a: v for a, v in before["users"].items() if a != ANNA}


def test_an_admin_by_default_is_unmade_by_name() -> None:
    content = levels.with_admin(made("12", users_default=100), BOB, OURS, admin=False)
    assert content is not None
    assert content["users"][BOB] == 0


def test_who_stands_by_stands_as_high_as_we_do_where_he_came_later() -> None:
    state = made("11", users={BOT: rooms.OUR_LEVEL, ANNA: 100})
    content = levels.with_admin(state, SPARE, OURS, admin=True)
    assert content is not None
    assert content["users"][SPARE] == rooms.OUR_LEVEL


@given(
    version=st.sampled_from(["11", "12"]),
    gate=st.booleans(),
    users=st.dictionaries(st.sampled_from([ANNA, BOB]), st.integers(-5, 160)),
    default=st.integers(-5, 160),
    acts=st.dictionaries(st.sampled_from(["invite", "kick", "ban", "redact"]), st.integers(0, 100)),
)
def test_hardening_keeps_people_what_they_are_and_lets_nobody_through_a_gate(
    version: str, users: dict[str, int], default: int, acts: dict[str, Any], *, gate: bool
) -> None:
    ours = {} if version == "12" else dict.fromkeys(OURS, rooms.OUR_LEVEL)
    worse = events(version, users={**ours, **users}, users_default=default, **acts)
    named = {a for a in RoomState(worse).admins() if a in users}
    hard = hardened(worse, version, gate=gate)
    assert hard.admins() == named | {BOT, SPARE}
    silent = all(users.get(a, 0) < 0 for a in (ANNA, BOB))  # who may not write by name stays so
    assert rooms.gated(hard, BOT, SPARE) is (gate or silent)
    assert hard.needed("invite", 0) == rooms.OWNER_LEVEL
    assert list(levels.to_put(hard, spec(gate=gate), rules(version))) == []


LOOSER = {
    "m.room.encryption": {"algorithm": "none"},
    "m.room.join_rules": {"join_rule": "public"},
    "m.room.history_visibility": {"history_visibility": "shared"},
    "m.room.guest_access": {"guest_access": "can_join"},
    "m.room.retention": {"max_lifetime": 1},
    "m.room.canonical_alias": {"alias": "#way-in:deal.test"},
}


@pytest.mark.parametrize("kind", LOOSER)
def test_each_loosened_setting_alone_is_put_back(kind: str) -> None:
    loose = [*events("12"), {"type": kind, "state_key": "", "content": LOOSER[kind]}]
    (put,) = levels.to_put(RoomState(loose), spec(), rules("12"))
    kept = {e["type"]: e["content"] for e in events("12")}
    assert put == (kind, kept.get(kind, {}))


def test_a_timer_that_nobody_wants_is_taken_off() -> None:
    assert hardened(events("12"), "12", timer=None).content("m.room.retention") == {}
