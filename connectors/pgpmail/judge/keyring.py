"""A private copy of a GnuPG home, with an agent of its own that ends with it.

Rules kept here:

1. The home that is given is read and never written: no lock, trust database or agent in it.
2. Public keys are copied; private keys are linked one by one, so that no copy of one is left
   behind by whatever ends this process.
3. It lies in memory where the machine has such a place, under a path short enough for the agent's
   socket. What a killed process left is removed by the next.
"""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.pgpmail.judge.address import address
from connectors.pgpmail.judge.engine import Cap, Ran, TooMuch, base_command, run

_COPIED = ("pubring.kbx", "pubring.gpg", "secring.gpg")
_PRIVATE = "private-keys-v1.d"
_NAME = "wallcross-keys-"
_MEMORY = Path("/dev/shm")  # noqa: S108 (memory, not a disk; the folder made in it is ours alone)
_LONGEST = 50
"""Characters: the agent's socket takes 107 (unix(7)), our folder's name and its own 45."""
_SECONDS = 30.0
_LISTED_MAX = 16 * 1024 * 1024
_KEY_FIELDS = 10


class NoEngine(Exception):
    """gpg cannot be run here."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What we hold private keys for.

    Attributes:
        key_ids: of every private key and subkey, sixteen hexadecimal digits.
        addresses: of their user ids.
    """

    key_ids: frozenset[str]
    addresses: frozenset[str]


class Keyring:
    """A copy to judge with.

    Args:
        home: the GnuPG home to copy; None for an empty one.
        program: gpg.
        passphrase: of our private keys.
        base: folder to put the copy in; else in memory.
    """

    def __init__(
        self,
        home: Path | None,
        program: str = "gpg",
        passphrase: str | None = None,
        base: Path | None = None,
    ) -> None:
        self._source = home
        self._program = program
        self._passphrase = passphrase
        self._base = base or _place()
        self._home: Path | None = None
        self._ours: Ours | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Copies. Raises: NoEngine."""
        _sweep(self._base)
        try:
            self._home = Path(tempfile.mkdtemp(prefix=f"{_NAME}{os.getpid()}-", dir=self._base))
            if self._source is not None:
                _copy(self._source, self._home)
        except OSError as error:
            self.close()
            raise NoEngine("the keys cannot be copied") from error

    def close(self) -> None:
        """Ends the agent and removes the copy; may be called twice."""
        home, self._home = self._home, None
        if home is None:
            return
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(  # noqa: S603 (our own words)
                ["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"],  # noqa: S607 (beside gpg)
                check=False,
                capture_output=True,
                timeout=_SECONDS,
            )
        shutil.rmtree(home, ignore_errors=True)

    def stamp(self) -> tuple[int, ...]:
        """Changes whenever the home that was copied has."""
        if self._source is None:
            return ()
        found = []
        for name in (*_COPIED, _PRIVATE):
            with suppress(OSError):
                found.append((self._source / name).stat().st_mtime_ns)
        return tuple(found)

    @property
    def ours(self) -> Ours:
        """Our own keys. Raises: NoEngine."""
        if self._ours is None:
            self._ours = _ours(self._listed())
        return self._ours

    def _listed(self) -> bytes:
        cap = Cap(_LISTED_MAX, "plaintext_too_large", _SECONDS)
        try:
            return self._run(["--with-colons", "--list-secret-keys"], b"", cap).plain
        except TooMuch as error:
            raise NoEngine("gpg does not list our keys") from error

    def decrypt(self, packets: bytes, cap: Cap) -> Ran:
        """Decrypts and verifies one message without armour.

        Raises:
            TooMuch: a cap was passed.
            NoEngine: gpg cannot be run.
        """
        return self._run(["--no-armor", "--decrypt"], packets, cap)

    def _run(self, words: list[str], data: bytes, cap: Cap) -> Ran:
        if self._home is None:
            raise NoEngine("the keyring is closed")
        command = [*base_command(self._program, self._home), *words]
        try:
            return run(command, data, cap, self._passphrase)
        except OSError as error:
            raise NoEngine("gpg cannot be run") from error


def _place() -> Path:
    """Where copies lie: in memory if there is such a place, under a path short enough."""
    places = (_MEMORY, Path(tempfile.gettempdir()))
    usable = (p for p in places if len(str(p)) <= _LONGEST and os.access(p, os.W_OK | os.X_OK))
    return next(usable, Path("/tmp"))  # noqa: S108 (the folder made in it is ours alone)


def _copy(source: Path, home: Path) -> None:
    for name in _COPIED:
        if (source / name).is_file():
            (home / name).touch(mode=0o600)  # whatever the process's umask
            shutil.copyfile(source / name, home / name)
    private = home / _PRIVATE
    private.mkdir(mode=0o700)
    if (source / _PRIVATE).is_dir():
        for key in (source / _PRIVATE).iterdir():
            (private / key.name).symlink_to(key.resolve())


def _sweep(base: Path) -> None:
    """Removes the copies of processes that are no more."""
    for left in base.glob(f"{_NAME}*"):
        owner = left.name.removeprefix(_NAME).partition("-")[0]
        with suppress(OSError):
            if owner.isdecimal() and left.stat().st_uid == os.getuid() and not _alive(int(owner)):
                shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _ours(listed: bytes) -> Ours:
    ids: set[str] = set()
    addresses: set[str] = set()
    for line in listed.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) < _KEY_FIELDS:
            continue
        if fields[0] in {"sec", "ssb"}:
            ids.add(fields[4].upper())
        elif fields[0] == "uid" and fields[1] != "r":
            user = fields[9].replace("\\x3a", ":")
            found = address(user.rpartition("<")[2].removesuffix(">"))
            if found is not None:
                addresses.add(found)
    return Ours(frozenset(ids), frozenset(addresses))
