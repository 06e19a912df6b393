"""A process of our own that listens, and writes down what it was told as the orchestrator does.

Started with a file of its settings; it prints a line for each batch, the cursor and the texts, and
goes on from the last line of an earlier run. It is killed at any instant.
"""

import asyncio
import json
import sys
from pathlib import Path

from connectors.port import ConnectorName
from connectors.port.connector import Setup
from connectors.port.events import InboundMessage, Missed
from connectors.xmpp.connector import open_connector
from orchestrator import clock


async def main(told: dict[str, object], stored: Path) -> None:
    state = Path(str(told["state"]))
    settings, secrets = told["settings"], told["secrets"]
    assert isinstance(settings, dict)
    assert isinstance(secrets, dict)
    setup = Setup(ConnectorName("xmpp"), settings, secrets, state, clock.now)
    connector = open_connector(setup)
    await connector.open()
    with stored.open("a+") as out:
        out.seek(0)
        cursor = json.loads(out.read().splitlines()[-1])["cursor"]
        async for batch in connector.receive(cursor):
            texts = [e.content.text for e in batch.events if isinstance(e, InboundMessage)]
            missed = [[e.since, e.until] for e in batch.events if isinstance(e, Missed)]
            line = {"cursor": batch.cursor, "texts": texts, "missed": missed}
            out.write(json.dumps(line) + "\n")
            out.flush()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
