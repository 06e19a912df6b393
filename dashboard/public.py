"""Our own files: those that anybody is given, and those for whoever is signed in.

Rules kept here:

1. The list is made at start from our own folder. A request names an entry of it; no path is joined.
2. Nothing in them is about a deal, a person or this home: they are the same everywhere.
3. What only pages of the desk need is not among those that anybody is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
PAGES: Final = {"/in": "in.html", "/in/out": "in.html", "/in/device": "in.html", "/key": "key.html"}
BEHIND: Final = {"/push.js": "push.js"}
"""For whoever is signed in. A service worker sees what its own folder is: it lies at the root."""
FAVICON: Final = "/favicon.png"
"""Streamlit's page asks for it by this name; what is given is our own mark."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that anybody is given.

    Attributes:
        kept: it never changes under its name.
    """

    body: bytes
    kind: str
    kept: bool = False

    @property
    def page(self) -> bool:
        """Whether it is a page."""
        return self.kind.startswith("text/html")


@cache
def public() -> Mapping[str, File]:
    """Every file that anybody is given, by its path in the address."""
    folder = files("dashboard") / "static"
    found = {_path(at): _read(at) for at in folder.iterdir() if _anybodys(at)}
    found |= {f"/in/font/{at.name}": _read(at) for at in (folder / "font").iterdir()}
    found = {path: file for path, file in found.items() if file is not None}
    pages = {path: folder / name for path, name in PAGES.items() if (folder / name).is_file()}
    found |= {path: _read(at) for path, at in pages.items()}
    found[FAVICON] = _read(folder / "mark.svg")
    return {path: file for path, file in found.items() if file is not None}


def find(path: str) -> File | None:
    """The file at a path; what an adviser's link says after ``/key/`` is for his page alone."""
    found = public().get(path)
    if found is None and path.startswith("/key/"):
        return public().get("/key")
    return found


@cache
def behind() -> Mapping[str, File]:
    """Every file for whoever is signed in, by its path in the address."""
    folder = files("dashboard") / "static"
    found = {path: _read(folder / name) for path, name in BEHIND.items()}
    return {path: file for path, file in found.items() if file is not None}


def _anybodys(at: Traversable) -> bool:
    return at.is_file() and at.name not in BEHIND.values()


def _path(at: Traversable) -> str:
    folder = "/key/" if at.name.startswith("key") else "/in/"
    return folder + at.name


def _read(at: Traversable) -> File | None:
    kind = TYPES.get("." + at.name.rpartition(".")[2])
    if kind is None:
        return None
    return File(at.read_bytes(), kind, kept=at.name.endswith(".woff2"))
