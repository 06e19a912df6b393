"""The process leaves no dump, and the doctor says what it sees and no more."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.hygiene import Check, home_folder, machine_checks, swap, volume

CRASH = """
import ctypes, json, os, resource, sys
from orchestrator import hygiene
if sys.argv[1] == "harden":
    checks = [(c.name, c.state) for c in hygiene.harden()]
else:
    checks = [(c.name, c.state) for c in hygiene.process_checks()]
with open("made", "w"):
    pass
dump = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
print(json.dumps({"checks": checks, "dumpable": dump, "mode": os.stat("made").st_mode & 0o777,
                  "core": resource.getrlimit(resource.RLIMIT_CORE),
                  "filter": open("/proc/self/coredump_filter").read().strip()}), flush=True)
canary = "kq7Zr2mVw9Xc4Tn1" + "Lp6Yb3Hs8Gd5Fj0A"
ctypes.string_at(0)
"""


def crash(folder: Path, how: str) -> dict[str, object]:
    """Runs a process that allows core files, hardens itself or not, and dies of SIGSEGV."""

    def allow() -> None:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        os.umask(0o022)

    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", CRASH, how],
        cwd=folder,
        capture_output=True,
        check=False,
        preexec_fn=allow,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == -signal.SIGSEGV
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_crash_leaves_no_core_and_reads_back_as_not_dumpable(tmp_path: Path) -> None:
    found = crash(tmp_path, "harden")
    assert found["checks"] == [["core-limit", "ok"], ["dumpable", "ok"], ["umask", "ok"]]
    assert found["dumpable"] == 0
    assert found["core"] == [0, 0]
    assert found["mode"] == 0o600
    assert int(str(found["filter"]), 16) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_the_same_process_unhardened_is_red_and_leaves_a_core(tmp_path: Path) -> None:
    found = crash(tmp_path, "not")
    states = dict(found["checks"])  # type: ignore[call-overload]
    assert states["dumpable"] == "red"
    assert states["umask"] == "red"
    assert found["mode"] == 0o644
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if found["core"] == [0, 0] or pattern.startswith(("|", "/")):
        pytest.skip("this machine writes core files elsewhere or not at all")
    assert states["core-limit"] == "red"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("core")]


def test_temporary_files_lie_in_a_folder_of_our_own(tmp_path: Path) -> None:
    script = (
        "import os, sys, tempfile; from pathlib import Path; from orchestrator import hygiene\n"
        "home = Path(sys.argv[1]); tempfile.gettempdir()\n"
        "(home / 'tmp').mkdir(); (home / 'tmp' / 'left').write_text('x')\n"
        "print(hygiene.private_tmp(home)); print(tempfile.mkstemp()[1])\n"
        "print(os.environ['TMPDIR'])"
    )
    out = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=True, text=True
    ).stdout.split()
    folder = tmp_path / "tmp"
    assert out[0] == out[2] == str(folder)
    assert Path(out[1]).parent == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(list(folder.iterdir())) == 1


# --- the home -----------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    (made / "wallcross.db").touch(mode=0o600)
    return made


def test_a_home_that_is_ours_alone_is_ok(home: Path) -> None:
    assert home_folder(home).state == "ok"


def test_a_home_open_to_others_is_red(home: Path, tmp_path: Path) -> None:
    (home / "wallcross.db").chmod(0o640)
    assert home_folder(home).state == "red"
    assert "chmod -R go=" in home_folder(home).text
    home.chmod(0o750)
    assert f"chmod 700 '{home}'" in home_folder(home).text
    assert home_folder(tmp_path / "none").state == "red"
    assert home_folder(Path("/dev/null")).state == "red"


def test_a_home_of_another_user_is_red(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = home.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    assert "another user" in home_folder(home).text


# --- swap and volumes, on machines made up of files ---------------------------------------------


class Machine:
    """``proc`` and ``sys`` of a made-up machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc").mkdir()
        (root / "sys/class/block").mkdir(parents=True)
        (root / "sys/dev/block").mkdir(parents=True)

    def swaps(self, *lines: str) -> Check:
        head = "Filename\t\tType\t\tSize\tUsed\tPriority\n"
        (self.root / "proc/swaps").write_text(head + "".join(line + "\n" for line in lines))
        return swap(self.root)

    def block(self, name: str, *, uuid: str = "", slaves: tuple[str, ...] = ()) -> Path:
        path = self.root / "sys/class/block" / name
        (path / "slaves").mkdir(parents=True)
        if uuid:
            (path / "dm").mkdir()
            (path / "dm/uuid").write_text(uuid + "\n")
        for slave in slaves:
            (path / "slaves" / slave).symlink_to(self.root / "sys/class/block" / slave)
        return path

    def number(self, path: Path, block: Path) -> None:
        device = path.stat().st_dev
        link = self.root / "sys/dev/block" / f"{os.major(device)}:{os.minor(device)}"
        link.symlink_to(block)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root = tmp_path / "root"
    root.mkdir()
    return Machine(root)


def test_no_swap_is_ok(machine: Machine) -> None:
    assert machine.swaps().state == "ok"


def test_plain_partitions_and_logical_volumes_are_warned_of(machine: Machine) -> None:
    machine.block("sda2")
    machine.block("dm-1", uuid="LVM-abc", slaves=("sda2",))
    for name in ("/dev/sda2", "/dev/dm-1", "/dev/unknown"):
        found = machine.swaps(f"{name} partition 100 0 -2")
        assert found.state == "warn"
        assert name in found.text


def test_encrypted_swap_is_ok_also_below_a_logical_volume(machine: Machine) -> None:
    machine.block("dm-0", uuid="CRYPT-LUKS2-abc-name")
    machine.block("dm-1", uuid="LVM-abc", slaves=("dm-0",))
    assert machine.swaps("/dev/dm-0 partition 1 0 -2", "/dev/dm-1 partition 1 0 -3").state == "ok"


def test_a_volume_over_one_plain_disk_counts_as_plain(machine: Machine) -> None:
    machine.block("sda2")
    machine.block("dm-0", uuid="CRYPT-LUKS2-abc-name")
    machine.block("dm-1", uuid="LVM-abc", slaves=("dm-0", "sda2"))
    assert machine.swaps("/dev/dm-1 partition 1 0 -2").state == "warn"


def test_compressed_memory_is_ok_unless_it_is_backed_by_a_disk(machine: Machine) -> None:
    block = machine.block("zram0")
    assert machine.swaps("/dev/zram0 partition 1 0 100").state == "ok"
    (block / "backing_dev").write_text("none\n")
    assert machine.swaps("/dev/zram0 partition 1 0 100").state == "ok"
    (block / "backing_dev").write_text("/dev/sda3\n")
    assert machine.swaps("/dev/zram0 partition 1 0 100").state == "warn"


def test_a_swap_file_is_as_good_as_its_volume(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "swapfile"
    file.touch()
    line = f"{file} file 1 0 -2"
    assert machine.swaps(line).state == "warn"
    machine.number(file, machine.block("dm-0", uuid="CRYPT-PLAIN-x"))
    assert machine.swaps(line).state == "ok"


def test_what_cannot_be_seen_is_never_claimed(machine: Machine, home: Path) -> None:
    assert swap(machine.root).state == "warn"
    assert volume(home, machine.root).state == "warn"
    machine.number(home, machine.block("sda1"))
    found = volume(home, machine.root)
    assert found.state == "warn"
    assert "readable to whoever takes the disk" in found.text
    assert [check.name for check in machine_checks(home, machine.root)] == [
        "home",
        "swap",
        "volume",
    ]


def test_an_encrypted_volume_is_said_when_seen(machine: Machine, home: Path) -> None:
    machine.number(home, machine.block("dm-0", uuid="CRYPT-LUKS2-abc"))
    assert volume(home, machine.root).state == "ok"
