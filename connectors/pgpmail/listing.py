"""Certificates as gpg lists them. Pure.

Rules kept here:

1. Only ``--with-colons --check-sigs`` output is read (GnuPG, doc/DETAILS), never text for people.
2. What is not understood is kept as such: an unknown algorithm, flag or record makes nothing
   valid that would not be without it.
3. A signature counts only when gpg checked it as good and the certificate's own key made it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

SECOND = 1_000_000
_ADDRESS_IN_ID = re.compile(r"<([^<>\s]+)>\s*$")
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True)
class Binding:
    """A self-signature that holds a user id or a subkey to its certificate.

    Attributes:
        digest: hash algorithm (RFC 4880, 9.4); 0 when gpg does not tell.
        at: when it was made, microseconds UTC.
    """

    digest: int
    at: int


@dataclass(slots=True)
class Part:
    """A primary key or a subkey.

    Attributes:
        validity: gpg's letter: ``e`` expired, ``r`` revoked, ``d`` disabled, ``i`` invalid.
        bits: length.
        algorithm: public-key algorithm (RFC 4880, 9.1 and successors).
        key_id: the last 16 digits of its fingerprint.
        made_at: microseconds UTC.
        expires_at: microseconds UTC; None for never.
        can: what it may do; capitals tell of the whole certificate.
        curve: name of its curve, empty without one.
        fingerprint: in hexadecimal capitals.
        bindings: good self-signatures on it.
    """

    validity: str
    bits: int
    algorithm: int
    key_id: str
    made_at: int
    expires_at: int | None
    can: str
    curve: str
    fingerprint: str = ""
    bindings: list[Binding] = field(default_factory=list)


@dataclass(slots=True)
class UserId:
    """A name on a certificate.

    Attributes:
        validity: gpg's letter.
        address: mail address in it, lower case; None without one.
        bindings: good self-signatures on it.
    """

    validity: str
    address: str | None = field(repr=False)
    bindings: list[Binding] = field(default_factory=list)


@dataclass(slots=True)
class Certificate:
    """A primary key with what hangs on it."""

    primary: Part
    user_ids: list[UserId] = field(default_factory=list, repr=False)
    subkeys: list[Part] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """Of the primary key: the name by which it is pinned."""
        return self.primary.fingerprint

    def addresses(self) -> frozenset[str]:
        """Mail addresses of its living user ids, lower case."""
        return frozenset(
            uid.address for uid in self.user_ids if uid.address and uid.validity not in "rei"
        )


def read_listing(text: str) -> list[Certificate]:
    """The certificates in a listing, in its order.

    Args:
        text: output of ``gpg --with-colons --check-sigs``.
    """
    found: list[Certificate] = []
    on: Part | UserId | None = None
    for line in text.splitlines():
        fields = [*line.split(":"), *[""] * 21][:21]
        kind = fields[0]
        if kind in {"pub", "sec"}:
            on = _part(fields)
            found.append(Certificate(on))
        elif found and kind in {"sub", "ssb"}:
            on = _part(fields)
            found[-1].subkeys.append(on)
        elif found and kind in {"uid", "uat"}:
            on = UserId(fields[1], _address(fields[9]) if kind == "uid" else None)
            found[-1].user_ids.append(on)
        elif kind == "fpr" and isinstance(on, Part):
            on.fingerprint = on.fingerprint or fields[9]
        elif kind == "sig" and on is not None and _good_own(fields, found[-1]):
            on.bindings.append(Binding(_number(fields[15]), _instant(fields[5]) or 0))
    return found


def _part(fields: list[str]) -> Part:
    return Part(
        validity=fields[1],
        bits=_number(fields[2]),
        algorithm=_number(fields[3]),
        key_id=fields[4],
        made_at=_instant(fields[5]) or 0,
        expires_at=_instant(fields[6]),
        can=fields[11],
        curve=fields[16],
    )


def _good_own(fields: list[str], certificate: Certificate) -> bool:
    """A good certification (10x to 13x) or binding (18x) by the certificate's own key."""
    by, kind = fields[12] or fields[4], fields[10][:2]
    own = certificate.fingerprint.endswith(by) and bool(by)
    return fields[1] == "!" and own and kind in {"10", "11", "12", "13", "18", "1f"}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _instant(text: str) -> int | None:
    return _number(text) * SECOND if text else None


def _address(user_id: str) -> str | None:
    """The mail address of a user id: in angle brackets at its end, or the whole of it."""
    plain = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), user_id)
    found = _ADDRESS_IN_ID.search(plain)
    address = found.group(1) if found else plain
    return address.lower() if "@" in address and not re.search(r"\s", address) else None


def newest(bindings: Iterable[Binding]) -> Binding | None:
    """The latest of some self-signatures: the one that counts."""
    return max(bindings, key=lambda each: each.at, default=None)
