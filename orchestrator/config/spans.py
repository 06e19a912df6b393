"""Lengths of time as people write them: ``30 s``, ``5 min``, ``24 h``, ``7 d``, ``7 y``.

Rule kept here: inside the product a length is microseconds; a year is 365 days, so that the same
text is the same length in every year.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from orchestrator.clock import DAY, HOUR, MINUTE, SECOND

_UNITS = {"s": SECOND, "min": MINUTE, "h": HOUR, "d": DAY, "y": 365 * DAY}
_TEXT = re.compile(r"(\d{1,6}) ?(s|min|h|d|y)")


def microseconds(value: object) -> object:
    """A text such as ``5 min`` in microseconds; anything else as it is.

    Raises:
        ValueError: a text of another form.
    """
    if not isinstance(value, str):
        return value
    found = _TEXT.fullmatch(value.strip())
    if found is None:
        raise ValueError("write a number and s, min, h, d or y, such as 5 min")
    return int(found[1]) * _UNITS[found[2]]


def words(span: int) -> str:
    """``span`` in the largest unit that divides it: the inverse of ``microseconds``."""
    for unit, length in reversed(_UNITS.items()):
        if span and span % length == 0:
            return f"{span // length} {unit}"
    return f"{span // SECOND} s"


Length = Annotated[int, BeforeValidator(microseconds), Field(gt=0, le=100 * _UNITS["y"])]
"""Microseconds, written in words or (in canonical documents) as a number."""
