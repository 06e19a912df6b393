"""Somebody of the deal, found by name: the one way in which pages let people be chosen.

Rules kept here:

1. A page is never given everybody: it asks for so many, says how many more there are, and finds the
   others by name or firm.
2. Whoever is found is whom the API shows to whoever looks.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import streamlit as st

from dashboard.desk import Desk
from dashboard.safe import plain
from dashboard.widgets import states
from orchestrator.client.memberships import MemberRow, MembershipQuestion

FIRST: Final = 50
"""Names that are shown at most."""
_LONGEST: Final = 100
_NAMES: Final = ".names"
_SOUGHT: Final = ".sought"


@dataclass(frozen=True, slots=True)
class Found:
    """People of a deal.

    Attributes:
        rows: the first of them, one a person.
        total: how many there are by that name.
        more: whether there are others.
    """

    rows: Sequence[MemberRow]
    total: int
    more: bool


NOBODY: Final = Found((), 0, more=False)
"""Where nobody is looked for."""


def find(
    desk: Desk,
    sought: str,
    *,
    most: int = FIRST,
    but: Collection[str | None] = (),
    left: bool = False,
) -> Found:
    """Looks for people by name or firm.

    Args:
        desk: whoever looks.
        sought: words of a name or a firm; none: everybody.
        most: how many are shown.
        but: who is left out.
        left: whether those who left are found too.
    """
    question = MembershipQuestion(shown="everyone", search=sought.strip()[:_LONGEST])
    view = desk.ask(lambda c: c.memberships(desk.deal.deal_id, question, limit=most))
    rows = [
        r
        for r in view.items
        if r.person is not None and r.person not in but and (left or r.identity != "left")
    ]
    return Found(rows, view.found, view.next is not None)


def somebody(
    desk: Desk,
    label: str,
    key: str,
    *,
    but: Collection[str | None] = (),
    nobody: str = "Choose somebody",
    left: bool = False,
) -> str | None:
    """Lets one person be chosen; None until one is.

    Args:
        desk: whoever looks.
        label: what he is chosen for.
        key: of the choice in the session.
        but: who cannot be.
        nobody: what stands there while nobody is chosen.
        left: whether those who left can be chosen.
    """
    shown = _look(desk, label, key, but, left=left)
    chosen = st.selectbox(
        label,
        [None, *shown.names],
        format_func=lambda p: nobody if p is None else shown.names[p],
        key=key,
        label_visibility=shown.label,
    )
    told(shown.found, shown.sought)
    return chosen


def several(desk: Desk, label: str, key: str, *, but: Collection[str | None] = ()) -> Sequence[str]:
    """Lets people be chosen; those who are stay chosen while others are looked for."""
    shown = _look(desk, label, key, but, left=False)
    chosen = st.multiselect(
        label,
        list(shown.names),
        format_func=shown.names.__getitem__,
        key=key,
        label_visibility=shown.label,
    )
    told(shown.found, shown.sought)
    return chosen


@dataclass(frozen=True, slots=True)
class _Shown:
    """Who may be chosen now.

    Attributes:
        names: by id: who is chosen already, and who is found.
        label: whether the choice has a label of its own; a search above it has it already.
    """

    names: dict[str, str]
    found: Found
    sought: str
    label: Literal["visible", "collapsed"]


def _look(desk: Desk, label: str, key: str, but: Collection[str | None], *, left: bool) -> _Shown:
    """Finds who may be chosen, with a search where there are more than are shown."""
    sought = str(st.session_state.get(key + _SOUGHT) or "").strip()
    found = find(desk, sought, but=but, left=left)
    search = bool(found.more or sought)
    if search:
        st.text_input(
            label + " (name or firm)",
            key=key + _SOUGHT,
            max_chars=_LONGEST,
            icon=":material/search:",
        )
    names = _chosen(key)
    for row in found.rows:
        names[row.person or ""] = plain(row.name) + ", " + plain(row.side_name)
    st.session_state[key + _NAMES] = names
    return _Shown(names, found, sought, "collapsed" if search else "visible")


def _chosen(key: str) -> dict[str, str]:
    """Names of those who are chosen already, as they were found."""
    kept, chosen = st.session_state.get(key + _NAMES), st.session_state.get(key)
    if not isinstance(kept, dict):
        return {}
    people = chosen if isinstance(chosen, list) else [chosen]
    return {p: kept[p] for p in people if isinstance(p, str) and p in kept}


def told(found: Found, sought: str) -> None:
    """Says how many more there are by a name, or that there is nobody."""
    if found.more:
        first = "The first " + str(len(found.rows)) + " of " + str(found.total)
        by_name = " by that name. Write more of it." if sought else ". Find others by name or firm."
        st.caption(first + by_name)
    elif sought and not found.rows:
        states.nobody()
