"""The desktop's keyring, when one answers.

Rule kept here: a back end that keeps nothing, keeps plain text, or does not answer is no keyring.
"""

import base64
import binascii
from typing import Protocol

import keyring
from keyring.backends import chainer, fail, null
from keyring.errors import KeyringError, PasswordDeleteError

from orchestrator.secrets.secret import Secret, SecretError

_PLAIN = ("keyrings.alt.file", "keyrings.alt.multi", "keyrings.alt.Gnome")
_PROBE = ("wallcross", "probe")


class Backend(Protocol):
    """The part of ``keyring.backend.KeyringBackend`` that is used here."""

    def get_password(self, service: str, username: str) -> str | None:
        """Returns an entry, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keeps an entry."""

    def delete_password(self, service: str, username: str) -> None:
        """Removes an entry."""


def find_backend() -> Backend | None:
    """Returns the keyring of this session, or None where there is none (headless, locked)."""
    try:
        found = keyring.get_keyring()
        if not _keeps(found):
            return None
        found.get_password(*_PROBE)
    except Exception:  # noqa: BLE001 - back ends raise whatever their bus raises: then there is none
        return None
    return found


def _keeps(backend: object) -> bool:
    if isinstance(backend, fail.Keyring | null.Keyring):
        return False
    if isinstance(backend, chainer.ChainerBackend):
        return any(_keeps(inner) for inner in backend.backends)
    return not type(backend).__module__.startswith(_PLAIN)


def read_entry(backend: Backend, service: str, name: str) -> str | None:
    """Returns an entry's text, or None.

    Raises:
        SecretError: the keyring refused.
    """
    try:
        return backend.get_password(service, name)
    except KeyringError:
        raise SecretError(_REFUSED) from None


def write_entry(backend: Backend, service: str, name: str, text: str) -> None:
    """Keeps an entry's text and reads it back.

    Raises:
        SecretError: the keyring refused or did not keep it.
    """
    try:
        backend.set_password(service, name, text)
        kept = backend.get_password(service, name)
    except KeyringError:
        raise SecretError(_REFUSED) from None
    if kept != text:
        raise SecretError("the keyring did not keep what it was given; use another back end")


_REFUSED = "the keyring refused; unlock it and try again"


class RingStore:
    """Named bytes under one service of a keyring. Keyrings cannot list: the caller keeps names.

    Args:
        backend: a keyring that answers.
        service: the entry's service; one for each home.
    """

    def __init__(self, backend: Backend, service: str) -> None:
        self.backend = backend
        self.service = service

    def get(self, name: str) -> Secret | None:
        """Returns what is kept, or None.

        Raises:
            SecretError: the keyring refused, or the entry is not one of ours.
        """
        text = read_entry(self.backend, self.service, name)
        if text is None:
            return None
        try:
            return Secret(base64.b64decode(text, validate=True))
        except binascii.Error:
            raise SecretError(
                f"the keyring entry {self.service}/{name} was not written by this program"
            ) from None

    def set(self, name: str, value: bytes) -> None:
        """Keeps ``value`` and reads it back.

        Raises:
            SecretError: the keyring refused or did not keep it.
        """
        write_entry(self.backend, self.service, name, base64.b64encode(value).decode())

    def delete(self, name: str) -> bool:
        """Removes the entry; False when there was none."""
        if read_entry(self.backend, self.service, name) is None:
            return False
        try:
            self.backend.delete_password(self.service, name)
        except PasswordDeleteError:
            return False
        except KeyringError:
            raise SecretError(_REFUSED) from None
        return True
