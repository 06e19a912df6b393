"""Lets the reader's own browser hear that something needs him, and hear no more.

Rules kept here:

1. A browser asks its owner only from his own click: the script acts on one, and never by itself.
2. What lets a push service reach this browser goes from it to the API, and not through Streamlit.
"""

from functools import cache
from typing import Final

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from dashboard.widgets.passkey import script

HTML: Final = """
<div class="wx">
  <div class="row">
    <button type="button" class="allow first" hidden>Tell me in this browser</button>
    <button type="button" class="end" hidden>Stop telling me here</button>
  </div>
  <p class="told" role="status"></p>
</div>
"""


def push(deal: str, browsers: int) -> str | None:
    """The two buttons; what became of a click, once.

    Args:
        deal: its id.
        browsers: how many of his browsers hear of it, as the API says.
    """
    found = _component()(
        key="push-" + deal,
        data={"deal": deal, "browsers": browsers},
        on_said_change=lambda: None,
    )
    said = found.get("said")
    return None if said is None else str(said)


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "wallcross.push", html=HTML, css=script("passkey.css"), js=script("push.js")
    )
