"""Sets of instants as half-open spans: joined, cut, and taken from one another.

Rule kept here: whatever goes in, what comes out is the one shortest list for the same instants: in
order, none empty, none touching the next.
"""

from collections.abc import Iterable

from tiers.people import Span

Spans = tuple[Span, ...]


def union(spans: Iterable[Span]) -> Spans:
    """Every instant that any of ``spans`` holds."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start):
        if span.end is not None and span.end <= span.start:
            continue
        if not found or not _touches(found[-1], span):
            found.append(span)
        elif (end := found[-1].end) is not None:
            found[-1] = Span(found[-1].start, None if span.end is None else max(end, span.end))
    return tuple(found)


def common(one: Iterable[Span], other: Iterable[Span]) -> Spans:
    """Every instant that both hold."""
    others = tuple(other)
    return union(c for a in one for b in others if (c := a.common(b)) is not None)


def minus(one: Iterable[Span], other: Iterable[Span]) -> Spans:
    """Every instant that ``one`` holds and ``other`` does not."""
    left = list(union(one))
    for cut in union(other):
        left = [piece for span in left for piece in _outside(span, cut)]
    return tuple(left)


def _touches(earlier: Span, later: Span) -> bool:
    return earlier.end is None or later.start <= earlier.end


def _outside(span: Span, cut: Span) -> Iterable[Span]:
    """What of ``span`` lies before and after ``cut``."""
    if span.start < cut.start:
        end = cut.start if span.end is None else min(span.end, cut.start)
        yield Span(span.start, end)
    if cut.end is not None and (span.end is None or cut.end < span.end):
        yield Span(max(span.start, cut.end), span.end)
