"""A real IMAP server on loopback, for one account, that can be cut off."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

USER, PASSWORD = "bot@deal.test", "only-for-the-test"
CONFIGURATION = """
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
instance_name = {name}
protocols = imap
listen = 127.0.0.1
mail_location = maildir:{base}/box
first_valid_uid = 1
ssl = required
ssl_cert = <{base}/crt
ssl_key = <{base}/key
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={base}/home
}}
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def usable() -> bool:
    """Whether dovecot and somebody to own mails are here."""
    who = subprocess.run(["id", "vmail"], capture_output=True, check=False)
    return shutil.which("dovecot") is not None and who.returncode == 0


@dataclass
class Dovecot:
    """One running server; mails are put into its folder."""

    base: Path
    port: int
    numbers: int = 0

    def post(self, raw: bytes) -> None:
        self.numbers += 1
        name = f"{int(time.time())}.M{self.numbers:06d}.test"
        fresh = self.base / "box" / "tmp" / name
        fresh.write_bytes(raw)
        shutil.chown(fresh, "vmail", "vmail")
        fresh.rename(self.base / "box" / "new" / name)


@contextmanager
def dovecot(base: Path) -> Iterator[Dovecot]:
    port = free_port()
    for name in ("box/cur", "box/new", "box/tmp", "home", "state", "run"):
        (base / name).mkdir(parents=True)
    base.chmod(0o755)
    for folder in (base / "box", base / "home", *(base / "box").iterdir()):
        shutil.chown(folder, "vmail", "vmail")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    words = ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", names]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    files = ["-keyout", str(base / "key"), "-out", str(base / "crt")]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, *words, *files], check=True, capture_output=True
    )
    text = CONFIGURATION.format(base=base, name=base.name, password=PASSWORD, port=port)
    (base / "conf").write_text(text, encoding="utf-8")
    with (base / "out").open("wb") as out:
        command = ["dovecot", "-F", "-c", str(base / "conf")]
        running = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        _await(port)
        yield Dovecot(base, port)
    finally:
        running.terminate()
        running.wait(10)


def _await(port: int) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError("dovecot does not listen")


@dataclass
class Wire:
    """A way to a server that can be cut and held shut."""

    target: int
    port: int = 0
    shut: bool = False
    open: list[socket.socket] = field(default_factory=list)
    accepted: int = 0

    def cut(self) -> None:
        for each in [*self.open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65_536):
                target.sendall(piece)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                self.accepted += 1
                if self.shut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.target))
                self.open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()


@contextmanager
def wire(target: int) -> Iterator[Wire]:
    """Runs a way to ``target``."""
    made = Wire(target)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made.port = listener.getsockname()[1]
        thread = threading.Thread(target=made.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.cut()
            listener.shutdown(socket.SHUT_RDWR)
            for each in made.open:
                each.close()
            thread.join(5)
