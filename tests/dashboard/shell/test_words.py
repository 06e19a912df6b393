"""Every sentence over the whole product of what it is made of: nothing unknown is claimed."""

import re
from collections.abc import Iterator
from itertools import product
from typing import get_args

import pytest

from dashboard import words as w
from dashboard.widgets import states

ROOMS = [
    w.Room(gate, read, undo)
    for gate, read, undo in product((True, False), (True, False), get_args(w.Undo))
]
AFTER = (None, 0.4, 4.0, 600.0)
READERS = (None, 0, 1, 31)
NEVER = re.compile(
    r"blocked|recalled|monitored|protected|wiped|removed everywhere|safety number|identity key"
    r"|fingerprint|drift|quorum|desired state|observed state|%|!",
    re.IGNORECASE,
)


def messages() -> Iterator[tuple[w.Room, str, float | None, str]]:
    for room, outcome, after, readers in product(ROOMS, get_args(w.Outcome), AFTER, READERS):
        said = w.message_words(room, outcome, after_s=after, readers=readers)
        yield room, outcome, after, said


def everything() -> Iterator[str]:
    yield from (said for *_, said in messages())
    for room in ROOMS:
        yield from (w.mode_words(room), w.undo_words(room))
    for state, when in product(get_args(w.Removal), ("", "14:02:08")):
        yield w.removal_words(state, "Hana", "Signal", when)
    for seen, asked, channels, when in product(range(4), range(4), range(3), ("", "14:02:08")):
        yield w.removals_words(seen, asked, channels, when)
    for evidence, by, age in product(
        get_args(w.Evidence), (None, *get_args(w.By)), ("", "2 hours ago")
    ):
        yield w.evidence_words(evidence, by, age)
    for changed, verified in product((True, False), repeat=2):
        yield w.key_words(changed=changed, verified=verified)
    yield from (w.leftover_words(days) for days in (None, 0, 1, 7))
    yield from (w.age_words(s) for s in (-5, 0, 1, 59, 60, 3600, 90_000))
    yield states.SIGNED_OUT


@pytest.mark.parametrize("said", sorted(set(everything())))
def test_every_sentence_is_short_calm_and_of_our_words(said: str) -> None:
    assert not NEVER.search(said)
    for sentence in re.split(r"(?<=\.)\s", said):
        assert len(sentence.split()) <= w.LONGEST, sentence
    assert said[0].isupper() or said[0].isdigit()


def test_held_is_said_only_where_we_stand_between() -> None:
    for room, outcome, _, said in messages():
        nobody = "Held" in said or "Nobody has seen it" in said
        assert nobody == (outcome == "held" and room.mode == "relay")


def test_what_we_cannot_read_is_never_said_to_be_anything_else() -> None:
    for room, _, _, said in messages():
        assert (said == "We cannot see messages here.") == (room.mode == "blind")


def test_withdrawn_is_said_only_where_it_was_seen_gone_and_could_be() -> None:
    for room, outcome, after, said in messages():
        if "Withdrawn after" not in said:
            continue
        assert outcome == "withdrawn"
        assert after is not None
        assert room.undo == "anybody" or (room.undo == "own" and room.mode == "relay")
        assert "may have seen it" in said


@pytest.mark.parametrize("room", ROOMS)
def test_a_mode_is_never_more_than_its_facts(room: w.Room) -> None:
    assert (room.mode == "relay") == (room.gate and room.read)
    assert (room.mode == "blind") == (not room.read)


def test_gone_is_said_only_of_what_was_read_back() -> None:
    for state, when in product(get_args(w.Removal), ("", "14:02:08")):
        said = w.removal_words(state, "Hana", "Signal", when)
        assert ("seen gone" in said) == (state == "seen" and bool(when))
    for seen, asked, when in product(range(4), range(4), ("", "14:02:08")):
        said = w.removals_words(seen, asked, 2, when)
        assert ("seen gone" in said) == (bool(asked) and seen >= asked and bool(when))


def test_what_was_asked_for_is_no_evidence_whoever_is_named() -> None:
    for by in (None, *get_args(w.By)):
        assert w.evidence_words("requested", by) == "Asked for. Nothing seen yet."
    assert w.evidence_tone("requested") == "stop"
    assert (
        w.evidence_words("verified", "server", "2 hours ago") == "The server says so 2 hours ago."
    )


def test_the_words_of_the_design() -> None:
    listening = w.Room(gate=False, read=True, undo="anybody")
    said = w.message_words(listening, "withdrawn", after_s=4, readers=31)
    assert said == "Withdrawn after 4 s. Up to 31 people may have seen it."
    out = w.removals_words(5, 5, 3, "14:02:08")
    assert out == "Out of 5 conversations on 3 channels, seen gone at 14:02:08."
    assert w.leftover_words(7) == "May keep up to 7 days of messages on their own phone."
    assert w.removal_words("asked", "Hana", "Signal") == (
        "Asked Signal to remove Hana. Not yet confirmed."
    )


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ("nobody", "Held. Nobody has seen it."),
        ("part", "Held for some rooms. Up to 4 people in the others may have seen it."),
        ("withdrawing", "We asked for its removal. Not yet confirmed. Up to 4 people may have"),
        ("withdrawn", "Withdrawn after 4 s. Up to 4 people may have seen it."),
        ("stays", "It stands in the room, and we cannot remove it. Up to 4 people may have"),
    ],
)
def test_what_was_stopped_is_called_held_only_where_nobody_or_some_saw_it(
    seen: str, said: str
) -> None:
    assert w.held_words(seen, 4, 4_000_000).startswith(said)
    assert w.held_words(seen, None, 4_000_000) == w.held_words("nobody", 0) or (
        "Everybody" in w.held_words(seen, None, 4_000_000)
    )
