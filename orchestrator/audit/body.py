"""What may stand in the body of an audit entry, and its one canonical form.

Rules kept here:

1. A body never holds message text. It holds typed values: numbers, ids, hashes, codes, and what a
   network names (rooms, accounts, devices), the last only in fields that are known to hold it;
   in fields of their own, the hexadecimal digits of public keys and signatures.
   Whatever has another shape is refused, and the unit of work with it.
2. The canonical form is RFC 8785 for the values that are allowed: no floats, integers that
   every JSON reader keeps exact, ASCII field names.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from json import JSONEncoder
from json.encoder import encode_basestring
from typing import Any

Json = str | int | bool | Sequence["Json"] | Mapping[str, "Json"] | None

LARGEST_INT = 2**53 - 1
"""RFC 8785 section 3.2.2.3 and RFC 7493: beyond it some readers round."""
DEEPEST = 4
LONGEST_NAME = 255
"""Characters in a name that a network gave: the longest Matrix identifier."""

NAMES = frozenset(
    {
        "account", "accounts", "by", "channel", "conversation", "cursor", "device", "devices",
        "edits", "fingerprint", "from_room", "key", "keys", "lane", "members", "owner",
        "owners", "person", "remote", "remote_id", "reply_to", "room", "rooms", "scope",
        "sealed_to", "sender", "to_room", "unknown_members", "wire_key", "zone",
    }
)  # fmt: skip
"""Fields that may hold what a network or a configuration names."""

SIGNED = frozenset({"authenticator", "client_data", "handle", "public", "signature"})
"""Fields that may hold a public key, a signature, or what a signature is over, in hexadecimal."""
LONGEST_SIGNED = 4096
"""Bytes in such a field: an RSA key of 16,384 bits with its signature has fewer."""

_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch
_WORD = r"(?:[a-z]{1,24}[0-9]{0,4}|[0-9]{1,12})"
_CODED = re.compile(
    rf"{_WORD}(?:[-_.:/]{_WORD}){{0,11}}"  # a code, a rule, a tier, a version
    r"|[a-z]{1,16}_[0-9a-f]{32}"  # one of our ids
    r"|(?:[a-z0-9]{1,12}:)?(?:[0-9a-f]{16}|[0-9a-f]{40}|[0-9a-f]{64})"  # a key id or a digest
).fullmatch
_DIGITS = re.compile(rf"(?:[0-9a-f]{{2}}){{1,{LONGEST_SIGNED}}}").fullmatch
_DEAL_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}").fullmatch
_ACTOR = re.compile(r"[a-z]{1,16}_[0-9a-f]{32}|[a-z][a-z-]{0,23}(?::[^\s:]{1,64})?").fullmatch


class BodyRefused(ValueError):
    """A body holds what no audit entry may hold. The value is never quoted."""


_encode = JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode
quote = encode_basestring
"""Returns a text as JSON writes it, quotation marks included (RFC 8785 section 3.2.2.2)."""


def canonical(body: Mapping[str, Json]) -> bytes:
    """Returns the canonical bytes of ``body`` after having checked all of it.

    Raises:
        BodyRefused: a field or value is not of the kinds that the module allows.
    """
    _check_fields(body, 1)
    return _encode(body).encode()


def named(name: str) -> str:
    """A name that a network gave, as an entry may hold it: itself, or its digest.

    A name from outside may be of any shape; whoever gave it must not be able to stop an entry.
    """
    return name if _named("account", name) else f"sha256:{sha256(name.encode()).hexdigest()}"


def coded(code: str) -> str:
    """A code that a connector gave, as an entry may hold it: itself, or that it is none."""
    return code if _CODED(code) else "unnamed"


def canonical_of(value: Any) -> bytes:
    """Returns the canonical bytes of a value of ours whose texts need no check."""
    return _encode(value).encode()


@lru_cache(maxsize=1024)
def quoted_actor(actor: str) -> str:
    """Returns ``actor`` as JSON text: one of our ids, a role of the system, ``local:<os user>``.

    Raises:
        BodyRefused: it is none of these.
    """
    if not _ACTOR(actor) or not actor.isprintable():
        raise BodyRefused("the actor is neither an id nor a kind with a short name")
    return quote(actor)


def _check_fields(fields: Mapping[str, Json], depth: int) -> None:
    if type(fields) is not dict or depth > DEEPEST:
        raise BodyRefused("a body is plain dictionaries, at most four deep")
    for name, value in fields.items():
        if type(name) is not str or not _FIELD(name):
            raise BodyRefused("the name of a field is not a plain lower-case word")
        _check(name, value, depth)


def _check(field: str, value: Json, depth: int) -> None:
    if isinstance(value, str):
        if not (_CODED(value) or _named(field, value)):
            raise BodyRefused(f"field {field} holds a text that is no id, code or hash")
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if not -LARGEST_INT <= value <= LARGEST_INT:
            raise BodyRefused(f"field {field} holds a number that JSON readers would round")
    elif type(value) in (list, tuple):
        _check_items(field, value, depth + 1)  # type: ignore[arg-type]  # the line above proves it
    else:
        _check_fields(value, depth + 1)  # type: ignore[arg-type]  # refuses what is no dict


def _check_items(field: str, items: Sequence[Json], depth: int) -> None:
    if depth > DEEPEST:
        raise BodyRefused(f"field {field} is nested too deeply")
    for item in items:
        _check(field, item, depth)


def _named(field: str, value: str) -> bool:
    if field == "code":
        return _DEAL_CODE(value) is not None
    if field in SIGNED:
        return _DIGITS(value) is not None
    if field not in NAMES or not 0 < len(value) <= LONGEST_NAME:
        return False
    return value.isprintable() and not any(map(str.isspace, value))
