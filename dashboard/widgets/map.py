"""Who is where, as a map: firms outside, conversations inside, each always in its own place.

Rules kept here:

1. A position follows from what is shown and from nothing else: the same deal looks the same each
   day. Nothing moves by itself.
2. Of a deal of more than 300 people one person's neighbourhood is shown, never all of it.
3. Names are given as data, never as markup or a template.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from dashboard.safe import plain
from dashboard.theme import DARK, LIGHT
from dashboard.widgets.matrix import band_of
from orchestrator.client.memberships import ColumnView, MemberRow, MembershipsView

WIDE, HIGH = 1000.0, 620.0
_OUT, _IN = (0.46, 0.42), (0.24, 0.22)
_COLOURS: Final = {
    "valuation": "violetColor",
    "operations": "blueColor",
    "coordination": "grayColor",
    "advisers": "yellowColor",
}
_FIRMS: Final = ("#1D4E6B", "#1F7A4D", "#8A5A06", "#8E4A73", "#4B6CB0", "#5E6875", "#9C5A3C")
NOBODYS: Final = "Nobody on the list"
_GAP = 1.5
"""Between two firms, as so many people."""


def people_map(view: MembershipsView, key: str) -> None:
    """Shows it.

    Args:
        view: with every row that is to be on it.
        key: of the chart.
    """
    st.echarts_chart(chart(view, dark=_is_dark()), height=620, key=key, alt=alt(view))


def _is_dark() -> bool:
    return st.context.theme.type == "dark"


def alt(view: MembershipsView) -> str:
    """What it shows, in a sentence."""
    counts = view.counts
    wrong = counts.remove + counts.add
    if wrong == 0:
        return "Everybody is in the conversations that the list names, and nowhere else."
    return (
        str(counts.remove) + " places to be left and " + str(counts.add) + " to be joined, "
        "red and dashed, among " + str(counts.right) + " as they should be."
    )


def chart(view: MembershipsView, *, dark: bool) -> dict[str, Any]:
    """The chart's specification."""
    tokens = DARK if dark else LIGHT
    firms = list(dict.fromkeys(_firm(row) for row in _by_firm(view.items)))
    people = _people(view, firms, tokens["textColor"], tokens["orangeColor"])
    rooms = [_room(c, n, len(view.columns), tokens) for n, c in enumerate(view.columns)]
    return {
        "animation": False,
        "legend": {"bottom": 0, "data": [plain(f) for f in firms]},
        "series": [
            {
                "type": "graph",
                "layout": "none",
                "roam": False,
                "categories": [
                    {"name": plain(f), "itemStyle": {"color": _FIRMS[n % len(_FIRMS)]}}
                    for n, f in enumerate(firms)
                ],
                "data": [*rooms, *people],
                "links": _links(view, tokens),
                "labelLayout": {"hideOverlap": True},
                "emphasis": {"focus": "adjacency"},
                "lineStyle": {"opacity": 0.22, "width": 1},
            }
        ],
    }


def _firm(row: MemberRow) -> str:
    return row.side_name or NOBODYS


def _by_firm(rows: Sequence[MemberRow]) -> list[MemberRow]:
    return sorted(rows, key=lambda r: (r.side_name, r.name, r.row))


def _around(share: float, radii: tuple[float, float]) -> dict[str, float]:
    turn = share * math.tau - math.pi / 2
    x, y = WIDE * (0.5 + radii[0] * math.cos(turn)), HIGH * (0.5 + radii[1] * math.sin(turn))
    return {"x": round(x, 1), "y": round(y, 1)}


def _people(
    view: MembershipsView, firms: Sequence[str], ink: str, alarm: str
) -> list[dict[str, Any]]:
    rows = _by_firm(view.items)
    total = len(rows) + _GAP * len(firms)
    found = []
    for n, row in enumerate(rows):
        at = n + _GAP * firms.index(_firm(row))
        differs = any(c.state in {"extra", "missing", "paused"} for c in row.cells)
        mark = {"borderColor": alarm, "borderWidth": 3} if differs else {}
        place = _around(at / max(total, 1), _OUT)
        outside = "left" if place["x"] < WIDE / 2 else "right"
        found.append(
            {
                "id": row.row,
                "name": plain(row.name),
                "category": firms.index(_firm(row)),
                "symbolSize": 14,
                "itemStyle": mark,
                "label": {"show": differs or len(rows) <= 1, "color": ink, "position": outside},
                **place,
            }
        )
    return found


def _room(column: ColumnView, n: int, count: int, tokens: Any) -> dict[str, Any]:
    colour = tokens[_COLOURS.get(band_of(column), "grayColor")]
    return {
        "id": column.conversation_id,
        "name": plain(column.name),
        "symbol": "roundRect",
        "symbolSize": 24,
        "itemStyle": {"color": colour},
        "label": {"show": True, "position": "bottom", "color": tokens["textColor"]},
        **_around(n / max(count, 1), _IN),
    }


def _links(view: MembershipsView, tokens: Any) -> list[dict[str, Any]]:
    styles = {
        "in": {},
        "unknown": {},
        "paused": {"color": tokens["orangeColor"], "opacity": 0.7},
        "extra": {"color": tokens["redColor"], "width": 3, "opacity": 1},
        "missing": {"color": tokens["linkColor"], "type": "dashed", "width": 2, "opacity": 1},
    }
    return [
        {
            "source": row.row,
            "target": column.conversation_id,
            "lineStyle": styles[cell.state],
        }
        for row in view.items
        for cell, column in zip(row.cells, view.columns, strict=True)
        if cell.state in styles
    ]
