"""Mails as clients and attackers build them, byte by byte."""

import re
import subprocess
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from .people import ADDRESSES, People

CANARY = "the-number-nobody-may-read-4f1d9c07"
OUTER = (
    ("From", "Alice Long <alice@lawfirm.test>"),
    ("To", "bot@deal.test"),
    ("Subject", "[...]"),
    ("Date", "Sun, 22 Nov 2026 08:00:00 +0000"),
    ("Message-ID", "<outer-1@lawfirm.test>"),
    ("MIME-Version", "1.0"),
)
Headers = Sequence[tuple[str, str]]


def block(headers: Headers) -> bytes:
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in headers)


def having(headers: Headers, **changed: str | None) -> Headers:
    """The same headers with some changed, added, or (None) left out."""
    names = {name.replace("_", "-").lower(): value for name, value in changed.items()}
    kept = [(n, names.get(n.lower(), v)) for n, v in headers]
    new = [(n.title(), v) for n, v in names.items() if n not in {k.lower() for k, _ in headers}]
    return [(n, v) for n, v in [*kept, *new] if v is not None]


def part(kind: str, body: bytes, *more: tuple[str, str]) -> bytes:
    return block([("Content-Type", kind), *more]) + b"\r\n" + body


def multi(kind: str, *parts: bytes, mark: str = "b1", more: str = "") -> bytes:
    """A multipart entity: its Content-Type line, and its body."""
    head = f'Content-Type: multipart/{kind}; boundary="{mark}"{more}\r\n\r\n'.encode()
    line = b"--" + mark.encode()
    inside = b"".join(line + b"\r\n" + each + b"\r\n" for each in parts)
    return head + inside + line + b"--\r\n"


def encrypted(armour: bytes, mark: str = "enc") -> bytes:
    """The entity of RFC 3156 section 4."""
    return multi(
        "encrypted",
        part("application/pgp-encrypted", b"Version: 1\r\n"),
        part('application/octet-stream; name="encrypted.asc"', armour),
        mark=mark,
        more='; protocol="application/pgp-encrypted"',
    )


def enclosed(entity: bytes) -> bytes:
    return part("message/rfc822", block([("From", "x@y.test"), ("Subject", "old")]) + entity)


def mail(entity: bytes, headers: Headers = OUTER) -> bytes:
    return block(headers) + entity


def payload(
    text: str = f"Good. {CANARY}\n", headers: Headers | None = None, kind: str | None = None
) -> bytes:
    """What is sealed: text with its headers protected as in RFC 9788."""
    given = headers if headers is not None else inner()
    kind = kind or 'text/plain; charset="utf-8"; hp="cipher"'
    return block([*given, ("Content-Type", kind)]) + b"\r\n" + text.replace("\n", "\r\n").encode()


def inner(**changed: str | None) -> Headers:
    base = (
        ("From", "Alice Long <alice@lawfirm.test>"),
        ("To", "bot@deal.test"),
        ("Subject", "Terms"),
        ("Date", "Sun, 22 Nov 2026 08:00:00 +0000"),
        ("Message-ID", "<outer-1@lawfirm.test>"),
    )
    return having(base, **changed)


TEXT = part("text/plain; charset=utf-8", b"see below\r\n")
HTML_OPEN = part("text/html", b'<img src="http://evil.test/')
HTML_CLOSE = part("text/html", b'">')


@dataclass(frozen=True)
class Post:
    """Makes mails for one set of people."""

    people: People

    def good(
        self, body: bytes | None = None, signer: str = "alice", headers: Headers = OUTER
    ) -> bytes:
        """A genuine mail."""
        return mail(encrypted(self.people.seal(body or payload(), signer)), headers)

    def from_(self, name: str, words: Sequence[str] = (), **changed: str | None) -> bytes:
        """A genuine mail of somebody else's."""
        address = ADDRESSES[name]
        sealed = self.people.seal(payload(headers=inner(From=address)), name, words=words)
        return mail(encrypted(sealed), having(OUTER, From=address, **changed))

    def sealed(self, body: bytes | None = None, signer: str | None = "alice") -> bytes:
        return self.people.seal(payload() if body is None else body, signer)

    def packets(self, *raw: bytes, signer: str | None = None) -> bytes:
        """Seals packets as they are, without a literal packet around them."""
        words = ["--no-literal", "--compress-algo", "none"]
        return self.people.seal(b"".join(raw), signer, words=words)

    def signed(self, body: bytes | None = None) -> bytes:
        """One-pass signature, literal and signature packets, not sealed and not compressed."""
        words = ["--compress-algo", "none", "-u", self.people.prints["alice"]]
        return self.people.gpg("alice", *words, "--sign", data=body or payload())

    def detached(self, body: bytes, signer: str = "alice") -> bytes:
        words = ["--armor", "-u", self.people.prints[signer], "--detach-sign"]
        return self.people.gpg(signer, *words, data=body)

    def dated(self, signer: str, when: str | int, *words: str) -> bytes:
        """Signed by a clock that shows ``when``, or is off by so many days; sealed today."""
        if isinstance(when, int):
            when = time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() + when * 86_400))
        address = ADDRESSES[signer]
        clock = ["--faked-system-time", when, "-u", self.people.prints[signer], *words]
        signed = self.people.gpg(
            signer, *clock, "--sign", data=payload(headers=inner(From=address))
        )
        return mail(encrypted(self.packets(signed)), having(OUTER, From=address))

    def multipart_signed(self, body: bytes | None = None) -> bytes:
        body = body or payload(kind="text/plain")
        signature = part("application/pgp-signature", self.detached(body))
        more = '; protocol="application/pgp-signature"; micalg=pgp-sha512'
        return multi("signed", body, signature, mark="sig", more=more)

    def binary(self, armour: bytes) -> bytes:
        return dearmoured(armour)


def dearmoured(armour: bytes) -> bytes:
    return subprocess.run(
        ["gpg", "--dearmor"], input=armour, capture_output=True, check=True
    ).stdout


def armoured(packets: bytes) -> bytes:
    done = subprocess.run(["gpg", "--enarmor"], input=packets, capture_output=True, check=True)
    return re.sub(rb"Comment:[^\n]*\n", b"", done.stdout).replace(b"ARMORED FILE", b"MESSAGE")


def packet(tag: int, body: bytes) -> bytes:
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def literal(data: bytes, name: bytes = b"") -> bytes:
    return packet(11, b"b" + bytes([len(name)]) + name + b"\0\0\0\0" + data)


def squeezed(data: bytes) -> bytes:
    """A compressed packet (ZLIB)."""
    return packet(8, b"\x02" + zlib.compress(data, 9))


def split(packets: bytes) -> tuple[bytes, bytes]:
    """Of a sealed message: what names the recipients, and the body of the sealed packet."""
    at = 0
    while True:
        tag, start, length = _header(packets, at)
        if tag != 1:
            return packets[:at], packets[start : start + length]
        at = start + length


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    first = data[at]
    if first & 0x40:
        one = data[at + 1]
        if one < 192:
            return first & 0x3F, at + 2, one
        if one < 224:
            return first & 0x3F, at + 3, ((one - 192) << 8) + data[at + 2] + 192
        assert one == 255, "no partial lengths expected"
        return first & 0x3F, at + 6, int.from_bytes(data[at + 2 : at + 6], "big")
    size = 1 << (first & 3)
    length = int.from_bytes(data[at + 1 : at + 1 + size], "big")
    return (first & 0x3C) >> 2, at + 1 + size, length
