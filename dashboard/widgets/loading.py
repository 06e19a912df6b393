"""The shape of what is asked for, while it is asked for.

Rules kept here:

1. Nobody sees it before 300 ms have gone (``static/pages.css``): what comes at once does not flash.
2. It stands where nothing is shown yet; over figures that are shown already nothing is drawn.
3. Its place is there at each run, filled or not: what follows it stays where it is.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import streamlit as st

T = TypeVar("T")
KEY: Final = "loading"
LINE: Final = "&nbsp;"
"""A line of the shape; its bar is drawn by the style of its key."""
_CARD: Final = 4
"""Lines of a card."""


def loading(key: str, lines: int, ask: Callable[[], T], *, cards: int = 0) -> T:
    """What is asked for; until it is there, bars of its shape stand in its place.

    Args:
        key: of the page.
        lines: about how many lines it will have.
        ask: asks the API.
        cards: how many cards stand beside each other below them.
    """
    place = st.empty()
    if st.session_state.get(KEY) == key:
        return ask()  # it is shown already, and stays until the new figures are there
    st.session_state[KEY] = key
    try:
        with place.container(key=KEY + "-" + key):
            _shape(lines, cards)
        return ask()
    finally:
        place.empty()


def _shape(lines: int, cards: int) -> None:
    for _ in range(lines):
        st.markdown(LINE)
    for column in st.columns(cards) if cards else ():
        with column, st.container(border=True):
            for _ in range(_CARD):
                st.markdown(LINE)
