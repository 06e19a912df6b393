"""Passkeys on a page: agree or refuse with one's own, and make one when asked to.

Rules kept here:

1. What is signed are the exact bytes that the API showed. They go from the page's own script to the
   API of the same origin; nothing of it passes through Streamlit.
2. The script and its styles are files of ours; nothing from outside is in them.
"""

from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from orchestrator.client.approvals import REFUSALS
from orchestrator.client.approvals_desk import ApprovalCard, SigningView

API = "/api/v1/deals/"
_ROOT = '<div class="root"></div>'


def agree(card: ApprovalCard, signing: SigningView) -> str | None:
    """Agree and Refuse, for whoever has a passkey here; what he just said, once."""
    request = card.request
    path = API + request.deal_id + "/approvals/" + quote(request.request_id, safe="") + "/answer"
    data = {
        "way": "answer",
        "key": request.request_id,
        "path": path,
        "yes": request.yes,
        "no": dict(request.no),
        "reasons": dict(REFUSALS),
        "handles": list(signing.handles),
        "rp_id": signing.rp_id,
    }
    return _said(data, "agree-" + request.request_id)


def enrol(deal: str, signing: SigningView) -> str | None:
    """Makes a passkey and proves that it is his; what became of it, once."""
    data = {
        "way": "enrol",
        "key": "enrol-" + deal,
        "proof_path": API + deal + "/signer/proof",
        "key_path": API + deal + "/signer/key",
        "rp_id": signing.rp_id,
        "user": signing.user,
        "name": signing.name,
    }
    return _said(data, "enrol-" + deal)


def script(name: str) -> str:
    """A script or style of this folder."""
    return (files("dashboard.widgets") / name).read_text(encoding="utf-8")


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "wallcross.passkey", html=_ROOT, css=script("passkey.css"), js=script("passkey.js")
    )


def _said(data: dict[str, Any], key: str) -> str | None:
    found = _component()(key=key, data=data, on_said_change=lambda: None)
    said = found.get("said")
    return None if said is None else str(said)
