"""A process of our own that listens, and writes down what it was told as the orchestrator does.

Started with a file of its settings and one that begins with a cursor; it writes a line for each
batch, and goes on from the last line of an earlier run. It is killed at any instant.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, TextIO

from connectors.matrix.connector import open_connector
from connectors.port import ConnectorName
from connectors.port.connector import Connector, Setup
from connectors.port.errors import ConnectorError, Rejected
from connectors.port.events import InboundMessage, Missed
from orchestrator import clock


def whole(out: TextIO) -> list[dict[str, Any]]:
    """The lines that are whole; one that was cut off by a kill was never stored, and goes."""
    out.seek(0)
    kept = [line for line in out.read().splitlines(keepends=True) if line.endswith("\n")]
    out.truncate(len("".join(kept).encode()))
    return [json.loads(line) for line in kept]


async def opened(connector: Connector) -> None:
    """Opens it, over a line that breaks, as the orchestrator does: until it is open."""
    while True:
        try:
            return await connector.open()
        except ConnectorError as error:
            if isinstance(error, Rejected):
                raise
            await asyncio.sleep(0.05)


async def main(told: dict[str, object], stored: Path) -> None:
    settings, secrets = told["settings"], told["secrets"]
    assert isinstance(settings, dict)
    assert isinstance(secrets, dict)
    state = Path(str(told["state"]))
    connector = open_connector(Setup(ConnectorName("matrix"), settings, secrets, state, clock.now))
    await opened(connector)
    with stored.open("a+") as out:
        cursor = whole(out)[-1]["cursor"]
        async for batch in connector.receive(cursor):
            said = [e for e in batch.events if isinstance(e, InboundMessage)]
            line = {
                "cursor": batch.cursor,
                "said": [(e.remote_id, e.content.text) for e in said],
                "missed": sum(isinstance(e, Missed) for e in batch.events),
            }
            out.write(json.dumps(line) + "\n")
            out.flush()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
