"""The one thing that this process holds: how the API is reached. No answer, name or secret.

Rules kept here:

1. Nothing of one person is kept for another: a client is made for each question, with the cookie
   of whoever asks; only the connection to the socket is shared.
2. This is the one module with state of its own (tests/architecture names it).
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx
import streamlit as st

from dashboard.answers import COOKIE, SECRET
from orchestrator.client.api import Client
from orchestrator.client.problems import Failed, SignInFirst, Unready

T = TypeVar("T")
ANSWER_S = 20.0


def cookie_of_page() -> str | None:
    """The session's secret of whoever looks at the page that is being made."""
    return st.context.cookies.get(COOKIE)


@dataclass(frozen=True, slots=True)
class Link:
    """How the API is reached.

    Args:
        loop: runs the questions; it is not the loop of any page.
        transport: to the desk's door.
        origin: of this front: what a click on a page changes comes from there, and the websocket
            that brought the click was held to it (``dashboard.gate``).
        zone: the deals' own time zone, an IANA name.
        secret: of whoever asks.
    """

    loop: asyncio.AbstractEventLoop
    transport: httpx.AsyncBaseTransport
    origin: str
    zone: str = "UTC"
    secret: Callable[[], str | None] = cookie_of_page

    def ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """Answers a question with what the API says to whoever looks at the page.

        Raises:
            Problem: what the API says instead of an answer; SignInFirst without a session.
        """
        secret = self.secret()
        if secret is None or not SECRET.fullmatch(secret):
            raise SignInFirst("You are not signed in", still="Nothing is shown", then="/in")
        asking = asyncio.run_coroutine_threadsafe(self._asked(question, secret), self.loop)
        try:
            return asking.result(ANSWER_S)
        except TimeoutError:
            asking.cancel()
            raise Unready(
                "Wallcross does not answer just now", still="Nothing was changed that you see here"
            ) from None

    async def _asked(self, question: Callable[[Client], Awaitable[T]], secret: str) -> T:
        headers = {"cookie": f"{COOKIE}={secret}", "origin": self.origin}
        # Not closed: that would close the transport, whose connections others use.
        client = Client(self.transport, ANSWER_S, headers=headers)
        try:
            return await question(client)
        except httpx.TransportError:
            raise Unready(
                "Wallcross does not answer just now", still="What is shown may be old"
            ) from None
        except ValueError:
            raise Failed("An answer was not understood", still="Nothing was changed") from None


_in_force: Link | None = None


def link() -> Link:
    """The link in force. Raises: RuntimeError before there is one."""
    if _in_force is None:
        raise RuntimeError("the dashboard is not linked to an API")
    return _in_force


def put(new: Link | None) -> None:
    """Puts a link in force for this process."""
    global _in_force  # noqa: PLW0603 - rule 2: the one piece of state
    _in_force = new


def background_loop() -> asyncio.AbstractEventLoop:
    """A loop in a thread of its own, which ends with the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="questions", daemon=True).start()
    return loop
