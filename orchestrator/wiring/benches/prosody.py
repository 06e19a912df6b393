"""A real Prosody on loopback for the length of a bench, with TLS and two accounts.

Rule kept here: nothing of it listens elsewhere, speaks to another server, or outlives the block.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.demo.loopback import certify, free_port
from orchestrator.wiring.benches.channel import CannotBench

DOMAIN, ROOMS = "bench.test", "rooms.bench.test"
PASSWORD = "only-for-the-bench"  # noqa: S105 - of accounts that end with the run
_WAIT_S = 20
_CONFIG = """
data_path = "{folder}/data"
pidfile = "{folder}/pid"
run_as_root = true
log = {{ warn = "{folder}/log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ }}
c2s_direct_tls_ports = {{ {port} }}
http_ports = {{ }}
https_ports = {{ }}
ssl = {{ key = "{folder}/key", certificate = "{folder}/crt" }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "pep", "smacks", "ping", "mam" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_hashed"
c2s_require_encryption = true
VirtualHost "{domain}"
Component "{rooms}" "muc"
  modules_enabled = {{ "muc_mam" }}
  muc_room_default_public = false
"""


@dataclass(frozen=True, slots=True)
class Running:
    """Where it answers, and the certificate that vouches for it."""

    port: int
    ca_file: Path


@contextmanager
def prosody(folder: Path, *names: str) -> Iterator[Running]:
    """Starts it with accounts of these names. Raises: CannotBench."""
    program = shutil.which("prosody")
    if program is None:
        raise CannotBench("Prosody is not here: apt-get install prosody, or `make env` as root")
    (folder / "data").mkdir(parents=True)
    port = free_port()
    certify(folder / "crt", folder / "key", DOMAIN, ROOMS)
    config = folder / "config.lua"
    config.write_text(_CONFIG.format(folder=folder, port=port, domain=DOMAIN, rooms=ROOMS))
    for name in names:
        line = ["prosodyctl", "--config", str(config), "register", name, DOMAIN, PASSWORD]
        subprocess.run(line, check=True, capture_output=True)  # noqa: S603 - no shell, our words
    child = subprocess.Popen(  # noqa: S603 - no shell, our words
        [program, "-F", "--config", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(port)
        yield Running(port, folder / "crt")
    finally:
        child.terminate()
        child.wait()


def _wait(port: int) -> None:
    ends = time.monotonic() + _WAIT_S
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > ends:
            raise CannotBench("Prosody did not begin to answer")
        time.sleep(0.05)  # until the port is there: nothing else tells
