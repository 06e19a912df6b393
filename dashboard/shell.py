"""Streamlit's page as we serve it: under our name, and watched from its first moment.

Rule kept here: it is made once, at start, from the installed file; a change of that file that takes
away what we lean on stops the start, not a page.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Final

WATCH: Final = "/in/watch.js"
PRESS: Final = "/in/press.js"
STYLE: Final = "/in/pages.css"
PUSH: Final = "/push.js"
_HEAD: Final = (
    '<meta name="color-scheme" content="light dark">'
    '<link rel="preload" href="/in/font/inter.woff2" as="font" type="font/woff2" crossorigin>'
    f'<link rel="stylesheet" href="{STYLE}">'
    f'<script src="{WATCH}"></script>'
    f'<script src="{PRESS}"></script>'
    f'<script src="{PUSH}" defer></script>'
)
_ICON: Final = '<link rel="icon" type="image/svg+xml" href="/in/mark.svg">'
_COMMENT: Final = re.compile(r"<!--.*?-->\s*", re.DOTALL)
_NOSCRIPT: Final = "<noscript><p>This page needs JavaScript, all of it from here.</p></noscript>"


@cache
def page() -> str:
    """The page. Raises: RuntimeError where Streamlit's is not what we know."""
    found = (files("streamlit") / "static" / "index.html").read_text("utf-8")
    found = _COMMENT.sub("", found)
    found = _swapped(found, "<noscript>", "</noscript>", _NOSCRIPT)
    found = _swapped(found, '<link rel="service-desc"', "/>", "")
    found = _swapped(found, "<title>", "</title>", "<title>Wallcross</title>" + _HEAD)
    return _swapped(found, '<link rel="shortcut icon"', "/>", _ICON)


def _swapped(text: str, begins: str, ends: str, new: str) -> str:
    before, found, rest = text.partition(begins)
    _, closed, after = rest.partition(ends)
    if not found or not closed:
        raise RuntimeError(f"Streamlit's page has no {begins}: it is not the version we know")
    return before + new + after
