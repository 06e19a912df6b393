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
        url: of the REST server.
        control: of the far side's hand, for ``control.Control``.
        token: what the hand asks for.
    """

    url: str
    control: str
    token: str = field(repr=False)


def start(
    *,
    webhook: str = "",
    mode: str = "json-rpc",
    version: str = "0.101",
    backend: str = "rest",
    port: int = 0,
    record: Path | None = None,
    folder: Path | None = None,
) -> Running:
    """Starts a stand-in and waits until it listens.

    Args:
        webhook: ``RECEIVE_WEBHOOK_URL``; can be set later with ``Control.webhook``.
        mode: ``json-rpc`` or ``normal``.
        version: ``0.100`` or ``0.101``.
        backend: ``rest`` for signal-cli-rest-api, ``json-rpc`` for signal-cli's own daemon.
        port: of the REST server; 0 lets the system choose.
        record: folder for the requests with their text; tests only.
        folder: its working folder; without ``record`` it writes nothing, there or elsewhere.

    Raises:
        RuntimeError: it ended before it listened.
    """
    command = ["--mode", mode, "--version", version, "--port", str(port), "--webhook", webhook]
    command += ["--backend", backend]
    if record is not None:
        command += ["--record", str(record)]
    child, told = begin("connectors.signal.standin", command, folder)
    url, control = (f"http://127.0.0.1:{told[each]}" for each in ("port", "control"))
    return Running(
        url=url, control=control, token=str(told["token"]), pid=int(told["pid"]), _child=child
    )
