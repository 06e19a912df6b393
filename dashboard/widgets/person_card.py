"""The card of one person: how he stands, what he sees, his phones, and what may be done.

Rules kept here:

1. What may be done is what the API says may be done; it refuses the rest all the same.
2. One primary button: the one that is due.
3. While somebody is being taken out, it says step by step what was seen.
"""

from collections.abc import Callable, Mapping
from typing import Final

import streamlit as st

from dashboard.desk import Desk, live
from dashboard.safe import safe
from dashboard.widgets import person_words as words
from dashboard.widgets.base import instant
from orchestrator.client.api import Client
from orchestrator.client.card import CardAct, CardView
from orchestrator.client.leaves import LeaveView

DIALOG = "people.dialog"
_EVERY_S: Final = 3.0
_ORDER: Final = ("room", "rotate", "key", "revoke")
_FIRST: Final[Mapping[str | None, CardAct]] = {"new_phone": "verify", "call_due": "verify"}
_BUTTONS: Final[tuple[tuple[CardAct, str, str], ...]] = (
    ("verify", "Verify by phone", "call"),
    ("change", "Change access", "tune"),
    ("resume", "Let them go on", "play_circle"),
    ("pause", "Pause", "pause_circle"),
    ("new_phone", "New phone", "smartphone"),
    ("undo", "Bring back", "undo"),
    ("leave", "Leaves the deal", "logout"),
)


def open_dialog(name: str, person: str | None) -> None:
    """Has the page open a dialog; for a button's ``on_click``."""
    st.session_state[DIALOG] = name, person


def person_card(desk: Desk, card: CardView) -> None:
    """Shows it."""
    with st.container(border=True, key="people.card"):
        _head(desk, card)
        told, seen, since = st.columns(3)
        told.caption("Identity")
        told.markdown(words.standing(card))
        seen.caption("Is in")
        seen.markdown(words.places(card.places))
        if card.notice is not None and card.notice.acknowledged_at is not None:
            since.caption("Signed the insider notice")
            mine, theirs = instant(card.notice.acknowledged_at)
            since.markdown(safe(mine), help=safe(theirs))
        if card.leave is not None and card.left:
            _leaving(desk, card)
        _more(desk, card)


def _head(desk: Desk, card: CardView) -> None:
    name, buttons = st.columns([1, 2], vertical_alignment="top")
    name.markdown("#### " + safe(card.name))
    name.caption(" · ".join(safe(x) for x in (card.role, card.side_name) if x))
    due = _FIRST.get(card.identity)
    with buttons.container(horizontal=True, horizontal_alignment="right"):
        for act, label, icon in _BUTTONS:
            if act in card.acts and (act != "new_phone" or "change" not in card.acts):
                st.button(
                    label,
                    key="people.card." + act,
                    icon=":material/" + icon + ":",
                    type="primary" if act == due else "secondary",
                    on_click=_ACTS.get(act, open_dialog),
                    args=(desk, card) if act in _ACTS else (act, card.person),
                )


def _resume(desk: Desk, card: CardView) -> None:
    name = safe(card.name)
    desk.act(
        lambda c: c.person_resume(desk.deal.deal_id, card.person),
        name + " goes on as the list says.",
    )


def _undo(desk: Desk, card: CardView) -> None:
    name = safe(card.name)
    desk.act(lambda c: c.leave_undo(desk.deal.deal_id, card.person), name + " is back on the list.")


def _new_phone(desk: Desk, card: CardView) -> None:
    name = safe(card.name)
    desk.act(
        lambda c: c.person_new_phone(desk.deal.deal_id, card.person),
        "Noted: " + name + " has a new phone. Nothing is opened before a call.",
    )


_ACTS: Final[Mapping[CardAct, Callable[[Desk, CardView], None]]] = {
    "resume": _resume,
    "undo": _undo,
    "new_phone": _new_phone,
}


def _leaving(desk: Desk, card: CardView) -> None:
    deal, person = desk.deal.deal_id, card.person

    def show() -> None:
        leave: LeaveView = desk.ask(lambda c: c.leave_show(deal, person))
        st.markdown("**" + words.leaving(leave) + "**")
        for step in sorted(leave.steps, key=lambda s: _ORDER.index(s.kind)):
            if step.kind != "room" or step.was_in:
                st.markdown("- " + words.step(step))
        if leave.holds:
            st.caption("What this person keeps:")
        for held in leave.holds:
            st.markdown("- " + words.keeps(held))

    if card.leave is not None and card.leave.state == "open":
        live(_EVERY_S, show)
    else:
        show()


def _more(desk: Desk, card: CardView) -> None:
    with st.expander("Where, and by what", icon=":material/forum:"):
        _access(card)
    if card.devices or card.accounts:
        with st.expander("Phones and accounts", icon=":material/devices:"):
            _devices(card)
    elif card.whole and not card.me:
        st.caption("Phones and accounts are the security officer's to see.")
    if card.whole and not card.left:
        with st.expander("What they would keep", icon=":material/inventory:"):
            _keeps(desk, card)


def _access(card: CardView) -> None:
    for place in card.places:
        tier = words.TIERS.get(place.floor, safe(place.floor))
        where = " · ".join(x for x in (tier, safe(place.channel)) if x)
        state = words.PLACE.get(place.state, "")
        st.markdown("- **" + safe(place.name) + "** :gray[" + where + "] " + state)
    if not card.places:
        st.text("In no conversation.")
    for grant in card.grants:
        tier = words.TIERS.get(grant.highest, safe(grant.highest))
        through = " for " + safe(grant.through) if grant.through else ""
        until = ", until " + safe(instant(grant.until)[0]) if grant.until else ""
        since = ", since " + safe(instant(grant.since)[0])
        bars = "" if grant.counts else " (does not count now)"
        name = safe(grant.compartment)
        st.caption("List: up to " + tier + " in " + name + through + since + until + bars)


def _devices(card: CardView) -> None:
    for account in card.accounts:
        st.caption(safe(account.channel) + ": " + safe(account.account))
    for device in card.devices:
        state = words.DEVICE.get(device.state, safe(device.state))
        who = " (" + safe(" and ".join(device.vouchers)) + ")" if device.vouchers else ""
        st.markdown("**" + safe(device.channel) + "** " + safe(device.device) + " · " + state + who)
        if device.state not in {"revoked", "compromised", "superseded"}:
            st.code("\n".join(words.spelled(device)), language=None)


def _keeps(desk: Desk, card: CardView) -> None:
    slot = "people.keeps." + card.person

    def ask() -> None:
        async def counted(client: Client) -> None:
            st.session_state[slot] = await client.person_keeps(desk.deal.deal_id, card.person)

        desk.act(counted, "Counted from the records of deliveries.")

    st.button("Count it now", key="people.card.keeps", on_click=ask)
    found = st.session_state.get(slot)
    if found is None:
        return
    if not found:
        st.text("Nothing has reached this person yet.")
    for held in found:
        st.markdown("- " + words.keeps(held))
