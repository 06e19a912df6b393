"""What a verified mail says: its text, its files, its subject.

Rules kept here: only text/plain is text. HTML is a file like any other, so that nothing in it acts
and nothing remote is ever fetched. Names of files are data. Nothing outside the signed part is
looked at.
"""

import codecs
import re
from collections.abc import AsyncIterator, Callable
from email.errors import MessageError
from email.header import decode_header, make_header
from email.utils import collapse_rfc2231_value, decode_params

from connectors.pgpmail.judge.parts import Part
from connectors.port.messages import Attachment, Content

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_LEGACY = re.compile(r"\A(?:[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+(?:\n|\Z)")
_CHARSET = re.compile(
    r"ascii|utf-(?:8|16|32)(?:-[bl]e)?|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|gb(?:2312|k|18030)|"
    r"big5(?:hkscs)?|hz|euc_\w+|euc-\w+|shift_jis\w*|iso2022_\w+|johab|tis-620"
)
_DROPPED = frozenset({"application/pgp-keys", "text/rfc822-headers"})
_NAME_MAX = 200


def content_of(payload: Part, *, subject: bool) -> Content:
    """Text and files of the signed part.

    Args:
        payload: the signed part.
        subject: its headers are the mail's.
    """
    texts: list[str] = []
    files: list[Part] = []
    _gather(payload, texts, files, payload)
    shown = decoded(payload.fields.get("subject") or "") if subject else ""
    return Content(
        "\n".join(text.strip("\n") for text in texts if text.strip()),
        shown or None,
        tuple(_attachment(part) for part in files),
    )


def _gather(part: Part, texts: list[str], files: list[Part], root: Part) -> None:
    name = part.kind.name
    if name == "multipart/alternative":
        plain = [each for each in part.parts if each.kind.name == "text/plain"]
        for each in plain[:1] or part.parts[-1:]:
            _gather(each, texts, files, root)
    elif part.kind.multipart:
        for each in part.parts:
            _gather(each, texts, files, root)
    elif name == "text/plain" and part.disposition.name != "attachment":
        texts.append(_text(part, copied=_copies_headers(part, root)))
    elif name not in _DROPPED:
        files.append(part)


def _copies_headers(part: Part, root: Part) -> bool:
    """Whether a text begins with headers, for readers that do not know protected ones.

    It says so (RFC 9788 section 2.1.2), or it is a part of its own in the older form.
    """
    marked = part is not root and "protected-headers" in part.kind.params
    return marked or part.kind.param("hp-legacy-display") == "1"


def _text(part: Part, *, copied: bool) -> str:
    text = part.decoded().decode(_charset(part.kind.params.get("charset", "")), "replace")
    text = _CONTROL.sub("", text.replace("\r\n", "\n"))
    return _LEGACY.sub("", text) if copied else text


def _charset(name: str) -> str:
    """A codec that takes time by the byte, whatever the bytes are; UTF-8 for any other.

    Python has some for other uses under names that a mail may give: punycode takes hours.
    """
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        found = ""
    return found if _CHARSET.fullmatch(found) else "utf-8"


def decoded(value: str) -> str:
    """A header's text with its encoded words decoded (RFC 2047), on one line."""
    try:
        text = str(make_header(decode_header(value)))
    except (ValueError, LookupError, MessageError):
        text = value
    text = text.encode("utf-8", "replace").decode()
    return _CONTROL.sub("", text.replace("\n", " ")).strip()


def _attachment(part: Part) -> Attachment:
    size = sum(len(piece) for piece in part.pieces())
    kind = "application/octet-stream" if part.kind.name == "text/html" else part.kind.name
    return Attachment(_name(part), kind, size, _opener(part))


def _opener(part: Part) -> Callable[[], AsyncIterator[bytes]]:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in part.pieces():
            yield piece

    return pieces


def _name(part: Part) -> str:
    for params, key in ((part.disposition.params, "filename"), (part.kind.params, "name")):
        mine = [("", "")] + [(k, v) for k, v in params.items() if k.partition("*")[0] == key]
        for _, value in decode_params(mine)[1:]:
            found = decoded(collapse_rfc2231_value(value, errors="replace").strip('"'))
            if found:
                return found[:_NAME_MAX]
    return "message.eml" if part.kind.name.startswith("message/") else "file"
