"""People against conversations as a table that can be read, walked by keys and chosen from.

Rules kept here:

1. It is a component of our own: a real table, built in the page from text nodes. A name is never
   markup, whatever is in it.
2. A mark never stands alone: each cell says in words what it is, and why, on hovering and to
   whoever listens.
3. It shows what it is given; what was cut before is not in it.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

import streamlit as st

from dashboard.safe import plain
from orchestrator.client.memberships import (
    CellView,
    ColumnView,
    Identity,
    MemberRow,
    MembershipsView,
)

ADVISERS: Final = "advisers"
TIER_WORDS: Final = {
    "valuation": "Valuation",
    "operations": "Operations",
    "coordination": "Coordination",
    ADVISERS: "Advisers",
}
STANDS: Final[Mapping[Identity, tuple[str, str]]] = {
    "verified": ("fine", "✓ verified"),
    "known": ("quiet", "✓ known phone"),
    "lapses": ("call", "… verify again soon"),
    "new_phone": ("call", "! new phone, call first"),
    "call_due": ("call", "… first call due"),
    "no_device": ("quiet", "… not seen yet"),
    "no_account": ("quiet", "… no account yet"),
    "to_agree": ("quiet", "… control room first"),
    "to_cross": ("quiet", "… to be crossed"),
    "to_acknowledge": ("quiet", "… notice not signed"),
    "cleansed": ("quiet", "✕ cleansed"),
    "paused": ("call", "‖ paused by us"),
    "leaving": ("stop", "! leaving, not yet seen gone"),
    "left": ("quiet", "✕ left, seen gone"),
    "nobody": ("stop", "! nobody on the list"),
}
"""How somebody stands: a tone, and a mark with words."""
_WHY: Final[Mapping[str, str]] = {
    "not_cleared": "the list does not clear this person",
    "wall": "a wall stands in between",
    "side": "it is another side's own",
    "unknown": "nobody on the list owns this account",
    "no_seat": "the seat is elsewhere",
    "stays": "may stay, and nobody is added",
    "device": "a new phone was not compared",
    "paused": "we paused this person",
    "no_account": "no account on its channels yet",
    "needs_a_room": "needs a mailing of their own",
    "unread": "the channel does not tell",
}
_SAID: Final = {
    "in": "on the list and in",
    "paused": "in, paused by us",
    "extra": "in, not on the list: remove",
    "missing": "on the list, not yet in: add",
    "none": "not on the list, not in",
    "hidden": "not shown to you",
}
_WORDS: Final = {
    "person": "Person",
    "stands": "Phone & identity",
    "remove": "remove",
    "add": "add",
    "known": "last known",
    "never": "not read yet",
    "still": "stands still",
    "folded": "conversations, folded",
    "caption": "People against conversations",
}
_HERE: Final = files(__package__)


def _mounted() -> Callable[..., Any]:
    """The component, registered once in a process."""
    return st.components.v2.component(
        "wallcross.matrix",
        html='<div class="frame" tabindex="-1"></div>',
        css=(_HERE / "matrix.css").read_text("utf-8"),
        js=(_HERE / "matrix.js").read_text("utf-8"),
    )


_TABLE = _mounted()


def matrix(
    view: MembershipsView, key: str, chosen: str | None, on_choice: Callable[[], None]
) -> None:
    """Shows a page of the matrix.

    Args:
        view: as the API cut it.
        key: under which the choice is found: ``chosen(key)``.
        chosen: the row that is chosen now.
        on_choice: called when a row is chosen.
    """
    _TABLE(key=key, data=table(view, chosen), on_chosen_change=on_choice)


def choice(key: str) -> str | None:
    """The row that was just chosen in the matrix of that key."""
    state = st.session_state.get(key)
    found = getattr(state, "chosen", None)
    return found if isinstance(found, str) else None


def table(view: MembershipsView, chosen: str | None) -> dict[str, Any]:
    """What the component is given: plain data, names as they are."""
    return {
        "bands": bands(view.columns),
        "columns": [_column(c) for c in view.columns],
        "rows": [_row(r, view.columns) for r in view.items],
        "stands": any(r.identity is not None for r in view.items),
        "chosen": chosen,
        "words": _WORDS,
    }


def band_of(column: ColumnView) -> str:
    """Under which band a conversation stands."""
    return ADVISERS if column.mailing else column.floor


def bands(columns: Sequence[ColumnView]) -> list[dict[str, Any]]:
    """Conversations by tier, each band with the channels that carry it."""
    found: dict[str, list[int]] = {}
    for n, column in enumerate(columns):
        found.setdefault(band_of(column), []).append(n)
    return [
        {"key": tier, "tier": tier, "title": _title(tier, columns, at), "columns": at}
        for tier, at in found.items()
    ]


def _title(tier: str, columns: Sequence[ColumnView], at: Sequence[int]) -> str:
    kinds = dict.fromkeys(plain(ch.name).title() for n in at for ch in columns[n].channels)
    return " · ".join([TIER_WORDS.get(tier, plain(tier)), *list(kinds)[:2]])


def _column(column: ColumnView) -> dict[str, Any]:
    away = [ch for ch in column.channels if ch.state in {"down", "closed"}]
    known = [ch.read_at for ch in away if ch.read_at is not None]
    return {
        "name": plain(column.name),
        "down": bool(away),
        "still": column.still,
        "at": min(known) if known else None,
        "hint": hint(column),
    }


def hint(column: ColumnView) -> str:
    """The rule of a conversation, in a line."""
    band = TIER_WORDS.get(column.floor, column.floor)
    people = str(column.people) + (" person in" if column.people == 1 else " people in")
    still = ". Nothing of ours goes out there now" if column.still else ""
    return plain(column.name) + ": " + band + ", " + people + still + "."


def _row(row: MemberRow, columns: Sequence[ColumnView]) -> dict[str, Any]:
    tone, stands = STANDS[row.identity] if row.identity is not None else ("", "")
    pairs = zip(row.cells, columns, strict=True)
    return {
        "key": row.row,
        "name": plain(row.name),
        "firm": plain(row.side_name),
        "tone": tone,
        "stands": stands,
        "cells": [{"s": c.state, "w": c.was, "t": said(c, column)} for c, column in pairs],
    }


def said(cell: CellView, column: ColumnView) -> str:
    """A cell in words."""
    name = plain(column.name)
    if cell.state == "unknown":
        was = "was in" if cell.was else "was not in"
        return name + ": not known now, last " + was
    why = _WHY.get(cell.because, "")
    return name + ": " + _SAID[cell.state] + (" (" + why + ")" if why else "")
