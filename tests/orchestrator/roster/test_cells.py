"""No cell is a formula, and no text is lost."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.roster import cells

RISKY = st.sampled_from("=+-@\t\r'")


@given(st.text())
def test_every_text_comes_back(text: str) -> None:
    assert cells.read(cells.write(text)) == text


@given(RISKY, st.text())
def test_what_is_risky_comes_back(first: str, rest: str) -> None:
    assert cells.read(cells.write(first + rest)) == first + rest


@given(st.text())
def test_no_cell_begins_with_what_a_spreadsheet_runs(text: str) -> None:
    assert not cells.write(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_that_was_typed_is_text() -> None:
    assert cells.tidy("=HYPERLINK(1)") == "=HYPERLINK(1)"
    assert cells.tidy(" \u00a0Ximena  Park ") == "Ximena Park"
