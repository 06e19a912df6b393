"""What stands around each page: the mark, whose desk it is, and whether the deal is made up."""

from importlib.resources import files

import streamlit as st

from dashboard.safe import safe
from orchestrator.client.sign_in import MeView, MyDeal

RIBBON = "Made-up deal. Nobody in it is real."


def brand() -> str:
    """The path of our own mark: an SVG of ours, never a picture from outside."""
    return _own("mark.svg")


def sign() -> None:
    """Puts our name at the head of the side bar."""
    st.logo(_own("name.svg"), size="large", icon_image=brand())


def _own(name: str) -> str:
    return str(files("dashboard") / "static" / name)


def ribbon(deal: MyDeal) -> None:
    """Says of a made-up deal that it is one."""
    if deal.made_up:
        st.markdown(":orange-badge[:material/theater_comedy: " + RIBBON + "]")


def whose(me: MeView, deal: MyDeal) -> None:
    """Says in the side bar who is signed in and as what."""
    parts = " · ".join(ROLES.get(role, safe(role)) for role in deal.roles)
    lines = ["Signed in as **" + safe(deal.name or me.name) + "**", parts]
    if deal.stands_in:
        lines.append("Stands in as security officer until the deal names one.")
    with st.sidebar:
        st.caption("  \n".join(lines))
        st.link_button("Sign out", "/in/out", icon=":material/logout:", type="tertiary")


ROLES = {
    "participant": "On the deal",
    "adviser": "Adviser",
    "owner": "Deal owner",
    "security_officer": "Security officer",
    "approver": "Second person",
    "counsel": "Counsel",
    "operator": "Operator",
}
