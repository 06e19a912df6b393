"""A room's state is asked for hardened, and read back for what it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.matrix import rooms
from connectors.matrix.rooms import Reading, RoomRules, RoomState
from connectors.port import AccountId, Evidence, Guarantee, Source
from connectors.port.capabilities import Undo
from connectors.port.messages import RoomSpec

BOT, ANNA, BOB = (AccountId(f"@{n}:deal.test") for n in ("bot", "anna", "bob"))
DAY = 86_400_000_000


def rules(version: str = "12", **more: Any) -> RoomRules:
    return RoomRules(version, more.get("federate", False), more.get("servers", ()), BOT)


def spec(*, gate: bool = False, timer: int | None = DAY) -> RoomSpec:
    return RoomSpec("4f1c", frozenset({ANNA, BOB}), frozenset({ANNA}), timer, gate)


def made(
    wanted: RoomSpec, version: str = "12", joined: tuple[AccountId, ...] = (BOT, ANNA, BOB)
) -> list[dict[str, Any]]:
    """The state that a homeserver makes of a request."""
    body = rooms.create_request(wanted, rules(version))
    create = {"type": "m.room.create", "state_key": "", "sender": BOT}
    levels = body["power_level_content_override"]
    members = [
        {"type": "m.room.member", "state_key": a, "content": {"membership": "join"}} for a in joined
    ]
    return [
        {**create, "content": {"room_version": version}},
        {"type": "m.room.power_levels", "state_key": "", "content": levels},
        *body["initial_state"],
        *members,
    ]


def held(state: list[dict[str, Any]], **more: Any) -> set[Guarantee]:
    facts = {"listed": False, "aliases": False, "secure": True, **more}
    found = rooms.holdings(Reading(RoomState(state), own=BOT, at=1, **facts))
    return {h.guarantee for h in found if h.evidence is Evidence.VERIFIED}


ALL = {
    Guarantee.ENCRYPTED_IN_TRANSIT,
    Guarantee.END_TO_END_ENCRYPTED,
    Guarantee.INVITE_ONLY,
    Guarantee.NO_PUBLIC_LINK,
    Guarantee.MEMBERS_READABLE,
    Guarantee.HISTORY_HIDDEN,
}


@pytest.mark.parametrize("version", ["11", "12"])
@pytest.mark.parametrize("gate", [True, False], ids=["gate", "open"])
def test_what_we_make_holds_what_we_promise(version: str, *, gate: bool) -> None:
    state = made(spec(gate=gate), version)
    assert held(state) == ALL
    assert rooms.gated(RoomState(state), BOT) is gate
    assert rooms.undo(RoomState(state), BOT) is Undo.ANYBODY
    assert RoomState(state).admins() == {BOT, ANNA}


def test_the_request_names_nothing_and_lets_nobody_in_but_the_members() -> None:
    body = rooms.create_request(spec(), rules())
    assert (body["name"], body["visibility"], body["preset"]) == ("4f1c", "private", "private_chat")
    assert body["invite"] == [ANNA, BOB]
    assert body["creation_content"] == {"m.federate": False}
    assert not {"topic", "room_alias_name", "invite_3pid"} & set(body)


def test_the_creator_stands_among_the_users_only_where_it_must() -> None:
    assert BOT not in rooms.power_levels(spec(), rules("12"))["users"]
    assert rooms.power_levels(spec(), rules("11"))["users"][BOT] > rooms.GATE_LEVEL


@pytest.mark.parametrize(
    ("kind", "content", "lost"),
    [
        ("m.room.encryption", {"algorithm": "m.other"}, Guarantee.END_TO_END_ENCRYPTED),
        ("m.room.join_rules", {"join_rule": "public"}, Guarantee.INVITE_ONLY),
        ("m.room.join_rules", {"join_rule": "knock"}, Guarantee.INVITE_ONLY),
        ("m.room.guest_access", {"guest_access": "can_join"}, Guarantee.INVITE_ONLY),
        (
            "m.room.history_visibility",
            {"history_visibility": "invited"},
            Guarantee.HISTORY_HIDDEN,
        ),
        ("m.room.canonical_alias", {"alias": "#x:y"}, Guarantee.NO_PUBLIC_LINK),
    ],
)
def test_one_loosened_setting_loses_its_guarantee(
    kind: str, content: dict[str, Any], lost: Guarantee
) -> None:
    state = [*made(spec()), {"type": kind, "state_key": "", "content": content}]
    aliases = rooms.has_aliases(RoomState(state), [])
    assert held(state, aliases=aliases) == ALL - {lost}


@pytest.mark.parametrize("kind", ["m.room.encryption", "m.room.join_rules", "m.room.guest_access"])
def test_what_is_not_told_is_not_held(kind: str) -> None:
    state = [e for e in made(spec()) if e["type"] != kind]
    assert held(state) < ALL


def test_members_who_may_invite_open_the_room() -> None:
    state = made(spec())
    for loose in ({"invite": 0}, {"users": {ANNA: 100, BOB: 100}, "invite": 50}):
        levels = next(e for e in state if e["type"] == "m.room.power_levels")["content"]
        changed = {**levels, **loose}
        found = [*state, {"type": "m.room.power_levels", "state_key": "", "content": changed}]
        assert Guarantee.INVITE_ONLY not in held(found)


@given(st.dictionaries(st.sampled_from(["m.room.message", "m.reaction", "x"]), st.integers(0, 99)))
def test_one_kind_of_message_that_a_member_may_post_opens_the_gate(events: dict[str, int]) -> None:
    state = made(spec(gate=True))
    levels = next(e for e in state if e["type"] == "m.room.power_levels")["content"]
    levels["events"] = {**levels["events"], **events}
    assert rooms.gated(RoomState(state), BOT) is (not events)


def test_an_owner_who_may_post_opens_the_gate() -> None:
    state = made(spec(gate=True))
    levels = next(e for e in state if e["type"] == "m.room.power_levels")["content"]
    levels["events_default"] = rooms.OWNER_LEVEL
    assert not rooms.gated(RoomState(state), BOT)


def test_a_timer_is_only_ever_requested_and_its_value_read() -> None:
    def timers(state: list[dict[str, Any]]) -> list[tuple[Evidence, int | None]]:
        reading = Reading(RoomState(state), listed=False, aliases=False, secure=True, own=BOT, at=1)
        found = rooms.holdings(reading)
        return [(h.evidence, h.value) for h in found if h.guarantee is Guarantee.TIMER]

    assert timers(made(spec())) == [(Evidence.REQUESTED, DAY)]
    assert timers(made(spec(timer=None))) == []
    for odd in (True, 0, -1, "5", None):
        content = {"max_lifetime": odd}
        state = [*made(spec()), {"type": "m.room.retention", "state_key": "", "content": content}]
        assert timers(state) == []


@pytest.mark.parametrize(
    ("secure", "source"), [(True, Source.CRYPTOGRAPHY), (False, Source.SERVER)]
)
def test_who_says_that_the_way_is_encrypted(*, secure: bool, source: Source) -> None:
    reading = Reading(
        RoomState(made(spec())), listed=False, aliases=False, secure=secure, own=BOT, at=1
    )
    (found,) = (h for h in rooms.holdings(reading) if h.guarantee is Guarantee.ENCRYPTED_IN_TRANSIT)
    assert (found.source, found.evidence) == (source, Evidence.VERIFIED)


@pytest.mark.parametrize(
    ("level", "found"), [(0, Undo.OWN), (99, Undo.OWN), (100, Undo.ANYBODY), (-1, Undo.NONE)]
)
def test_whose_messages_can_be_taken_back(level: int, found: Undo) -> None:
    state = made(spec(), "11")
    levels = next(e for e in state if e["type"] == "m.room.power_levels")["content"]
    levels["users"][BOT] = level
    assert rooms.undo(RoomState(state), BOT) is found


@pytest.mark.parametrize(
    ("own", "servers", "allowed"),
    [
        ("@bot:deal.test", ("firm.example",), ["deal.test", "firm.example"]),
        ("@bot:deal.test:8448", ("firm.example",), ["deal.test", "firm.example"]),
        ("@bot:192.0.2.7", ("firm.example",), None),
        ("@bot:[2001:db8::1]", ("firm.example",), None),
        ("@bot:deal.test", (), None),
    ],
)
def test_a_server_list_never_shuts_ourselves_out(
    own: str, servers: tuple[str, ...], allowed: list[str] | None
) -> None:
    found = rooms.create_request(spec(), RoomRules("12", True, servers, AccountId(own)))  # noqa: FBT003 (a field)
    lists = [
        s["content"]["allow"] for s in found["initial_state"] if s["type"] == "m.room.server_acl"
    ]
    assert lists == ([] if allowed is None else [allowed])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
state_kinds = st.sampled_from(["m.room.power_levels", "m.room.create", "m.room.member", "m.x"])
state_events = st.fixed_dictionaries(
    {"type": state_kinds, "state_key": st.sampled_from(["", BOT, ANNA])},
    optional={"content": json_values, "sender": st.sampled_from([BOT, ANNA])},
)


@given(st.lists(state_events, max_size=6))
def test_malformed_state_is_read_and_never_looks_safe(events: list[dict[str, Any]]) -> None:
    state = RoomState(events)
    assert state.admins() <= state.members().everybody
    assert rooms.undo(state, BOT) in Undo
    assert held(events) <= {Guarantee.ENCRYPTED_IN_TRANSIT, Guarantee.MEMBERS_READABLE} | {
        Guarantee.NO_PUBLIC_LINK
    }
