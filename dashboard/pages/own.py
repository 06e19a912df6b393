"""A person's own page: where to write, who can see it, and three steps at the beginning.

Rules kept here:

1. It is about whoever looks, and asks for nobody else's.
2. What is said of a room follows from its gate, what we read of it, and what can be undone there.
"""

from typing import Final

import streamlit as st

from dashboard.desk import Desk, part
from dashboard.safe import safe
from dashboard.widgets import person_words as words
from dashboard.widgets.alerts import WAYS, alerts, waiting
from dashboard.widgets.base import chip, told_at, verdict
from dashboard.widgets.loading import loading
from dashboard.widgets.push import push
from dashboard.words import Room, Undo, mode_words, undo_words
from orchestrator.client.card import Colleague, OwnConversation, OwnView
from orchestrator.client.notify import AlertView

ASKED: Final = "own.asked"
_MOST: Final = 12
_OFF: Final = "It is marked below. Do not write there: you will be taken out."
_HELD: Final = "It goes nowhere by itself. The page Held shows its ways out."
_KINDS: Final = {
    "signal": "Signal",
    "wickr": "Wickr",
    "matrix": "Matrix",
    "xmpp": "XMPP",
    "pgpmail": "PGP mail",
}


def page(desk: Desk) -> None:
    """Shows it."""
    st.title("Your page", anchor=False)
    own = loading("own", 8, lambda: desk.ask(lambda c: c.own(desk.deal.deal_id)))
    _answer(own, desk.deal.needs.get("held", 0))
    if own.card.left:
        return
    if not (own.installed and own.compared):
        _steps(own)
    for conversation in own.conversations:
        _conversation(conversation)
    with part():
        _told(desk)
    _devices(own)
    with part():
        _logins(desk)
    _acts(desk, own)


def _answer(own: OwnView, held: int) -> None:
    if own.card.left:
        verdict("You left this deal.", "good", "Nothing of it is sent to you any more.")
    elif own.card.paused:
        verdict("You are paused.", "attention", "The deal's security officer knows why. Call them.")
    elif not own.conversations:
        verdict("You are on the list, and in no conversation yet.", "attention")
    elif not own.installed:
        verdict("One thing is left for you: join where you are asked.", "attention")
    elif not own.compared:
        verdict("One thing is left for you: read out your words.", "attention")
    elif any(found.state == "extra" for found in own.conversations):
        verdict("You are in a conversation that is not yours.", "attention", _OFF)
    elif held:
        verdict(words.counted(held, "message") + " held for you to settle.", "attention", _HELD)
    else:
        verdict("Nothing is left for you to do.", "good")


def _steps(own: OwnView) -> None:
    with st.container(border=True, key="own.steps"):
        st.markdown(_step(1, "Install, and join where you are asked", done=own.installed))
        for place in own.card.places:
            if place.state == "missing":
                st.caption(
                    "Join on " + (safe(place.channel) or "a channel you have no account on yet")
                )
        st.markdown(_step(2, "Read your words out to a colleague", done=own.compared))
        if own.installed and not own.compared:
            _read_out(own)
        st.markdown(
            _step(3, "Done. Write where it says below", done=own.installed and own.compared)
        )


def _step(n: int, what: str, *, done: bool) -> str:
    mark = ":green[:material/check_circle:] " if done else ":gray[:material/circle:] "
    return mark + "**" + str(n) + "** " + what


def _read_out(own: OwnView) -> None:
    st.caption(
        "A colleague calls you, never the other way round from a message. Read six words at a time."
    )
    for device in own.card.devices:
        if device.state in {"seen", "pinned"}:
            st.caption(safe(device.channel) + ": " + safe(device.device))
            st.code("\n".join(words.spelled(device)), language=None)


def _conversation(found: OwnConversation) -> None:
    with st.container(border=True):
        st.markdown("**" + safe(found.name) + "** " + chip(found.floor))
        st.markdown(_where(found))
        if who := _who(found):
            st.caption(who)
        st.caption(_seen(found) + " " + _stays(found))
        if found.others:
            with st.expander("Who is in"):
                _people(found.others)
                if found.more:
                    st.caption("And " + str(found.more) + " more.")


def _where(found: OwnConversation) -> str:
    if found.state == "missing":
        return "You are on the list, and not in yet. Accept when you are asked."
    if found.state == "extra":
        return ":red[:material/logout:] You are still in, and off the list. Do not write here."
    if found.still:
        return ":orange[:material/pause_circle:] Stands still. Wait before you write here."
    app = _KINDS.get(found.kind, safe(found.channel))
    if found.kind == "pgpmail":
        return "Documents reach you by " + app + ", sealed to your key."
    return "Write in **" + app + "**, in the room that we opened for you."


def _who(found: OwnConversation) -> str:
    if found.state not in {"in", "paused", "unknown"}:
        return ""
    total = len(found.others) + found.more + found.unseen
    said = "You and " + words.counted(total, "other") + " can read it."
    return said + (" " + str(found.unseen) + " are of other firms." if found.unseen else "")


def _seen(found: OwnConversation) -> str:
    """What we see there: from the room's facts alone."""
    if found.gate is None:
        return "We could not look at this room just now."
    room = Room(found.gate, found.read is True, _undo(found.undo))
    host = " It is hosted by " + safe(found.host) + "." if found.host else ""
    undo = "" if room.mode == "blind" else " " + undo_words(room)
    return mode_words(room) + undo + host


def _undo(found: str | None) -> Undo:
    if found == "anybody":
        return "anybody"
    return "own" if found == "own" else "none"


def _stays(found: OwnConversation) -> str:
    if found.timer is None:
        return "We read no timer here: expect messages to stay."
    return "Messages go after " + words.days(found.timer) + "."


def _people(others: tuple[Colleague, ...]) -> None:
    for side in dict.fromkeys(o.side_name for o in others):
        names = [safe(o.name) for o in others if o.side_name == side]
        more = " and " + str(len(names) - _MOST) + " more" if len(names) > _MOST else ""
        st.markdown("**" + safe(side) + "** " + ", ".join(names[:_MOST]) + more)


def _told(desk: Desk) -> None:
    """What needs him, by which ways he is told, and whether this browser is one of them."""
    if not desk.may("on_call"):
        return
    deal, person = desk.deal.deal_id, desk.deal.person
    me = next((p for p in desk.ask(lambda c: c.on_call_show(deal)) if p.person == person), None)
    st.subheader("What needs you", anchor=False)
    if me is None:
        st.caption("You are not among those who are told. The deal's owner can add you.")
        return
    mine = [a for a in desk.ask(lambda c: c.alert_list(deal)) if _of(a, person)]
    alerts(desk, waiting(mine), mine=True)
    st.caption("You are told " + ", then ".join(WAYS.get(w, safe(w)) for w in me.ways) + ".")
    if me.quiet is not None:
        quiet = safe(me.quiet + " " + me.zone)
        st.caption("Quiet hours: " + quiet + ". A held message is told all the same.")
    if "push" in me.ways:
        push(deal, me.browsers)


def _of(alert: AlertView, person: str | None) -> bool:
    return any(send.person == person for send in alert.sends)


def _devices(own: OwnView) -> None:
    with st.expander("My phones and accounts", icon=":material/devices:"):
        if not own.card.devices:
            st.text("No phone of yours was seen yet.")
        for device in own.card.devices:
            state = words.DEVICE.get(device.state, safe(device.state))
            st.markdown("**" + safe(device.channel) + "** " + safe(device.device) + " · " + state)
            if device.state not in {"revoked", "compromised", "superseded"}:
                st.code("\n".join(words.spelled(device)), language=None)


def _logins(desk: Desk) -> None:
    """What signs him in, and the way out where one of it is not his."""
    deal, person = desk.deal.deal_id, desk.deal.person
    if person is None or not desk.may("keys"):
        return
    found = desk.ask(lambda c: c.login_list(deal, person))
    with st.expander("How you sign in", icon=":material/passkey:"):
        if not found:
            st.text("By a one-time link alone. No passkey or other sign-in is yours yet.")
        for login in sorted(found, key=lambda one: -one.since):
            told_at(_LOGINS.get(login.way, "Another sign-in") + ", yours since", login.since)
        st.button("That was not me", key="own.not_me", on_click=_ask, args=("not_me",))


def _acts(desk: Desk, own: OwnView) -> None:
    asked = st.session_state.get(ASKED)
    with st.container(horizontal=True):
        for name, label, icon, act in _BUTTONS:
            if act in own.card.acts:
                st.button(
                    label,
                    key="own." + name,
                    icon=":material/" + icon + ":",
                    on_click=_ask,
                    args=(name,),
                )
    if asked in _WHAT:
        _sure(desk, asked)


_BUTTONS: Final = (
    ("phone", "I have a new phone", "smartphone", "new_phone"),
    ("phished", "Somebody may be in my account", "gpp_bad", "phished"),
    ("leave", "I am leaving", "logout", "leave"),
)
_LOGINS: Final = {"passkey": "A passkey", "oidc": "Your firm's sign-in"}
_WHAT: Final = {
    "not_me": (
        "You are paused, and every session and sign-in of yours ends now. Somebody calls you.",
        "Yes, end all of it now",
        "All of it is over.",
    ),
    "phone": (
        "We tell the deal's owner. Somebody calls you before anything opens.",
        "Yes, a new phone",
        "Noted. Somebody calls you on the number that they already have.",
    ),
    "phished": (
        "You are paused in every deal at once, and your phones count no more. Somebody calls you.",
        "Yes, pause me now",
        "You are paused. Somebody calls you.",
    ),
    "leave": (
        "You are taken out of every conversation at once. Two people may undo it for half an hour.",
        "Yes, take me out now",
        "You are being taken out.",
    ),
}


def _ask(name: str) -> None:
    st.session_state[ASKED] = name


def _sure(desk: Desk, name: str) -> None:
    what, yes, _ = _WHAT[name]
    with st.container(border=True, key="own.sure"):
        st.markdown(what)
        with st.container(horizontal=True):
            st.button(yes, key="own.yes", type="primary", on_click=_do, args=(desk, name))
            st.button("Not now", key="own.no", type="tertiary", on_click=_ask, args=("",))


def _do(desk: Desk, name: str) -> None:
    deal, done = desk.deal.deal_id, _WHAT[name][2]
    st.session_state.pop(ASKED, None)
    if name == "phone":
        desk.act(lambda c: c.own_new_phone(deal), done)
    elif name == "not_me":
        desk.act(lambda c: c.own_not_me(deal), done)
    elif name == "phished":
        desk.act(lambda c: c.own_phished(deal), done)
    else:
        desk.act(lambda c: c.own_leave(deal), done)
