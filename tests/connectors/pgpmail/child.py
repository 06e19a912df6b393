"""A process of our own that listens to its mailbox, and writes down what it was told.

Started with a file of its settings; it writes a line for each batch, the cursor and the names, and
goes on from the last line of an earlier run. It is killed at any instant; interrupted, it ends
cleanly.
"""

import asyncio
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path

from connectors.pgpmail.connector import open_connector
from connectors.port import ConnectorName
from connectors.port.connector import Connector, Setup
from connectors.port.events import InboundMessage
from orchestrator import clock


async def main(told: dict[str, object], stored: Path) -> None:
    settings, secrets = told["settings"], told["secrets"]
    assert isinstance(settings, dict)
    assert isinstance(secrets, dict)
    state = Path(str(told["state"]))
    connector = open_connector(Setup(ConnectorName("mail"), settings, secrets, state, clock.now))
    await connector.open()
    try:
        await noted(connector, stored)
    finally:
        await connector.close()


async def noted(connector: Connector, stored: Path) -> None:
    with stored.open("a+") as out:
        out.seek(0)
        cursor = json.loads(out.read().splitlines()[-1])["cursor"]
        async for batch in connector.receive(cursor):
            names = [e.remote_id for e in batch.events if isinstance(e, InboundMessage)]
            others = [type(e).__name__ for e in batch.events if not isinstance(e, InboundMessage)]
            line = {"cursor": batch.cursor, "names": names, "others": others}
            out.write(json.dumps(line) + "\n")
            out.flush()


if __name__ == "__main__":
    # tests that run in the background of a shell hand on that it is ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
