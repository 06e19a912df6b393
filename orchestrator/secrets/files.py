"""Secrets in owner-only files, one file each.

Rules kept here: the folder lies outside every home (a backup of the home holds no key), and one
file per name makes a key's change and end cost the same however many others there are.
"""

import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_data_path

from orchestrator.secrets.ownfile import (
    PART,
    destroy_own,
    make_folder,
    read_own,
    write_own,
)
from orchestrator.secrets.port import Where, check_name
from orchestrator.secrets.secret import Secret, SecretError

VARIABLE = "WALLCROSS_SECRETS"


def folder_for(home: Path, home_id: str, base: Path | None = None) -> Path:
    """Returns the folder of a home's secrets.

    It lies in ``$WALLCROSS_SECRETS``, else in ``base``, else in the user's data folder.

    Raises:
        SecretError: it would lie inside the home, or the home inside it.
    """
    chosen = os.environ.get(VARIABLE)
    usual = base or user_data_path("wallcross-secrets", appauthor=False)
    folder = ((Path(chosen) if chosen else usual) / check_name(home_id)).absolute()
    inner, outer = folder.resolve(), home.absolute().resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise SecretError(
            f"the secrets folder {folder} and the home {home} lie in one another, so a backup of "
            f"the home would hold its keys; set {VARIABLE} to a folder elsewhere"
        )
    return folder


class FileStore:
    """A ``SecretStore`` in a folder.

    Args:
        folder: made for the owner alone when it is not there.

    Raises:
        SecretError: the folder is open to others.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_folder(folder)

    def get(self, name: str) -> Secret | None:
        """Returns what is kept, or None.

        Raises:
            SecretError: the file is open to others or not ours.
        """
        try:
            value = read_own(self._path(name))
        except FileNotFoundError:
            return None
        return None if _overwritten(value) else Secret(value)

    def set(self, name: str, value: bytes) -> None:
        """Keeps ``value``; on disk when it returns.

        Raises:
            SecretError: it is nothing but zero bytes.
        """
        if _overwritten(value):
            raise SecretError("zero bytes are no secret: that is how a destroyed one looks")
        path = self._path(name)
        make_folder(path.parent)
        write_own(path, value)

    def delete(self, name: str) -> bool:
        """Overwrites and removes; a half-written successor goes too."""
        path = self._path(name)
        destroy_own(path.with_name(path.name + PART))
        found = destroy_own(path)
        self._drop_empty(path.parent)
        return found

    def names(self, prefix: str = "") -> list[str]:
        """Returns the names below the folder ``prefix``, sorted."""
        start = self._path(prefix) if prefix else self.folder
        found: list[str] = []
        for folder, _, files in os.walk(start):
            base = Path(folder).relative_to(self.folder)
            found += [str(base / file) for file in files if not file.endswith(PART)]
        return sorted(found)

    def tidy(self) -> int:
        """Destroys what a crash left half-written or overwritten; returns how many files went."""
        parts = list(self.folder.rglob("*" + PART))
        zeros = [self._path(name) for name in self.names() if self._is_overwritten(name)]
        return sum(destroy_own(path) for path in parts + zeros)

    def _is_overwritten(self, name: str) -> bool:
        return _overwritten(read_own(self._path(name)))

    def where(self, name: str) -> Where:
        """Says whether the file is there."""
        path = self._path(name)
        if path.is_file():
            return Where("file", fallback=False, text=f"owner-only file {path}")
        return Where("none", fallback=False, text=f"not set; it would be the file {path}")

    def _path(self, name: str) -> Path:
        if check_name(name).endswith(PART):
            raise SecretError(f"a secret's name does not end in {PART}")
        return self.folder / name

    def _drop_empty(self, folder: Path) -> None:
        if folder != self.folder:
            with suppress(OSError):  # not empty, or gone already
                folder.rmdir()


def _overwritten(value: bytes) -> bool:
    """Tells whether a crash came between a secret's overwriting and its unlinking."""
    return bool(value) and not any(value)
