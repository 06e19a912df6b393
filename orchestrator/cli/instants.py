"""Instants and spans as people write them on the command line."""

from orchestrator import clock
from orchestrator.client.problems import Wrong
from orchestrator.roster import form
from tiers.people import Span


def instant(text: str | None) -> int:
    """An instant; nothing, or ``now``, is this one.

    Raises:
        Wrong: it is none.
    """
    if text is None or text == "now":
        return clock.now()
    try:
        return form.instant(text)
    except ValueError:
        raise Wrong(
            f"{text} is no date",
            still="Nothing was done",
            then="write 2026-01-31, or 2026-01-31T09:00:00+01:00",
        ) from None


def span(start: str | None, until: str | None) -> Span:
    """From a beginning (nothing: now, to the second) to an end (nothing: without one).

    Raises:
        Wrong: one of them is no date, or it ends before it begins.
    """
    first = instant(start)
    whole = first - first % clock.SECOND if start is None else first
    found = Span(whole, None if until is None else instant(until))
    if found.end is not None and found.end <= found.start:
        raise Wrong("It would end before it begins", still="Nothing was changed")
    return found
