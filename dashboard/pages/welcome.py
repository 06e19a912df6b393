"""Who you are here, and what you may see: a page for whoever has just signed in."""

import streamlit as st

from dashboard.desk import Desk
from dashboard.safe import safe
from dashboard.widgets.base import card, verdict
from dashboard.widgets.chrome import ROLES


def page(desk: Desk) -> None:
    """Says what somebody is to this deal."""
    verdict("You are on " + safe(desk.deal.code) + ".", "good")
    with card("What you are here"):
        for role in desk.deal.roles:
            st.text(ROLES.get(role, role))
