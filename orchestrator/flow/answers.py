"""An author's answer in his private line: one digit, and the code of the message it is about.

Rule kept here: only a line that is nothing but an answer is one. Everything else is a message for
the intake, so that no text can act by accident.
"""

import re
from dataclasses import dataclass, field
from enum import Enum

_ANSWER = re.compile(r"\s*([123])(?:\s+([0-9a-f]{8}))?(?:\s+#([\w-]{1,80}))?\s*")


class Way(Enum):
    """The three ways out of a held message."""

    MOVE = "1"
    DROP = "2"
    ASK = "3"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered.

    Attributes:
        way: which of the three.
        code: of the message; None when only one is waiting.
        label: the conversation to move it to, when there are several.
    """

    way: Way
    code: str | None
    label: str | None = field(repr=False)


def read_answer(text: str) -> Answer | None:
    """The answer that ``text`` is, or None when it is a message."""
    match = _ANSWER.fullmatch(text)
    return Answer(Way(match[1]), match[2], match[3]) if match else None
