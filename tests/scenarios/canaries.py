"""Looks for texts that must be nowhere, however they are written down.

A text is looked for as UTF-8, UTF-16 in both orders, base64 at each of its three offsets (both
alphabets), quoted-printable, JSON-escaped, percent-encoded and in hexadecimal; folded lines are
joined first, and what a file holds compressed (gzip, zlib, zip) is unpacked and searched likewise.
"""

import base64
import json
import quopri
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_from_bytes

import numpy as np

LEAST = 8
"""Bytes of a spelling at least; the first so many are looked for at once."""
UNPACKED_AT_MOST = 4 * 1024 * 1024
_FOLD = re.compile(rb"=?\r?\n[ \t]?")
_GZIP, _ZIP = re.compile(rb"\x1f\x8b\x08"), re.compile(rb"PK\x03\x04")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_ODD = np.uint64(0x9E3779B97F4A7C15)
_BITS = 22


def spellings(text: str) -> dict[str, bytes]:
    """How a text may be written down: name of the spelling to its bytes."""
    raw = text.encode()
    found = {
        "raw": raw,
        "utf-16-le": text.encode("utf-16-le"),
        "utf-16-be": text.encode("utf-16-be"),
        "quoted-printable": _FOLD.sub(b"", quopri.encodestring(raw)),
        "json": json.dumps(text)[1:-1].encode(),
        "percent": quote_from_bytes(raw, safe="").encode(),
        "hex": raw.hex().encode(),
    }
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + raw)
        # only characters that hold nothing of what stands before or behind
        inner = whole[-(-offset * 8 // 6) : (len(raw) + offset) * 8 // 6]
        found[f"base64+{offset}"] = inner
        found[f"base64url+{offset}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def windows(text: str, size: int = 60) -> list[str]:
    """Pieces of a text, one behind the other, so that any longer piece holds a whole one."""
    return [text[at : at + size] for at in range(0, len(text) - size + 1, size)]


@dataclass(frozen=True, slots=True)
class Hit:
    """A text that was found: which, how it is written, and where. Never the text."""

    name: str
    spelling: str
    place: str


@dataclass(slots=True)
class Net:
    """Many texts, looked for at once.

    Attributes:
        texts: name to text.
    """

    texts: Mapping[str, str] = field(repr=False)
    _needles: dict[bytes, list[tuple[bytes, str, str]]] = field(init=False, repr=False)
    _table: "np.ndarray[tuple[int], np.dtype[np.bool_]]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._needles = {}
        for name, text in self.texts.items():
            for spelling, needle in spellings(text).items():
                if len(needle) < LEAST:
                    raise ValueError(f"{name} is too short to be looked for")
                self._needles.setdefault(needle[:LEAST], []).append((needle, name, spelling))
        self._table = np.zeros(1 << _BITS, dtype=np.bool_)
        starts = np.frombuffer(b"".join(self._needles), dtype="<u8")
        self._table[_hashed(starts)] = True

    def folder(self, place: Path) -> set[Hit]:
        """Everything found under a folder: in what files hold, and in their names."""
        found: set[Hit] = set()
        for path in sorted(place.rglob("*")):
            found.update(self.data(path.name.encode(), f"{place.name}: a name"))
            if path.is_file():
                found.update(self.data(path.read_bytes(), f"{place.name}/{path.name}"))
        return found

    def data(self, data: bytes, place: str) -> Iterator[Hit]:
        """Everything found in some bytes, unfolded and unpacked too."""
        for piece in (data, *_unpacked(data)):
            yield from self._hits(piece, place)
            unfolded = _FOLD.sub(b"", piece)
            if len(unfolded) < len(piece):
                yield from self._hits(unfolded, place)

    def _hits(self, data: bytes, place: str) -> Iterator[Hit]:
        for shift in range(LEAST):
            whole = (len(data) - shift) // LEAST
            if whole <= 0:
                return
            words = np.frombuffer(data, dtype="<u8", count=whole, offset=shift)
            for at in np.flatnonzero(self._table[_hashed(words)]) * LEAST + shift:
                yield from self._at(data, int(at), place)

    def _at(self, data: bytes, at: int, place: str) -> Iterator[Hit]:
        for needle, name, spelling in self._needles.get(data[at : at + LEAST], ()):
            if data.startswith(needle, at):
                yield Hit(name, spelling, place)


def _hashed(
    words: "np.ndarray[tuple[int], np.dtype[np.uint64]]",
) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    shift = np.uint64(64 - _BITS)
    return (words * _ODD) >> shift


def _unpacked(data: bytes) -> Iterator[bytes]:
    """What the data holds compressed; a stream that is cut off gives what can be had of it."""
    starts = [(m.start(), 31) for m in _GZIP.finditer(data)]
    starts += [(m.start(), 15) for m in _ZLIB.finditer(data)]
    starts += [(_zip_body(data, m.start()), -15) for m in _ZIP.finditer(data)]
    whole = memoryview(data)  # what is sealed begins like zlib every 16 KB: nothing is copied
    for start, kind in starts:
        packed = whole[start : start + UNPACKED_AT_MOST]
        try:
            yield zlib.decompressobj(kind).decompress(packed, UNPACKED_AT_MOST)
        except zlib.error:
            continue


def _zip_body(data: bytes, start: int) -> int:
    """Where a zip member's bytes begin (APPNOTE.TXT section 4.3.7)."""
    name, extra = (int.from_bytes(data[start + n : start + n + 2], "little") for n in (26, 28))
    return start + 30 + name + extra


def everywhere(net: Net, places: Iterable[Path]) -> list[Hit]:
    """Everything found in all of these folders."""
    return sorted(
        {hit for place in places for hit in net.folder(place)},
        key=lambda hit: (hit.place, hit.name, hit.spelling),
    )
