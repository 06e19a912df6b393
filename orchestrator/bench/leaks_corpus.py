"""Texts that lie on this machine, for counting false alarms: read where they are, never kept.

Rules kept here:

1. Nothing of these texts is shipped or written anywhere: they are read when the bench runs, from
   where packages lay them, and the bench says how many of which kind it found.
2. Every text belongs to a unit, the project it is of as far as its name tells. What counts a false
   alarm never has texts of one unit on both sides: they quote each other, and that is no chance.
3. The same files give the same texts in the same order.
"""

import ast
import gzip
import html
import re
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Final

LEAST_WORDS, MOST_WORDS = 20, 220
"""Of a text: what a message has."""
MOST_OF_UNIT: Final = 60
"""Texts of one project in a kind: one that is large is not to stand for all."""
MOST_OF_FILE: Final = 12
_MOST_BYTES: Final = 400_000
_PARAGRAPH: Final = re.compile(r"\n[ \t\r]*\n")
_TAGS: Final = re.compile(r"(?s)<(script|style).*?</\1>|<[^>]{0,500}>")
_ROFF: Final = (
    (re.compile(r"(?m)^[.']\s*\\\".*$"), ""),
    (re.compile(r"(?m)^\.(?:PP|P|LP|TP|IP|sp|RS|RE|SH|SS|br)\b.*$"), "\n"),
    (re.compile(r"(?m)^\.(?:TH|so|if|ie|el|de|ds|nr|ad|nh|hy|pc|ft|in|ti|ta|nf|fi)\b.*$"), ""),
    (re.compile(r"(?m)^[.'][A-Za-z]{1,3}\s+"), ""),
    (re.compile(r"(?m)^[.'].*$"), ""),
    (re.compile(r"\\f(?:\[[A-Z]*\]|\([A-Z]{2}|[A-Z0-9])|\\[&|^/,]"), ""),
    (re.compile(r"\\(?:-|\(hy)"), "-"),
    (re.compile(r"\\\((?:em|en)"), " - "),
    (re.compile(r"\\[a-zA-Z(*\[]\S{0,2}"), ""),
)
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_PROSE: Final = 0.6
"""Share of words of letters below which it is a table or code."""
_UNIT: Final = re.compile(r"^(?:lib|python3?-|ruby-|golang-)+|(?:[\d._-].*|-?(?:dev|doc|common))$")

_File = tuple[str, Callable[[], str]]
"""The name of the project that it is of, and how it is read."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the machine.

    Attributes:
        kind: of the place it is from.
        unit: the project that it is of.
    """

    kind: str
    unit: str
    text: str = field(repr=False)

    @property
    def of(self) -> str:
        """Its kind, whatever the language."""
        return self.kind.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Draw:
    """Texts for a strict room, and of other projects and kinds for rooms below it."""

    kind: str
    above: Sequence[Text]
    below: Sequence[Text]


def collect(most: int) -> list[Text]:
    """Texts of every kind in turn, so many at most; fewer where the machine has fewer.

    The same words stand in no two of one kind; order and choice are those of names' hashes.
    """
    each = [list(_limited(kind, read())) for kind, read in KINDS.items()]
    found: list[Text] = []
    for n in range(max(map(len, each), default=0)):
        found += (texts[n] for texts in each if n < len(texts))
    return sorted(found[:most], key=_order)


def draws(texts: Sequence[Text], strict: int, looks: int) -> Iterator[Draw]:
    """For each kind a draw: texts of it for the strict room, and of the others for lower ones.

    Args:
        texts: of the machine.
        strict: how many at most stand in the strict room.
        looks: how many at most are looked at.
    """
    for kind in dict.fromkeys(one.of for one in texts):
        above = [one for one in texts if one.of == kind][:strict]
        units = {one.unit for one in above}
        others = [one for one in texts if one.of != kind and one.unit not in units]
        start = blake2b(kind.encode()).digest()[0] * len(others) // 256
        yield Draw(kind, above, [*others[start:], *others[:start]][:looks])


def _order(one: Text) -> bytes:
    return blake2b(f"{one.unit}\0{one.text}".encode()).digest()


def _limited(kind: str, files: Iterator[_File]) -> Iterator[Text]:
    counted: dict[str, int] = {}
    seen: set[bytes] = set()
    for name, read in files:
        unit = _UNIT.sub("", name.lower()) or name.lower()
        for text in _cut(read()) if counted.get(unit, 0) < MOST_OF_UNIT else ():
            told = blake2b(" ".join(text.split()).encode()).digest()
            if told in seen:
                continue
            seen.add(told)
            counted[unit] = counted.get(unit, 0) + 1
            yield Text(kind, unit, text)


def _cut(whole: str) -> list[str]:
    """Paragraphs in a row, as long as a message is; tables and code left out."""
    found: list[str] = []
    parts: list[str] = []
    count = 0
    for part in _PARAGRAPH.split(whole):
        words = part.split()
        if not words or len(_LETTERS.findall(part)) < _PROSE * len(words):
            continue
        if count + len(words) > MOST_WORDS:
            found += _text(parts, count)
            parts, count = [], 0
        if len(words) <= MOST_WORDS:
            parts.append(part)
            count += len(words)
    return [*found, *_text(parts, count)][:MOST_OF_FILE]


def _text(parts: Sequence[str], count: int) -> list[str]:
    return ["\n\n".join(parts)] if count >= LEAST_WORDS else []


def _read(path: Path, longest: int | None = _MOST_BYTES) -> str:
    """A file as text; empty where it is too long, or no text."""
    try:
        if longest is not None and path.stat().st_size > longest:
            return ""
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        return data[:longest].decode("utf-8")
    except (OSError, EOFError, ValueError):
        return ""


def _below(folder: Path, wanted: Callable[[Path], bool]) -> Iterator[Path]:
    """Files of a folder, each once, in an order of their own."""
    if folder.is_dir():
        files = (p for p in folder.rglob("*") if wanted(p) and p.is_file() and not p.is_symlink())
        yield from sorted(
            files, key=lambda p: blake2b(str(p.relative_to(folder)).encode()).digest()
        )


def _bare(path: Path) -> Path:
    return path.with_suffix("") if path.suffix == ".gz" else path


DOC, MAN, COMMON = (Path("/usr/share") / name for name in ("doc", "man", "common-licenses"))
DPKG: Final = Path("/var/lib/dpkg")


def _documentation() -> Iterator[_File]:
    plain = {".txt", ".md", ".rst", ".html", ""}

    def wanted(path: Path) -> bool:
        name = _bare(path)
        return name.suffix in plain and name.name not in {"copyright", "NEWS"} and not _log(name)

    for path in _below(DOC, wanted):
        yield _package(path), partial(_page, path)


def _page(path: Path) -> str:
    text = _read(path)
    return html.unescape(_TAGS.sub(" ", text)) if _bare(path).suffix == ".html" else text


def _package(path: Path) -> str:
    name = path.relative_to(DOC).parts[0]
    return _installed()[0].get(name, name)


@cache
def _installed() -> tuple[dict[str, str], dict[str, str]]:
    """Of a Debian machine: what each package, and each page of a manual, is made of."""
    made: dict[str, str] = {}
    name = ""
    for line in _read(DPKG / "status", longest=None).splitlines():
        word, _, rest = line.partition(": ")
        if word == "Package":
            name = made[rest] = rest
        elif word == "Source":
            made[name] = rest.partition(" ")[0]
    pages = {
        line: made.get(listed.name.partition(".")[0].partition(":")[0], listed.stem)
        for listed in sorted(DPKG.glob("info/*.list"))
        for line in _read(listed).splitlines()
        if line.startswith(str(MAN))
    }
    return made, pages


def _log(path: Path) -> bool:
    return path.name.lower().startswith("changelog")


def _changes() -> Iterator[_File]:
    """What was changed, as its authors wrote it: terse, technical, of many hands."""
    for path in _below(DOC, lambda p: _log(_bare(p)) or _bare(p).name.startswith("NEWS")):
        yield _package(path), partial(_read, path)


def _licences() -> Iterator[_File]:
    for path in _below(COMMON, lambda _: True):
        yield f"licence {path.name}", partial(_read, path)
    for path in _below(DOC, lambda p: p.name == "copyright"):
        yield _package(path), partial(_read, path)
    for path in _below(_packages(), lambda p: "LICEN" in p.name.upper() and p.suffix != ".py"):
        yield _distribution(path), partial(_read, path)


def _packages() -> Path:
    return Path(sysconfig.get_path("purelib"))


def _distribution(path: Path) -> str:
    return path.relative_to(_packages()).parts[0].partition("-")[0].partition(".")[0]


def _descriptions() -> Iterator[_File]:
    for path in _below(_packages(), lambda p: p.name == "METADATA"):
        yield _distribution(path), partial(_description, path)


def _description(path: Path) -> str:
    return _read(path).partition("\n\n")[2]


def _manuals(folder: Path) -> Iterator[_File]:
    for part in sorted(folder.glob("man[1-8]")):
        for path in _below(part, lambda _: True):
            yield _installed()[1].get(str(path), _project(_bare(path))), partial(_manual, path)


def _manual(path: Path) -> str:
    text = _read(path)
    for pattern, instead in _ROFF:
        text = pattern.sub(instead, text)
    return text


def _project(page: Path) -> str:
    """Of a page that no package is known of: the beginning of its name."""
    return page.name.partition(".")[0].partition("-")[0]


def _strings() -> Iterator[_File]:
    """What programs say of themselves: docstrings of the standard library and of packages."""
    for folder in (Path(sysconfig.get_path("stdlib")), _packages()):
        for path in _below(folder, lambda p: p.suffix == ".py" and "tests" not in p.parts):
            if folder != _packages() and "site-packages" in path.parts:
                continue
            yield path.relative_to(folder).parts[0].partition(".")[0], partial(_docstrings, path)


def _docstrings(path: Path) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(_read(path))
    except (SyntaxError, ValueError, RecursionError):
        return ""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = (node for node in ast.walk(tree) if isinstance(node, documented))
    return "\n\n".join(filter(None, map(ast.get_docstring, nodes)))


KINDS: Final[dict[str, Callable[[], Iterator[_File]]]] = {
    "documentation": _documentation,
    "changes": _changes,
    "licences": _licences,
    "descriptions": _descriptions,
    "docstrings": _strings,
    "manuals": lambda: _manuals(MAN),
    "manuals: German": lambda: _manuals(MAN / "de"),
    "manuals: French": lambda: _manuals(MAN / "fr"),
}
"""Where texts of a kind are; each gives the project's name and a whole file."""
