"""Files: sealed here, put where the server says, fetched and opened here (XEP-0363, XEP-0454).

Rules kept here:

1. The server that stores a file gets bytes sealed under a key of their own, a random name, and
   nothing else. Key and name travel in the message.
2. Only the configured place is written to and read from: a service that names another is refused,
   and so is a link to another host, which stays what it is, text.
3. A file goes out as long as it was announced, or not at all; what comes in is checked by its seal.
"""

import asyncio
import os
import re
import secrets
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

import httpx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.port.door import Door, DoorClosed, capped
from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.messages import Attachment
from connectors.xmpp import wire
from connectors.xmpp.line import Line
from connectors.xmpp.settings import XmppSettings

_IV, _KEY, _TAG = 12, 32, 16
_LINK = re.compile(
    r"aesgcm://(?P<place>[^\s#?]+)#(?P<iv>[0-9a-f]{24}|[0-9a-f]{32})(?P<key>[0-9a-f]{64})"
    r"(?:\ndata:(?P<beside>[^\s]{0,40000}))?"
)
_NAMED = "text/plain;charset=utf-8,"
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_OK, _MADE, _NO_MORE = 200, 201, {404, 410}
_FAILED = 500


@dataclass(frozen=True, slots=True)
class Link:
    """A sealed file by its link.

    Attributes:
        url: where its bytes are.
        iv: of its seal.
        key: of its seal.
        name: as its author called it; data from outside.
    """

    url: str
    iv: bytes = field(repr=False)
    key: bytes = field(repr=False)
    name: str = field(repr=False)


def link_in(body: str) -> Link | None:
    """The file that a body is; None where it is anything else."""
    found = _LINK.fullmatch(body)
    if found is None:
        return None
    beside = found["beside"] or ""
    name = unquote(found["place"].rpartition("/")[2])
    if beside.startswith(_NAMED):
        name = unquote(beside.removeprefix(_NAMED))
    iv, key = bytes.fromhex(found["iv"]), bytes.fromhex(found["key"])
    return Link(f"https://{found['place']}", iv, key, name)


def body_of(link: Link) -> str:
    """The body that is a file; its second line is for those who know it (XEP-0454, thumbnails)."""
    place = link.url.removeprefix("https://")
    return f"aesgcm://{place}#{link.iv.hex()}{link.key.hex()}\ndata:{_NAMED}{quote(link.name)}"


class Files:
    """Uploads and downloads of one account.

    Args:
        line: to the server.
        door: the only way out.
        settings: of the account.
        context: what checks certificates.
    """

    def __init__(
        self, line: Line, door: Door, settings: XmppSettings, context: ssl.SSLContext
    ) -> None:
        self._line = line
        self._settings = settings
        self._http = door.client(verify=context)
        self._service: str | None = settings.upload

    async def close(self) -> None:
        """Ends its connections."""
        await self._http.aclose()

    # --- up -------------------------------------------------------------------------------------

    async def store(self, file: Attachment) -> str:
        """Seals a file and puts it where the server says; the body that is it.

        Raises:
            Rejected, Unavailable: nothing was said to anybody.
        """
        if self._settings.files is None:
            raise Rejected("no_files", "no place for uploads is configured")
        data = await self._whole(file)
        iv, key = os.urandom(_IV), os.urandom(_KEY)
        sealed = await asyncio.to_thread(AESGCM(key).encrypt, iv, data, None)
        ending = _ENDING.search(file.name)
        name = secrets.token_hex(16) + (ending.group().lower() if ending else "")
        put, get, headers = await self._slot(name, len(sealed))
        await self._put(put, sealed, headers)
        return body_of(Link(get, iv, key, file.name))

    async def _whole(self, file: Attachment) -> bytes:
        found = bytearray()
        try:
            async for piece in file.open():
                found += piece
                if len(found) > file.size:
                    break
        except ConnectorError:
            raise
        except Exception:  # noqa: BLE001 (whatever a source of bytes raises is not ours to know)
            found.clear()
            failed = True
        else:
            failed = False
        if failed:
            raise Unavailable("file_unreadable", "a file could not be read")
        if len(found) != file.size:
            raise Rejected("file_length", "a file has not the length that was announced")
        return bytes(found)

    async def _slot(self, name: str, size: int) -> tuple[str, str, dict[str, str]]:
        """Where to put and to get. Raises: ConnectorError."""
        request = wire.made(
            f"{{{wire.UPLOAD}}}request",
            **{"filename": name, "size": str(size), "content-type": "application/octet-stream"},
        )
        answer = await self._line.ask(await self._upload(), "get", request)
        slot = answer.find(f"{{{wire.UPLOAD}}}slot")
        put = None if slot is None else slot.find(f"{{{wire.UPLOAD}}}put")
        get = None if slot is None else slot.find(f"{{{wire.UPLOAD}}}get")
        if put is None or get is None or not put.get("url") or not get.get("url"):
            raise Unavailable("answer_malformed", "the server named no place for a file")
        headers = {
            h.get("name", ""): h.text or ""
            for h in put.findall(f"{{{wire.UPLOAD}}}header")
            if h.get("name", "").lower() in {"authorization", "cookie", "expires"}
        }
        return str(put.get("url")), str(get.get("url")), headers

    async def _upload(self) -> str:
        """The service that gives out places. Raises: ConnectorError."""
        if self._service is None:
            items = await self._line.ask(
                self._settings.domain, "get", wire.made(f"{{{wire.ITEMS}}}query")
            )
            for item in items.iter(f"{{{wire.ITEMS}}}item"):
                address = item.get("jid", "")
                if await self._takes(address):
                    self._service = address
                    break
        if self._service is None:
            raise Rejected("no_files", "the server names no service for uploads; set upload")
        return self._service

    async def _takes(self, address: str) -> bool:
        try:
            answer = await self._line.ask(address, "get", wire.made(f"{{{wire.DISCO}}}query"))
        except Rejected:
            return False
        return wire.UPLOAD in wire.features(answer)

    async def _put(self, url: str, sealed: bytes, headers: dict[str, str]) -> None:
        kind = {"Content-Type": "application/octet-stream"}
        answer = await self._call("PUT", url, content=sealed, headers={**kind, **headers})
        if answer.status_code not in {_OK, _MADE}:
            raise _refused(answer.status_code)

    async def _call(self, method: str, url: str, **more: object) -> httpx.Response:
        """One call that reads all of its answer. Raises: Rejected, Unavailable."""
        try:
            return await self._http.request(method, url, **more)  # type: ignore[arg-type]  # httpx's own keywords
        except DoorClosed as error:
            code, hint = error.code, error.hint
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            code, hint = "", ""
        if code:
            raise Rejected(code, hint)
        raise Unavailable("files_unreachable", "the place for files does not answer")

    # --- down -----------------------------------------------------------------------------------

    def is_ours(self, link: Link) -> bool:
        """Whether a link leads to the configured place."""
        base = self._settings.files
        return base is not None and link.url.lower().startswith(base.rstrip("/").lower() + "/")

    async def size(self, link: Link) -> int:
        """How long the file is, its seal taken off. Raises: Rejected, Unavailable."""
        answer = await self._call("HEAD", link.url)
        told = answer.headers.get("content-length", "")
        if answer.status_code != _OK:
            raise _refused(answer.status_code)
        if not told.isdecimal() or int(told) < _TAG:
            raise Rejected("file_length", "the place for files does not say how long a file is")
        if int(told) - _TAG > self._settings.max_attachment_bytes:
            raise Rejected("too_large", "a file is larger than this channel takes")
        return int(told) - _TAG

    def reader(self, body: str, size: int) -> Callable[[], AsyncIterator[bytes]]:
        """What reads a file, as often as it is asked to.

        Args:
            body: that is it.
            size: of its bytes.
        """

        async def read() -> AsyncIterator[bytes]:
            link = link_in(body)
            if link is None:
                raise Rejected("file_unreadable", "this is no link to a sealed file")
            yield await self._opened(link, size)

        return read

    async def _opened(self, link: Link, size: int) -> bytes:
        limit = capped(size + _TAG)
        answer = await self._call("GET", link.url, extensions=limit)
        if answer.status_code != _OK:
            raise _refused(answer.status_code)
        try:
            return await asyncio.to_thread(AESGCM(link.key).decrypt, link.iv, answer.content, None)
        except InvalidTag:
            pass
        raise Rejected("file_forged", "a file's bytes are not those that its author sealed")


def _refused(status: int) -> ConnectorError:
    if status in _NO_MORE:
        return Rejected("file_gone", "the file is there no more")
    if status >= _FAILED:
        return Unavailable("files_failed", "the place for files failed")
    return Rejected("file_refused", "the place for files refused")
