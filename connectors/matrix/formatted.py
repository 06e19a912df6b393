"""What a formatted body shows, as plain text. Pure, and linear in its length.

Rules kept here:

1. Clients show ``formatted_body`` where there is one, so a plain ``body`` that says something else
   would hide text from whoever reads only that. What is shown and not said in the plain body is
   added to it. In doubt something counts as shown.
2. Anybody in a room may send any 64 KiB: the standard library's parser takes minutes over some of
   them, so a scanner that never looks at a place twice does this.
"""

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape

_WORD = re.compile(r"\w+")
_NAME = re.compile(r"/?[A-Za-z][A-Za-z0-9-]*")
# a name begins where no name character stands before it: no place is tried twice
_ATTRIBUTE = re.compile(
    r"""(?<![\w-])(alt|title|href|data-mx-maths)\s*=\s*("[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"']+)""",
    re.IGNORECASE,
)
_BLOCKS = frozenset({"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS |= {"blockquote", "pre", "table", "ul", "ol", "hr", "details", "summary"}
_MENTION = "https://matrix.to/"
_QUOTE = "mx-reply"


def shown_text(html: str, *, reply: bool = False) -> str:
    """The text that a formatted body shows, line by line.

    Args:
        html: ``formatted_body``.
        reply: the message answers another; then clients leave out the quote in ``mx-reply``.
    """
    lines = (" ".join(line.split()) for line in "".join(_shown(html, reply=reply)).splitlines())
    return "\n".join(line for line in lines if line)


def _shown(html: str, *, reply: bool) -> Iterator[str]:
    """Pieces of what is shown."""
    quotes = 0
    for tag, text in _scan(html):
        if tag:
            name = tag.split(maxsplit=1)[0].rstrip("/").lower() if tag.strip() else ""
            quotes += (name == _QUOTE) - (name == f"/{_QUOTE}" and quotes > 0)
            text = _of_tag(name.lstrip("/"), tag)  # noqa: PLW2901 (a tag's own text)
        if not (reply and quotes):
            yield text


def _scan(html: str) -> Iterator[tuple[str, str]]:
    """(tag, "") for each tag and ("", text) for what stands between, first to last."""
    place, end = 0, -1
    while place < len(html):
        start = html.find("<", place)
        if end < start:
            end = html.find(">", start)
        if start < 0 or end < 0:  # no tag is opened, or closed, from here on: the rest is text
            yield "", unescape(html[place:])
            return
        if _NAME.match(html, start + 1):
            yield "", unescape(html[place:start])
            yield html[start + 1 : end], ""
            place = end + 1
        else:
            yield "", unescape(html[place : start + 1])
            place = start + 1


def _of_tag(name: str, tag: str) -> str:
    """What a tag itself shows: a new line, a picture's description, where a link leads."""
    shown = [unescape(found.group(2).strip("\"'")) for found in _ATTRIBUTE.finditer(tag)]
    told = " ".join(value for value in shown if not value.startswith(_MENTION))
    return f" {told} " if told else "\n" if name in _BLOCKS else ""


def with_shown(plain: str, html: str | None, *, reply: bool = False) -> str:
    """The plain body, and what the formatted one shows beyond it.

    Args:
        plain: ``body``.
        html: ``formatted_body``, if any.
        reply: as for ``shown_text``.
    """
    if not html:
        return plain
    shown = shown_text(html, reply=reply)
    beyond = Counter(_WORD.findall(shown)) - Counter(_WORD.findall(plain))
    return f"{plain}\n\n{shown}" if beyond else plain
