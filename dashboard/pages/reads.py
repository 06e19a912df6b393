"""Who reads what: people at the desk, this machine, networks and others, each with why."""

import streamlit as st

from dashboard.desk import Desk, part
from dashboard.safe import plain, safe
from dashboard.widgets.base import card, told_at, verdict
from dashboard.widgets.loading import loading
from orchestrator.client.reading import ReaderView, ReadingView

GROUPS = {
    "network": "Networks that carry messages",
    "machine": "This machine",
    "outside": "Others outside",
    "role": "People at the desk",
}
LEVELS = {
    "yes": ":orange-badge[:material/visibility: reads]",
    "passing": ":orange-badge[:material/hourglass_top: while it passes]",
    "sealed": ":gray-badge[:material/lock: sealed, no key]",
}
TEXT = ("relay", "witness", "blind", "held", "documents")


def page(desk: Desk) -> None:
    """The answer, then one card for each reader."""
    deal = desk.deal.deal_id
    found = loading("reads", 8, lambda: desk.ask(lambda c: c.who_reads(deal)))
    _answer(found)
    for kind, title in GROUPS.items():
        readers = [r for r in found.readers if r.kind == kind]
        if readers:
            with part():
                st.markdown("#### " + title)
                for one in readers:
                    _reader(one, found)


def _answer(found: ReadingView) -> None:
    open_to = [r for r in found.readers if r.kind == "network" and _reads_text(r)]
    if open_to:
        names = ", ".join(safe(r.name) for r in open_to)
        verdict("Messages can be read by: " + names + ".", "attention")
    else:
        verdict("No network can read what it carries.", "good")
    st.markdown("Whoever has root on this machine can read messages while they pass.")
    told_at("Worked out from what runs here, at", found.at)


def _reads_text(reader: ReaderView) -> bool:
    return any(reader.cells[thing].level in {"yes", "passing"} for thing in TEXT)


def _reader(one: ReaderView, found: ReadingView) -> None:
    with card(safe(one.name)):
        said = [(t, c) for t, c in one.cells.items() if c.level != "never"]
        if not said:
            st.markdown("Nothing.")
        for level, mark in LEVELS.items():
            things = [found.things[t] for t, c in said if c.level == level]
            if things:
                st.markdown(mark + " " + safe(", ".join(things)))
        with st.expander("Why"):
            for thing, cell in one.cells.items():
                st.text(plain(found.things[thing] + ": " + cell.level + ". " + cell.why + "."))
