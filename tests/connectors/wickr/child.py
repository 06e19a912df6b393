"""A connector in a process of its own, to be killed: ``python child.py STATE`` with JSON on stdin.

It says its port, then takes a first batch after the cursor that it was given, or from now on, and
never says that it has stored it.
"""

import asyncio
import json
import sys
from pathlib import Path

from connectors.port import ConnectorName
from connectors.port.connector import Setup
from connectors.wickr.connector import WickrConnector, open_connector
from orchestrator import clock


async def main() -> None:
    told = json.loads(sys.stdin.readline())
    setup = Setup(
        ConnectorName("wickr"), told["settings"], told["secrets"], Path(sys.argv[1]), clock.now
    )
    connector = open_connector(setup)
    assert isinstance(connector, WickrConnector)
    await connector.open()
    sys.stdout.write(f"{connector.listens_on}\n")
    sys.stdout.flush()
    async for _ in connector.receive(told["cursor"]):
        await asyncio.Event().wait()


asyncio.run(main())
