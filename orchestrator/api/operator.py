"""Health, readiness and metrics: a listener of its own, which asks nobody who he is.

Rules kept here:

1. There are three addresses, which only read; the API is not behind them.
2. Labels are names of channels and states. Nothing of a deal is told, and no count that follows
   how much is written (``orchestrator.query.operating``).
3. A browser is not led here under another name: the host that is asked for is the one that listens.
4. Whoever asks often is answered from the last look: it costs the home nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.api.port_operator import OperatorAccess
from orchestrator.api.server import listening_near
from orchestrator.config.model import is_near
from orchestrator.query.operating import STATES, Operating

HOLDS_S = 1.0
"""Seconds for which a look at the home is told again."""
_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@asynccontextmanager
async def for_operators(home: OperatorAccess, listener: str) -> AsyncIterator[None]:
    """Answers at ``listener``, such as ``127.0.0.1:9642``, for the length of the block.

    Raises:
        Unready: it is taken.
    """
    host, _, port = listener.rpartition(":")
    app = operator_app(home, host if is_near(listener) else None)
    async with listening_near(app, host.strip("[]"), int(port)):
        yield


def operator_app(home: OperatorAccess, host: str | None) -> ASGIApp:
    """The application.

    Args:
        home: the open home.
        host: by which it may be asked for, beside ``localhost``; None: by any.
    """
    looks = _Looks(home)
    hosts = None if host is None else frozenset({host, "localhost"})

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        found = await _answer(scope, looks, hosts)
        found.headers.update(_HEADERS)
        await found(scope, receive, send)

    return answer


async def _answer(scope: Scope, looks: "_Looks", hosts: frozenset[str] | None) -> Response:
    if hosts is not None and _host(Headers(scope=scope)) not in hosts:
        return PlainTextResponse("not here\n", 421)
    if scope["path"] not in {"/healthz", "/readyz", "/metrics"}:
        return PlainTextResponse("there is no such thing\n", 404)
    if scope["method"] not in {"GET", "HEAD"}:
        return PlainTextResponse("this only reads\n", 405, {"allow": "GET, HEAD"})
    if scope["path"] == "/healthz":
        return PlainTextResponse("ok\n")
    found = await looks.look()
    if scope["path"] == "/readyz":
        return _ready(found)
    return Response(metrics(found), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4})


def _host(headers: Headers) -> str | None:
    """The host that was asked for, without its port; None where it is not said once."""
    said = headers.getlist("host")
    if len(said) != 1:
        return None
    name, _, port = said[0].rpartition(":")
    return name if name and port.isdigit() else said[0]


def _ready(found: Operating) -> Response:
    lacks = found.lacks
    body = json.dumps({"ready": not lacks, "lacks": list(lacks)}) + "\n"
    return Response(body, 503 if lacks else 200, media_type="application/json")


class _Looks:
    """The last look at a home, for as long as it holds; one at a time."""

    def __init__(self, home: OperatorAccess) -> None:
        self._home = home
        self._one = asyncio.Lock()
        self._last: tuple[float, Operating] | None = None

    async def look(self) -> Operating:
        """How the home works."""
        async with self._one:
            if self._last is None or monotonic() - self._last[0] >= HOLDS_S:
                found = await self._home.operating()
                self._last = monotonic(), found
            return self._last[1]


def metrics(found: Operating) -> bytes:
    """What Prometheus reads (exposition format 0.0.4), from a registry of its own."""
    registry = CollectorRegistry()
    ProcessCollector(namespace="wallcross", registry=registry)
    registry.register(_Figures(found))
    return generate_latest(registry)


class _Figures(Collector):
    """A look at a home as figures."""

    def __init__(self, found: Operating) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every figure."""
        found = self._found
        yield _figure(
            "ready", "1: store, chains and every channel's state are known", not found.lacks
        )
        yield _figure("store_answers", "1: the store answers", found.store)
        yield _figure(
            "chain_whole",
            "1: the chains are whole, as far as they were read (each minute)",
            found.chain,
        )
        yield _figure("clock_trusted", "1: the clock may be trusted to permit", found.clock)
        yield _figure("anchors_failing", "anchors that do not answer", found.anchors_failing)
        states = GaugeMetricFamily(
            "wallcross_channel_state", "1 at the state of a channel", labels=("channel", "state")
        )
        stuck = GaugeMetricFamily(
            "wallcross_channel_stuck", "1: sending fails again and again", labels=("channel",)
        )
        for channel in found.channels:
            for state in STATES:
                states.add_metric((channel.name, state), float(channel.state == state))
            stuck.add_metric((channel.name,), float(channel.stuck))
        yield states
        yield stuck


def _figure(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"wallcross_{name}", told, value=float(value))
