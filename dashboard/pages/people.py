"""People & access: who should be where, who is, and putting it right.

Rules kept here:

1. The first line says whether anything differs. Where a channel does not tell, it says that we
   cannot tell, never that all is well.
2. Whoever sees figures alone is shown figures; everybody else the cells that are his.
"""

from typing import Final

import streamlit as st

from dashboard.desk import Desk, live
from dashboard.safe import safe
from dashboard.widgets import people_dialogs, plan_dialog, states
from dashboard.widgets.base import instant, verdict
from dashboard.widgets.loading import loading
from dashboard.widgets.map import people_map
from dashboard.widgets.matrix import choice, matrix
from dashboard.widgets.person_card import open_dialog, person_card
from dashboard.widgets.person_words import counted
from orchestrator.client.card import CardView
from orchestrator.client.memberships import (
    MOST_AT_ONCE,
    ColumnView,
    MemberCounts,
    MembershipQuestion,
    MembershipsView,
    Shown,
)

CHOSEN: Final = "people.chosen"
_MATRIX, _CURSORS = "people.matrix", "people.cursors"
_PAGE: Final = 100
_EVERY_S: Final = 5.0
_VIEWS: Final[dict[Shown, str]] = {
    "first": "Differences first",
    "valuation": "Valuation access",
    "advisers": "Advisers",
    "everyone": "Everyone",
}
_LEGEND: Final = (
    "Dot: on the list and in the channel. Ring: paused by us. Hatched: the channel does not tell. "
    "Choose a person by a click, or Tab and Enter."
)


def page(desk: Desk) -> None:
    """Shows who is where."""
    st.title("People & access", anchor=False)
    question = MembershipQuestion(
        shown=st.session_state.get("people.view") or "first",
        search=str(st.session_state.get("people.search") or "").strip()[:100],
    )
    view = loading("people", 12, lambda: _asked(desk, question))
    _answer(desk, view)
    if desk.power("matrix")[0] == "counts" and not view.items:
        _figures(view)
        return
    mapped = _controls(view)
    card = _card(desk)
    if not view.items:
        _nobody(question, view)
    elif mapped:
        _map(desk, view, card)
    else:
        matrix(view, _MATRIX, st.session_state.get(CHOSEN), _choose)
        st.caption(_LEGEND)
        _pages(view)
    if card is not None:
        person_card(desk, card)
    if plan_dialog.is_open():
        plan_dialog.plan_dialog(desk)
    elif people_dialogs.is_open():
        people_dialogs.show(desk, card)
    else:
        live(_EVERY_S, lambda: _moved(desk, view.counts))


def _moved(desk: Desk, shown: MemberCounts) -> None:
    """Shows the page anew once what it shows is not so any more."""
    now = desk.ask(lambda c: c.memberships(desk.deal.deal_id, limit=1)).counts
    if now != shown:
        st.rerun()


def _asked(desk: Desk, question: MembershipQuestion) -> MembershipsView:
    """The page that is looked at; a cursor of another question begins anew."""
    kept = st.session_state.get(_CURSORS)
    if kept is None or kept[0] != question:
        kept = (question, [None])
        st.session_state[_CURSORS] = kept
    return desk.ask(
        lambda c: c.memberships(desk.deal.deal_id, question, cursor=kept[1][-1], limit=_PAGE)
    )


def _answer(desk: Desk, view: MembershipsView) -> None:
    counts = view.counts
    with st.container(border=True, key="people.answer"):
        told, buttons = st.columns([4, 5], vertical_alignment="center")
        with told:
            _sentence(view)
            st.markdown(_badges(counts, view))
        with buttons.container(horizontal=True, horizontal_alignment="right"):
            _buttons(desk, counts)
    for column in _down(view):
        _says_down(column)


def _sentence(view: MembershipsView) -> None:
    counts = view.counts
    wrong = counts.remove + counts.add
    if wrong:
        of = "place where a channel does" if wrong == 1 else "places where a channel does"
        verdict(str(wrong) + " " + of + " not match your list.", "attention")
    elif counts.unknown:
        verdict(
            "We cannot tell right now about " + counted(counts.unknown, "seat") + ".", "attention"
        )
    elif not view.columns:
        verdict("You are in no conversation of this deal yet.", "attention")
    else:
        verdict("Everybody is where the list says.", "good")


def _badges(counts: MemberCounts, view: MembershipsView) -> str:
    marks = (
        (counts.remove, "red", "person_remove", " to remove"),
        (counts.add, "blue", "person_add", " to add"),
        (counts.paused, "orange", "pause_circle", " paused by us"),
        (counts.verify, "orange", "call", " to call"),
        (counts.unknown, "gray", "cloud_off", " not known now"),
        (counts.right, "gray", "check", " as they should be"),
    )
    said = [
        ":" + colour + "-badge[:material/" + icon + ": " + str(count) + words + "]"
        for count, colour, icon, words in marks
        if count
    ]
    if view.whole:
        said.append(":gray-badge[:material/groups: " + str(counts.people) + " on the list]")
    return " ".join(said)


def _buttons(desk: Desk, counts: MemberCounts) -> None:
    alone = desk.power("remove") == ("all", "alone")
    differs = bool(counts.remove + counts.add)
    if desk.may("add", "ask", "second", "alone"):
        st.button(
            "Add a person",
            key="people.add",
            icon=":material/person_add:",
            on_click=open_dialog,
            args=("add", None),
        )
    if alone:
        st.button(
            "Someone is leaving",
            key="people.leaving",
            icon=":material/logout:",
            type="secondary" if differs else "primary",
            on_click=open_dialog,
            args=("leaving", None),
        )
    if alone and differs:
        st.button(
            "Put it right",
            key="people.right",
            icon=":material/fact_check:",
            type="primary",
            on_click=plan_dialog.open_plan,
            args=(desk,),
        )


def _down(view: MembershipsView) -> list[ColumnView]:
    """One conversation for each channel that does not tell."""
    found = {
        channel.name: column
        for column in view.columns
        for channel in column.channels
        if channel.state in {"down", "closed"}
    }
    return list(found.values())


def _says_down(column: ColumnView) -> None:
    channel = next(ch for ch in column.channels if ch.state in {"down", "closed"})
    known = ". Last known " + safe(instant(channel.read_at)[0]) if channel.read_at else ""
    st.markdown(
        ":orange[:material/cloud_off:] **"
        + safe(channel.name)
        + " does not tell who is in its rooms.** We conclude nothing there"
        + known
        + "."
    )


def _controls(view: MembershipsView) -> bool:
    """Search, view, and whether it is the map."""
    search, views, kind = st.columns([3, 6, 2], vertical_alignment="center")
    search.text_input(
        "Name or firm",
        key="people.search",
        placeholder="Name or firm",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    views.segmented_control(
        "Who",
        list(_VIEWS),
        format_func=_VIEWS.__getitem__,
        default="first",
        key="people.view",
        label_visibility="collapsed",
    )
    if view.counts.people > MOST_AT_ONCE:
        st.caption("Above 300 people this opens on what differs. Search, or choose Everyone.")
    right = kind.container(horizontal=True, horizontal_alignment="right")
    shown = right.segmented_control(
        "As",
        ["Table", "Map"],
        default="Table",
        key="people.kind",
        label_visibility="collapsed",
    )
    return shown == "Map"


def _nobody(question: MembershipQuestion, view: MembershipsView) -> None:
    if question.search:
        states.nobody()
    elif view.columns:
        states.nothing("Nobody to show in this view.")


def _map(desk: Desk, view: MembershipsView, card: CardView | None) -> None:
    """Everybody up to 300 people; above, the neighbourhood of whoever is chosen."""
    if view.counts.people <= MOST_AT_ONCE:
        every = desk.ask(lambda c: c.memberships(desk.deal.deal_id, _EVERYONE, limit=MOST_AT_ONCE))
        people_map(every, "people.map")
        st.caption("Red: in the channel, not on the list. Dashed: on the list, not yet in.")
    elif card is not None:
        one = MembershipQuestion(shown="everyone", person=card.person)
        people_map(desk.ask(lambda c: c.memberships(desk.deal.deal_id, one)), "people.map")
    else:
        st.caption("Above 300 people the map shows one person. Choose one in the table.")


_EVERYONE: Final = MembershipQuestion(shown="everyone")


def _choose() -> None:
    found = choice(_MATRIX)
    if found is not None:
        same = st.session_state.get(CHOSEN) == found
        st.session_state[CHOSEN] = None if same else found
        people_dialogs.close()


def _card(desk: Desk) -> CardView | None:
    chosen = st.session_state.get(CHOSEN)
    if not isinstance(chosen, str) or chosen.startswith("account:"):
        return None
    return desk.ask(lambda c: c.person_card(desk.deal.deal_id, chosen))


def _pages(view: MembershipsView) -> None:
    kept = st.session_state[_CURSORS]
    if view.next is None and len(kept[1]) == 1:
        return

    def turn(cursor: str | None) -> None:
        if cursor is None:
            kept[1].pop()
        else:
            kept[1].append(cursor)

    with st.container(horizontal=True, vertical_alignment="center"):
        begin = (len(kept[1]) - 1) * _PAGE
        st.caption(
            str(begin + 1) + " to " + str(begin + len(view.items)) + " of " + str(view.found)
        )
        if len(kept[1]) > 1:
            st.button("Back", key="people.back", on_click=turn, args=(None,))
        if view.next is not None:
            st.button("Next 100", key="people.next", on_click=turn, args=(view.next,))


def _figures(view: MembershipsView) -> None:
    """Of each conversation how many are in: for whoever sees no names."""
    st.caption("You see figures alone. Names are the deal team's.")
    for column in view.columns:
        channels = ", ".join(safe(ch.name) + " " + ch.state for ch in column.channels)
        st.markdown(
            "- **" + safe(column.name) + "** · " + counted(column.people, "person")
            + " in :gray[" + channels + "]"
        )  # fmt: skip
