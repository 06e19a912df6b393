"""One base64 field of a JSON object, decoded while the object arrives. Pure.

Rule kept here: what is not the field's base64 to its closing quote is no file: it ends in
``Broken``, never in a shorter one.
"""

import base64
import binascii
import re

_MOST_BEFORE = 4096
_QUARTET = 4


class Broken(Exception):
    """There is no such field, or it is not whole, or it is no base64."""


class Field:
    """Reads one field.

    Args:
        name: the field's name.
    """

    def __init__(self, name: str) -> None:
        self._opening = re.compile(rb'"%s"\s*:\s*"' % re.escape(name.encode()))
        self._waiting = b""
        self._inside = False
        self._closed = False

    def feed(self, piece: bytes) -> bytes:
        """The bytes that a further piece of the object holds. Raises: Broken."""
        if self._closed:
            return b""
        self._waiting += piece
        if not self._inside and not self._enter():
            return b""
        text, quote, _ = self._waiting.partition(b'"')
        self._closed = bool(quote)
        whole = len(text) if quote else len(text) - len(text) % _QUARTET
        self._waiting = text[whole:]
        return _decode(text[:whole])

    def _enter(self) -> bool:
        found = self._opening.search(self._waiting)
        if found is not None:
            self._inside, self._waiting = True, self._waiting[found.end() :]
        elif len(self._waiting) > _MOST_BEFORE:
            raise Broken
        return self._inside

    @property
    def before(self) -> bytes:
        """All that came, where the field did not begin."""
        return b"" if self._inside else self._waiting

    def end(self) -> None:
        """Nothing more comes. Raises: Broken: the field was not closed."""
        if not self._closed:
            raise Broken


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        wrong = True
    if wrong:
        raise Broken
    return b""
