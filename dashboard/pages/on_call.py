"""Who is told: the list of a deal, in its order, and what was told of late.

Rules kept here:

1. A list is put in force whole, as it stands on the page; what was not saved is said to be a draft.
2. Quiet hours never cover a held message, and the page says so where they are written.
"""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard.desk import Desk, part
from dashboard.link import link
from dashboard.safe import safe
from dashboard.widgets.alerts import WAYS, alerts, waiting
from dashboard.widgets.base import verdict
from dashboard.widgets.loading import loading
from dashboard.widgets.somebody import NOBODY, find, told
from dashboard.widgets.spans import number
from orchestrator.client.notify import NewOnCall, OnCallView

DRAFT: Final = "on_call.draft"
_FOUND: Final = 8
_ENOUGH: Final = 3


def page(desk: Desk) -> None:
    """The answer, the list, and what waits."""
    st.title("Who is told", anchor=False)
    deal = desk.deal.deal_id
    people = loading("on_call", 8, lambda: desk.ask(lambda c: c.on_call_show(deal)))
    found = desk.ask(lambda c: c.alert_list(deal))
    _answer(people, len(waiting(found)))
    with part():
        if desk.power("on_call") == ("all", "alone"):
            _edit(desk, people)
        else:
            _list(people)
    with part():
        st.subheader("What waits", anchor=False)
        alerts(desk, found, mine=False)


def _answer(people: Sequence[OnCallView], open_now: int) -> None:
    told = [p for p in people if p.told]
    aside = "The first is told at once, the next after 5 minutes, everybody after 15."
    if not told:
        verdict("Nobody is told when something needs somebody.", "attention", aside)
    elif open_now:
        what = "thing waits" if open_now == 1 else "things wait"
        verdict(number(open_now) + " " + what + " for somebody.", "attention", aside)
    elif len(told) < _ENOUGH:
        verdict("Few are told. Three people or more should be on this list.", "attention", aside)
    else:
        verdict(number(len(told)) + " people are told. Nothing waits.", "good", aside)


def _list(people: Sequence[OnCallView]) -> None:
    for place, one in enumerate(people, 1):
        ways = ", ".join(WAYS.get(w, safe(w)) for w in one.ways)
        st.markdown(str(place) + ". **" + safe(one.name or one.person) + "** · " + ways)


def _edit(desk: Desk, people: Sequence[OnCallView]) -> None:
    kept = st.session_state.get(DRAFT)
    draft: list[OnCallView] = list(people) if kept is None else kept
    with st.container(border=True, key="on_call.list"):
        st.markdown("**The list, in its order**")
        if kept is not None:
            st.caption("A draft. The list in force is told until you save.")
        for place, one in enumerate(draft):
            _row(draft, place, one)
        _add(desk, draft)
        with st.container(horizontal=True, horizontal_alignment="right"):
            if kept is not None:
                st.button("Not now", key="on_call.no", type="tertiary", on_click=_forget)
            st.button(
                "Save the list",
                key="on_call.save",
                type="primary",
                on_click=_save,
                args=(desk, draft),
            )


def _row(draft: list[OnCallView], place: int, one: OnCallView) -> None:
    key = "on_call." + one.person
    with st.container(border=True):
        name, up, out = st.columns([6, 1, 1], vertical_alignment="center")
        name.markdown(str(place + 1) + ". **" + safe(one.name or one.person) + "**")
        if not one.told:
            name.caption("Is paused or not on the deal any more, and is told nothing.")
        if place:
            up.button(
                "Earlier", key=key + ".up", type="tertiary", on_click=_earlier, args=(draft, place)
            )
        out.button("Off", key=key + ".off", type="tertiary", on_click=_off, args=(draft, place))
        st.multiselect(
            "Told, in this order",
            list(WAYS),
            default=[w for w in one.ways if w in WAYS],
            format_func=WAYS.__getitem__,
            key=key + ".ways",
        )
        mail, quiet, zone = st.columns(3)
        mail.text_input("Mail", value=one.mail or "", key=key + ".mail", max_chars=255)
        quiet.text_input(
            "Quiet hours",
            value=one.quiet or "",
            key=key + ".quiet",
            placeholder="22:00-07:00",
            help="They never cover a held message.",
        )
        zone.text_input("In the zone", value=one.zone, key=key + ".zone")


def _add(desk: Desk, draft: list[OnCallView]) -> None:
    sought = st.text_input("Add somebody", key="on_call.who", placeholder="Name or firm").strip()
    listed = {p.person for p in draft}
    found = find(desk, sought, most=_FOUND, but=listed) if sought else NOBODY
    names = {r.person: r for r in found.rows if r.person}
    told(found, sought)
    for person, row in names.items():
        st.button(
            "Add " + safe(row.name),
            key="on_call.add." + person,
            on_click=_on,
            args=(
                draft,
                OnCallView(person=person, ways=("line",), name=row.name, zone=link().zone),
            ),
        )


def _earlier(draft: list[OnCallView], place: int) -> None:
    draft[place - 1], draft[place] = draft[place], draft[place - 1]
    st.session_state[DRAFT] = draft


def _off(draft: list[OnCallView], place: int) -> None:
    st.session_state[DRAFT] = draft[:place] + draft[place + 1 :]


def _on(draft: list[OnCallView], one: OnCallView) -> None:
    st.session_state[DRAFT] = [*draft, one]
    st.session_state["on_call.who"] = ""


def _forget() -> None:
    st.session_state.pop(DRAFT, None)


def _save(desk: Desk, draft: list[OnCallView]) -> None:
    people = [_new(one) for one in draft]
    if desk.act(lambda c: c.on_call_set(desk.deal.deal_id, people), "The list is in force."):
        _forget()


def _new(one: OnCallView) -> NewOnCall:
    def said(what: str) -> str:
        return str(st.session_state.get("on_call." + one.person + "." + what) or "").strip()

    ways = st.session_state.get("on_call." + one.person + ".ways") or ()
    return NewOnCall(
        person=one.person,
        ways=tuple(ways),
        mail=said("mail") or None,
        quiet=said("quiet") or None,
        zone=said("zone") or "UTC",
    )
