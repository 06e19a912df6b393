"""A Prosody of our own on loopback: TLS with a certificate made for it, rooms, archive, uploads."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PROSODY = shutil.which("prosody")
DOMAIN, ROOMS, FILES = "deal.test", "rooms.deal.test", "files.deal.test"
PASSWORD = "only-for-the-test"
_CONFIG = """
data_path = "{folder}/data"
pidfile = "{folder}/pid"
plugin_paths = {{ "{plugins}" }}
run_as_root = true
log = {{ info = "{folder}/log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {starttls} }}
c2s_direct_tls_ports = {{ {direct} }}
http_ports = {{ }}
https_interfaces = {{ "127.0.0.1" }}
https_ports = {{ {https} }}
https_ssl = {{ key = "{folder}/key", certificate = "{folder}/crt" }}
http_external_url = "https://localhost:{https}/"
ssl = {{ key = "{folder}/key", certificate = "{folder}/crt", protocol = "tlsv1_2+" }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "pep", "smacks", "ping", "posix"{more} }}
modules_disabled = {{ "s2s", "offline" }}
allow_registration = false
authentication = "internal_hashed"
default_iteration_count = 1000
c2s_require_encryption = true
smacks_hibernation_time = 60
max_archive_query_results = 50
admins = {{ {admins} }}
VirtualHost "{domain}"
Component "{rooms}" "muc"
  modules_enabled = {{ {room_modules} }}
  restrict_room_creation = "local"
  muc_room_default_public = true
  muc_room_default_history_length = 20
Component "{files}" "http_file_share"
  http_host = "localhost"
  http_file_share_size_limit = 10485760
  http_file_share_expires_after = 86400
"""


class NoProsodyError(Exception):
    """Prosody is not installed here."""


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def certificate(folder: Path, *names: str, name: str = "") -> None:
    """A certificate of its own authority for some names, with its key, in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)  # noqa: FBT003 (theirs)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / f"{name}key").write_bytes(private)
    (folder / f"{name}crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))


@dataclass
class Prosody:
    """One server in a folder.

    Attributes:
        folder: of its own.
        archive: rooms can keep an archive (``muc_mam``).
        passwords: accounts may set their own (XEP-0077).
        moderation: what was said can be taken out of it (XEP-0425, by a module of ours).
    """

    folder: Path
    archive: bool = True
    moderation: bool = False
    passwords: bool = False
    direct: int = field(default_factory=free_port)
    starttls: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)
    admins: tuple[str, ...] = (f"root@{DOMAIN}",)
    process: subprocess.Popen[bytes] | None = None
    _known: set[str] = field(default_factory=set)

    @property
    def files(self) -> str:
        return f"https://localhost:{self.https}"

    @property
    def ca(self) -> Path:
        return self.folder / "crt"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Starts it, and waits until it takes connections."""
        if PROSODY is None:
            raise NoProsodyError("needs Prosody (apt-get install prosody)")
        (self.folder / "data").mkdir(exist_ok=True)
        if not self.ca.exists():
            certificate(self.folder, DOMAIN, ROOMS, FILES, "localhost")
        self._configure()
        setpriv = shutil.which("setpriv")  # so that it ends with us, however we end
        with_us = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        self.process = subprocess.Popen(
            [*with_us, PROSODY, "-F", "--config", str(self.folder / "config.lua")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def _configure(self) -> None:
        admins = ", ".join(f'"{admin}"' for admin in self.admins)
        config = _CONFIG.format(
            folder=self.folder,
            plugins=Path(__file__).parent / "plugins",
            starttls=self.starttls,
            direct=self.direct,
            https=self.https,
            more=self._modules(),
            room_modules=", ".join(f'"{name}"' for name in self._room_modules()),
            domain=DOMAIN,
            rooms=ROOMS,
            files=FILES,
            admins=admins,
        )
        (self.folder / "config.lua").write_text(config)

    def _modules(self) -> str:
        more = ["mam"] if self.archive else []
        more += ["user_account_management"] if self.passwords else []
        return "".join(f', "{name}"' for name in more)

    def _room_modules(self) -> list[str]:
        moderation = ["muc_moderation"] if self.moderation else []
        return ["muc_mam", *moderation] if self.archive else []

    def _wait(self) -> None:
        until = time.monotonic() + 20
        for port in (self.direct, self.https):
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                if time.monotonic() > until:
                    raise TimeoutError(f"Prosody did not start: {self.log[-2000:]}")
                time.sleep(0.02)  # until the port is there; there is nothing to wait on

    def register(self, name: str) -> str:
        """Makes an account where there is none yet; its address."""
        if name in self._known:
            return f"{name}@{DOMAIN}"
        self._known.add(name)
        config = str(self.folder / "config.lua")
        subprocess.run(
            ["prosodyctl", "--config", config, "register", name, DOMAIN, PASSWORD],
            check=True,
            capture_output=True,
        )
        return f"{name}@{DOMAIN}"

    def stop(self) -> None:
        """Ends it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
