"""Cursors: where a page ended, sealed so that nobody reads, alters or borrows one.

Rules kept here:

1. A cursor is encrypted and authenticated (AES-GCM) under a key that lives in this process alone.
   After a restart a list is begun anew.
2. It is bound to the operation, the path, the filters and whoever asked: for anything else it is
   malformed, and so is one that was tampered with. All of these are told alike.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from secrets import token_bytes
from typing import Annotated, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, Query, Request

from orchestrator.api.who import Asker
from orchestrator.client.paging import MOST, USUAL, Page, Position, Stretch, Window
from orchestrator.client.problems import Wrong

T = TypeVar("T")
_NONCE = 12
_OWN = frozenset({"cursor", "limit"})
_SEAL = AESGCM(AESGCM.generate_key(256))
LONGEST = 1024
"""Characters of a cursor that are read at all."""


class Paging:
    """The part of a list that a request asks for.

    Attributes:
        window: to be given to the home.
    """

    def __init__(self, window: Window, bound: bytes) -> None:
        self.window = window
        self._bound = bound

    def page(self, found: Stretch[T]) -> Page[T]:
        """The answer, with the cursor of the next part."""
        following = None if found.after is None else seal(found.after, self._bound)
        return Page(items=found.items, next=following)


def seal(position: Position, bound: bytes) -> str:
    """The cursor of a position. Args: bound: what it is good for."""
    nonce = token_bytes(_NONCE)
    packed = _SEAL.encrypt(nonce, json.dumps(position).encode(), bound)
    return urlsafe_b64encode(nonce + packed).decode().rstrip("=")


def unseal(cursor: str, bound: bytes) -> Position:
    """The position of a cursor. Raises: Wrong."""
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found = json.loads(_SEAL.decrypt(raw[:_NONCE], raw[_NONCE:], bound))
    except (ValueError, InvalidTag):
        raise Wrong(
            "The cursor is not one of this list",
            still="Nothing was changed",
            then="begin the list anew, without a cursor",
        ) from None
    return tuple(found)


def _paging(
    request: Request,
    asker: Asker,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Items in a page at most.")] = USUAL,
    cursor: Annotated[
        str | None,
        Query(max_length=LONGEST, description="`next` of the page before; none: the first."),
    ] = None,
) -> Paging:
    bound = _bound(request, asker.actor)
    after = None if cursor is None else unseal(cursor, bound)
    return Paging(Window(limit=limit, after=after), bound)


def _bound(request: Request, actor: str) -> bytes:
    filters = sorted(p for p in request.query_params.multi_items() if p[0] not in _OWN)
    return json.dumps([actor, request.url.path, filters]).encode()


Paged = Annotated[Paging, Depends(_paging)]
"""``?cursor=&limit=`` of a request."""
