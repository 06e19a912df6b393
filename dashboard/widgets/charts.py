"""Charts of the desk: a few lines of ECharts each, in the theme's own colours.

Rule kept here: each says its finding in words beside it (``alt``), for whoever does not see it.
"""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from dashboard.theme import DARK, LIGHT
from dashboard.widgets.spans import SECOND, day, span

Spec = dict[str, Any]
TIER_COLOURS: Final = {
    "valuation": "violetColor",
    "operations": "blueColor",
    "coordination": "grayColor",
    "advisers": "yellowColor",
}
CAUSES: Final = (
    "violetColor",
    "blueColor",
    "yellowColor",
    "greenColor",
    "orangeColor",
    "grayColor",
)
_FLAT: Final = {"left": 2, "right": 2, "top": 6, "bottom": 2}
_LINES: Final = 4


def tokens() -> dict[str, str]:
    """The colours of the page as it is looked at: light unless it is dark."""
    dark = st.context.theme.type == "dark"
    return dict(DARK if dark else LIGHT)


def spark(days: Sequence[int], tier: str, key: str) -> None:
    """The last days of a tier, without axes."""
    colour = tokens()[TIER_COLOURS.get(tier, "grayColor")]
    top = max((*days, 1))
    spec: Spec = {
        "animation": False,
        "grid": _FLAT,
        "xAxis": {"type": "category", "show": False, "boundaryGap": False},
        "yAxis": {"type": "value", "show": False, "min": 0, "max": top},
        "series": [
            {
                "type": "line",
                "data": list(days),
                "smooth": 0.3,
                "symbol": "none",
                "lineStyle": {"color": colour, "width": 1.5},
                "areaStyle": {"color": colour, "opacity": 0.14},
            }
        ],
    }
    busiest = max(days, default=0)
    alt = "Messages of the last " + str(len(days)) + " days; at most " + str(busiest) + " in one."
    st.echarts_chart(spec, height=72, key=key, alt=alt)


def month(points: Sequence[tuple[int, int]], act_at: int, alt: str, key: str) -> None:
    """Leak risk over 30 days with the line to act at.

    Args:
        points: the end of each day (microseconds UTC) and the score then, oldest first.
        act_at: the line.
        alt: the finding, in words.
        key: of the chart.
    """
    look = tokens()
    spec: Spec = {
        "animation": False,
        "grid": {"left": 34, "right": 16, "top": 26, "bottom": 26},
        "tooltip": {"trigger": "axis"},
        "xAxis": _days([at for at, _ in points], look),
        "yAxis": _points(max((act_at + 10, *(score for _, score in points))), look),
        "series": [
            {
                "name": "Leak risk",
                "type": "line",
                "data": [score for _, score in points],
                "smooth": 0.25,
                "symbol": "none",
                "lineStyle": {"color": look["primaryColor"], "width": 2},
                "areaStyle": {"color": look["primaryColor"], "opacity": 0.1},
                "markLine": _line(act_at, look),
                "markPoint": _peaks(points, look),
            }
        ],
    }
    st.echarts_chart(spec, height=270, key=key, alt=alt)


def gauge(total: int, act_at: int, level: str, alt: str, key: str) -> None:
    """The score on an arc that ends at twice the line to act at."""
    look = tokens()
    colour = look[LEVEL_COLOURS.get(level, "grayColor")]
    most = max(2 * act_at, total)
    arc = {"startAngle": 210, "endAngle": -30, "min": 0, "max": most, "radius": "96%"}
    width = 14
    spec: Spec = {
        "animation": False,
        "series": [
            {
                "type": "gauge",
                **arc,
                "center": ["50%", "58%"],
                "progress": {"show": total > 0, "width": width, "itemStyle": {"color": colour}},
                "axisLine": {"lineStyle": {"width": width, "color": [[1, look["borderColor"]]]}},
                "axisTick": {"show": False},
                "splitLine": {"show": False},
                "axisLabel": {"show": False},
                "pointer": {"show": False},
                "anchor": {"show": False},
                "title": {"offsetCenter": [0, "30%"], "color": colour, "fontSize": 15},
                "detail": {
                    "offsetCenter": [0, "-4%"],
                    "fontSize": 46,
                    "fontWeight": 600,
                    "color": look["textColor"],
                    "formatter": "{value}",
                },
                "data": [{"value": total, "name": LEVEL_WORDS.get(level, level)}],
            }
        ],
    }
    st.echarts_chart(spec, height=230, key=key, alt=alt)


LEVEL_COLOURS: Final = {
    "quiet": "greenColor",
    "low": "greenColor",
    "raised": "orangeColor",
    "act": "redColor",
    "stop": "redColor",
}
LEVEL_WORDS: Final = {
    "quiet": "Quiet",
    "low": "Low",
    "raised": "Raised",
    "act": "Act now",
    "stop": "Stop and settle it",
}


def causes(
    days: Sequence[int], series: Sequence[tuple[str, Sequence[int]]], alt: str, key: str
) -> None:
    """What the score was made of on each day, stacked.

    Args:
        days: the end of each day, microseconds UTC.
        series: each cause in words, with its points on each day.
        alt: the finding, in words.
        key: of the chart.
    """
    look = tokens()
    sums = [sum(points) for points in zip(*(p for _, p in series), strict=True)] or [0]
    rows = -(-len(series) // 2)
    spec: Spec = {
        "animation": False,
        "grid": {"left": 34, "right": 12, "top": 14, "bottom": 34 + 22 * rows},
        "tooltip": {"trigger": "axis"},
        "legend": {
            "bottom": 0,
            "left": 0,
            "icon": "roundRect",
            "itemWidth": 10,
            "itemHeight": 10,
            "textStyle": {"color": look["textColor"], "width": 260, "overflow": "truncate"},
        },
        "xAxis": _days(days, look),
        "yAxis": _points(max((10, *sums)), look),
        "series": [
            {
                "name": name,
                "type": "bar",
                "stack": "risk",
                "data": list(points),
                "barMaxWidth": 26,
                "itemStyle": {"color": look[CAUSES[n % len(CAUSES)]]},
            }
            for n, (name, points) in enumerate(series)
        ],
    }
    st.echarts_chart(spec, height=236 + 22 * rows, key=key, alt=alt)


def _days(ends: Sequence[int], look: dict[str, str]) -> Spec:
    return {
        "type": "category",
        "data": [day(at) for at in ends],
        "axisTick": {"show": False},
        "axisLine": {"lineStyle": {"color": look["borderColor"]}},
        "axisLabel": {"color": look["grayColor"], "hideOverlap": True},
    }


def _points(most: int, look: dict[str, str]) -> Spec:
    return {
        "type": "value",
        "min": 0,
        "max": -(-most // 10) * 10,
        "splitNumber": _LINES,
        "splitLine": {"lineStyle": {"color": look["borderColor"], "opacity": 0.6}},
        "axisLabel": {"color": look["grayColor"]},
    }


def _line(act_at: int, look: dict[str, str]) -> Spec:
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": look["orangeColor"], "type": "dashed"},
        "label": {
            "formatter": "act from " + str(act_at),
            "position": "insideStartTop",
            "color": look["orangeColor"],
        },
        "data": [{"yAxis": act_at}],
    }


def _peaks(points: Sequence[tuple[int, int]], look: dict[str, str]) -> Spec:
    """A dot on the highest day, where there is one that stands out."""
    scores = [score for _, score in points]
    if not scores or max(scores) == 0:
        return {"data": []}
    top = max(range(len(scores)), key=lambda n: scores[n])
    dot = {"coord": [top, scores[top]], "symbol": "circle", "symbolSize": 8}
    return {
        "silent": True,
        "label": {"show": False},
        "data": [dot],
        "itemStyle": {"color": look["redColor"]},
    }


def ago(at: int, now: int) -> str:
    """How long ago something was."""
    return "just now" if now - at < SECOND else span(now - at) + " ago"
