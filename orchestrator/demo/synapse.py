"""A real homeserver on loopback, in a folder of its own, for the demo and the tests.

Rules kept here:

1. Synapse is AGPL: it runs as its own process from its own environment and is never imported.
2. It listens on 127.0.0.1 only, speaks to no other server, and is stopped by its process id.
3. Its limits are lifted and its password hashing is weak on purpose: it is never a server to keep.
"""

import base64
import hmac
import json
import os
import secrets
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from orchestrator.demo.loopback import free_port

ENVIRONMENT = "WALLCROSS_SYNAPSE_PYTHON"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


class NoSynapse(RuntimeError):
    """There is no environment with Synapse, or it did not start."""


@dataclass(frozen=True, slots=True)
class HomeserverOptions:
    """What differs between the uses of a homeserver.

    Attributes:
        server_name: its name in Matrix ids.
        purge_seconds: how often what is past its retention is deleted.
        room_version: of rooms made without naming one.
        max_upload: largest file, as Synapse writes sizes.
        limited: keep Synapse's own rate limits.
    """

    server_name: str = "deal.test"
    purge_seconds: int = 5
    room_version: str = "12"
    max_upload: str = "200M"
    limited: bool = False


def synapse_python() -> Path:
    """The interpreter that can run Synapse.

    Raises:
        NoSynapse: with what to do.
    """
    named = os.environ.get(ENVIRONMENT)
    root = Path(__file__).resolve().parents[2]
    found = Path(named) if named else root / ".venv-synapse" / "bin" / "python"
    if not found.exists():
        raise NoSynapse(f"no Synapse at {found}: run `make env`, or set {ENVIRONMENT}")
    return found


@dataclass
class Homeserver:
    """One Synapse process and its folder.

    Args:
        folder: empty or of an earlier run; holds its database, files and logs.
        options: what differs.
    """

    folder: Path
    options: HomeserverOptions = field(default_factory=HomeserverOptions)
    port: int = 0
    _secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Base URL for clients."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it and waits until it answers. Raises: NoSynapse."""
        python = synapse_python()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        self._configure()
        command = [str(python), "-m", "synapse.app.homeserver", "-c", str(self.folder / "hs.yaml")]
        with (self.folder / "out.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and file)
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        self._wait_until_up()

    def stop(self) -> None:
        """Ends it cleanly, by force when it takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def register(self, name: str, password: str, *, admin: bool = False) -> str:
        """Makes an account.

        Returns:
            Its Matrix user id.

        Source: Synapse, docs/admin_api/register_api.md.
        """
        path = f"{self.url}/_synapse/admin/v1/register"
        with httpx.Client(trust_env=False, timeout=30.0) as http:
            nonce = http.get(path).raise_for_status().json()["nonce"]
            role = "admin" if admin else "notadmin"
            signed = f"{nonce}\0{name}\0{password}\0{role}".encode()
            body = {
                "nonce": nonce,
                "username": name,
                "password": password,
                "admin": admin,
                "inhibit_login": True,
                "mac": hmac.new(self._secret.encode(), signed, "sha1").hexdigest(),
            }
            answer = http.post(path, json=body).raise_for_status()
        return str(answer.json()["user_id"])

    def _wait_until_up(self) -> None:
        end = time.monotonic() + _START_SECONDS
        with httpx.Client(trust_env=False, timeout=5.0) as http:
            while time.monotonic() < end:
                if self._process is None or self._process.poll() is not None:
                    raise NoSynapse(f"Synapse ended at once: see {self.folder / 'out.log'}")
                try:
                    http.get(f"{self.url}/_matrix/client/versions").raise_for_status()
                except httpx.HTTPError:
                    time.sleep(0.05)
                else:
                    return
        self.stop()
        raise NoSynapse(f"Synapse does not answer: see {self.folder / 'out.log'}")

    def _configure(self) -> None:
        """Writes its files; a kept folder keeps its signing key and its registration secret."""
        shared = self.folder / "registration.secret"
        if shared.exists():
            self._secret = shared.read_text()
        shared.write_text(self._secret)
        key = self.folder / "signing.key"
        if not key.exists():
            seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
            key.write_text(f"ed25519 a_wallcross {seed}\n")
        for path in (shared, key):
            path.chmod(0o600)
        (self.folder / "log.yaml").write_text(json.dumps(_logging(self.folder)))
        (self.folder / "hs.yaml").write_text(json.dumps(self._settings()))

    def _settings(self) -> dict[str, Any]:
        """Synapse's settings. JSON is YAML."""
        folder, options = self.folder, self.options
        settings: dict[str, Any] = {
            "server_name": options.server_name,
            "pid_file": str(folder / "hs.pid"),
            "signing_key_path": str(folder / "signing.key"),
            "media_store_path": str(folder / "media"),
            "log_config": str(folder / "log.yaml"),
            "database": {"name": "sqlite3", "args": {"database": str(folder / "hs.db")}},
            "listeners": [_listener(self.port)],
            "registration_shared_secret": self._secret,
            "enable_registration": False,
            "report_stats": False,
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "federation_domain_whitelist": [],
            "presence": {"enabled": False},
            "url_preview_enabled": False,
            "bcrypt_rounds": 4,
            "max_upload_size": options.max_upload,
            "default_room_version": options.room_version,
            "encryption_enabled_by_default_for_room_type": "invite",
            "retention": {
                "enabled": True,
                "allowed_lifetime_min": "1s",
                "allowed_lifetime_max": "3650d",
                "purge_jobs": [{"interval": f"{options.purge_seconds}s"}],
            },
        }
        return settings if options.limited else {**settings, **_no_limits()}


def _listener(port: int) -> dict[str, Any]:
    return {
        "port": port,
        "type": "http",
        "bind_addresses": ["127.0.0.1"],
        "tls": False,
        "resources": [{"names": ["client"], "compress": False}],
    }


def _no_limits() -> dict[str, Any]:
    free = {"per_second": 100_000, "burst_count": 100_000}
    return {
        "rc_message": free,
        "rc_registration": free,
        "rc_room_creation": free,
        "rc_key_requests": free,
        "rc_joins_per_room": free,
        "rc_login": {"address": free, "account": free, "failed_attempts": free},
        "rc_joins": {"local": free, "remote": free},
        "rc_invites": {"per_room": free, "per_user": free, "per_issuer": free},
    }


def _logging(folder: Path) -> dict[str, Any]:
    return {
        "version": 1,
        "formatters": {"plain": {"format": "%(asctime)s %(name)s %(levelname)s %(message)s"}},
        "handlers": {
            "file": {
                "class": "logging.FileHandler",
                "filename": str(folder / "hs.log"),
                "formatter": "plain",
            }
        },
        "root": {"level": "WARNING", "handlers": ["file"]},
        "disable_existing_loggers": False,
    }
