"""Somebody's browser as the dashboard's server sees one: a websocket that asks for pages.

Rule kept here: a page counts as shown when the server says that it has finished, and only then; one
that failed has no figure.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

PATIENCE_S = 120.0
LARGEST = 64 << 20
"""Bytes of one part of a page."""


class NoPage(RuntimeError):
    """A page was not shown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that was shown.

    Attributes:
        first_s: seconds until its first part.
        whole_s: seconds until all of it.
        size: bytes.
        pages: where it can be gone to from there, by address.
    """

    first_s: float
    whole_s: float
    size: int
    pages: tuple[str, ...]


@dataclass(slots=True)
class _Parts:
    """What came of a page so far."""

    began: float
    first: float | None = None
    size: int = 0
    pages: tuple[str, ...] = ()
    failed: bool = False
    words: list[str] = field(default_factory=list)

    def take(self, raw: bytes) -> bool:
        """Takes one message; whether the page is whole."""
        self.size += len(raw)
        message = ForwardMsg.FromString(raw)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self.pages = tuple(page.url_pathname for page in message.navigation.app_pages)
        elif kind == "delta":
            self.first = self.first or time.perf_counter()
            self.failed = self.failed or message.delta.new_element.HasField("exception")
        return kind == "script_finished" and message.script_finished in _WHOLE


_WHOLE = frozenset({ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR})


class Visitor:
    """One open page.

    Args:
        origin: of the dashboard.
        cookie: the session, as a browser sends it.
    """

    def __init__(self, origin: str, cookie: str) -> None:
        self._origin = origin
        self._cookie = cookie
        self._line: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        self._line = await connect(
            self._origin.replace("http", "ws", 1) + "/_stcore/stream",
            additional_headers={"Cookie": self._cookie},
            origin=self._origin,  # type: ignore[arg-type]  # a NewType of str
            subprotocols=["streamlit"],  # type: ignore[list-item]  # likewise
            max_size=LARGEST,
            open_timeout=PATIENCE_S,
            proxy=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._line is not None:
            await self._line.close()

    async def see(self, page: str, query: Mapping[str, str] | None = None) -> Shown:
        """Asks for a page and waits until it is whole.

        Raises:
            NoPage: it failed, or the line was closed.
        """
        line = self._line
        if line is None:
            raise NoPage("no line is open")
        asked = BackMsg()
        asked.rerun_script.page_name = page
        asked.rerun_script.query_string = "&".join(f"{k}={v}" for k, v in (query or {}).items())
        parts = _Parts(time.perf_counter())
        await line.send(asked.SerializeToString())
        async for raw in line:
            if isinstance(raw, bytes) and parts.take(raw):
                return _shown(parts, page)
        raise NoPage(f"the line was closed before {page} was whole")


def _shown(parts: _Parts, page: str) -> Shown:
    done = time.perf_counter()
    if parts.failed or parts.first is None:
        raise NoPage(f"{page} failed")
    return Shown(parts.first - parts.began, done - parts.began, parts.size, parts.pages)


def share(values: list[float], part: float) -> float:
    """The value below which a share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def figures(seconds: list[float]) -> Iterator[tuple[str, float]]:
    """Median and 95th percentile, milliseconds."""
    yield "p50_ms", share(seconds, 0.5) * 1000
    yield "p95_ms", share(seconds, 0.95) * 1000
