"""Short answers of the front itself, and what it reads of a request."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from starlette.types import Send

from dashboard.headers import Header, hardened, policy_of_data

COOKIE: Final = "__Host-wallcross"
SECRET: Final = re.compile(r"[A-Za-z0-9._~-]{16,512}")


async def answer(
    send: Send, status: int, *, secure: bool, more: Iterable[Header] = (), words: str = ""
) -> None:
    """Sends a status and a line of words of ours, such as ``404`` and its name."""
    body = (words or HTTPStatus(status).phrase).encode()
    found = [(b"content-type", b"text/plain; charset=utf-8"), *more]
    found.append((b"content-length", str(len(body)).encode()))
    headers = hardened(found, policy_of_data(), secure=secure)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def header(headers: Iterable[Header], name: bytes) -> str | None:
    """The one value of a header; None where it is missing, or there more than once."""
    found = [value for given, value in headers if given.lower() == name]
    return found[0].decode("latin-1") if len(found) == 1 else None


def cookie_of(headers: Iterable[Header]) -> str | None:
    """Our session's cookie as it is sent on, ``name=secret``; None: there is not exactly one."""
    found = [
        value.strip()
        for name, line in headers
        if name.lower() == b"cookie"
        for part in line.decode("latin-1").split(";")
        for key, is_one, value in [part.strip().partition("=")]
        if is_one and key == COOKIE
    ]
    if len(found) != 1 or not SECRET.fullmatch(found[0]):
        return None
    return COOKIE + "=" + found[0]
