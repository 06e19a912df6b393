"""Connections: is every channel up? One card a channel, in the words of `doctor`."""

from functools import partial

import streamlit as st

from dashboard.desk import Desk, live
from dashboard.safe import safe
from dashboard.widgets import states
from dashboard.widgets.base import card, told_at, verdict
from dashboard.widgets.desk_words import KINDS
from dashboard.widgets.loading import loading
from orchestrator.client.connections import ConnectionCard, ConnectionsView

EVERY_S = 5.0
MARKS = {
    "up": ("green", "check_circle", "up"),
    "down": ("orange", "cloud_off", "does not answer"),
    "paused": ("orange", "pause_circle", "paused by us"),
    "closed": ("orange", "power_off", "not open"),
}
MODES = {
    "relay": ("relay", "people write to us, only we post: a message can be held"),
    "witness": ("witness", "we see what people write as they write it: it can be withdrawn"),
    "blind": ("blind", "we cannot see messages here"),
    "unread": ("not read yet", "nobody looked at them since the start"),
}
GRADES = {
    "fit": "Tested in this installation, all that the tiers ask for.",
    "field": "Tested in this installation.",
    "lab": "Tested against a stand-in only.",
    "none": "Never tested here.",
}
_MINUTE = 60_000_000


def page(desk: Desk) -> None:
    """Every channel, made anew as it changes."""
    live(EVERY_S, partial(_channels, desk))


def _channels(desk: Desk) -> None:
    deal = desk.deal.deal_id
    found = loading("connections", 2, lambda: desk.ask(lambda c: c.desk_channels(deal)), cards=2)
    _answer(found)
    columns = st.columns(2)
    for number, one in enumerate(found.cards):
        with columns[number % 2]:
            _channel(desk, one, found.at)


def _answer(found: ConnectionsView) -> None:
    bad = [one for one in found.cards if one.state != "up"]
    soon = [one for one in found.cards if one.state == "up" and one.check != "ok"]
    if not found.cards:
        verdict("No channel is set up for this deal yet.", "attention")
    elif bad:
        names = ", ".join(safe(one.name) for one in bad)
        last = " is not up." if len(bad) == 1 else " are not up."
        verdict(names + last, "attention", "Messages wait here. Nothing is sent another way.")
    elif soon:
        names = ", ".join(safe(one.name) for one in soon)
        verdict("Every channel is up. Look at " + names + ".", "attention")
    else:
        count = len(found.cards)
        words = (
            "The one channel is up." if count == 1 else "All " + str(count) + " channels are up."
        )
        verdict(words, "good", "Looked at just now.")


def _channel(desk: Desk, one: ConnectionCard, at: int) -> None:
    colour, icon, words = MARKS.get(one.state, ("gray", "help", safe(one.state)))
    with card():
        st.markdown("**" + safe(one.name) + "** · " + KINDS.get(one.kind, safe(one.kind)))
        st.markdown(":" + colour + "[:material/" + icon + ": " + words + "]")
        if one.state in {"down", "closed"} and one.seen_at is not None:
            states.down(one.name, age(at - one.seen_at))
        if one.check != "ok":
            st.markdown(safe(one.words))
        if one.seen_at is not None:
            told_at("Last good sign of life", one.seen_at)
        st.markdown(_queue(one.queued))
        for mode, count in sorted(one.modes.items()):
            name, means = MODES.get(mode, (mode, ""))
            rooms = "1 room" if count == 1 else str(count) + " rooms"
            st.caption(rooms + ", " + name + ": " + means)
        st.caption(GRADES.get(one.grade, safe(one.grade)))
        if one.again_at is not None:
            told_at("Tried again by itself at", one.again_at)
        _acts(desk, one)


def _acts(desk: Desk, one: ConnectionCard) -> None:
    if one.may:
        left, right = st.columns(2)
        arguments = (desk, one.name)
        label = "Let it go on" if one.state == "paused" else "Try again"
        if one.state != "up" or one.queued:
            left.button(
                label, key="again-" + one.name, type="primary", on_click=_again, args=arguments
            )
        if one.state != "paused":
            right.button("Pause", key="pause-" + one.name, on_click=_pause, args=arguments)
    if one.check != "ok" and one.then:
        st.caption("At the host, this says more:" if one.may else "The operator can run:")
        st.code(one.then, language=None, wrap_lines=True)


def _pause(desk: Desk, channel: str) -> None:
    deal = desk.deal.deal_id
    done = "Paused. Messages for it wait here until you let it go on."
    desk.act(lambda c: c.desk_channel_pause(deal, channel), done)


def _again(desk: Desk, channel: str) -> None:
    deal = desk.deal.deal_id
    desk.act(lambda c: c.desk_channel_again(deal, channel), "Tried. What waited goes on now.")


def _queue(count: int) -> str:
    if count == 0:
        return "Nothing waits."
    return "One message waits." if count == 1 else str(count) + " messages wait."


def age(microseconds: int) -> str:
    """How long something has been so, in words."""
    minutes = max(0, microseconds) // _MINUTE
    if minutes < 1:
        return "less than a minute"
    if minutes < 120:  # noqa: PLR2004 - two hours are told in minutes
        return str(minutes) + " min"
    return str(minutes // 60) + " h"
