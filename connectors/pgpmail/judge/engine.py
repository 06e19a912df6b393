"""Runs gpg over pipes: nothing it decrypts touches a disk, and nothing it says is mixed up.

Rules kept here:

1. Sealed bytes go in, plaintext and status come out over three descriptors of their own; what gpg
   says to people is thrown away unread.
2. Plaintext is held in memory up to a cap and given to nobody before the program has ended.
3. No configuration, no key server, no trust database of the home is obeyed.
"""

import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PIECE = 64 * 1024
_STATUS_MAX = 256 * 1024
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"}


class TooMuch(Exception):
    """The program was ended because it passed a cap.

    Args:
        reason: ``plaintext_too_large``, ``compression_bomb`` or ``too_slow``.
    """


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run gave.

    Attributes:
        plain: all that came out; not to be believed before ``status`` was judged.
        status: its status lines.
    """

    plain: bytes = field(repr=False)
    status: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cap:
    """When to end a run.

    Attributes:
        plain_bytes: largest output.
        reason: of a refusal by it.
        seconds: longest run.
    """

    plain_bytes: int
    reason: str
    seconds: float


def base_command(program: str, home: Path) -> list[str]:
    """The words that every call of gpg begins with."""
    return [
        *(program, "--batch", "--no-tty", "--no-options", "--homedir", str(home)),
        *("--disable-dirmngr", "--no-auto-key-retrieve"),
        *("--no-auto-key-locate", "--no-auto-key-import", "--no-auto-check-trustdb"),
        *("--trust-model", "always", "--no-random-seed-file", "--lock-never"),
    ]


def run(command: Sequence[str], data: bytes, cap: Cap, passphrase: str | None = None) -> Ran:
    """Runs gpg on ``data`` and returns what came out.

    Args:
        command: begins with ``base_command``; ends before the options of descriptors.
        data: its standard input.
        cap: ends it.
        passphrase: of our private key.

    Raises:
        TooMuch: a cap was passed; nothing of the output is kept.
        OSError: the program cannot be run.
    """
    status_out, status_in = os.pipe()
    secret_out, secret_in = os.pipe()
    with os.fdopen(status_out, "rb", 0) as status, os.fdopen(secret_out, "rb", 0) as secret:
        try:
            with os.fdopen(secret_in, "wb", 0) as line:
                line.write((passphrase or "").encode() + b"\n")
            process = _started(command, status_in, secret.fileno(), asked=passphrase is not None)
        finally:
            os.close(status_in)
        try:
            return _Pipes(data, cap).run(process, status.fileno())
        except subprocess.TimeoutExpired:
            raise TooMuch("too_slow") from None
        finally:
            _end(process)


def _started(
    command: Sequence[str], status: int, secret: int, *, asked: bool
) -> "subprocess.Popen[bytes]":
    pinentry = "loopback" if asked else "error"
    extra = ["--status-fd", str(status), "--pinentry-mode", pinentry]
    if asked:
        extra += ["--passphrase-fd", str(secret)]
    return subprocess.Popen(  # noqa: S603 (our own words; no shell, nothing of a mail among them)
        [command[0], *extra, *command[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(status, secret),
        env=_ENVIRONMENT,
        bufsize=0,
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


class _Pipes:
    """Feeds one program and gathers what it says.

    Args:
        data: what it is fed with.
        cap: ends it.
    """

    def __init__(self, data: bytes, cap: Cap) -> None:
        self._rest = memoryview(data)
        self._cap = cap
        self._plain: list[bytes] = []
        self._size = 0
        self._status = bytearray()
        self._until = time.monotonic() + cap.seconds

    def run(self, process: "subprocess.Popen[bytes]", status: int) -> Ran:
        """Until all its pipes are closed. Raises: TooMuch."""
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise OSError("a program without pipes")
        os.set_blocking(stdin.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(stdin, selectors.EVENT_WRITE, self._feed)
            selector.register(stdout, selectors.EVENT_READ, self._take_plain)
            selector.register(status, selectors.EVENT_READ, self._take_status)
            while selector.get_map():
                self._step(selector)
                if not self._rest and not stdin.closed:
                    selector.unregister(stdin)
                    stdin.close()
        process.wait(max(0.1, self._until - time.monotonic()))
        return Ran(b"".join(self._plain), bytes(self._status))

    def _step(self, selector: selectors.BaseSelector) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TooMuch("too_slow")
        for key, _ in selector.select(left):
            if not key.data(key.fd):
                selector.unregister(key.fileobj)

    def _feed(self, fd: int) -> bool:
        try:
            done = os.write(fd, self._rest[:_PIECE])
        except BrokenPipeError:
            done = len(self._rest)
        self._rest = self._rest[done:]
        return True

    def _take_plain(self, fd: int) -> bool:
        piece = os.read(fd, _PIECE)
        self._size += len(piece)
        if self._size > self._cap.plain_bytes:
            raise TooMuch(self._cap.reason)
        self._plain.append(piece)
        return bool(piece)

    def _take_status(self, fd: int) -> bool:
        piece = os.read(fd, _PIECE)
        self._status += piece
        if len(self._status) > _STATUS_MAX:
            raise TooMuch("too_slow")
        return bool(piece)
