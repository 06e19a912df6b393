"""A report as PDF: sections of sentences and tables.

Rules kept here:

1. What is set is text. What looks like markup stands there as it is: the layout would else fetch
   pictures that a name mentions.
2. Its letters are in the file: Bitstream Vera, which comes with the layout's library and may be
   embedded. (The desk's own are WOFF2, which no PDF holds, and have fewer letters.) What it has no
   letter for is written by its nearest letter or its code point, and the last page says so.
3. It is made in memory, and the same report is the same file.
"""

import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from unicodedata import combining, normalize
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from orchestrator.command.export_report import Section

PLAIN, BOLD = "Wallcross", "Wallcross-Bold"
INK, LINE = HexColor("#16202B"), HexColor("#E2DDD2")
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN - 12  # the frame keeps six points at each side
LONGEST_CELL = 400
LACKING = "Letters that its font has not are written by the nearest one, or as U+ and a number."


def pdf(title: str, sections: Sequence[Section], foot: str) -> bytes:
    """A report.

    Args:
        title: of the first page.
        sections: in their order.
        foot: stands on each page, beside its number.
    """
    _fonts()
    out, text = io.BytesIO(), _Text()
    document = SimpleDocTemplate(
        out, pagesize=A4, title=text.plain(title), author="Wallcross",
        invariant=1, initialFontName=PLAIN,
        leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
    )  # fmt: skip
    parts: list[Flowable] = [text.set(title, _style(BOLD, 18)), Spacer(1, 6 * mm)]
    for section in sections:
        parts += _section(section, text)
    if text.lacking:
        parts.append(text.set(LACKING, _style(PLAIN, 8)))
    foot = text.plain(foot)

    def page(canvas: Canvas, _: object) -> None:
        canvas.setFont(PLAIN, 7)
        canvas.setFillColor(INK)
        canvas.drawString(MARGIN, 10 * mm, foot)
        canvas.drawRightString(A4[0] - MARGIN, 10 * mm, str(canvas.getPageNumber()))

    document.build(parts, onFirstPage=page, onLaterPages=page)
    return out.getvalue()


class _Text:
    """Sets text in letters that the font has."""

    def __init__(self) -> None:
        self._known = frozenset(pdfmetrics.getFont(PLAIN).face.charToGlyph)
        self.lacking = False

    def set(self, text: str, style: ParagraphStyle) -> Paragraph:
        """A text as it is, whatever it holds."""
        return Paragraph(escape(self.plain(text)), style)

    def cell(self, text: str) -> Paragraph:
        """The same in a cell, which has to be lower than a page."""
        plain = self.plain(text)
        short = plain if len(plain) <= LONGEST_CELL else plain[: LONGEST_CELL - 1] + "…"
        return Paragraph(escape(short), _style(PLAIN, 7))

    def plain(self, text: str) -> str:
        """A text in letters that there are."""
        return "".join(map(self._letter, normalize("NFC", text)))

    def _letter(self, letter: str) -> str:
        if ord(letter) in self._known and letter.isprintable():
            return letter
        self.lacking = True
        near = [c for c in normalize("NFKD", letter) if not combining(c)]
        if near and all(ord(c) in self._known and c.isprintable() for c in near):
            return "".join(near)
        return f"[U+{ord(letter):04X}]"


def _section(section: Section, text: _Text) -> list[Flowable]:
    parts: list[Flowable] = [text.set(section.title, _style(BOLD, 12)), Spacer(1, 2 * mm)]
    parts += [text.set(line, _style(PLAIN, 9)) for line in section.lines]
    if section.head:
        parts.append(Spacer(1, 2 * mm))
        parts.append(_table(section, text))
    return [*parts, Spacer(1, 6 * mm)]


def _table(section: Section, text: _Text) -> LongTable:
    head = [text.set(cell, _style(BOLD, 7)) for cell in section.head]
    body = [[text.cell(cell) for cell in row] for row in section.rows]
    columns = len(section.head)
    table = LongTable([head, *body], colWidths=[WIDTH / columns] * columns, repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), PLAIN, 7),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ]
        )
    )
    return table


@cache
def _style(font: str, size: int) -> ParagraphStyle:
    return ParagraphStyle(
        f"{font}-{size}", fontName=font, fontSize=size, leading=size * 1.4, textColor=INK,
        splitLongWords=1, allowWidows=0, allowOrphans=0,
    )  # fmt: skip


@cache
def _fonts() -> None:
    """Has the letters at hand, once in a process."""
    folder = files("reportlab") / "fonts"
    for name, file in ((PLAIN, "Vera.ttf"), (BOLD, "VeraBd.ttf")):
        pdfmetrics.registerFont(TTFont(name, io.BytesIO((folder / file).read_bytes())))
