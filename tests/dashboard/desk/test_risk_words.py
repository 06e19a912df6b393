"""The score and its age in plain words."""

import pytest

from dashboard.safe import safe
from dashboard.widgets import charts
from dashboard.widgets.desk_words import falls_words, risk_words
from orchestrator.client.risk import PartView, ScoreView

SECOND = 1_000_000


def part(n: int, falls_to: int, *, silent: bool = False) -> PartView:
    return PartView(
        n=n,
        rule="new_device",
        title="Somebody has a new device, or another key",
        figure="members",
        severity="high",
        points=12,
        conversation=None,
        conversation_name=None,
        findings=(),
        count=1,
        falls_to=falls_to,
        since=0,
        silent=silent,
        unknown=False,
    )


def score(total: int, *parts: PartView) -> ScoreView:
    return ScoreView(
        total=total,
        members=total,
        messages=0,
        act_at=40,
        level="act" if total >= 40 else "quiet",
        meaning="",
        says="Leak risk 0. Nothing is known that could get out.",
        parts=parts,
    )


def test_a_score_is_said_with_where_one_acts_and_names_no_number_that_is_nowhere_shown() -> None:
    found = score(72, part(1, 60), part(2, 48), part(3, 36))
    assert risk_words(found) == "Leak risk 72, act now. You act from 40."
    assert falls_words(found) == "Falls to 48 when the two heaviest items are settled."


def test_what_is_accepted_for_now_is_not_said_to_be_settled() -> None:
    found = score(24, part(1, 12), part(2, 0, silent=True))
    assert falls_words(found) == "Falls to 12 when the first item is settled."
    assert falls_words(score(0)) == "Nothing is open."
    assert risk_words(score(0)) == safe(score(0).says)


@pytest.mark.parametrize(("age", "said"), [(0, "just now"), (1, "1 second ago"), (90, "1 min ago")])
def test_nothing_was_zero_seconds_ago(age: int, said: str) -> None:
    assert charts.ago(0, age * SECOND) == said
