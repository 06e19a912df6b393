"""What is done about people, a dialog each: leaves, paused, other access, somebody new, verified.

Rules kept here:

1. Each says what happens before it happens. What takes away is done at once; what gives is shown,
   and then exactly that is asked for.
2. A dialog acts from its buttons' ``on_click`` alone, and is closed by it.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Final

import streamlit as st

from dashboard.desk import Desk
from dashboard.safe import plain, safe
from dashboard.widgets import person_words as words
from dashboard.widgets import states
from dashboard.widgets.person_card import DIALOG
from dashboard.widgets.somebody import NOBODY, find, told
from orchestrator.client.api import Client
from orchestrator.client.card import (
    AccessChange,
    AccessView,
    CardDevice,
    CardView,
    ListParts,
    NewPerson,
)
from orchestrator.client.memberships import MemberRow
from orchestrator.client.problems import Problem, SignInFirst

SHOWN: Final = "people.shown"
NOT: Final = "people.not"
_MOST: Final = 8
_NOTHING: Final = "nothing any more"
_HIGHEST: Final = ("coordination", "operations", "valuation")
_PAUSE: Final = {
    "doubt": "Something is odd",
    "asked": "They asked for it",
    "lost_phone": "Lost a phone",
    "travel": "Travels",
    "phished": "Was phished",
}


def close() -> None:
    """Closes whichever dialog is open."""
    for name in (DIALOG, SHOWN, NOT):
        st.session_state.pop(name, None)


def is_open() -> bool:
    """Whether one is."""
    return DIALOG in st.session_state


def show(desk: Desk, card: CardView | None) -> None:
    """Shows the dialog that is open, if one is."""
    found = st.session_state.get(DIALOG)
    if found is None:
        return
    name, person = found
    if name in {"leaving", "add"}:
        {"leaving": someone_leaves, "add": add_person}[name](desk)
    elif card is not None and card.person == person and name in _OF_ONE:
        _OF_ONE[name](desk, card)


def _open_still() -> None:
    """Closes a dialog of which a button did: it runs anew by itself alone."""
    if DIALOG not in st.session_state:
        st.rerun()


def _refused() -> None:
    problem = st.session_state.get(NOT)
    if isinstance(problem, Problem):
        states.failed(problem)


def _not_now() -> None:
    st.button("Not now", key="people.not_now", type="tertiary", on_click=close)


@st.dialog("Someone is leaving", icon=":material/logout:", on_dismiss=close)
def someone_leaves(desk: Desk) -> None:
    """Finds somebody and takes him out."""
    _open_still()
    sought = st.text_input("Who?", key="people.leaving.who", placeholder="Name or firm")
    names = _people(desk, sought)
    chosen = st.radio(
        "Whom do you mean?",
        list(names),
        format_func=lambda p: plain(names[p].name) + ", " + plain(names[p].side_name),
        key="people.leaving.whom",
        label_visibility="collapsed",
    )
    if chosen:
        _leaves(desk, chosen, safe(names[chosen].name))


@st.dialog("Leaves the deal", icon=":material/logout:", on_dismiss=close)
def one_leaves(desk: Desk, card: CardView) -> None:
    """Takes one person out."""
    _open_still()
    st.markdown(safe(card.name) + " is in " + words.places(card.places) + ".")
    _leaves(desk, card.person, safe(card.name))


def _leaves(desk: Desk, person: str, name: str) -> None:
    reason = st.selectbox(
        "Why", list(words.REASONS), format_func=words.REASONS.__getitem__, key="people.leaving.why"
    )
    st.caption("Done at once. Two people may undo it for half an hour, unless a phone is lost.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        _not_now()
        st.button(
            "Take out now",
            key="people.leaving.go",
            type="primary",
            on_click=_take_out,
            args=(desk, person, reason, name),
        )


def _take_out(desk: Desk, person: str, reason: str, name: str) -> None:
    close()
    st.session_state["people.chosen"] = person
    deal = desk.deal.deal_id
    desk.act(
        lambda c: c.leave(deal, person, reason, wait=False),
        name + " is being taken out. See below.",
    )


@st.dialog("Pause", icon=":material/pause_circle:", on_dismiss=close)
def pause(desk: Desk, card: CardView) -> None:
    """Stops what we send to rooms that somebody reads."""
    _open_still()
    name = safe(card.name)
    st.markdown(name + " stays in every room, and nothing of ours goes there.")
    reason = st.selectbox(
        "Why", list(_PAUSE), format_func=_PAUSE.__getitem__, key="people.pause.why"
    )

    def go() -> None:
        close()
        deal = desk.deal.deal_id
        desk.act(lambda c: c.person_pause(deal, card.person, reason), name + " is paused.")

    with st.container(horizontal=True, horizontal_alignment="right"):
        _not_now()
        st.button("Pause now", key="people.pause.go", type="primary", on_click=go)


@st.dialog("Change access", width="medium", icon=":material/tune:", on_dismiss=close)
def change(desk: Desk, card: CardView) -> None:
    """Shows another access, and asks for it."""
    _open_still()
    _refused()
    held = list(dict.fromkeys(g.compartment for g in card.grants))
    places = held or ["deal"]
    where = st.selectbox("Of what", places, format_func=plain, key="people.change.where")
    now = {g.compartment: g.highest for g in card.grants}.get(where or "", _HIGHEST[0])
    highest = st.selectbox(
        "May read up to",
        [*_HIGHEST, _NOTHING],
        index=_HIGHEST.index(now) if now in _HIGHEST else 0,
        format_func=lambda t: words.TIERS.get(t, "Nothing any more"),
        key="people.change.highest",
    )
    asked = AccessChange(
        compartment=where if held else None, highest=None if highest == _NOTHING else highest
    )
    deal = desk.deal.deal_id

    def ask(at: int | None, shown: str | None) -> Callable[[Client], Awaitable[AccessView]]:
        now = replace(asked, at=at, shown=shown)
        return lambda c: c.person_access(deal, card.person, now)

    _shown_then_asked(desk, ask, (where, highest, card.person))


@st.dialog("Add a person", width="medium", icon=":material/person_add:", on_dismiss=close)
def add_person(desk: Desk) -> None:
    """Shows somebody new on the list, and asks for him."""
    _open_still()
    _refused()
    parts = desk.ask(lambda c: c.list_parts(desk.deal.deal_id))
    new = _newcomer(parts)
    if not new.name:
        st.caption("It is shown first. Then a second person agrees.")
        return
    deal = desk.deal.deal_id

    def ask(at: int | None, shown: str | None) -> Callable[[Client], Awaitable[AccessView]]:
        before = st.session_state.get(SHOWN)
        made = before[1].person if shown is not None and before is not None else new.person
        now = replace(new, at=at, shown=shown, person=made)
        return lambda c: c.person_add(deal, now)

    key = (new.name, new.side, new.role, new.compartment, new.highest, tuple(new.accounts.items()))
    _shown_then_asked(desk, ask, key)


def _newcomer(parts: ListParts) -> NewPerson:
    name = st.text_input("Name", key="people.add.name", max_chars=200).strip()
    sides = dict(parts.sides)
    side = st.selectbox(
        "Firm", list(sides), format_func=lambda s: plain(sides[s]), key="people.add.side"
    )
    role = st.text_input("Role", key="people.add.role", max_chars=200).strip()
    where = st.selectbox("Let in on", parts.compartments, format_func=plain, key="people.add.where")
    highest = st.selectbox(
        "May read up to", _HIGHEST, format_func=words.TIERS.__getitem__, key="people.add.highest"
    )
    accounts = {
        channel: account
        for channel in parts.channels
        if (account := st.text_input("Account on " + plain(channel), key="people.add." + channel))
    }
    return NewPerson(
        name=name,
        side=side or "",
        role=role,
        compartment=where or "deal",
        highest=highest,
        accounts=accounts,
    )


def _shown_then_asked(
    desk: Desk,
    ask: Callable[[int | None, str | None], Callable[[Client], Awaitable[AccessView]]],
    about: object,
) -> None:
    """Two steps: what it comes to, and exactly that."""

    def look() -> None:
        st.session_state.pop(NOT, None)
        try:
            st.session_state[SHOWN] = about, desk.ask(ask(None, None))
        except SignInFirst:
            return
        except Problem as problem:
            st.session_state[NOT] = problem

    def go() -> None:
        _, shown = st.session_state[SHOWN]
        try:
            st.session_state[SHOWN] = about, desk.ask(ask(shown.at, shown.hash))
        except SignInFirst:
            return
        except Problem as problem:
            st.session_state[NOT] = problem

    kept = st.session_state.get(SHOWN)
    view = kept[1] if kept is not None and kept[0] == about else None
    if view is not None:
        _told(view)
    if view is not None and (view.done or view.request):
        st.button("Close", key="people.shown.close", on_click=close)
        return
    with st.container(horizontal=True, horizontal_alignment="right"):
        _not_now()
        if view is None:
            st.button("Show what changes", key="people.show", type="primary", on_click=look)
        else:
            label = "Ask for it" if view.takes_two else "Do it"
            st.button(label, key="people.ask", type="primary", on_click=go)


def _told(view: AccessView) -> None:
    for line in view.lines:
        st.markdown("- " + words.change(line))
    if view.request:
        states.done("Asked. It waits for a second person.")
    elif view.done:
        states.done("Done. The list is in force.")
    else:
        st.caption(words.consequence(view) + " List " + safe(view.hash[:12]) + ".")


@st.dialog("Verify by phone", width="medium", icon=":material/call:", on_dismiss=close)
def verify(desk: Desk, card: CardView) -> None:
    """Two people compare a phone's words with its owner."""
    _open_still()
    _refused()
    name = safe(card.name)
    st.markdown(
        "Call " + name + " on the number that your own directory had before. "
        "Never on one that came with a message."
    )
    st.markdown("Have the words of the phone read out to you, six by six. Compare every line.")
    new = [d for d in card.devices if d.state in {"pinned", "seen"}]
    for device in new:
        _words(device)
    if known := [d for d in card.devices if d.state == "verified"]:
        with st.expander("Compared before", expanded=not new):
            for device in known:
                _words(device)
    if not card.devices:
        st.text("No phone was seen yet. There is nothing to compare.")
        return
    _ceremony(desk, card)


def _words(device: CardDevice) -> None:
    """A key's words, all of them; there is nothing to copy, since they are to be heard."""
    state = words.DEVICE.get(device.state, "")
    st.markdown("**" + safe(device.channel) + "** " + safe(device.device) + " · " + state)
    st.text("\n".join(words.spelled(device)))


def _ceremony(desk: Desk, card: CardView) -> None:
    read = st.text_area("The words that were read out", key="people.verify.words", height=80)
    me = desk.deal.person
    first = me or _somebody(desk, "Who called?", "people.verify.first", {card.person})
    second = _somebody(desk, "Who listened in?", "people.verify.second", {card.person, first})
    old = _replaced(card)
    name, deal = safe(card.name), desk.deal.deal_id

    def go() -> None:
        close()
        asked = {"words": read.strip(), "replaces": old}
        desk.act(
            lambda c: c.key_verify(deal, card.person, first or "", second or "", **asked),
            name + " was compared by two people.",
        )

    with st.container(horizontal=True, horizontal_alignment="right"):
        _not_now()
        st.button(
            "We compared it",
            key="people.verify.go",
            type="primary",
            on_click=go,
            disabled=not (read.strip() and second and first),
        )


def _somebody(desk: Desk, label: str, key: str, but: set[str | None]) -> str | None:
    """Somebody of the deal by his name; None until one is chosen."""
    sought = st.text_input(label, key=key, placeholder="Name or firm")
    found = _people(desk, sought, but)
    if not found:
        return None
    return st.radio(
        label,
        list(found),
        format_func=lambda p: plain(found[p].name) + ", " + plain(found[p].side_name),
        key=key + ".of",
        label_visibility="collapsed",
    )


def _replaced(card: CardView) -> str | None:
    """Whether a device that he had before counts no more from this call on."""
    before = {d.device: d for d in card.devices if d.state in {"verified", "known"}}
    if not before:
        return None
    keeps = "It comes beside the phones that they have"
    chosen = st.selectbox(
        "Does it replace one?",
        ["", *before],
        format_func=lambda d: (
            "Replaces " + plain(before[d].channel) + " " + plain(d) if d else keeps
        ),
        key="people.verify.replaces",
    )
    return chosen or None


def _people(desk: Desk, sought: str, but: Collection[str | None] = ()) -> dict[str, MemberRow]:
    """Who is on the deal by a name, and that there are more where there are."""
    found = find(desk, sought, most=_MOST, but=but) if sought.strip() else NOBODY
    told(found, sought)
    return {row.person or "": row for row in found.rows}


_OF_ONE: dict[str, Callable[[Desk, CardView], None]] = {
    "leave": one_leaves,
    "pause": pause,
    "change": change,
    "verify": verify,
}
