"""The front: one ASGI application before which nobody is who he says he is.

Rule kept here: the process holds no key, no store and no secret; it imports nothing of ours but the
typed client (tests/dashboard reads what is loaded).
"""

from pathlib import Path

import streamlit as st

SCRIPT = Path(__file__).with_name("script.py")


def pages() -> st.App:
    """Streamlit's part, which stands behind the gate."""
    return st.App(SCRIPT)
