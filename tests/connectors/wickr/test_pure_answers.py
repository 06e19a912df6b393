"""What answers and listings mean, by themselves: texts of the real program, and what is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.port import AccountId, Evidence, Guarantee, RoomId, Source
from connectors.port.capabilities import Undo
from connectors.port.errors import (
    ConnectorError,
    Rejected,
    Unavailable,
    Uncertain,
    Unreadable,
)
from connectors.wickr import answers, rooms
from connectors.wickr.answers import LEFT, MODIFIED, SENT, check_taken
from connectors.wickr.ids import Kind

ROOM = RoomId("S00bf0ca3169bb9e7c3eba13b767bd10fcc8f41a3e34e5c54dab8bf1dfde01234")
HOUR = 3_600_000_000


def verdict(said: str, phrase: Any) -> str:
    try:
        check_taken(said, phrase)
    except ConnectorError as error:
        return type(error).__name__
    return "taken"


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ("Sending message", SENT),
        ("Sending message.\n", SENT),
        ('"Sending attachment"', SENT),
        ("Success", SENT),
        ("Room modified successfully", MODIFIED),
        ("wallcross_bot left room successfully", LEFT),
        ("wallcross_bot has left the GroupConvo.", LEFT),
    ],
)
def test_what_says_that_it_was_taken_is_taken(said: str, phrase: object) -> None:
    assert verdict(said, phrase) == "taken"


@pytest.mark.parametrize(
    "said",
    [
        "Need a list of users OR a vGroupID to send a message.",
        "Need a message OR an attachment to send a message.",
        "Failure",
        "Failed to send message",
        "error sending attachment!",
        "vGroupID must be a string.",
        "An array of GroupConvo members is required",
    ],
)
@pytest.mark.parametrize("phrase", [SENT, MODIFIED, LEFT])
def test_a_200_that_did_nothing_is_a_refusal(said: str, phrase: object) -> None:
    assert verdict(said, phrase) == "Rejected"


@pytest.mark.parametrize("said", ["", "OK", "<html>", "no success", "Sendings", "not sending"])
def test_a_200_that_says_neither_leaves_it_open(said: str) -> None:
    assert verdict(said, SENT) == "Uncertain"


@given(st.text(max_size=80))
def test_no_other_answer_is_taken_and_none_is_quoted(said: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        check_taken(f"canary-5f0c {said}", SENT)
    assert isinstance(caught.value, Uncertain)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "acts", "kind", "code"),
    [
        (400, True, Rejected, "client_refused"),
        (401, True, Unavailable, "credential_refused"),
        (403, False, Unavailable, "credential_refused"),
        (404, True, Unavailable, "endpoint_missing"),
        (413, True, Rejected, "client_refused"),
        (429, True, Unavailable, "rate_limited"),
        (503, True, Unavailable, "server_fault"),
        (500, True, Uncertain, "server_fault"),
        (502, True, Uncertain, "server_fault"),
        (502, False, Unavailable, "server_fault"),
    ],
)
def test_what_a_status_means(
    status: int,
    acts: bool,
    kind: type[ConnectorError],
    code: str,
) -> None:
    found = answers.refusal(status, "", acts=acts)
    assert (type(found), found.code) == (kind, code)


@pytest.mark.parametrize(
    ("header", "after"), [("7", 7_000_000), ("", None), ("Wed, 21 Oct 2026", None), ("-1", None)]
)
def test_a_proxy_says_how_long_to_wait(header: str, after: int | None) -> None:
    assert answers.refusal(429, header, acts=True).retry_after == after


# --- listings ---------------------------------------------------------------------------------


def listing(**more: object) -> dict[str, object]:
    one = {
        "description": "x",
        "masters": [{"name": "bot@x"}],
        "members": [{"name": "bot@x"}, {"name": "ann@x"}],
        "title": "x",
        "ttl": "7776000",
        "bor": "0",
        "vgroupid": ROOM,
    }
    return {"rooms": [one | more]}


def test_a_room_is_read_as_it_is_listed() -> None:
    room = rooms.read_room(listing(), ROOM)
    assert room.members == {"bot@x", "ann@x"}
    assert room.masters == {"bot@x"}
    assert (room.ttl, room.bor) == (7_776_000, 0)


def test_names_alone_and_numbers_are_read_too() -> None:
    room = rooms.read_room(listing(members=["ann@x"], ttl=60, bor=""), ROOM)
    assert room.members == {"bot@x", "ann@x"}
    assert (room.ttl, room.bor) == (60, 0)


@pytest.mark.parametrize("ttl", ["0", 0, "", None])
def test_a_timer_of_nothing_is_no_timer(ttl: object) -> None:
    assert rooms.timer_of(rooms.read_room(listing(ttl=ttl), ROOM).ttl, 1) is None


@pytest.mark.parametrize(
    "told",
    [
        None,
        "Failure",
        [],
        {},
        {"rooms": []},
        {"rooms": "x"},
        {"rooms": [{}]},
        listing(vgroupid="Sother00"),
        listing(members=None),
        listing(members=[{"user": "x"}]),
        listing(members=[{"name": "x"}, None]),
        listing(masters="bot@x"),
        listing(ttl="soon"),
        listing(ttl=-1),
        {"rooms": [*listing()["rooms"], *listing()["rooms"]]},  # type: ignore[misc]
    ],
    ids=range(15),
)
def test_a_listing_that_makes_no_sense_is_no_room(told: object) -> None:
    with pytest.raises(Unreadable):
        rooms.read_room(told, ROOM)


def test_only_what_a_listing_shows_is_held() -> None:
    timer = rooms.timer_of(3600, 5)
    told = rooms.posture(ROOM, Kind.SECURE_ROOM, frozenset({AccountId("bot@x")}), timer, 5)
    assert {h.guarantee for h in told.holdings} == rooms.CAN
    assert {h.source for h in told.holdings} == {Source.SERVER}
    assert {h.evidence for h in told.holdings} == {Evidence.VERIFIED}
    assert next(h.value for h in told.holdings if h.guarantee is Guarantee.TIMER) == HOUR
    assert (told.gate, told.undo) == (False, Undo.NONE)


def test_a_group_conversation_lets_everybody_in_and_tells_not_all() -> None:
    told = rooms.posture(RoomId("Gabc1234"), Kind.GROUP, frozenset(), None, 5)
    held = {h.guarantee for h in told.holdings}
    assert held == {Guarantee.ENCRYPTED_IN_TRANSIT, Guarantee.END_TO_END_ENCRYPTED}


def test_a_private_lines_timer_is_only_asked_for() -> None:
    assert rooms.asked_of(60, 5).evidence is Evidence.REQUESTED


@pytest.mark.parametrize(("timer", "asked"), [(1, 1), (999_999, 1), (2_500_000, 2), (HOUR, 3600)])
def test_a_timer_is_never_rounded_to_none(timer: int, asked: int) -> None:
    assert rooms.seconds(timer) == asked
