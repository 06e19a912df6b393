"""How a message of ours looks in a Matrix room, so that its body imitates nothing. Pure.

Rules kept here:

1. With an author line, that line comes first and every line of the body, subject included, stands
   behind ``> ``. A line is whatever any reader may take for one: all of Unicode's line breaks
   count. So nothing that a body holds can begin a line of its own, as an author line does.
2. The author line is one line: breaks, controls and direction marks in it become spaces.
3. Nothing is lost: taking the marks away again gives the body, byte for byte.
4. The author also stands in a field of its own inside the encrypted content, for machines.
5. The body is never mark-up (no ``formatted_body``), and ``m.mentions`` is there and empty, which
   turns off the older rules that ring for a name or ``@room`` found in the text (MSC3952).

What is not solved: a line long enough to wrap on a screen can show a false author line at the
start of a wrapped row; it stands in the body's block, and the field of rule 4 does not have it.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from connectors.port.messages import Content, Delivery

AUTHOR = "org.wallcross.author"
DELIVERY = "org.wallcross.delivery"
PART = "org.wallcross.part"
"""Stands in files that do not complete their delivery."""
SUBJECT = "org.wallcross.subject"

QUOTE = "> "
# what str.splitlines() takes for the end of a line, the two-character one first
_BREAK = re.compile("\r\n|[\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_QUOTED = re.compile(f"(^|{_BREAK.pattern}){re.escape(QUOTE)}")
_REPEATED = " (may be a repetition)"


def one_line(text: str) -> str:
    """Text on one line: breaks, controls and direction marks become spaces."""
    unsafe = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
    kept = "".join(" " if unicodedata.category(c) in unsafe else c for c in text)
    return " ".join(kept.split())


def quoted(text: str) -> str:
    """Text with the mark at the start of each of its lines."""
    return QUOTE + _BREAK.sub(lambda found: found.group() + QUOTE, text)


def unquoted(block: str) -> str:
    """The text that ``quoted`` was given."""
    return _QUOTED.sub(lambda found: found.group(1), block)


def body(content: Content, author_line: str | None, *, repeated: bool = False) -> str:
    """What the message's body reads.

    Args:
        content: subject and text.
        author_line: who wrote it; None when our own account speaks.
        repeated: the reader is told that he may have seen it.
    """
    text = content.text
    if content.subject is not None:
        text = f"{one_line(content.subject)}\n\n{text}"
    if author_line is None:
        return text + (_REPEATED if repeated else "")
    mark = _REPEATED if repeated else ""
    return f"{one_line(author_line)}{mark}\n{quoted(text)}"


def message(delivery: Delivery, *, repeated: bool = False) -> dict[str, Any]:
    """Content of the event that carries a delivery's text."""
    content: dict[str, Any] = {
        "msgtype": "m.text",
        "body": body(delivery.content, delivery.author_line, repeated=repeated),
        **_marks(delivery),
    }
    if delivery.content.subject is not None:
        content[SUBJECT] = delivery.content.subject
    if delivery.reply_to is not None:
        content["m.relates_to"] = {"m.in_reply_to": {"event_id": delivery.reply_to}}
    return content


def replacing(content: Mapping[str, Any], target: str) -> dict[str, Any]:
    """Content of the event that puts ``content`` in the place of an earlier message.

    Whoever's client knows no replacements reads it as one more message under its author's line.

    Source: matrix-spec, "Event replacements": ``m.new_content`` has no relation of its own.
    """
    new = {key: value for key, value in content.items() if key != "m.relates_to"}
    relation = {"rel_type": "m.replace", "event_id": target}
    return {**new, "m.new_content": new, "m.relates_to": relation}


def file_message(
    delivery: Delivery, index: int, stored: Mapping[str, Any], *, completes: bool
) -> dict[str, Any]:
    """Content of the event that carries one of a delivery's files.

    Args:
        delivery: whose file.
        index: which, from 0.
        stored: address and keys of the encrypted bytes (``EncryptedFile``).
        completes: it is the whole delivery, as no text goes with it.
    """
    file = delivery.content.attachments[index]
    content: dict[str, Any] = {
        "msgtype": "m.file",
        "filename": file.name,
        "body": file.name,
        "file": dict(stored),
        "info": {"mimetype": file.media_type, "size": file.size},
        **_marks(delivery),
    }
    if not completes:
        content[PART] = index
    if delivery.author_line is not None:
        content["body"] = one_line(delivery.author_line)  # a caption, as filename differs
    return content


def _marks(delivery: Delivery) -> dict[str, Any]:
    marks: dict[str, Any] = {DELIVERY: delivery.key, "m.mentions": {}}
    if delivery.author_line is not None:
        marks[AUTHOR] = one_line(delivery.author_line)
    return marks
