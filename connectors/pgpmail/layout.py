"""How a message of ours reads in an adviser's mail client, so that its body imitates nothing. Pure.

Rules kept here:

1. With an author line, that line comes first and every line of the body stands behind ``| ``. A
   line is whatever any reader may take for one: all of Unicode's line breaks count. So nothing
   that a body holds can begin a line of its own, as an author line does.
2. The author line is one line: breaks, controls and direction marks in it become spaces.
3. Nothing is lost: taking the marks away again gives the body, byte for byte.
4. The author also stands in a header field inside the encryption, for machines.
5. What a person wrote becomes a header only as subject or author, on one line, encoded.

The mark is not ``> ``, which mail clients fold away or colour as a quotation.
"""

import base64
import re
import unicodedata

MARK = "| "
_BREAK = re.compile("\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_MARKED = re.compile(f"(^|{_BREAK.pattern}){re.escape(MARK)}")
_REPEATED = "(may be a repetition)"
_PLAIN = re.compile(r"[!-~](?:[ -~]{0,60}[!-~])?")
_WORD_BYTES = 42
"""Bytes in one encoded word: with its frame it stays below 75 characters (RFC 2047, 2)."""


def one_line(text: str) -> str:
    """Text on one line: breaks, controls and direction marks become spaces."""
    unsafe = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
    kept = "".join(" " if unicodedata.category(c) in unsafe else c for c in text)
    return " ".join(kept.split())


def marked(text: str) -> str:
    """Text with the mark at the start of each of its lines."""
    return MARK + _BREAK.sub(lambda found: found.group() + MARK, text)


def unmarked(block: str) -> str:
    """The text that ``marked`` was given."""
    return _MARKED.sub(lambda found: found.group(1), block)


def body(text: str, author_line: str | None, subject: str | None, *, repeated: bool) -> str:
    """What the text part reads.

    Args:
        text: as written.
        author_line: who wrote it; None when our own account speaks.
        subject: repeated above for clients that show only the outer one (RFC 9788, 5.2.1).
        repeated: the reader is told that he may have seen it.
    """
    legacy = "" if subject is None else f"Subject: {one_line(subject)}\n\n"
    if author_line is None:
        return legacy + (f"{_REPEATED}\n\n" if repeated else "") + text
    mark = f" {_REPEATED}" if repeated else ""
    return f"{legacy}{one_line(author_line)}{mark}\n{marked(text)}"


def encoded(text: str) -> str:
    """One line of text as a header's value: as it is, or in encoded words (RFC 2047)."""
    line = one_line(text)
    if line == "" or (_PLAIN.fullmatch(line) and "=?" not in line):
        return line
    words, word = [], b""
    for character in line:
        piece = character.encode()
        if len(word) + len(piece) > _WORD_BYTES:
            words.append(word)
            word = b""
        word += piece
    words.append(word)
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(each).decode()}?=" for each in words)


def parameter(name: str, value: str) -> str:
    """A parameter of a MIME header: quoted, or in the form of RFC 2231 with its parts."""
    if re.fullmatch(r"[A-Za-z0-9 ._()+-]{1,60}", value) and value == value.strip():
        return f'; {name}="{value}"'
    escaped = [f"%{byte:02X}" for byte in value.encode()]
    pieces = ["".join(escaped[at : at + 20]) for at in range(0, len(escaped), 20)] or [""]
    if len(pieces) == 1:
        return f";\r\n {name}*=utf-8''{pieces[0]}"
    first, *rest = pieces
    later = "".join(f";\r\n {name}*{n}*={piece}" for n, piece in enumerate(rest, 1))
    return f";\r\n {name}*0*=utf-8''{first}{later}"
