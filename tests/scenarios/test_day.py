"""A day of 52 people on three networks keeps its promises, and its judge sees each that is broken.

The figures of time are printed and asserted nowhere: they are of whatever machine this runs on.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.demo.day_judge import People, Sight, Verdict, Written, judge
from orchestrator.demo.day_plan import MATRIX, TALKS, plan
from orchestrator.demo.day_stage import people, seats
from orchestrator.demo.day_texts import BY_TIER, references, referred, text, with_reference
from orchestrator.demo.synapse import NoSynapse, synapse_python
from tiers.tier import Tier

ROOT = Path(__file__).parents[2]
MESSAGES = 120


@pytest.mark.long
def test_a_day_on_three_networks_keeps_its_promises() -> None:
    try:
        synapse_python()
    except NoSynapse as error:
        pytest.skip(str(error))
    command = [sys.executable, "-m", "orchestrator.cli", "--json", "bench", "day", "--seed", "7"]
    done = subprocess.run(
        [*command, "--messages", str(MESSAGES)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    print(json.dumps(found))  # noqa: T201 (the figures are for whoever runs it)
    assert found["ok"]
    assert found["messages"] == MESSAGES
    assert [found[name] for name in ("lost", "doubled", "out_of_order", "beyond_clearance")] == [
        0
    ] * 4
    assert found["false_holds"] <= 2
    assert found["held"] + found["withdrawn"] >= 5
    assert found["held"]
    assert found["withdrawn"]
    assert set(found["by_network"]) == {"mail", "matrix", "signal"}


# --- the plan -------------------------------------------------------------------------------------


def test_a_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert plan(3, 60) == plan(3, 60)
    assert plan(3, 60) != plan(4, 60)


def test_a_day_has_all_that_it_is_to_show() -> None:
    day = plan(1, 400)
    assert len({m.reference for m in day}) == len(day) == 400
    assert all(referred(m.text) == [m.reference] for m in day)
    tiers = Counter(m.tier for m in day)
    assert tiers[Tier.COORDINATION] > tiers[Tier.OPERATIONS] / 2 > tiers[Tier.VALUATION] / 2 > 0
    assert {m.way for m in day} == {"api", "matrix", "signal", "mail"}
    assert {m.way for m in day if m.misplaced} == {"api", "matrix", "mail"}
    networks = {talk.label: set(seats(talk).values()) for talk in TALKS}
    assert networks["drafting"] == {"matrix", "signal", "mail"}


def test_nobody_types_in_two_conversations_at_once() -> None:
    typing = [
        (author, way, talk.label)
        for talk in TALKS
        for way, (_, authors) in talk.ways.items()
        for author in authors
        if way == MATRIX
    ]
    assert len({author for author, _, _ in typing}) == len(typing)


def test_whoever_writes_somewhere_sits_there() -> None:
    for message in plan(1, 400):
        assert message.author in people().seats[message.label], message.reference


def test_references_are_found_in_what_a_screen_shows() -> None:
    dice = random.Random(1)  # noqa: S311 (the same again, no secret)
    words = references(dice)
    for tier in Tier:
        for _ in range(50):
            word = next(words)
            said = with_reference(text(dice, BY_TIER[tier]), word)
            assert referred(f"Ada Example\n> {said}") == [word]


# --- the judge ------------------------------------------------------------------------------------

PEOPLE = People(
    {"ada": Tier.VALUATION, "bo": Tier.OPERATIONS, "cy": Tier.COORDINATION, "di": Tier.VALUATION},
    {
        "lunch": {"ada": "matrix", "bo": "matrix", "cy": "signal"},
        "price": {"ada": "signal", "di": "signal"},
    },
)


def api(reference: str, label: str, number: int, tier: Tier) -> Written:
    lane = f"{label}/api"
    return Written(reference, label, lane, number, "ada", tier, misplaced=False, network=None)


WRITTEN = [
    api("first", "lunch", 1, Tier.COORDINATION),
    api("second", "lunch", 2, Tier.COORDINATION),
    api("offer", "price", 1, Tier.VALUATION),
    replace(
        api("astray", "lunch", 1, Tier.VALUATION),
        lane="lunch/matrix",
        misplaced=True,
        network="matrix",
    ),
]
GONE = Sight("astray", "ada", "matrix", 9, 9, gone=True)
SEEN = [
    Sight("first", "bo", "matrix", 1, 1),
    Sight("second", "bo", "matrix", 2, 2),
    Sight("first", "cy", "signal", 1, 1),
    Sight("second", "cy", "signal", 2, 2),
    Sight("offer", "di", "signal", 1, 1),
    GONE,
]


def of(*more: Sight, without: tuple[int, ...] = (), held: tuple[str, ...] = ()) -> Verdict:
    return judge(
        WRITTEN, [*(s for n, s in enumerate(SEEN) if n not in without), *more], PEOPLE, held
    )


def broken(verdict: Verdict) -> dict[str, int]:
    names = ("false_holds", "lost", "doubled", "out_of_order", "beyond_clearance")
    return {name: getattr(verdict, name) for name in names if getattr(verdict, name)}


def test_the_judge_lets_a_good_day_pass() -> None:
    verdict = of()
    assert verdict.ok
    assert broken(verdict) == {}
    assert (verdict.delivered, verdict.withdrawn, verdict.held) == (3, 1, 0)
    assert of(Sight("first", "ada", "matrix", 3, 3)).ok, "its author may have it"


def test_the_judge_sees_a_person_who_is_not_cleared() -> None:
    verdict = of(Sight("offer", "bo", "matrix", 3, 3))
    assert not verdict.ok
    assert broken(verdict) == {"beyond_clearance": 1}


def test_the_judge_sees_a_cleared_person_who_does_not_sit_there() -> None:
    assert broken(of(Sight("first", "di", "matrix", 3, 3))) == {"beyond_clearance": 1}


def test_the_judge_sees_what_is_misplaced_and_stays() -> None:
    verdict = of(replace(GONE, person="bo", gone=False))
    assert not verdict.ok
    assert broken(verdict)["beyond_clearance"] >= 1


def test_the_judge_sees_a_double() -> None:
    again = Sight("first", "bo", "matrix", 3, 3)
    assert not of(again).ok
    assert broken(of(again)) == {"doubled": 1}
    marked = of(replace(again, marked=True))
    assert marked.ok
    assert marked.repeated == 1


def test_the_judge_sees_a_message_on_another_channel_than_the_seat() -> None:
    assert broken(of(Sight("first", "bo", "mail", 3, 3))) == {"doubled": 1}


@pytest.mark.parametrize("missing", [0, 2, 4])
def test_the_judge_sees_a_loss(missing: int) -> None:
    verdict = of(without=(missing,))
    assert not verdict.ok
    assert broken(verdict) == {"lost": 1}


def test_the_judge_sees_what_is_misplaced_and_just_disappeared() -> None:
    assert broken(of(without=(5,))) == {"lost": 1}
    assert of(without=(5,), held=("astray",)).held == 1


def test_the_judge_sees_another_order() -> None:
    assert broken(of(Sight("second", "bo", "matrix", 0, 0), without=(1,))) == {"out_of_order": 1}


def test_the_judge_counts_false_holds_and_allows_two() -> None:
    verdict = of(without=(0, 2), held=("first",))
    assert broken(verdict) == {"false_holds": 1}
    assert verdict.ok
    three = [api(f"w{n}", "price", n, Tier.VALUATION) for n in range(3)]
    assert not judge(three, [], PEOPLE, ("w0", "w1", "w2")).ok
