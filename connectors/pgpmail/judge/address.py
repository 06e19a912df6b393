"""Who a mail says it is from: one plain address, or nobody.

Rules kept here: a sender is ``local@domain`` in ASCII, alone or in angle brackets behind a name
(RFC 5322 section 3.4 without groups, routes, quoted local parts and domain literals). Comments are
taken out first, the name is decoded only to see whether it pretends to be another address, and
two addresses are the same when they are letter for letter, capitals aside.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header, make_header

_LOCAL = r"[0-9A-Za-z!#$%&'*+/=?^_`{|}~\-]+(?:\.[0-9A-Za-z!#$%&'*+/=?^_`{|}~\-]+)*"
_LABEL = r"[0-9A-Za-z](?:[0-9A-Za-z\-]*[0-9A-Za-z])?"
_ADDRESS = re.compile(rf"{_LOCAL}@{_LABEL}(?:\.{_LABEL})*")
_LOOKS_LIKE = re.compile(rf"{_LOCAL}\s*@\s*[^\s@<>\"'.]+\.[^\s@<>\"']+")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()<>,:;\\]|[^"()<>,:;\\]+')
_LONGEST = 998
"""Characters of a field that names one sender (RFC 5322 section 2.1.1); longer ones name nobody."""
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A sender.

    Attributes:
        address: in lower case.
        misleading: the name beside it shows another address, or hides characters.
    """

    address: str
    misleading: bool


def address(text: str) -> str | None:
    """The plain address that ``text`` is, in lower case; None when it is none."""
    text = text.strip(" \t")
    if not text.isascii() or "=?" in text or not _ADDRESS.fullmatch(text):
        return None
    return text.lower()


def mailbox(value: str) -> Mailbox | None:
    """The one sender that a From field names; None where it is not plainly one."""
    tokens = _without_comments(value) if len(value) <= _LONGEST else None
    if tokens is None:
        return None
    specials = [token for token in tokens if token in {"<", ">", ",", ":", ";", "\\"}]
    found = None
    if not specials:
        found = address("".join(tokens))
    elif specials == ["<", ">"] and not "".join(tokens[tokens.index(">") + 1 :]).strip():
        opens = tokens.index("<")
        found = address("".join(tokens[opens + 1 : tokens.index(">")]))
    return None if found is None else Mailbox(found, _misleads(value, found))


def mentioned(value: str) -> frozenset[str]:
    """Every address that a field shows in any place, for finding whom it touches."""
    value = value[:_LONGEST]
    text = _decoded(value)
    return frozenset(
        match[0].lower() for match in re.finditer(_ADDRESS, f"{value} {text}") if match[0].isascii()
    )


def recipients(value: str) -> frozenset[str]:
    """The addresses of a To or Cc field: names, comments and groups aside."""
    tokens = _without_comments(value)
    if tokens is None:
        return frozenset()
    found: set[str] = set()
    for entry in _entries(tokens):
        one = mailbox(entry)
        if one is not None:
            found.add(one.address)
    return frozenset(found)


def _entries(tokens: list[str]) -> Iterator[str]:
    """What stands between the commas; of a group its members."""
    entry: list[str] = []
    for word in [*tokens, ","]:
        if word in {",", ";"}:
            yield "".join(entry)
            entry = []
        elif word == ":":
            entry = []
        else:
            entry.append(word)


def _without_comments(value: str) -> list[str] | None:
    """The field's tokens; None when quotes or brackets are not closed."""
    tokens: list[str] = []
    depth = at = 0
    for found in _TOKEN.finditer(value):
        if found.start() != at:
            return None
        at = found.end()
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth < 0:
            return None
        if depth == 0 and found[0] != ")":
            tokens.append(found[0])
    return tokens if depth == 0 and at == len(value) else None


def _decoded(text: str) -> str:
    """Encoded words decoded (RFC 2047), look-alike forms of characters made one."""
    try:
        shown = str(make_header(decode_header(text)))
    except (ValueError, LookupError, MessageError):
        shown = text
    return unicodedata.normalize("NFKC", shown)


def _misleads(value: str, real: str) -> bool:
    shown = _decoded(value)
    if any(unicodedata.category(each) in _UNSEEN for each in shown.replace("\t", " ")):
        return True
    found = ("".join(match[0].lower().split()) for match in _LOOKS_LIKE.finditer(shown))
    return any(other.rstrip(".,;:)") != real for other in found)
