"""Starts a stand-in in a process of its own and ends exactly that one.

Rule kept here: the child ends when its starter does, however that ends: it reads the other end of
a pipe that dies with the starter. It ends by itself or by its own process id, never by name.
"""

from dataclasses import dataclass, field
from pathlib import Path

from connectors.shared.standin.child import Child, begin


@dataclass(slots=True, kw_only=True)
class Running(Child):
    """A running stand-in.

    Attributes:
        url: of the web interface.
        control: of the far side's hand, for ``control.Control``.
        token: what the hand asks for.
        user: our account.
        api_key: what the interface asks for.
        auth_token: likewise, before base64.
    """

    url: str
    control: str
    token: str = field(repr=False)
    user: str
    api_key: str = field(repr=False)
    auth_token: str = field(repr=False)


def start(
    *,
    folder: Path | None = None,
    modify: str = "replace",
    on_failure: str = "lose",
    port: int = 0,
    record: Path | None = None,
    working: Path | None = None,
) -> Running:
    """Starts a stand-in and waits until it listens.

    Args:
        folder: the attachments folder of the bot's host; without one files stay in memory.
        modify: see ``options.Modify``.
        on_failure: see ``options.OnFailure``.
        port: of the web interface; 0 lets the system choose.
        record: folder for the requests with their text; tests only.
        working: its working folder; without ``record`` and ``folder`` it writes nothing.

    Raises:
        RuntimeError: it ended before it listened.
    """
    command = ["--modify", modify, "--on-failure", on_failure, "--port", str(port)]
    command += ["--folder", str(folder)] if folder is not None else []
    command += ["--record", str(record)] if record is not None else []
    child, told = begin("connectors.wickr.standin", command, working)
    url, control = (f"http://127.0.0.1:{told[each]}" for each in ("port", "control"))
    asks = {name: str(told[name]) for name in ("token", "user", "api_key", "auth_token")}
    return Running(url=url, control=control, pid=int(told["pid"]), _child=child, **asks)
