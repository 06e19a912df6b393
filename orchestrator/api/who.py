"""Who calls: the operating system's word on the socket, or a sign-in; never the caller's own.

Rules kept here:

1. At the home's own socket a caller has the user id of this home (``SO_PEERCRED``) and was not
   started by `serve` (``lineage``), else he is turned away before any route. He holds the home
   itself, and nothing is cut for him.
2. At the desk's door (``orchestrator.api.door``) a caller is the viewer that his session or token
   names; the door put him beside the request, where nobody outside can write.
3. The audit's actor is made here and nowhere else.
"""

import asyncio
import os
import pwd
import re
import socket
import struct
from typing import Annotated, cast

from fastapi import Depends, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.api.lineage import descends
from orchestrator.client.problems import SignInFirst
from tiers.rights import Viewer

_UCRED = struct.Struct("3i")
_USER = re.compile(r"[A-Za-z0-9._-]{1,64}")
Caller = tuple[str, int]
"""As ASGI's ``client``: ``uid:<user id>`` and the process id."""
VIEWER_IN_SCOPE = "wallcross.viewer"
"""Where the desk's door says who asks; None: nobody who is signed in."""
VIEWER_ANEW = "wallcross.viewer-anew"
"""Where it says how to learn who asks once more, while a request goes on; None: nobody any more."""
BROWSER_IN_SCOPE = "wallcross.browser"
"""Where it says what a browser kept while it was at a provider; None: nothing."""


def here() -> Caller:
    """This process, when it calls its own application without a socket."""
    return f"uid:{os.geteuid()}", os.getpid()


class PeerProtocol(H11Protocol):
    """HTTP over a Unix socket whose client is who the kernel says it is."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base
        """Notes the peer's user and process before the first byte is read."""
        super().connection_made(transport)
        self.client = peer_of(transport.get_extra_info("socket"))


class StrangersProtocol(PeerProtocol):
    """The same, for whom this process did not start; who descends from it is nobody here."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base
        """Notes the peer, and forgets one that this process started."""
        super().connection_made(transport)
        if self.client is not None and descends(self.client[1]):
            self.client = None


def peer_of(connected: socket.socket | None) -> Caller | None:
    """The process at the other end of a Unix socket; None where the kernel does not say."""
    if connected is None or connected.family != socket.AF_UNIX:
        return None
    data = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(data)
    return f"uid:{uid}", pid


def actor_of(client: tuple[str, int] | None) -> str:
    """``local:<os user>`` of a caller.

    Raises:
        SignInFirst: the caller is not this home's own user.
    """
    uid = os.geteuid()
    if client is None or client[0] != f"uid:{uid}":
        raise SignInFirst(
            "This socket is for the user who runs this home", still="Nothing was done"
        )
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = ""
    return f"local:{name if _USER.fullmatch(name) else uid}"


def viewer(request: Request) -> Viewer:
    """Who asks. Raises: SignInFirst."""
    if VIEWER_IN_SCOPE in request.scope:
        found = cast("Viewer | None", request.scope[VIEWER_IN_SCOPE])
        if found is None:
            raise SignInFirst("You are not signed in", still="Nothing was done", then="/in")
        return found
    client = request.scope.get("client")
    return Viewer(actor_of(None if client is None else (client[0], client[1])), whole=True)


Asker = Annotated[Viewer, Depends(viewer)]
"""Who asks; what he is shown is cut to what he may see."""


def caller(asker: Asker) -> str:
    """The actor of a request. Raises: SignInFirst."""
    return asker.actor


Actor = Annotated[str, Depends(caller)]
