"""What the table is given, and that it makes nothing of it but text."""

from pathlib import Path

import pytest

from dashboard.widgets import matrix as module
from dashboard.widgets.map import chart, people_map
from dashboard.widgets.matrix import STANDS, bands, table
from orchestrator.client.memberships import (
    CellView,
    ColumnChannel,
    ColumnView,
    Identity,
    MemberCounts,
    MemberRow,
    MembershipsView,
)

EVIL = "<img src=x onerror=alert(1)>\u202e"
SCRIPT = Path(module.__file__).with_name("matrix.js").read_text("utf-8")


def column(name: str, floor: str, *, state: str = "up", mailing: bool = False) -> ColumnView:
    channel = ColumnChannel(name="signal", kind="signal", state=state, read_at=7)  # type: ignore[arg-type]  # as given
    return ColumnView(
        conversation_id=name,
        name=name,
        floor=floor,
        side=None,
        channels=(channel,),
        still=False,
        people=1,
        mailing=mailing,
    )


def view(*cells: CellView, identity: Identity | None = "verified") -> MembershipsView:
    columns = (
        column(EVIL, "valuation"),
        column("lunch", "coordination", state="down"),
        column("papers", "operations", mailing=True),
    )
    row = MemberRow(
        row="p", person="p", name=EVIL, side="s", side_name="Kestrel", role="",
        identity=identity, cells=cells,
    )  # fmt: skip
    counts = MemberCounts(people=1, remove=1, add=1, paused=0, verify=0, right=0, unknown=1)
    return MembershipsView(
        columns=columns, items=(row,), counts=counts, found=1, next=None, whole=True, at=1
    )


CELLS = (
    CellView(state="extra", because="wall", channel="signal"),
    CellView(state="unknown", channel="signal", was=True),
    CellView(state="missing", because="no_account"),
)


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacent", "eval(", "fetch("])
def test_the_table_is_built_of_text_nodes_and_asks_nobody(word: str) -> None:
    assert word not in SCRIPT
    assert "textContent" in SCRIPT


def test_a_name_goes_in_as_it_is_but_for_what_nobody_sees() -> None:
    data = table(view(*CELLS), None)
    assert data["rows"][0]["name"] == "<img src=x onerror=alert(1)>"
    assert data["columns"][0]["name"] == "<img src=x onerror=alert(1)>"


def test_each_cell_says_in_words_what_it_is_and_why() -> None:
    [row] = table(view(*CELLS), None)["rows"]
    said = [cell["t"] for cell in row["cells"]]
    assert said[0].endswith("in, not on the list: remove (a wall stands in between)")
    assert said[1] == "lunch: not known now, last was in"
    assert said[2].startswith("papers: on the list, not yet in: add")


def test_mailings_stand_under_advisers_and_a_channel_that_is_away_is_hatched() -> None:
    data = table(view(*CELLS), "p")
    assert [b["key"] for b in data["bands"]] == ["valuation", "coordination", "advisers"]
    assert [c["down"] for c in data["columns"]] == [False, True, False]
    assert (data["chosen"], data["stands"]) == ("p", True)
    assert sum(len(b["columns"]) for b in bands(view(*CELLS).columns)) == 3


def test_whoever_may_not_see_phones_gets_no_column_of_them() -> None:
    assert table(view(*CELLS, identity=None), None)["stands"] is False


def test_every_way_to_stand_has_words_with_a_mark() -> None:
    for tone, said in STANDS.values():
        assert tone in {"fine", "call", "quiet", "stop"}
        assert not said[0].isalnum(), "a mark stands before the words"


def test_the_map_is_the_same_each_day_and_moves_nothing() -> None:
    first, second = (chart(view(*CELLS), dark=dark) for dark in (False, False))
    assert first == second
    [series] = first["series"]
    assert (first["animation"], series["layout"], series["roam"]) == (False, "none", False)
    assert all("formatter" not in str(node) for node in series["data"])
    assert callable(people_map)
