"""Shows a held message once: the browser asks for it, shows it for a minute and forgets it.

Rules kept here:

1. Its text goes from the API to the browser of whoever may read it, and is in no answer, state or
   memory of the dashboard: the script below hands nothing back.
2. It is written as text, never as markup. It is taken away after a minute, when he looks away, and
   when the page goes on.
"""

from importlib.resources import files
from typing import Final

import streamlit as st

NAME: Final = "wallcross.reveal"
HTML: Final = """
<div class="reveal">
  <button type="button" class="ask">Show it now, once</button>
  <p class="said" role="status"></p>
  <div class="paper" hidden tabindex="-1" aria-label="The held message">
    <p class="left"></p>
    <p class="subject"></p>
    <div class="text"></div>
    <p class="files"></p>
    <button type="button" class="away">Take it away now</button>
  </div>
</div>
"""


def _own(name: str) -> str:
    return (files("dashboard.widgets") / name).read_text()


def reveal(deal: str, message: str) -> None:
    """The button that shows a held message, once.

    Args:
        deal: its id.
        message: its id.
    """
    mount = st.components.v2.component(
        NAME, html=HTML, css=_own("reveal.css"), js=_own("reveal.js")
    )
    mount(data={"deal": deal, "message": message}, key="reveal-" + message, height="content")
