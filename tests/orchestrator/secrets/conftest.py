"""Keyrings in memory, as the keyring library knows them."""

import keyring
import pytest
from hypothesis import settings
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

# no deadline: a shared machine stalls by itself
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


class MemoryKeyring(KeyringBackend):
    """A keyring that lives as long as the test."""

    priority = 5.0

    entries: dict[tuple[str, str], str]
    locked = False

    def _check(self) -> None:
        if self.locked:
            raise KeyringLocked("locked")

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.entries[(service, username)] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("none")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """The session's keyring for this test."""
    made = MemoryKeyring()  # type: ignore[no-untyped-call]  # the base class has no types
    made.entries = {}
    monkeypatch.setattr(keyring, "get_keyring", lambda: made)
    return made


@pytest.fixture
def headless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session in which only the keyring library's own refusal answers."""
    from keyring.backends import fail  # noqa: PLC0415 - importing it chooses nothing

    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)
