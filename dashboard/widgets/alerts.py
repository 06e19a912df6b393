"""What needs somebody, who was told of it by which way, and that somebody sees to it.

Rule kept here: it is said who was told, and never what it is about. *Told* is said of what its
carrier took; that somebody read it is known when he answers.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import streamlit as st

from dashboard.desk import Desk
from dashboard.safe import safe
from dashboard.widgets import states
from dashboard.widgets.base import instant, told_at
from dashboard.widgets.spans import some
from orchestrator.client.notify import AlertView, SendView

WAYS: Final = {"push": "in the browser", "line": "by private line", "mail": "by mail"}
_KINDS: Final = {
    "held": ("back_hand", "A message is held."),
    "deadline": ("timer", "Something lapses soon."),
    "request": ("approval", "A request waits for somebody to agree."),
    "channel": ("cloud_off", "A channel is down."),
    "finding": ("policy_alert", "Something could leak."),
}
_STATES: Final = {
    "queued": "is told next",
    "started": "is being told",
    "sent": "was told",
    "dead": "could not be told",
    "settled": "was not told: it needed nobody any more",
}
_SHOWN: Final = 20


def waiting(found: Iterable[AlertView]) -> list[AlertView]:
    """Those that nobody answered yet."""
    return [a for a in found if a.settled_at is None and a.answered_at is None]


def alerts(desk: Desk, found: Sequence[AlertView], *, mine: bool) -> None:
    """Shows them.

    Args:
        desk: whoever looks.
        found: newest first.
        mine: whether they are shown to one of those who are told, of what he was told alone.
    """
    if not found:
        states.nothing("Nothing waits for you." if mine else "Nothing waits for anybody.")
    for alert in found[:_SHOWN]:
        _alert(desk, alert, mine=mine)
    if len(found) > _SHOWN:
        st.caption("And " + str(len(found) - _SHOWN) + " older ones.")


def _alert(desk: Desk, alert: AlertView, *, mine: bool) -> None:
    icon, what = _KINDS.get(alert.kind, ("notifications", "Something needs somebody."))
    with st.container(border=True):
        st.markdown(":orange[:material/" + icon + ":] **" + what + "**")
        told_at("Since", alert.opened_at)
        for send in alert.sends:
            st.caption(_told(send, mine=mine))
        if alert.answered_at is not None:
            mine_at, theirs = instant(alert.answered_at)
            st.caption("Somebody said so: seen at " + safe(mine_at) + ".", help=safe(theirs))
            return
        if not mine and alert.next_at is not None:
            told_at("The next is told at", alert.next_at)
        if desk.power("on_call")[0] != "nothing":
            st.button(
                "I have seen it",
                key="alert." + alert.alert,
                help="Nobody else is told of it then.",
                on_click=_seen,
                args=(desk, alert.alert),
            )


def _told(send: SendView, *, mine: bool) -> str:
    who = "You" if mine else safe(send.person) if send.person else "The webhook"
    state = _STATES.get(send.state, "is told")
    if mine:
        state = state.replace("was ", "were ", 1).replace("is ", "are ", 1)
    by = WAYS.get(send.way, "")
    tries = "" if send.attempts < 2 else " after " + some(send.attempts, "try", "tries")  # noqa: PLR2004 - more than one
    again = " It may have come twice." if send.again else ""
    return " ".join(part for part in (who, state, by) if part) + tries + "." + again


def _seen(desk: Desk, alert: str) -> None:
    deal = desk.deal.deal_id
    desk.act(lambda c: c.alert_answer(deal, alert), "Noted. Nobody else is told of it.")
