"""References: how settings name a secret without holding it.

Rules kept here: four forms and no other (``keyring:service/name``, ``env:NAME``, ``file:/path``,
``cmd:program arguments``); no shell; no error repeats what a source printed.
"""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from orchestrator.secrets.ownfile import MAX_BYTES, read_own
from orchestrator.secrets.port import SecretStore, check_name
from orchestrator.secrets.ring import find_backend, read_entry, write_entry
from orchestrator.secrets.secret import Secret, SecretError, SecretMissing

COMMAND_TIMEOUT_S = 10.0
_FORMS = "keyring:service/name, env:NAME, file:/path or cmd:program arguments"


class Reference(NamedTuple):
    """A reference in its two parts."""

    scheme: str
    rest: str


def parse(reference: str) -> Reference:
    """Splits and checks a reference without reading it.

    Raises:
        SecretError: none of the four forms. The text is not repeated: it may be a secret itself.
    """
    scheme, colon, rest = reference.partition(":")
    if not colon or scheme not in _SOURCES or not rest:
        raise SecretError(f"a secret is named by reference, never written down: {_FORMS}")
    if scheme == "file" and not Path(rest).is_absolute():
        raise SecretError("file: wants an absolute path, as file:/etc/wallcross/token")
    if scheme == "keyring" and not all(rest.partition("/")):
        raise SecretError("keyring: wants a service and a name, as keyring:wallcross/matrix")
    return Reference(scheme, rest)


def resolve(reference: str, fallback: SecretStore | None = None) -> Secret:
    """Reads the secret that ``reference`` names. May block for ``COMMAND_TIMEOUT_S`` seconds.

    Args:
        reference: one of the four forms.
        fallback: where ``keyring:`` entries lie on a machine without a keyring.

    Raises:
        SecretMissing: the source holds nothing under that name.
        SecretError: the source is open to others, refused, failed or took too long.
    """
    scheme, rest = parse(reference)
    secret = _SOURCES[scheme](rest, fallback)
    if not secret:
        raise SecretMissing(f"{scheme}: gave an empty secret; store it anew")
    return secret


def put(reference: str, value: bytes, fallback: SecretStore) -> str:
    """Keeps ``value`` under a ``keyring:`` reference; returns ``keyring`` or ``file``.

    Raises:
        SecretError: another form (those are written by other means), or the keyring refused.
    """
    scheme, rest = parse(reference)
    if scheme != "keyring":
        raise SecretError(f"{scheme}: secrets are written by other means; only keyring: is ours")
    service, _, name = rest.partition("/")
    backend = find_backend()
    if backend is None:
        fallback.set(_fallback_name(rest), value)
        return "file"
    write_entry(backend, service, name, Secret(value).reveal_text())
    return "keyring"


def _fallback_name(rest: str) -> str:
    return check_name(f"keyring/{rest}")


def _from_keyring(rest: str, fallback: SecretStore | None) -> Secret:
    service, _, name = rest.partition("/")
    backend = find_backend()
    text = None if backend is None else read_entry(backend, service, name)
    if text is not None:
        return Secret(text.encode())
    kept = None if fallback is None else fallback.get(_fallback_name(rest))
    if kept is None:
        why = "no keyring answers on this machine" if backend is None else "the keyring has none"
        raise SecretMissing(
            f"keyring:{rest} is not set ({why}); run: wallcross secret set keyring:{rest}"
        )
    return kept


def _from_environment(name: str, _fallback: SecretStore | None) -> Secret:
    value = os.environb.get(os.fsencode(name))
    if value is None:
        raise SecretMissing(f"the environment has no {name}; set it before the start")
    return Secret(value)


def _from_file(path: str, _fallback: SecretStore | None) -> Secret:
    try:
        return Secret(_trimmed(read_own(Path(path))))
    except FileNotFoundError:
        raise SecretMissing(
            f"there is no file {path}; write the secret into it, mode 600"
        ) from None


def _from_command(line: str, _fallback: SecretStore | None) -> Secret:
    try:
        words = shlex.split(line)
    except ValueError:
        raise SecretError("cmd: has an open quotation mark; close it") from None
    if not words:
        raise SecretError("cmd: names no program")
    return Secret(_trimmed(_output(words)))


def _output(words: list[str]) -> bytes:
    program = words[0]
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell; the operator's own settings name it
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise SecretError(f"cmd: {program} cannot be started ({error.strerror})") from None
    try:
        out, _ = process.communicate(timeout=COMMAND_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        _end(process)
        raise SecretError(f"cmd: {program} took more than {COMMAND_TIMEOUT_S:.0f} s") from None
    if process.returncode:
        raise SecretError(f"cmd: {program} ended with exit code {process.returncode}")
    if len(out) > MAX_BYTES:
        raise SecretError(f"cmd: {program} printed more than {MAX_BYTES} bytes")
    return out


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _trimmed(value: bytes) -> bytes:
    return value.removesuffix(b"\n").removesuffix(b"\r")


_SOURCES: dict[str, Callable[[str, SecretStore | None], Secret]] = {
    "keyring": _from_keyring,
    "env": _from_environment,
    "file": _from_file,
    "cmd": _from_command,
}
