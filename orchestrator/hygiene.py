"""What the process does so that nothing of it reaches the disk, and what it can only warn of.

Rules kept here:

1. No core file: the limit is zero, the kernel may not dump us at all (a dump handler behind a pipe
   ignores the limit), and no memory would be in a dump. Each is read back, never assumed.
2. Files are ours alone (umask 077), and temporary files lie in a folder of our own.
3. What cannot be seen is never claimed: disk encryption is said only of a volume that shows it.
"""

import ctypes
import os
import resource
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Literal

State = Literal["ok", "warn", "red"]
_GET_DUMPABLE, _SET_DUMPABLE = 3, 4
_UMASK = 0o077


@dataclass(frozen=True, slots=True)
class Check:
    """One answer of the doctor.

    Attributes:
        name: stable, for machines.
        state: ``red`` stops ``serve``; ``warn`` is said.
        text: what is wrong, what is still true, what to do.
    """

    name: str
    state: State
    text: str


def harden() -> list[Check]:
    """Hardens this process (and what it starts, as far as that is inherited).

    Called first thing, before a secret is read.

    Returns:
        what was read back afterwards.
    """
    os.umask(_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # first the filter: once not dumpable, /proc/self belongs to root
    with suppress(OSError):
        Path("/proc/self/coredump_filter").write_text("0")
    _prctl(_SET_DUMPABLE, 0)
    return process_checks()


def process_checks() -> list[Check]:
    """Reads back what ``harden`` set."""
    return [_core_limit(), _dumpable(), _umask()]


def private_tmp(home: Path) -> Path:
    """Makes ``tmp`` in the home, empty and for the owner alone, the folder of temporary files.

    Called by who holds the home, before anything is started that may write there.
    """
    folder = home / "tmp"
    if folder.is_symlink():
        folder.unlink()
    rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    for name in ("TMPDIR", "TEMP", "TMP"):
        os.environ[name] = str(folder)
    tempfile.tempdir = str(folder)
    return folder


def machine_checks(home: Path, root: Path = Path("/")) -> list[Check]:
    """Looks at the machine: the home's folder, swap, and the volume that the home lies on.

    Args:
        home: the home's folder.
        root: where ``proc`` and ``sys`` lie.
    """
    return [home_folder(home), swap(root), volume(home, root)]


# --- the process --------------------------------------------------------------------------------


def _prctl(option: int, value: int = 0) -> int:
    """Calls prctl(2); -1 where the system has none."""
    try:
        call = ctypes.CDLL(None, use_errno=True).prctl
    except (AttributeError, OSError):
        return -1
    return int(call(option, value, 0, 0, 0))


def _core_limit() -> Check:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if (soft, hard) == (0, 0):
        return Check("core-limit", "ok", "no core file: the limit is 0")
    return Check(
        "core-limit", "red", "core files are allowed, and one would hold messages; run: ulimit -c 0"
    )


def _dumpable() -> Check:
    found = _prctl(_GET_DUMPABLE)
    if found == 0:
        return Check("dumpable", "ok", "the kernel dumps nothing of this process")
    if sys.platform != "linux":
        return Check("dumpable", "warn", "this system cannot forbid dumps; the core limit holds")
    return Check(
        "dumpable",
        "red",
        "the kernel may still dump this process, and a dump would hold messages; "
        "start it without a debugger or a setting that forbids prctl",
    )


def _umask() -> Check:
    found = os.umask(_UMASK)
    os.umask(found)
    if found == _UMASK:
        return Check("umask", "ok", "new files are the owner's alone (umask 077)")
    return Check(
        "umask", "red", f"umask is {found:03o}: others could read new files; run: umask 077"
    )


# --- the home -----------------------------------------------------------------------------------


def home_folder(home: Path) -> Check:
    """Checks that only we can enter the home, and that nobody else owns a file in its top."""
    try:
        wrong = next(_wrong_in(home), None)
    except FileNotFoundError:
        return Check("home", "red", f"there is no {home}; run: wallcross init")
    if wrong:
        return Check("home", "red", wrong)
    return Check("home", "ok", f"{home} is its owner's alone")


def _wrong_in(home: Path) -> Iterator[str]:
    top = home.stat()
    if not stat.S_ISDIR(top.st_mode):
        yield f"{home} is not a folder; name another home"
    if top.st_uid != os.geteuid():
        yield f"{home} belongs to another user, who reads its names and times; change its owner"
    if top.st_mode & 0o077:
        yield f"others may enter {home}; bodies are sealed all the same; run: chmod 700 '{home}'"
    for path in home.iterdir():
        found = path.lstat()
        if found.st_uid != os.geteuid():
            yield f"{path} belongs to another user; change its owner or remove it"
        if found.st_mode & 0o077 and not stat.S_ISLNK(found.st_mode):
            yield f"others may open {path}; run: chmod -R go= '{home}'"


# --- swap and disk ------------------------------------------------------------------------------


def swap(root: Path = Path("/")) -> Check:
    """Warns of swap that is neither in memory nor on an encrypted volume."""
    try:
        lines = (root / "proc/swaps").read_text().splitlines()[1:]
    except OSError:
        return Check(
            "swap",
            "warn",
            "whether this machine swaps cannot be seen; make sure that swap is off or encrypted",
        )
    open_ones = [line.split()[0] for line in lines if not _swap_is_safe(line.split(), root)]
    if not open_ones:
        return Check("swap", "ok", "no swap, or swap in memory or on an encrypted volume only")
    return Check(
        "swap",
        "warn",
        f"swap on {', '.join(open_ones)} is not encrypted: memory with messages may be written "
        "there in the clear. What we store ourselves is sealed all the same. Turn swap off "
        "(swapoff -a) or put it on an encrypted volume",
    )


def _swap_is_safe(fields: list[str], root: Path) -> bool:
    name, kind = fields[0], fields[1]
    try:
        if kind == "file":
            return _encrypted(_of_number(Path(name).stat().st_dev, root))
        block = root / "sys/class/block" / Path(name).resolve().name
        if block.name.startswith("zram"):
            return _has_no_backing(block)
        return _encrypted(block)
    except OSError:
        return False


def _has_no_backing(block: Path) -> bool:
    backing = block / "backing_dev"
    return not backing.exists() or backing.read_text().strip() in {"", "none"}


def volume(home: Path, root: Path = Path("/")) -> Check:
    """Says whether the home lies on a volume that shows encryption; never more than that."""
    try:
        seen = _encrypted(_of_number(home.stat().st_dev, root))
    except OSError:
        seen = False
    if seen:
        return Check("volume", "ok", "the home lies on a dm-crypt volume")
    return Check(
        "volume",
        "warn",
        "no disk encryption is seen under the home. Bodies, subjects and attachments are sealed; "
        "people, addresses, rooms, times and sizes are readable to whoever takes the disk. "
        "Put the home on an encrypted volume",
    )


def _of_number(device: int, root: Path) -> Path:
    number = f"{os.major(device)}:{os.minor(device)}"
    return (root / "sys/dev/block" / number).resolve(strict=True)


def _encrypted(block: Path, depth: int = 8) -> bool:
    """Tells whether a block device is dm-crypt, or lies wholly on devices that are."""
    uuid = block / "dm/uuid"
    if uuid.exists() and uuid.read_text().startswith("CRYPT-"):
        return True
    below = list((block / "slaves").iterdir()) if (block / "slaves").is_dir() else []
    return depth > 0 and bool(below) and all(_encrypted(b.resolve(), depth - 1) for b in below)
