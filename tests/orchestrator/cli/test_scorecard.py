"""Kinds of channel compared: what each can, and what nobody can say of it."""

from .conftest import Wx


def test_all_that_ship_stand_beside_one_another(wx: Wx) -> None:
    found = wx("channel", "scorecard")
    assert found.code == 0
    head, *grid = found.out.partition("\n\n")[0].splitlines()
    assert {"matrix", "pgpmail", "signal", "wickr"} <= set(head.split())
    assert "memory" not in head.split()
    timer = next(line for line in grid if line.startswith("timer"))
    cells = dict(zip(head.split(), timer.split()[1:], strict=True))
    assert (cells["signal"], cells["pgpmail"]) == ("yes", "-")
    assert "post-quantum  key agreement: PQXDH" in found.out
    assert "No home answers" in found.err


def test_one_for_a_program(wx: Wx) -> None:
    found = wx("channel", "scorecard", "wickr", "--json")
    (card,) = found.lines
    assert (found.code, card["kind"], card["post_quantum"]) == (0, "wickr", "not published")
    assert set(card["can"]) & set(card["cannot"]) == set()
    assert card["here"] is None


def test_one_that_is_not_there(wx: Wx) -> None:
    found = wx("channel", "scorecard", "pigeon")
    assert found.code != 0
    assert "no connector 'pigeon'" in found.err
