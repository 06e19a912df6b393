"""The secrets of one home: the keyring first, an owner-only file where there is none.

Rules kept here:

1. A fall-back is used only where no keyring answers, and ``where`` says so.
2. Deal epoch keys (``epoch/…``) always lie in files: they are wrapped by the master key already,
   change by the thousand every hour, and must be overwritten when their hour ends, which no
   keyring promises.
3. What was put into a keyring is remembered by name, so that its absence later is an error and
   never an invitation to make a new key.
"""

from pathlib import Path

from orchestrator.secrets.files import FileStore, folder_for
from orchestrator.secrets.port import Where
from orchestrator.secrets.ring import Backend, RingStore, find_backend
from orchestrator.secrets.secret import Secret, SecretError

EPOCHS = "epoch"
_RING_NAMES = ".in-keyring"


class HomeSecrets:
    """The ``port.SecretStore`` that homes use.

    Args:
        folder: owner-only, outside the home (``files.folder_for``).
        home_id: names the keyring service.
        backend: a keyring that answers, or None.
    """

    def __init__(self, folder: Path, home_id: str, backend: Backend | None) -> None:
        self.files = FileStore(folder)
        self.ring = None if backend is None else RingStore(backend, f"wallcross-{home_id}")
        self._marks = FileStore(folder.with_name(folder.name + _RING_NAMES))

    def get(self, name: str) -> Secret | None:
        """Returns what is kept, or None.

        Raises:
            SecretError: it was put into a keyring that does not answer now.
        """
        if _is_local(name):
            return self.files.get(name)
        found = self.ring.get(name) if self.ring else None
        if found is None:
            found = self.files.get(name)
        if found is None and self._marks.get(name) is not None:
            raise SecretError(
                f"the secret {name} was put into a keyring that does not hold it or does not "
                "answer now; unlock the keyring of the session that made it"
            )
        return found

    def set(self, name: str, value: bytes) -> None:
        """Keeps ``value`` in the keyring, or in a file where there is none.

        Raises:
            SecretError: an older value lies in a keyring that does not answer now; it would
                come back with that keyring.
        """
        if self.ring is None and not _is_local(name):
            self._refuse_hidden(name)
        if self.ring is None or _is_local(name):
            self.files.set(name, value)
            return
        self._marks.set(name, b"")
        self.ring.set(name, value)
        self.files.delete(name)

    def delete(self, name: str) -> bool:
        """Destroys it in both places.

        Raises:
            SecretError: it lies in a keyring that does not answer now.
        """
        if _is_local(name):
            return self.files.delete(name)
        if self.ring is None:
            self._refuse_hidden(name)
        gone = self.ring.delete(name) if self.ring else False
        self._marks.delete(name)
        return self.files.delete(name) or gone

    def _refuse_hidden(self, name: str) -> None:
        if self._marks.get(name) is not None:
            raise SecretError(f"the secret {name} lies in a keyring that does not answer now")

    def names(self, prefix: str = "") -> list[str]:
        """Returns the names below the folder ``prefix``, sorted, wherever they are kept."""
        if _is_local(prefix):
            return self.files.names(prefix)
        return sorted({*self.files.names(prefix), *self._marks.names(prefix)})

    def tidy(self) -> int:
        """Destroys what a crash left half-written; returns how many files went."""
        return self.files.tidy() + self._marks.tidy()

    def where(self, name: str) -> Where:
        """Says which source answers, and whether that is a fall-back."""
        if _is_local(name):
            return self.files.where(name)
        if self.ring and self.ring.get(name) is not None:
            return Where("keyring", fallback=False, text=f"keyring, service {self.ring.service}")
        found = self.files.where(name)
        if self.ring is not None or found.source == "none":
            return found
        return Where(
            "file", fallback=True, text=f"{found.text}: no keyring answers on this machine"
        )


def _is_local(name: str) -> bool:
    return name == EPOCHS or name.startswith(EPOCHS + "/")


def open_secrets(home: Path, home_id: str, base: Path | None = None) -> HomeSecrets:
    """Opens the secrets of a home with this session's keyring, if one answers.

    Args:
        home: its folder.
        home_id: its id.
        base: ``secrets.folder`` of the settings; ``$WALLCROSS_SECRETS`` wins over it.

    Raises:
        SecretError: the folder is open to others, or lies inside the home.
    """
    return HomeSecrets(folder_for(home, home_id, base), home_id, find_backend())
