"""Whoever is not signed in: each address of the real front answers him alike, whatever is there.

The addresses are those of the applications themselves. Each that names something is asked for with
what exists and with what never did: the two answers are the same, byte for byte.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from dashboard import public
from dashboard.gate import ALIVE
from dashboard.nav import PAGES
from orchestrator.api.access import OPEN
from orchestrator.api.app import application
from tests.dashboard.shell.test_gate import ROUTES, asked

from .town import Town, town

pytestmark = pytest.mark.long
NEVER = {"deal": "deal_" + "0" * 32, "person": "nobody", "conversation": "conv_" + "0" * 32}
_NOT_COMPARED = frozenset({"date"})


async def test_without_a_session_each_address_refuses_and_says_nothing_of_what_exists(
    folder: Path,
) -> None:
    async with town(folder) as made, browserless(made.origin) as nobody:
        [talk, *_] = await made.client.conv_list(made.deal)
        there = {"deal": made.deal, "person": "ada", "conversation": talk.conversation_id}
        named = 0
        for method, path in operations():
            found = await answer(nobody, method, filled(path, there))
            never = await answer(nobody, method, filled(path, NEVER))
            assert found == never, path
            assert found[0] == httpx.codes.UNAUTHORIZED, (method, path, found)
            assert made.deal.encode() not in found[2]
            named += filled(path, there) != filled(path, NEVER)
        assert named > 60, "most addresses name something"
        for method, path in pages():
            assert (await answer(nobody, method, path))[0] == httpx.codes.UNAUTHORIZED, path
        await no_line(made)


def browserless(origin: str) -> httpx.AsyncClient:
    """Somebody who says that he comes from the desk's own page, and has no session."""
    return httpx.AsyncClient(base_url=origin, headers={"origin": origin}, trust_env=False)


def operations() -> Iterable[tuple[str, str]]:
    """Every operation of the API that is not open to whoever signs in."""
    for route in iter_route_contexts(application().routes):
        if route.name not in OPEN:
            yield min(route.methods or {"GET"}), str(route.path)


def pages() -> Iterable[tuple[str, str]]:
    """Every route of Streamlit's, every page of ours, and what is no page."""
    found = [(method, asked(path)) for method, path in ROUTES if method != "websocket"]
    found += [("GET", f"/{page.key}") for page in PAGES] + [("GET", "/"), ("GET", "/no-such-page")]
    return [(method, path) for method, path in found if public.find(path) is None]


def filled(path: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda m: names.get(m[1], "x"), path)


async def answer(
    nobody: httpx.AsyncClient, method: str, path: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers but the time, and body."""
    found = await nobody.request(method, path)
    kept = {name: value for name, value in found.headers.items() if name not in _NOT_COMPARED}
    return found.status_code, kept, found.content


async def no_line(made: Town) -> None:
    """No websocket is opened to him, though he says that he comes from our page."""
    base = made.origin.replace("http", "ws", 1)
    lines = [path for method, path in ROUTES if method == "websocket"]
    for path in (*lines, ALIVE):
        with pytest.raises(InvalidStatus) as refused:
            await connect(base + path, origin=made.origin, proxy=None)  # type: ignore[arg-type]
        assert refused.value.response.status_code == httpx.codes.FORBIDDEN
