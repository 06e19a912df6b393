"""What must survive a restart so that our account stays one device: device id and access token.

Rules kept here:

1. Every login makes a device that all others would have to verify. So there is one login, with a
   device id that is written down before it is used; a crash in between repeats the same device.
2. The access token is never on disk in the clear. It is sealed with ChaCha20-Poly1305 (RFC 8439)
   under a key that HKDF-SHA256 (RFC 5869) makes from the pickle key, which is only ever given by
   reference; user and homeserver are bound in as associated data.
3. Files are the owner's alone (folder 0700, file 0600) and replaced whole.
"""

import base64
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connectors.port.errors import Rejected

_NONCE_BYTES = 12
_FORM = 1


@dataclass(frozen=True, slots=True)
class Session:
    """One device of our account.

    Attributes:
        device: its id.
        token: its access token; None until signed in.
    """

    device: str
    token: str | None = field(default=None, repr=False)


class SessionFile:
    """Keeps one session of one account.

    Args:
        folder: owner-only folder of the connector; made when missing.
        key: the pickle key's 32 bytes.
        account: user id and homeserver that the session belongs to.
    """

    def __init__(self, folder: Path, key: bytes, account: tuple[str, str]) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._path = folder / "session.json"
        self._bound = json.dumps(account).encode()
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"wallcross matrix session 1")
        self._box = ChaCha20Poly1305(derive.derive(key))

    def load(self) -> Session | None:
        """The kept session, or None when there was none yet.

        Raises:
            Rejected: it is there but does not open with this key for this account.
        """
        try:
            document = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            kept = json.loads(document)
            sealed = kept["token"]
            token = None if sealed is None else self._open(base64.b64decode(sealed))
            return Session(str(kept["device"]), token)
        except (InvalidTag, KeyError, TypeError, ValueError) as error:
            raise Rejected(
                "session_sealed", "the kept sign-in does not open with this pickle_key"
            ) from error

    def save(self, session: Session) -> None:
        """Keeps a session in place of the one before."""
        token = session.token
        sealed = None if token is None else base64.b64encode(self._seal(token)).decode()
        document = {"form": _FORM, "device": session.device, "token": sealed}
        _replace(self._path, json.dumps(document).encode())

    def _seal(self, token: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._box.encrypt(nonce, token.encode(), self._bound)

    def _open(self, sealed: bytes) -> str:
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return self._box.decrypt(nonce, rest, self._bound).decode()


def new_device_id() -> str:
    """A device id that says nothing."""
    return secrets.token_hex(8).upper()


def _replace(path: Path, content: bytes) -> None:
    """Writes a file whole, owner-only, and durably, or leaves the old one."""
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
