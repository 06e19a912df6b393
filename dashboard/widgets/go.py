"""Ways to other pages, by their key."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage


def _page(key: str, label: str) -> StreamlitPage:
    # What it would run does not matter: a page is found by its address.
    return st.Page(st.stop, title=label, url_path=key)


def way(key: str, label: str, icon: str | None = None) -> None:
    """A link to a page; ``label`` in words of ours."""
    mark = None if icon is None else ":material/" + icon + ":"
    st.page_link(_page(key, label), label=label, icon=mark)


def button(
    key: str, label: str, *, name: str, icon: str | None = None, first: bool = False
) -> None:
    """A button that leads to a page.

    Args:
        key: of the page.
        label: words of ours.
        name: of the button.
        icon: a Material symbol.
        first: it is its card's one primary button.
    """
    mark = None if icon is None else ":material/" + icon + ":"
    if st.button(label, key=name, icon=mark, type="primary" if first else "secondary"):
        st.switch_page(_page(key, label))
