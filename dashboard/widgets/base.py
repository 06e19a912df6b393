"""Verdict, cards, chips and instants: what every page is made of.

Rules kept here:

1. The first line of a page is the answer, in a sentence.
2. A colour never stands alone: an icon and a word are beside it.
3. A time is the reader's; the deal's own is in its tooltip.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard.link import link
from dashboard.safe import safe

Tone = Literal["good", "attention", "stop"]
COLOURS: Final = {"good": "green", "attention": "orange", "stop": "red"}
ICONS: Final = {"good": "check_circle", "attention": "back_hand", "stop": "block"}
TIERS: Final = {
    "valuation": ("violet", "lock", "Valuation & strategy"),
    "operations": ("blue", "inventory_2", "Operations"),
    "coordination": ("gray", "event", "Coordination"),
    "advisers": ("yellow", "mail_lock", "Advisers"),
}
_MICROSECONDS: Final = 1_000_000
_FORM: Final = "%-d %b %Y, %H:%M:%S"


def verdict(words: str, tone: Tone, aside: str = "") -> None:
    """The answer, first on its page.

    Args:
        words: one sentence of ours; names in it went through ``safe``.
        tone: what it means.
        aside: how we know, such as when it was checked; words of ours.
    """
    mark = ":" + COLOURS[tone] + "[:material/" + ICONS[tone] + ":] "
    st.subheader(mark + words, anchor=False)
    if aside:
        st.caption(aside)


@contextmanager
def card(title: str = "", *, key: str | None = None) -> Iterator[None]:
    """A frame around what belongs together.

    Args:
        title: words of ours, or through ``safe``.
        key: keeps it the same over runs.
    """
    with st.container(border=True, key=key):
        if title:
            st.markdown("**" + title + "**")
        yield


def chip(tier: str) -> str:
    """A tier's mark, as Markdown; an unknown one in grey by its own name."""
    colour, icon, words = TIERS.get(tier, ("gray", "help", safe(tier)))
    return ":" + colour + "-badge[:material/" + icon + ": " + words + "]"


def instant(at: int) -> tuple[str, str]:
    """An instant in words: the reader's own time, and the deal's for the tooltip.

    Args:
        at: microseconds UTC.
    """
    moment = datetime.fromtimestamp(at / _MICROSECONDS, tz=UTC)
    theirs = link().zone
    return (
        moment.astimezone(_zone(st.context.timezone)).strftime(_FORM),
        moment.astimezone(_zone(theirs)).strftime(_FORM) + " " + theirs,
    )


def told_at(words: str, at: int) -> None:
    """Words of ours with a time behind them, and the deal's time in the tooltip."""
    mine, theirs = instant(at)
    st.caption(words + " " + mine, help=theirs)


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
