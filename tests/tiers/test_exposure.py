"""The score: parts that add up, whatever comes in which order; nothing earns points."""

from hypothesis import given
from hypothesis import strategies as st

from tiers.exposure import (
    MEANING,
    Figure,
    Level,
    Open,
    Severity,
    Was,
    history,
    level,
    score,
)
from tiers.exposure_rules import REGISTRY, UNDESCRIBED, rule_of

RULES = sorted(REGISTRY)


@st.composite
def findings(draw: st.DrawFn) -> list[Open]:
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(RULES),
                st.sampled_from([None, *Severity]),
                st.sampled_from([None, "c1", "c2", "c3"]),
                st.integers(0, 100),
                st.booleans(),
            ),
            max_size=40,
        )
    )
    return [
        Open(f"f{n}", REGISTRY[rule], severity, where, since, silent)
        for n, (rule, severity, where, since, silent) in enumerate(drawn)
    ]


@given(findings())
def test_the_parts_are_the_score(found: list[Open]) -> None:
    whole = score(found)
    places = {one.conversation for one in found} | {None}
    assert whole.total == sum(part.points for part in whole.parts)
    assert whole.total == whole.of(Figure.MEMBERS) + whole.of(Figure.MESSAGES)
    assert whole.total == sum(whole.within(place).total for place in places)
    named = [f for part in whole.parts for f in part.findings]
    assert sorted(named) == sorted(one.finding for one in found)


@given(findings())
def test_each_conversation_scores_as_if_it_stood_alone(found: list[Open]) -> None:
    whole = score(found)
    for place in {one.conversation for one in found}:
        alone = score(one for one in found if one.conversation == place)
        assert set(whole.within(place).parts) == set(alone.parts)


@given(findings(), st.data())
def test_closing_a_finding_never_raises_it_nor_any_part_of_it(
    found: list[Open], data: st.DataObject
) -> None:
    if not found:
        return
    gone = data.draw(st.sampled_from(found))
    before, after = score(found), score(one for one in found if one is not gone)
    assert after.total <= before.total
    for figure in Figure:
        assert after.of(figure) <= before.of(figure)
    for place in {one.conversation for one in found}:
        assert after.within(place).total <= before.within(place).total


@given(findings(), st.randoms(use_true_random=False))
def test_the_order_changes_nothing(found: list[Open], shuffle: st.DrawFn) -> None:
    other = list(found)
    shuffle.shuffle(other)  # type: ignore[attr-defined]  # hypothesis types its random so
    assert score(found) == score(other)
    assert score([*found, *other]) == score(found)  # told twice is told once


@given(findings(), st.sampled_from([r for r in RULES if REGISTRY[r].unknown]))
def test_unknown_never_scores_better_than_known_to_be_well(found: list[Open], rule: str) -> None:
    """Known to be well is no finding; not to know is one, and costs."""
    unknown = Open("unknown", REGISTRY[rule], None, "c1")
    assert score([*found, unknown]).total > score(found).total or any(
        one.rule is unknown.rule and one.conversation == "c1" for one in found
    )
    assert score([unknown]).total >= 1


@given(findings())
def test_it_falls_to_what_is_left(found: list[Open]) -> None:
    whole = score(found)
    falls = whole.falls_to()
    assert list(falls) == sorted(falls, reverse=True)
    for n, left in enumerate(falls, 1):
        settled = {f for part in whole.parts[:n] for f in part.findings}
        assert left == score(one for one in found if one.finding not in settled).total
    assert not falls or falls[-1] == 0


@given(findings())
def test_what_is_accepted_costs_as_before_and_stands_last(found: list[Open]) -> None:
    loud = [Open(o.finding, o.rule, o.severity, o.conversation, o.since) for o in found]
    assert score(loud).total == score(found).total
    silent = [part.silent for part in score(found).parts]
    assert silent == sorted(silent)


def test_many_of_one_kind_cost_no_more_than_twice_the_worst() -> None:
    rule = REGISTRY["new_device"]
    one = score([Open("f0", rule, None, "c")]).total
    many = score(Open(f"f{n}", rule, None, "c") for n in range(50)).total
    assert one < many <= 2 * one


def test_a_severer_finding_costs_more() -> None:
    for rule in REGISTRY.values():
        costs = [rule.points(severity) for severity in Severity]
        assert costs == sorted(costs)
        assert costs[0] >= 1


def test_the_line_decides_what_it_means() -> None:
    found = [level(total, 40) for total in (0, 1, 19, 20, 39, 40, 79, 80)]
    assert found == [
        *(Level.QUIET, Level.LOW, Level.LOW, Level.RAISED, Level.RAISED),
        *(Level.ACT, Level.ACT, Level.STOP),
    ]
    assert set(MEANING) == set(Level)


@given(findings(), st.lists(st.integers(0, 120), max_size=5))
def test_the_past_is_what_was_open_then(found: list[Open], instants: list[int]) -> None:
    past = [Was(one, None if n % 2 else one.since + 10) for n, one in enumerate(found)]
    for at, day in zip(instants, history(past, instants), strict=True):
        there = [w.open for w in past if w.open.since <= at and (w.until is None or w.until > at)]
        assert day.members + day.messages == score(there).total == sum(day.causes.values())


def test_every_rule_is_described_and_can_be_answered() -> None:
    for rule in REGISTRY.values():
        assert rule.title[0].isupper()
        assert not rule.title.endswith(".")
        assert rule.closes
        assert rule.remedies
        assert rule.on is not rule.personal
    assert rule_of("nobody wrote this rule") is UNDESCRIBED


def test_a_score_that_hides_a_part_is_caught() -> None:
    """The planted violation: a cap on the total breaks the sum that people are shown."""
    found = score(Open(f"f{n}", REGISTRY["unknown_member"], None, f"c{n}") for n in range(9))
    capped = min(100, found.total)
    assert capped != sum(part.points for part in found.parts)
