"""`python -m dashboard`: the front, as `wallcross serve` starts it."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from dashboard import link, settings, theme
from dashboard.app import pages
from orchestrator.client.wire import socket_transport


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the front until it is told to stop."""
    given = _parser().parse_args(arguments)
    host = urlsplit(given.origin).hostname or "localhost"
    settings.put(host, given.port, theme.THEME)
    link.put(link.Link(link.background_loop(), socket_transport(str(given.socket))))
    uvicorn.run(
        pages(),
        host="127.0.0.1",
        port=given.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboard", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="the desk's door")
    parser.add_argument("--port", type=int, default=8642)
    parser.add_argument("--origin", default="http://localhost:8642", help="as browsers name it")
    return parser


if __name__ == "__main__":
    main()
