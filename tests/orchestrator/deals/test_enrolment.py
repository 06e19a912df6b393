"""Codes against a second telling of when one opens: whole, on its channel, once, and in time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.audit.kinds import Kind
from orchestrator.deals import enrolment
from orchestrator.deals.enrolment import MOST_TRIES, TRIES, USED, Code, digest_of
from tiers.ids import ConnectorName

ENROLMENTS, CHANNELS, FIRSTS = ("enr_1", "enr_2"), ("matrix", "signal"), (0, 1)
LASTS = 12
Words = tuple[str, ...]
Step = tuple[str, Any]


def words_of(first: int, rest: int) -> Words:
    return (f"first{first}", "b", "c", "d", "e", f"rest{rest}")


steps = st.one_of(
    st.tuples(
        st.just("open"),
        st.tuples(
            st.sampled_from(ENROLMENTS), st.sampled_from(CHANNELS), st.sampled_from(FIRSTS),
            st.integers(0, 1),
        ),
    ),
    st.tuples(
        st.just("say"),
        st.tuples(st.sampled_from(CHANNELS), st.sampled_from(FIRSTS), st.integers(0, 1)),
    ),
)  # fmt: skip


def played(story: list[Step]) -> list[int]:
    """When an account was bound, as the product's parts say, used as the flow uses them."""
    codes: dict[tuple[str, ConnectorName], Code] = {}
    tries: dict[tuple[str, str], int] = {}
    bound = []
    for at, (what, told) in enumerate(story):
        if what == "open":
            name, channel, first, rest = told
            digest = digest_of(name, channel, words_of(first, rest))
            body = {"enrolment": name, "channel": channel, "first": first, "digest": digest}
            body |= {"person": "el", "until": at + LASTS}
            enrolment.after(codes, Kind.ENROLMENT_OPENED, body)
            tries.pop((name, channel), None)
            continue
        channel, first, rest = told
        found = enrolment.tried(codes.values(), channel, words_of(first, rest), first, at)
        if found.code is not None and found.code.open(at):
            bound.append(at)
            _close(codes, found.code, USED)
        for code in found.against:
            key = (code.enrolment, str(code.channel))
            tries[key] = tries.get(key, 0) + 1
            if tries[key] >= MOST_TRIES:
                _close(codes, code, TRIES)
    return bound


def _close(codes: dict[tuple[str, ConnectorName], Code], code: Code, because: str) -> None:
    body = {"enrolment": code.enrolment, "channel": code.channel, "because": because}
    enrolment.after(codes, Kind.ENROLMENT_CLOSED, {**body, "person": code.person})


def meant(story: list[Step]) -> list[int]:
    """The same told plainly: each code is a note that is torn up; words are compared as words."""
    notes: dict[tuple[str, str], dict[str, Any]] = {}
    bound = []
    for at, (what, told) in enumerate(story):
        if what == "open":
            name, channel, first, rest = told
            notes[name, channel] = {"first": first, "rest": rest, "ends": at + LASTS, "wrong": 0}
            continue
        channel, first, rest = told
        here = [n for (_, c), n in notes.items() if c == channel and n["first"] == first]
        same = [n for n in here if n["rest"] == rest]
        if same:
            if at < same[0]["ends"]:
                bound.append(at)
                same[0]["ends"] = at
            continue
        for note in here:
            if at < note["ends"]:
                note["wrong"] += 1
                if note["wrong"] >= MOST_TRIES:
                    note["ends"] = at
    return bound


@settings(max_examples=400)
@given(st.lists(steps, max_size=30))
def test_a_code_opens_when_it_should_and_at_no_other_time(story: list[Step]) -> None:
    assert played(story) == meant(story)


def test_what_is_kept_of_a_code_tells_neither_its_words_nor_another_channels() -> None:
    words = words_of(0, 0)
    kept = {digest_of(e, c, words) for e in ENROLMENTS for c in CHANNELS}
    assert len(kept) == 4
    assert all(word not in digest for digest in kept for word in (words[0], words[-1]))


OPEN: Step = ("open", ("enr_1", "matrix", 0, 0))
RIGHT, WRONG = ("say", ("matrix", 0, 0)), ("say", ("matrix", 0, 1))
AWAY: Step = ("say", ("signal", 1, 1))
Breaks = Callable[[pytest.MonkeyPatch], None]


def opens_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Code, "open", lambda self, at: at < self.until)


def never_ends(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Code, "open", lambda self, _at: self.closed is None)


def any_words_will_do(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("hmac.compare_digest", lambda *_: True)


def tries_are_free(patch: pytest.MonkeyPatch) -> None:
    kept = enrolment.tried
    patch.setattr(enrolment, "tried", lambda *a: replace(kept(*a), against=()))


def any_channel_will_do(patch: pytest.MonkeyPatch) -> None:
    kept = enrolment.digest_of
    patch.setattr(enrolment, "digest_of", lambda e, _c, w: kept(e, "matrix", w))
    kept_tried = enrolment.tried
    patch.setattr(enrolment, "tried", lambda codes, _c, *a: kept_tried(codes, "matrix", *a))


@pytest.mark.parametrize(
    "breaks", [opens_again, never_ends, any_words_will_do, tries_are_free, any_channel_will_do]
)
def test_a_planted_breach_is_found(breaks: Breaks, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch)
    told = [
        [OPEN, RIGHT, RIGHT],
        [OPEN, *[AWAY] * LASTS, RIGHT],
        [OPEN, WRONG],
        [OPEN, *[WRONG] * MOST_TRIES, RIGHT],
        [OPEN, ("say", ("signal", 0, 0))],
    ]
    assert any(played(story) != meant(story) for story in told)
