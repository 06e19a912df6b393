"""One's own key: how somebody becomes able to sign for others, with a browser alone."""

import streamlit as st

from dashboard.desk import Desk
from dashboard.pages.approvals import own_key
from dashboard.widgets.base import verdict
from dashboard.widgets.loading import loading

AGAIN = "/in?again&to=/approvals"


def page(desk: Desk) -> None:
    """What whoever looks signs with, and what he was asked to make."""
    deal = desk.deal.deal_id
    signing = loading("signing", 4, lambda: desk.ask(lambda c: c.own_signing(deal)))
    hidden = bool(signing.credentials) and not desk.may("approvals")
    if hidden:
        verdict("Prove that it is you, and you see what waits for you.", "attention")
        st.link_button("Use my key", AGAIN, type="primary", icon=":material/key:")
        st.caption("What others ask you to sign for is shown in a session that proved your key.")
    elif signing.offer is not None:
        verdict("You are asked to make a passkey. It takes one minute.", "attention")
    elif signing.credentials:
        verdict("You can sign for others in this deal.", "good")
    else:
        verdict("You sign nothing in this deal.", "good")
    own_key(desk, signing)
