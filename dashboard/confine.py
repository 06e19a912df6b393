"""The front's confinement, by Landlock: what code in it may open, reach and run, whoever wrote it.

Rules kept here:

1. It may read what it is made of (Python, libraries, our own pages) and write its one empty folder.
   No other file opens, the home's least of all; nothing can be executed.
2. It may listen on its own port and opens no TCP connection: it speaks to the desk's socket alone.
3. It is put on before anything of the pages is imported and can never be taken off.
4. What the kernel does not offer is named, never claimed: ``Confined`` says what is in force.

Landlock has no kept Python library (November 2026), and is three system calls.
Source: the kernel's own page, userspace-api/landlock (up to ABI 6).
"""

import ctypes
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture of Linux but alpha
_ASK_VERSION = 1
_BENEATH, _PORT = 1, 2
_NO_NEW_PRIVILEGES = 38

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILES_BY_ABI = ((1, (1 << 13) - 1), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))
"""Rights on files that each version of the interface brought."""
_READ = _READ_FILE | _READ_DIR
_EXECUTE, _MAKE_DEVICES, _MAKE_SOCKETS, _DEVICE = (
    1 << 0,
    1 << 6 | 1 << 11,
    1 << 9 | 1 << 10,
    1 << 15,
)
_OWN = ~(_EXECUTE | _MAKE_DEVICES | _MAKE_SOCKETS | _DEVICE)
_BIND, _CONNECT = 1 << 0, 1 << 1
_NET_ABI, _SCOPE_ABI = 4, 6
_ABSTRACT_SOCKETS, _SIGNALS = 1 << 0, 1 << 1

_SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/usr/local/lib")
_FACTS = (
    *("/etc/localtime", "/etc/mime.types", "/etc/ld.so.cache", "/dev/urandom", "/proc/self"),
    *("/etc/machine-id", "/var/lib/dbus/machine-id"),  # Streamlit begins no page without it
)
_SINK = "/dev/null"


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Port(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


@dataclass(frozen=True, slots=True)
class Confined:
    """What is in force in this process.

    Attributes:
        files: no file opens but those of rule 1, and nothing is executed.
        connections: no TCP connection is opened, and no port but its own is listened on.
        signals: no process outside is signalled or reached by an abstract socket.
    """

    files: bool = False
    connections: bool = False
    signals: bool = False


def confine(own: Path, port: int) -> Confined:
    """Confines this process, which must not have begun a second thread.

    Args:
        own: its one folder.
        port: the one that it may listen on.

    Raises:
        OSError: the kernel offers it and it could not be put on.
    """
    abi = _version()
    if abi < 1:
        return Confined()
    files = sum(rights for since, rights in _FILES_BY_ABI if abi >= since)
    net = _BIND | _CONNECT if abi >= _NET_ABI else 0
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if abi >= _SCOPE_ABI else 0
    asked = _Ruleset(files, net, scoped)
    ruleset = _call(_CREATE, ctypes.byref(asked), ctypes.sizeof(asked), 0)
    try:
        for path in _readable():
            _allow(ruleset, path, files & _READ)
        _allow(ruleset, Path(_SINK), files & (_READ | 1 << 1))
        _allow(ruleset, own, files & _OWN)
        if net:
            _call(_ADD, ruleset, _PORT, ctypes.byref(_Port(_BIND, port)), 0)
        if _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "privileges could not be given up")
        _call(_RESTRICT, ruleset, 0)
    finally:
        os.close(ruleset)
    return Confined(files=True, connections=bool(net), signals=bool(scoped))


def _readable() -> Iterator[Path]:
    """What this process is made of."""
    made_of: Iterable[str | None] = (
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        sysconfig.get_config_var("LIBDIR"),
        str(Path(sys.prefix) / "pyvenv.cfg"),
        str(Path(__file__).parent),
        str(Path(__file__).parents[1] / "orchestrator"),
        *_SYSTEM,
        *_FACTS,
    )
    for name in dict.fromkeys(made_of):
        if name is not None and Path(name).exists():
            yield Path(name)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Opens a folder with all beneath it, or one file."""
    given = rights if path.is_dir() else rights & ~_READ_DIR
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _call(_ADD, ruleset, _BENEATH, ctypes.byref(_Beneath(given, opened)), 0)
    finally:
        os.close(opened)


def _version() -> int:
    """The version of the interface; below 1 where the kernel has none, or has it switched off."""
    if sys.platform != "linux":
        return 0
    return int(_libc().syscall(_CREATE, None, 0, _ASK_VERSION))


def _call(number: int, *arguments: object) -> int:
    done = int(_libc().syscall(number, *arguments))
    if done < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock refused: {os.strerror(code)}")
    return done


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
