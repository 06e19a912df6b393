"""What a banker is told by `deal signing`, `on-call`, `prevented` and `who-reads`."""

from pathlib import Path

from .conftest import Wx


def test_when_a_deal_is_signed(deal: Wx) -> None:
    assert "nobody said when" in deal("deal", "signing").out
    said = deal("deal", "signing", "HALCYON", "2096-12-04")
    assert said.out.startswith("HALCYON is to be signed by 2096-12-04 23:59:59 (in ")
    assert deal("deal", "signing", "2096-12-05T12:00:00Z").code == 0
    assert "2096-12-05" in deal("deal", "signing").out
    assert deal("deal", "signing", "none").code == 0
    past = deal("deal", "signing", "2020-01-01")
    assert (past.code, past.out) == (2, "")
    assert "lies in the past" in past.err
    assert "each release takes two" in deal("deal", "window", "list", "HALCYON").out
    window = ("--person", "ximena.park", "--person", "farid.novak", "--into", "lunch")
    asked = deal("deal", "window", "ask", "HALCYON", *window)
    assert asked.code == 3
    assert "before the deal is founded" in asked.err


def test_who_is_told_and_what_needs_somebody(deal: Wx) -> None:
    assert deal("on-call", "show").out.startswith("Nobody is told.")
    done = deal(
        *("on-call", "set", "ximena.park:push,line", "farid.novak:mail"),
        *("--mail", "farid.novak=farid@novak.example"),
        *("--quiet-hours", "ximena.park=22:00-07:00", "--zone", "ximena.park=Europe/Berlin"),
    )
    assert done.code == 0, done.err
    assert "browser, then private line" in done.out
    assert "22:00-07:00 Europe/Berlin" in deal("on-call", "show").out
    assert deal("on-call", "set", "zed").code == 1
    assert deal("on-call", "set", "ximena.park", "--mail", "zed=z@z.example").code == 2
    assert deal("on-call", "alerts").out == "Nothing needs anybody.\n"
    assert deal("on-call", "answer", "alr_1").code == 1


def test_nothing_was_prevented_and_the_report_says_so(deal: Wx, tmp_path: Path) -> None:
    assert deal("prevented").out == "HALCYON: nothing had to be stopped.\n"
    page = tmp_path / "report.html"
    assert deal("prevented", "HALCYON", "--report", str(page)).code == 0
    assert "Nothing had to be stopped." in page.read_text("utf-8")
    assert deal("prevented", "--closing").code == 1


def test_who_reads_what_in_lines_and_one_with_why(deal: Wx) -> None:
    told = deal("who-reads").out
    assert "Whoever copies this disk  [disk]" in told
    assert "Deal owner, at the desk  [role:owner]" in told
    one = deal("who-reads", "disk").out
    assert "Held messages" in one
    assert "sealed, no key" in one
    nobody = deal("who-reads", "nobody")
    assert nobody.code == 1
    assert "there are" in nobody.err
