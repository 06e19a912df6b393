"""Real conversations as rows: mbox, a folder of .eml, Maildir, JSON Lines.

Rules kept here:

1. A row's text, subject, sender and thread are data: never a path, never printed, in no error.
   What cannot be read is named by its place in the file.
2. A `tier` field and every field that is not known are not looked at.
3. Of a mail the text is what its reader would see: the plain part, else the HTML without mark-up.
"""

import email
import json
import mailbox
from collections.abc import Callable, Iterator, Mapping
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from orchestrator.client.problems import Missing, Wrong
from orchestrator.client.views import Row
from orchestrator.clock import parse

LINES = {".jsonl", ".ndjson", ".json"}
_UNSEEN = {"head", "script", "style", "title"}
_BREAKS = {"br", "div", "li", "p", "td", "tr"}


def rows_of(path: Path) -> Iterator[Row]:
    """Every message of a file or folder, in its order.

    Raises:
        Missing: there is nothing there.
        Wrong: a line or mail is none; named by its place.
    """
    if path.is_dir():
        return _maildir(path) if (path / "cur").is_dir() else _folder(path)
    if not path.is_file():
        raise Missing(f"There is no {path}", still="Nothing was handed in")
    return _READERS.get(path.suffix.lower(), _mbox)(path)


def _lines(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _row(line, f"line {number} of {path}")


def _row(line: str, place: str) -> Row:
    try:
        found: Any = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise Wrong(f"{place} is no message: an object with id and text", still=_NOTHING)
    return Row(
        id=_id(found, line),
        text=found["text"],
        subject=_word(found, "subject"),
        sender=_word(found, "from"),
        date=_instant(_word(found, "date")),
        thread=_word(found, "thread"),
    )


_NOTHING = "What was handed in before is kept; the same file again sends nothing twice"


def _id(found: Mapping[str, Any], line: str) -> str:
    given = found.get("id")
    return str(given) if isinstance(given, str | int) else sha256(line.encode()).hexdigest()


def _word(found: Mapping[str, Any], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None


def _instant(text: str | None) -> int | None:
    try:
        return None if text is None else parse(text)
    except ValueError:
        return None


def _mbox(path: Path) -> Iterator[Row]:
    with path.open("rb") as head:
        if not head.read(5) == b"From ":
            raise Wrong(f"{path} is neither mbox nor JSON Lines", still="Nothing was handed in")
    box = mailbox.mbox(path, create=False)
    try:
        for number, key in enumerate(box.iterkeys(), 1):
            yield _mail(box.get_bytes(key), f"mail {number} of {path}")
    finally:
        box.close()


def _maildir(path: Path) -> Iterator[Row]:
    for file in sorted((*(path / "cur").iterdir(), *(path / "new").iterdir())):
        yield _mail(file.read_bytes(), str(file))


def _folder(path: Path) -> Iterator[Row]:
    for file in sorted(path.rglob("*.eml")):
        yield _mail(file.read_bytes(), str(file))


def _eml(path: Path) -> Iterator[Row]:
    yield _mail(path.read_bytes(), str(path))


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    **dict.fromkeys(LINES, _lines),
    ".eml": _eml,
}


def _mail(data: bytes, place: str) -> Row:
    try:
        mail = email.message_from_bytes(data, policy=default)
        text = _text(mail)
        subject, sender = _header(mail, "subject"), _header(mail, "from")
        return Row(
            id=_header(mail, "message-id") or sha256(data).hexdigest(),
            text=text,
            subject=subject,
            sender=sender,
            date=_date(mail),
            thread=_header(mail, "in-reply-to"),
        )
    except (LookupError, ValueError, TypeError, AttributeError):
        raise Wrong(f"{place} is no mail that can be read", still=_NOTHING) from None


def _header(mail: EmailMessage, name: str) -> str | None:
    found = mail.get(name)
    return None if found is None else str(found)


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    content = str(body.get_content())
    return content if body.get_content_subtype() == "plain" else _Shown.of(content)


def _date(mail: EmailMessage) -> int | None:
    try:
        moment = parsedate_to_datetime(str(mail["date"]))
        return None if moment.tzinfo is None else int(moment.timestamp()) * 1_000_000
    except (TypeError, ValueError, OverflowError):
        return None


class _Shown(HTMLParser):
    """The text that a reader of HTML sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._unseen = 0

    @classmethod
    def of(cls, content: str) -> str:
        parser = cls()
        parser.feed(content)
        parser.close()
        return "".join(parser._pieces).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._unseen += tag in _UNSEEN
        if tag in _BREAKS:
            self._pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._pieces.append(data)
