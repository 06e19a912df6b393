"""Exports as a workbook and as a report: text that nothing runs, made in memory alone."""

import io
import tempfile
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.pdfgen import canvas as canvas_module

from orchestrator.client.audit_desk import ExportKind
from orchestrator.client.insider_list import COLUMNS
from orchestrator.command import export_pdf
from orchestrator.command.export_pdf import LACKING, pdf
from orchestrator.command.export_report import LEFT_OUT, Section
from orchestrator.command.export_workbook import LONGEST_NAME, workbook
from orchestrator.roster.cells import RISKY

from .conftest import House
from .house import PRICE
from .test_approvals import ADA, BO, CY, found, hold, say
from .test_desk_approvals import at_desk
from .test_desk_audit import counsel, fetch

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def parsed(data: bytes) -> ET.Element:
    return ET.fromstring(data)  # noqa: S314 - what we wrote ourselves


def sheets(data: bytes) -> dict[str, list[list[str]]]:
    """The tables of a workbook; fails where a cell is anything but text."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        read = {name: archive.read(name) for name in archive.namelist()}
    assert not any("external" in name or name.endswith(".bin") for name in read)
    shared = parsed(read["xl/sharedStrings.xml"])
    texts = ["".join(t.text or "" for t in si.iter(f"{MAIN}t")) for si in shared]
    names = [str(s.get("name")) for s in parsed(read["xl/workbook.xml"]).iter(f"{MAIN}sheet")]
    tables = {}
    for n, name in enumerate(names, start=1):
        page = parsed(read[f"xl/worksheets/sheet{n}.xml"])
        assert not list(page.iter(f"{MAIN}f")), "a formula"
        assert not list(page.iter(f"{MAIN}hyperlink")), "a link"
        assert {c.get("t") for c in page.iter(f"{MAIN}c") if list(c)} <= {"s"}
        rows = page.iter(f"{MAIN}row")
        tables[name] = [[texts[int(v.text or 0)] for v in r.iter(f"{MAIN}v")] for r in rows]
    return tables


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that a report sets, as it stands there."""
    found: list[str] = []
    plain = export_pdf._Text.plain

    def noted(self: export_pdf._Text, text: str) -> str:
        found.append(plain(self, text))
        return found[-1]

    monkeypatch.setattr(export_pdf._Text, "plain", noted)
    return found


async def given_to_counsel(house: House, what: ExportKind) -> tuple[Any, str]:
    """An export as counsel fetches it, once two others agreed."""
    deal = str(house.deal)
    async with at_desk(house, counsel(house)) as client:
        asked = await client.export_ask(deal, what, "insider-list", matter="m-9")
    assert asked.state == "waits", "names go out"
    for signer in (ADA, BO):
        await say(house, asked.export_id, signer)
    async with at_desk(house, counsel(house)) as client:
        link = await client.export_link(deal, asked.export_id)
    answer = await fetch(house, counsel(house), link.path)
    assert answer.status_code == 200
    assert (await fetch(house, counsel(house), link.path)).status_code == 404, "once"
    stated = [e for e in await house.home.audit_tail(house.deal, 50) if "request" in e.body]
    assert (stated[-1].kind, stated[-1].body["what"]) == ("audit.exported", what)
    return answer, answer.headers["content-disposition"]


async def test_the_list_of_insiders_is_a_workbook_of_each_side(house: House) -> None:
    await found(house, ADA, BO, CY)
    answer, name = await given_to_counsel(house, "insiders_xlsx")
    assert "wallcross-insiders.xlsx" in name
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    tables = sheets(answer.content)
    page = {row[0]: row[1] for row in tables.pop("Export")}
    assert (page["asked for by"], page["matter"]) == ("Cy", "m-9")
    assert set(tables) == {"kestrel", "marlow"}
    for rows in tables.values():
        assert list(COLUMNS) in rows


async def test_a_report_says_who_and_what_was_left_out_and_no_text(
    house: House, drawn: list[str]
) -> None:
    await found(house, ADA, BO, CY)
    message = await hold(house)
    answer, name = await given_to_counsel(house, "report")
    assert "wallcross-report.pdf" in name
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    whole = "\n".join(drawn)
    for part in (LEFT_OUT, "m-9", "Cy", "Who had access, and when", "deal.found", "Ada, Bo, Cy",
                 "It is whole: every entry follows from the one before."):  # fmt: skip
        assert part in whole, part
    view = house.home.runtime.book.deals[house.deal]
    rooms = [str(b.room) for bs in view.rooms.values() for b in bs]
    labels = [c.label for c in view.conversations.values()]
    for part in ("27.50", PRICE, message, *rooms, *labels):
        assert part not in whole, part
    assert b"FontFile2" in answer.content, "its letters are in the file"
    assert b"/Helvetica" not in answer.content


HOSTILE = '<img src="http://192.0.2.1/x.png"/><b>Approved</b> & <a href="file:///etc/passwd">x</a>'


def test_markup_in_a_name_is_text(drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_picture(*_: object, **__: object) -> None:
        raise AssertionError("a picture was asked for")

    monkeypatch.setattr(canvas_module.Canvas, "drawImage", no_picture)
    section = Section(title=HOSTILE, lines=(HOSTILE,), head=("a", "b"), rows=[(HOSTILE, "=1+1")])
    data = pdf(HOSTILE, [section], HOSTILE)
    assert b"/URI" not in data
    assert b"/Subtype /Image" not in data
    assert drawn.count(HOSTILE) == 6


def test_letters_that_the_font_lacks_are_told(drawn: list[str]) -> None:
    export_pdf._fonts()
    setter = export_pdf._Text()
    known = "Łukasz Žižek, Özdemir Gündoğan, “Müller”"
    assert setter.plain(known) == known
    had = setter.lacking
    told = setter.plain("Erdős, Жу\u202e")
    assert (had, told) == (False, "Erdos, [U+0416][U+0443][U+202E]")
    pdf("x", [], "x")
    assert LACKING not in drawn
    pdf("Ж", [], "x")
    assert LACKING in drawn


def test_the_same_report_is_the_same_file_and_nothing_is_on_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was asked for")

    for name in (
        "mkstemp",
        "mkdtemp",
        "NamedTemporaryFile",
        "TemporaryFile",
        "SpooledTemporaryFile",
    ):
        monkeypatch.setattr(tempfile, name, never)
    section = Section(title="t", head=("a",), rows=[("x",)] * 300)
    assert pdf("t", [section], "f") == pdf("t", [section], "f")
    table = [("a", "b")] * 2_000
    assert workbook([("s", table)], 0) == workbook([("s", table)], 0)


def test_ten_thousand_rows_are_a_file() -> None:
    section = Section(title="t", head=("a", "b"), rows=[(f"r{i}", "x") for i in range(3_000)])
    assert len(pdf("t", [section], "f")) > 10_000
    high = Section(
        title="t" * 3_000, lines=("Ж" * 3_000,), head=("a",) * 7, rows=[("Ж" * 9_000,) * 7]
    )
    assert len(pdf("t", [high], "f" * 3_000)) > 10_000, "no cell is higher than a page"
    assert len(sheets(workbook([("s", [(f"r{i}", "x") for i in range(10_000)])], 0))["s"]) == 10_000


RUN = st.tuples(st.sampled_from([r for r in RISKY if r != "\r"]), st.text("A1()!|'\"cmd"))
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
CELLS = PLAIN | RUN.map("".join)
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=3), min_size=1, max_size=4)


@given(TABLES, st.text(max_size=50))
def test_each_cell_is_its_text_and_no_formula(table: list[list[str]], name: str) -> None:
    [(sheet, rows)] = sheets(workbook([(name, table)], 0)).items()
    assert rows == table
    assert 0 < len(sheet) <= LONGEST_NAME


def test_what_a_spreadsheet_would_run_when_it_is_typed_anew_is_marked() -> None:
    data = workbook([("s", [["=1+1", "a"]])], 0)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b'quotePrefix="1"' in archive.read("xl/styles.xml")
    names = ("Export", "export", "History", "", "[x]")
    many = sheets(workbook([(name, [[name, "x"]]) for name in names], 0))
    assert len(many) == 5
