"""Prevented: what was held or stopped, how that is known, and the report of it."""

from datetime import UTC, datetime

import streamlit as st

from dashboard.desk import Desk, part
from dashboard.widgets.base import card, chip, instant, told_at, verdict
from dashboard.widgets.desk_words import held_rule
from dashboard.widgets.loading import loading
from dashboard.words import held_words
from orchestrator.client.api import Client
from orchestrator.client.audit_desk import ExportLink
from orchestrator.client.prevented import PreventedRow, PreventedView

SHOWN = 100
LINK = "prevented.link.path"
FIGURES = {
    "held": ("Held", "Nobody saw them."),
    "withdrawn": ("Withdrawn", "They stood in a room for some time."),
    "stopped": ("Stopped", "Some of their readers did not get them."),
    "paused": ("Paused", "Rooms and people that were stopped at once."),
}
BECAME = {
    "waits": "waits for somebody",
    "let_go": "let go by two people",
    "moved": "sent to a stricter place",
    "dropped": "dropped by its author",
    "lapsed": "lapsed, and never sent",
    "stands": "",
}
GRADES = {
    "record": "our own record",
    "network": "our record, and what the network said",
    "asked": "asked for, not seen",
}
_SECOND = 1_000_000
_SEEN = {"held": "nobody", "withdrawn": "withdrawn"}


def page(desk: Desk) -> None:
    """The answer, the figures, the list, the report."""
    deal = desk.deal.deal_id
    found = loading("prevented", 6, lambda: desk.ask(lambda c: c.prevented_show(deal)))
    _answer(found)
    _figures(found)
    with part():
        _rows(found)
    with part():
        _report(desk, found)


def _answer(found: PreventedView) -> None:
    counts = found.counts
    stood = counts.get("stood", 0)
    if not any(counts.values()):
        verdict("Nothing had to be stopped.", "good")
    elif stood:
        verdict(f"{stood} stood where they were written, and were only noticed.", "attention")
    else:
        verdict("Whatever had to be stopped was stopped.", "good")
    told_at("By the deal's record, read at", found.at)
    if found.unbelieved:
        verdict("Part of the record was not written here. Call the operator.", "stop")


def _figures(found: PreventedView) -> None:
    for column, (kind, (title, meaning)) in zip(
        st.columns(len(FIGURES)), FIGURES.items(), strict=True
    ):
        with column:
            st.metric(title, found.counts.get(kind, 0), help=meaning)


def _rows(found: PreventedView) -> None:
    for row in found.rows[:SHOWN]:
        _row(row)
    hidden = found.more + max(0, len(found.rows) - SHOWN)
    if hidden:
        st.caption(f"{hidden} older ones are in the report.")


def _row(row: PreventedRow) -> None:
    with card():
        mine, theirs = instant(row.at)
        mark = chip(row.tier) + " " if row.tier else ""
        st.markdown(mark + "**" + _said(row) + "** " + BECAME[row.became])
        rules = ", ".join(held_rule(code).lower() for code in row.rules)
        numbers = ", ".join(str(n) for n in row.entries)
        st.caption(
            mine
            + " · rule: "
            + rules
            + " · known by "
            + GRADES[row.grade]
            + " · entries "
            + numbers,
            help=theirs,
        )


def _said(row: PreventedRow) -> str:
    if row.what != "message":
        return "A room was paused." if row.what == "room" else "A person was paused."
    if row.kind == "stopped":
        return "Stopped for some of its readers."
    if row.kind in _SEEN:
        return held_words(_SEEN[row.kind], row.seen, max(0, (row.ended_at or row.at) - row.at))
    return "Not prevented. " + held_words("stays", row.seen)


def _report(desk: Desk, found: PreventedView) -> None:
    with card("Report for printing"):
        st.markdown("One page without names. That it was made is written into the record.")
        link = st.session_state.get(LINK)
        if link is not None:
            st.link_button("Download, once", str(link), type="primary", icon=":material/download:")
            st.caption("The link works once, for five minutes, in this browser alone.")
        st.button(
            "Get the link" if link is None else "Make a new link",
            key="prevented.link",
            on_click=_link,
            args=(desk,),
        )
        day = datetime.fromtimestamp(found.at / _SECOND, UTC).strftime("%Y-%m-%d")
        command = f"wallcross prevented {desk.deal.code} --report prevented-{day}.html"
        st.caption("In a terminal:")
        st.code(command, language=None, wrap_lines=True)


def _link(desk: Desk) -> None:
    deal = desk.deal.deal_id
    made: list[ExportLink] = []

    async def ask(client: Client) -> None:
        made.append(await client.prevented_link(deal))

    if desk.act(ask, "The link is beside the report."):
        st.session_state[LINK] = made[0].path
