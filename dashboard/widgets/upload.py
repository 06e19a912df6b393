"""A document from somebody's disk to the API, past everything else.

Rule kept here: the file is read by the page's own script and streamed to the API of the same
origin; Streamlit neither sees it nor keeps it.
"""

from functools import cache

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from dashboard.widgets.passkey import API, script

_ROOT = '<div class="root"></div>'


def document(deal: str, person: str, conversation: str, readers: list[str]) -> str | None:
    """A file to be sealed and sent; what became of it, once.

    Args:
        deal: its id.
        person: who sends it.
        conversation: the id of the conversation that it goes into.
        readers: ids of those who are to read it.
    """
    data = {
        "path": API + deal + "/documents",
        "person": person,
        "conversation": conversation,
        "readers": ",".join(readers),
    }
    found = _component()(key="document-upload", data=data, on_said_change=lambda: None)
    said = found.get("said")
    return None if said is None else str(said)


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "wallcross.upload", html=_ROOT, css=script("passkey.css"), js=script("upload.js")
    )
