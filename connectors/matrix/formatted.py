"""What a formatted body shows, as plain text. Pure.

Rule kept here: clients show ``formatted_body`` where there is one, so a plain ``body`` that says
something else would hide text from whoever reads only that. What is shown and not said in the
plain body is added to it; nothing of the mark-up is kept.
"""

import re
from collections import Counter
from html.parser import HTMLParser

_WORD = re.compile(r"\w+")
_BLOCKS = frozenset(
    {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"}
)
_BLOCKS |= {"pre", "table", "ul", "ol", "hr", "details", "summary"}
_SHOWN_ATTRIBUTES = ("alt", "title", "data-mx-maths")
_LONGEST = 200_000


class _Reader(HTMLParser):
    """Collects text; the quoted message of an old-style reply stands apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._in_reply = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "mx-reply":
            self._in_reply += 1
        if tag in _BLOCKS:
            self.handle_data("\n")
        shown = dict(attrs)
        for name in _SHOWN_ATTRIBUTES:
            self.handle_data(f" {shown[name]} " if shown.get(name) else "")
        link = shown.get("href") or ""
        if tag == "a" and not link.startswith("https://matrix.to/"):
            self.handle_data(f" {link} ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "mx-reply":
            self._in_reply = max(0, self._in_reply - 1)
        if tag in _BLOCKS:
            self.handle_data("\n")

    def handle_data(self, data: str) -> None:
        if not self._in_reply:
            self.pieces.append(data)


def shown_text(html: str) -> str:
    """The text that a formatted body shows, line by line."""
    reader = _Reader()
    reader.feed(html[:_LONGEST])
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).splitlines())
    return "\n".join(line for line in lines if line)


def with_shown(plain: str, html: str | None) -> str:
    """The plain body, and what the formatted one shows beyond it.

    Args:
        plain: ``body``.
        html: ``formatted_body``, if any.
    """
    if not html:
        return plain
    shown = shown_text(html)
    beyond = Counter(_WORD.findall(shown)) - Counter(_WORD.findall(plain))
    return f"{plain}\n\n{shown}" if beyond else plain
