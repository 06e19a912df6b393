"""What every answer of the front carries: from where a browser may load, run and be framed.

Rules kept here:

1. Nothing is loaded from elsewhere, and nothing inline runs but the lines of Streamlit's own page,
   whose hashes are made from the installed file at start.
2. Nothing that was answered is kept by a browser or a proxy, but files that are the same for all.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

Header = tuple[bytes, bytes]
_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SET_BY_US: Final = frozenset(
    {b"cache-control", b"content-security-policy", b"server", b"x-powered-by", b"date"}
    | {b"access-control-allow-origin", b"access-control-allow-credentials"}
)
KEPT: Final = b"public, max-age=31536000, immutable"
NOT_KEPT: Final = b"no-store"
SESSION_HEADER: Final = "x-wallcross-session"
"""Set by the gate alone: whose page of Streamlit it is, so that it is resumed by no other."""
_SAME_FOR_ALL: Final[Sequence[Header]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


def inline_hashes(page: str) -> tuple[str, ...]:
    """CSP sources of the scripts that stand inside a page."""
    return tuple(
        "'sha256-" + b64encode(sha256(found.encode()).digest()).decode() + "'"
        for found in _INLINE.findall(page)
    )


def policy_of_pages(page: str, origin: str) -> bytes:
    """The content policy of Streamlit's page.

    Args:
        page: its HTML, as it is served.
        origin: by which browsers name this front.
    """
    scripts = " ".join(("'self'", "'wasm-unsafe-eval'", "blob:", *inline_hashes(page)))
    return _joined(
        {
            "default-src": "'self'",
            "script-src": scripts,
            "style-src": "'self' 'unsafe-inline'",
            "img-src": "'self' data: blob:",
            "font-src": "'self' data:",
            "connect-src": "'self' " + _sockets(origin),
            "worker-src": "'self' blob:",
            "frame-ancestors": "'none'",
            "base-uri": "'self'",
            "form-action": "'self'",
            "object-src": "'none'",
        }
    )


def policy_of_own(origin: str) -> bytes:
    """The content policy of our own static pages: nothing inline at all."""
    return _joined(
        {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self'",
            "font-src": "'self'",
            "connect-src": "'self' " + _sockets(origin),
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
            "form-action": "'self'",
            "object-src": "'none'",
        }
    )


def policy_of_data() -> bytes:
    """The content policy of what is no page."""
    return _joined({"default-src": "'none'", "frame-ancestors": "'none'", "sandbox": ""})


def hardened(
    found: Iterable[Header], policy: bytes, *, secure: bool, kept: bytes = NOT_KEPT
) -> list[Header]:
    """The headers of an answer, with ours in place of any of the same name.

    Args:
        found: as the application made them.
        policy: the content policy.
        secure: the front is reached by https, and only by it.
        kept: for how long a browser may keep the answer.
    """
    ours = {*_SET_BY_US, *(name for name, _ in _SAME_FOR_ALL)}
    rest = [(name, value) for name, value in found if name.lower() not in ours]
    made = [*_SAME_FOR_ALL, (b"content-security-policy", policy), (b"cache-control", kept)]
    if secure:
        made.append((b"strict-transport-security", b"max-age=63072000; includeSubDomains"))
    return [*rest, *made]


def _sockets(origin: str) -> str:
    parts = urlsplit(origin)
    return ("wss" if parts.scheme == "https" else "ws") + "://" + parts.netloc


def _joined(directives: dict[str, str]) -> bytes:
    return "; ".join((name + " " + value).strip() for name, value in directives.items()).encode()
