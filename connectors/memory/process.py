"""Starts the memory network in a process of its own and ends exactly that one.

Rule kept here: the child ends when its starter does, however that ends: it reads the other end of
a pipe that dies with the starter. It ends by itself or by its own process id, never by name.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors.shared.standin.child import Child, begin


@dataclass(slots=True, kw_only=True)
class FarProcess(Child):
    """A running network.

    Attributes:
        address: where it listens, for the connector's ``address`` setting and ``FarSide``.
    """

    address: str


def start(
    listen: str = "127.0.0.1:0",
    record: Path | None = None,
    options: Mapping[str, object] | None = None,
) -> FarProcess:
    """Starts a network and waits until it listens.

    Args:
        listen: ``unix:/path`` or ``127.0.0.1:PORT``; port 0 lets the system choose.
        record: file for the record of arrivals.
        options: fields of ``connectors.memory.network.Options``.

    Raises:
        RuntimeError: it ended before it listened.
    """
    command = ["--listen", listen, "--options", json.dumps(dict(options or {}))]
    if record is not None:
        command += ["--record", str(record)]
    child, told = begin("connectors.memory.server", command)
    return FarProcess(address=str(told["listening"]), pid=int(told["pid"]), _child=child)
