"""Header fields, read strictly: a line that is no field makes the whole mail malformed.

Rules kept here: a field that may stand once stands once; names are tokens right before their
colon; no control character survives. Nothing is guessed, for two programs that guess differently
show two different senders.
"""

import re
from dataclasses import dataclass, field

from connectors.pgpmail.judge.words import Limits, Malformed

ONCE = frozenset(
    {
        *("from", "sender", "reply-to", "to", "cc", "date", "subject", "message-id"),
        *("in-reply-to", "auto-submitted", "content-type"),
        *("content-transfer-encoding", "content-disposition"),
    }
)
_NAME = re.compile(rb"[!-9;-~]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_END = re.compile(rb"\r?\n\r?\n")
_BLANK = re.compile(rb"\r?\n")


@dataclass(frozen=True, slots=True)
class Fields:
    """The header fields of one part, in their order.

    Attributes:
        all: (name in lower case, value unfolded).
    """

    all: tuple[tuple[str, str], ...] = field(repr=False)

    def get(self, name: str) -> str | None:
        """The value of a field, the first where several may stand."""
        return next((value for key, value in self.all if key == name), None)

    def every(self, name: str) -> list[str]:
        """All values of a field."""
        return [value for key, value in self.all if key == name]

    def has_prefix(self, prefix: str) -> bool:
        """Whether any field's name begins so."""
        return any(key.startswith(prefix) for key, _ in self.all)


def read_fields(data: bytes, start: int, end: int, limits: Limits) -> tuple[Fields, int]:
    """The fields that begin at ``start``, and where the body behind them begins.

    Raises:
        Malformed: a line is no field, a field stands too often, or a limit is passed.
    """
    blank = _BLANK.match(data, start, end)
    if blank:
        return Fields(()), blank.end()
    stop = min(end, start + limits.header_bytes)
    found = _END.search(data, start, stop)
    if found is None and end > stop:
        raise Malformed("headers_too_large")
    block = data[start : found.start() if found else end]
    body = found.end() if found else end
    return Fields(tuple(_unfolded(block, limits))), body


def _unfolded(block: bytes, limits: Limits) -> list[tuple[str, str]]:
    fields: list[tuple[str, list[bytes]]] = []
    for line in block.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n"):
        if line[:1] in {b" ", b"\t"}:
            if not fields:
                raise Malformed("bad_header")
            fields[-1][1].append(line)
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            raise Malformed("bad_header")
        fields.append((name.decode("ascii").lower(), [value]))
        if len(fields) > limits.fields:
            raise Malformed("headers_too_large")
    _refuse_doubles([name for name, _ in fields])
    return [(name, _value(b"".join(lines), limits)) for name, lines in fields]


def _refuse_doubles(names: list[str]) -> None:
    once = [name for name in names if name in ONCE]
    if len(set(once)) < len(once):
        raise Malformed("duplicate_header")


def _value(raw: bytes, limits: Limits) -> str:
    if len(raw) > limits.field_bytes:
        raise Malformed("headers_too_large")
    text = raw.decode("utf-8", "surrogateescape").strip(" \t")
    if _CONTROL.search(text):
        raise Malformed("bad_header")
    return text
