"""Figures, their definitions, and the targets on labelled mail where it is at hand."""

import json
from pathlib import Path

import pytest

from tiers.classify import Classifier
from tiers.measure import Judged, explain, judge_all, length_class, parts_of, report
from tiers.model import load_classifier
from tiers.tier import Tier

LABELLED = Path(__file__).parents[3] / "shared" / "tiers" / "dev.jsonl"
COORD, OPS, VAL = Tier


def test_under_and_over_are_shares_of_all_messages() -> None:
    judged = [
        Judged(VAL, OPS, held=False),
        Judged(OPS, VAL, held=True),
        Judged(COORD, COORD, held=False),
        Judged(OPS, OPS, held=False),
    ]
    figures = report(judged, seconds=0.2)
    assert (figures["n"], figures["accuracy"]) == (4, 0.5)
    assert (figures["under"], figures["over"]) == (0.25, 0.25)
    assert figures["ms_per_message"] == 50.0


def test_a_false_hold_counts_only_in_what_is_not_valuation() -> None:
    judged = [
        Judged(VAL, VAL, held=True),
        Judged(OPS, VAL, held=True),
        Judged(COORD, COORD, held=False),
    ]
    assert report(judged, 1.0)["hold_false_per_1000"] == 500.0


def test_every_interval_holds_its_figure() -> None:
    judged = (
        [Judged(VAL, VAL, held=False)] * 30
        + [Judged(OPS, VAL, held=True)] * 10
        + [Judged(COORD, OPS, held=False)] * 5
    )
    figures = report(judged, 1.0)
    intervals = figures["ci95"]
    assert isinstance(intervals, dict)
    for name in ("accuracy", "macro_f1", "under", "over", "hold_false_per_1000"):
        low, high = intervals[name]
        figure = figures[name]
        assert isinstance(figure, float)
        assert low <= figure <= high


def test_perfect_answers_have_an_f1_of_one_even_where_a_tier_is_absent() -> None:
    assert (
        report([Judged(VAL, VAL, held=False), Judged(COORD, COORD, held=False)], 1.0)["macro_f1"]
        == 1.0
    )


def test_nothing_to_measure_is_an_error() -> None:
    with pytest.raises(ValueError, match="no labelled message"):
        report([], 1.0)


def test_the_label_is_no_part_of_what_is_read() -> None:
    row = {"id": "1", "subject": "a", "text": "b", "tier": "valuation", "note": "decoy"}
    assert [part.text for part in parts_of(row)] == ["a", "b"]


@pytest.mark.parametrize(("words", "name"), [(20, "up_to_20"), (21, "up_to_60"), (151, "more")])
def test_length_classes(words: int, name: str) -> None:
    assert length_class("word " * words) == name


def test_an_explanation_never_quotes() -> None:
    text = "We would pay 480 million for their stake, zebrafinch."
    row = {"subject": "zebrafinch", "text": text}
    made = json.dumps(explain(load_classifier().classify(parts_of(row))))
    assert "zebrafinch" not in made
    assert "480" not in made
    assert '"money.large"' in made


def labelled() -> list[dict[str, object]]:
    if not LABELLED.exists():
        pytest.skip("the labelled mail is not part of the project and is not at hand")
    return [json.loads(line) for line in LABELLED.read_text(encoding="utf-8").splitlines()]


@pytest.mark.long
def test_targets_on_labelled_mail() -> None:
    figures = report(judge_all(load_classifier(), labelled()), 1.0)
    assert isinstance(figures["under"], float)
    assert isinstance(figures["over"], float)
    assert isinstance(figures["hold_false_per_1000"], float)
    assert figures["under"] <= 0.08
    assert figures["over"] <= 0.22
    assert figures["hold_false_per_1000"] <= 5


def test_without_the_model_the_strict_end_leaks_less_than_with_it() -> None:
    figures = report(judge_all(Classifier(None), labelled()), 1.0)
    assert isinstance(figures["under"], float)
    assert figures["under"] <= 0.03
