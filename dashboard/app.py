"""The front: one ASGI application, and nothing of it before the gate.

Rule kept here: the process holds no key, no store and no secret; it imports nothing of ours but the
typed client (tests/dashboard reads what is loaded).
"""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import streamlit as st

from dashboard.gate import Gate
from dashboard.proxy import Proxy
from dashboard.watch import Watch

SCRIPT: Final = Path(__file__).parent / "start" / "script.py"


def pages() -> st.App:
    """Streamlit's part."""
    return st.App(SCRIPT)


def front(
    transport: httpx.AsyncBaseTransport, origin: str, own: httpx.AsyncBaseTransport | None = None
) -> Gate:
    """The whole front.

    Args:
        transport: to the desk's door; used on the server's own loop alone.
        origin: by which browsers name it.
        own: to the door too, by lines that no request which is handed on takes; None: the same.
    """
    parts = urlsplit(origin)
    watch = Watch(own or transport)
    proxy = Proxy(transport, watch, parts.netloc, secure=parts.scheme == "https")
    return Gate(pages(), proxy, watch, origin)
