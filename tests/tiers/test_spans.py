"""Sets of instants: what a look at each instant finds, in the shortest list that says it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tiers.people import Span
from tiers.spans import Spans, common, minus, union

LAST = 12
SPANS = st.lists(
    st.builds(Span, st.integers(0, LAST), st.none() | st.integers(0, LAST)), max_size=5
).map(tuple)


def instants(spans: Spans) -> set[int]:
    """Every instant that one of them holds; the last stands for all that come after."""
    return {
        at
        for at in range(LAST + 2)
        for s in spans
        if s.start <= at and (s.end is None or at < s.end)
    }


def shortest(spans: Spans) -> bool:
    alone = all(s.end is None or s.start < s.end for s in spans)
    return alone and all(a.end is not None and a.end < b.start for a, b in pairwise(spans))


@given(SPANS)
def test_joined_they_hold_what_any_of_them_holds(one: Spans) -> None:
    assert instants(union(one)) == instants(one)
    assert shortest(union(one))


@given(SPANS, SPANS)
def test_what_is_common_is_held_by_both(one: Spans, other: Spans) -> None:
    assert instants(common(one, other)) == instants(one) & instants(other)
    assert shortest(common(one, other))


@given(SPANS, SPANS)
def test_what_is_left_is_held_by_the_first_alone(one: Spans, other: Spans) -> None:
    assert instants(minus(one, other)) == instants(one) - instants(other)
    assert shortest(minus(one, other))
