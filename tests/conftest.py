"""What holds for every test: it stays on this machine, and it ends.

Whoever connects elsewhere fails loudly, whatever would have caught a network's error.
"""

import contextlib
import gc
import ipaddress
import os
import socket
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from zlib import crc32

import pytest

LONG = "mark.long"
LONG_TEST_SECONDS = 1800
LAST_LONGEST = ("tests/scenarios/", "tests/e2e/")
"""Where a file of long tests takes minutes: begun first, none of them is waited for at the end."""


def outside(address: object) -> bool:
    """Whether a socket's address is of another machine; a name counts, for it may be anything."""
    if not isinstance(address, Sequence) or isinstance(address, str | bytes):
        return False  # a Unix socket's path
    host = str(address[0]).partition("%")[0]
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def keep_home(event: str, args: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"} and outside(args[1]):
        raise RuntimeError(f"a test reaches for {args[1]!r}: loopback only")


sys.addaudithook(keep_home)

# No public authority vouches for anything on this machine: nobody's certificates are read, here and
# in whatever tests start. Reading them was a good part of the time that opening a connector took.
os.environ |= {"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where long tests alone are asked for, a file that has none is not even imported.

    It says so itself, which tests/architecture/test_runs.py holds it to.
    """
    if collection_path.suffix != ".py" or not config.option.markexpr.startswith("long and "):
        return None
    return LONG not in collection_path.read_text("utf-8") or None


def pytest_configure(config: pytest.Config) -> None:
    """Keeps the desk's usual port, so that of two demos at the same time each takes another.

    Either finds it free while it begins, and opens its desk there much later.
    """
    kept = socket.socket()
    with contextlib.suppress(OSError):  # another worker keeps it, or somebody's own desk is there
        kept.bind(("127.0.0.1", 8642))
    config.add_cleanup(kept.close)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Looks for no garbage among tests, which all stay: that was a third of finding them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)  # before what is asked for by marks is chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives long tests the time that they need, and says which meet a real server.

    Files that last long come first, mixed: not all browsers, or all homeservers, at the same time.
    """
    for item in items:
        if "homeserver" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.real)
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_TEST_SECONDS))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, int]:
    file = item.nodeid.partition("::")[0]
    return (0, crc32(file.encode())) if file.startswith(LAST_LONGEST) else (1, 0)
