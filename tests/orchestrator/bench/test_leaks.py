"""Planted leaks are found, each kind; and of labelled mails next to none is taken for one."""

import random
from pathlib import Path
from typing import Any, cast

import pytest

from orchestrator.bench import leaks_text
from orchestrator.bench.leaks import LEAST_FOUND, MOST_FALSE, leaks_report
from orchestrator.wiring import open_runtime
from tiers.model import load_classifier

LABELLED = Path(__file__).parents[4] / "shared" / "tiers" / "dev.jsonl"


def test_the_same_seed_plants_the_same_and_another_one_others() -> None:
    def planted(seed: int) -> list[leaks_text.Leak]:
        draw = random.Random(seed)  # noqa: S311 - the same texts each time
        return leaks_text.leaks(draw, leaks_text.restricted(draw, 60), 50)

    assert planted(1) == planted(1)
    texts = {leak.text for leak in planted(1)} & {leak.text for leak in planted(2)}
    assert not texts


def test_a_paste_has_twenty_words_or_more() -> None:
    draw = random.Random(5)  # noqa: S311 - the same texts each time
    found = leaks_text.leaks(draw, leaks_text.restricted(draw, 60), 120)
    plain = [leak for leak in found if leak.kind in {"paste: plain", "paste: case"}]
    assert plain
    assert all(len(leak.text.split()) >= 20 for leak in plain)


@pytest.mark.long
def test_planted_leaks_are_found_and_ordinary_texts_are_not() -> None:
    """Two seeds that no rule was looked at with."""
    found = cast(
        "dict[str, Any]",
        leaks_report(open_runtime, load_classifier(), print, seeds=(11, 12), count=100),
    )
    assert found["share"] >= LEAST_FOUND, found["by_kind"]
    assert not found["false_on_innocent"].keys() & {"restricted_text", "off_channel", "watch_name"}


@pytest.mark.long
def test_labelled_mails_are_next_to_never_taken_for_leaks() -> None:
    if not LABELLED.is_file():
        pytest.skip("the labelled mails are not here")
    report = leaks_report(open_runtime, load_classifier(), print, labelled=LABELLED, count=24)
    found = cast("dict[str, Any]", report)
    assert found["false_per_1000"] <= MOST_FALSE, found["false_by_rule"]
    assert "above_room_by_rule" in found
