"""A backup holds what it may and nothing else, and any change of it is found and named."""

import io
import os
import resource
import socket
import sqlite3
import stat
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.backup.check import Verified, verify
from orchestrator.backup.envelope import sealed
from orchestrator.backup.layout import MANIFEST, STORE, is_name
from orchestrator.backup.manifest import NotAManifest, read
from orchestrator.backup.pack import packed
from orchestrator.backup.restore import MARK, restore
from orchestrator.backup.settings import files_of
from orchestrator.backup.snapshot import Member, Snapshot, opened, taken
from orchestrator.backup.tar import NoHead, head
from orchestrator.backup.tar import read as read_head
from orchestrator.backup.unpack import Unpacker
from orchestrator.client.problems import Failed, Problem, Refused
from orchestrator.config.load import load
from orchestrator.store.lock import HomeInUse, home_lock

from .conftest import AT, DEAL, LARGE, Kept, row

LETTERS = "abcXYZ019._-@+= /"


def names(archive: bytes) -> list[str]:
    """Read by another program's hand: the archive is a plain one."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()


def members(archive: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return [(info, (tar.extractfile(info) or io.BytesIO()).read()) for info in tar]


def written(found: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = bytearray()
    for info, data in found:
        out += head(info.name, info.size) + data + bytes(-len(data) % 512)
    return bytes(out) + bytes(1024)


def checked(kept: Kept, archive: bytes, folder: Path) -> Verified:
    folder.mkdir(mode=0o700)
    return verify(kept.seal(archive), [kept.identity], folder)


def bare(kept: Kept) -> Snapshot:
    """A snapshot that names nothing."""
    return Snapshot(kept.home / "tmp", 1, {}, ())


@pytest.mark.usefixtures("database")
def test_it_holds_what_the_snapshot_names_and_nothing_else(kept: Kept, tmp_path: Path) -> None:
    home = kept.home
    secret = tmp_path / "master"
    secret.write_text("not yours")
    (home / "channels/m/link").symlink_to(secret)
    (home / "channels/m/away").symlink_to(tmp_path)
    os.link(secret, home / "channels/m/hard")
    os.mkfifo(home / "channels/m/pipe")
    (home / "channels/m/spool/mail").write_text("in the clear")
    (home / "channels/m/error.log").write_text("a log")
    (home / "other.age").write_text("another backup")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "channels/m/S.agent"))
        archive = kept.plain()
    assert names(archive) == [
        *("blobs/msg_1", "blobs/msg_2", "channels/m/inner/empty"),
        *("channels/m/olm.db", "channels/m/session.json", "home_id", "store.db", MANIFEST),
    ]
    found = checked(kept, archive, tmp_path / "checked")
    assert found.problems == ()
    assert (found.deals, found.entries, found.sealed) == (1, 22, 2)


def test_a_link_in_a_files_place_is_not_followed(kept: Kept, tmp_path: Path) -> None:
    (kept.home / "blobs/msg_1").unlink()
    (kept.home / "blobs/msg_1").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("not yours")
    with pytest.raises(Problem):
        kept.plain()
    assert list((kept.home / "tmp").iterdir()) == []


def test_settings_that_are_a_link_are_told_and_not_left_out(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "real.toml").write_text("")
    (tmp_path / "real.toml").chmod(0o600)
    link = tmp_path / "link.toml"
    link.symlink_to(tmp_path / "real.toml")
    settings = replace(load(environ={}, state=kept.home), file=link)
    with pytest.raises(Problem, match="is a link"):
        files_of(settings)


def test_settings_may_be_roots_and_nothing_else(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that runs as its own user is given settings that it cannot change."""
    file = Path("/etc/passwd")
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    [member], outside = files_of(replace(load(environ={}, state=kept.home), file=file))
    assert outside == {"outside/passwd": str(file)}
    with opened(bare(kept), member) as found:
        assert found.read() == file.read_bytes()
    with pytest.raises(Problem, match="no plain file"):
        opened(bare(kept), Member("channels/m/passwd", file))


def test_a_channels_database_is_whole_while_it_is_written(
    kept: Kept, database: sqlite3.Connection, tmp_path: Path
) -> None:
    database.execute("BEGIN")
    database.execute("DELETE FROM t")
    archive = kept.plain()
    database.execute("ROLLBACK")
    [copy] = [data for info, data in members(archive) if info.name.endswith("olm.db")]
    (tmp_path / "copy.db").write_bytes(copy)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as opened:
        assert opened.execute("SELECT count(*) FROM t").fetchone() == (500,)


def test_what_is_destroyed_meanwhile_is_named_as_absent(kept: Kept, tmp_path: Path) -> None:
    (kept.home / "blobs/msg_2").unlink()
    archive = kept.plain()
    found = checked(kept, archive, tmp_path / "checked")
    assert (found.manifest.absent, found.problems) == (("blobs/msg_2",), ())


def test_deleted_rows_are_not_in_it(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.home / STORE)) as connection, connection:
        gone = [(f"gone-{n}-" + "x" * 200,) for n in range(400)]
        connection.executemany("INSERT INTO timer VALUES (?, 0)", gone)
    with closing(sqlite3.connect(kept.home / STORE)) as connection, connection:
        connection.execute("PRAGMA secure_delete = OFF")  # as if SQLite had left them behind
        connection.execute("DELETE FROM timer")
    assert b"gone-7-" in (kept.home / STORE).read_bytes() + _log(kept.home)
    assert b"gone-7-" not in kept.plain()


def _log(home: Path) -> bytes:
    log = home / f"{STORE}-wal"
    return log.read_bytes() if log.exists() else b""


async def test_it_streams_and_ends_when_nobody_takes_the_rest(kept: Kept) -> None:
    taken_, keys = 0, [kept.identity.to_public()]

    def endless() -> Iterator[bytes]:
        nonlocal taken_
        while True:
            taken_ += 1
            yield bytes(65536)

    pieces = sealed(endless(), keys)
    assert (await anext(pieces)).startswith(b"age-encryption.org/v1")
    await pieces.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert taken_ < 100

    def failing() -> Iterator[bytes]:
        yield bytes(65536)
        raise Failed("gone")

    with pytest.raises(Failed, match="gone"):
        async for _ in sealed(failing(), keys):
            pass


def test_every_kind_of_damage_is_found_and_named(kept: Kept, tmp_path: Path) -> None:
    whole = kept.plain()
    assert written(members(whole)) == whole

    def told(change: list[tuple[tarfile.TarInfo, bytes]], name: str) -> str:
        try:
            found = checked(kept, written(change), tmp_path / name)
        except Failed as problem:
            return problem.wrong
        assert found.problems
        return "; ".join(found.problems)

    def changed(at: int, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        found = members(whole)
        found[at][0].size = len(data)
        found[at] = (found[at][0], data)
        return found

    first = members(whole)[0]
    assert "blobs/msg_1: damaged" in told(changed(0, b"x" + first[1][1:]), "a")
    assert "blobs/msg_1: damaged" in told(changed(0, first[1][:-1]), "b")
    assert "blobs/msg_1: missing" in told(members(whole)[1:], "c")
    assert "blobs/msg_1 stands twice" in told([first, *members(whole)], "d")
    swapped = members(whole)
    swapped[0], swapped[1] = swapped[1], swapped[0]
    assert "not in its place" in told(swapped, "e")
    assert "behind its manifest" in told([*members(whole), first], "f")
    assert "ends before its manifest" in told(members(whole)[:-1], "g")
    more = members(whole)
    extra = tarfile.TarInfo("channels/m/zz")
    extra.size = 3
    more.insert(-3, (extra, b"abc"))
    assert "channels/m/zz: not in the manifest" in told(more, "h")
    assert "manifest is damaged" in told(changed(-1, members(whole)[-1][1][:-3]), "i")
    line = members(whole)[-1][1].replace(b'"at":1', b'"at":2', 1)
    assert "manifest is damaged" in told(changed(-1, line), "j")
    with pytest.raises(NotAManifest):
        read(line)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../out"},
        {"name": "/etc/x"},
        {"name": "blobs/../../out"},
        {"name": "store.db-wal"},
        {"name": "run/x"},
        {"name": "a\\b"},
        {"name": "blobs//x"},
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "home_id"},
        {"type": tarfile.CHRTYPE},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.DIRTYPE},
        {"type": tarfile.XHDTYPE},
        {"type": tarfile.GNUTYPE_LONGNAME},
    ],
)
def test_what_no_backup_holds_is_refused(
    kept: Kept, tmp_path: Path, change: dict[str, object]
) -> None:
    info = tarfile.TarInfo("blobs/a")
    for name, value in change.items():
        setattr(info, name, value)
    plain = list(change) == ["name"]
    header = head(info.name, 0) if plain else info.tobuf(tarfile.USTAR_FORMAT)
    archive = header + kept.plain()
    with pytest.raises(Failed, match="not as it was made"):
        checked(kept, archive, tmp_path / "checked")
    assert list((tmp_path / "checked").rglob("*")) == []
    assert not (tmp_path / "out").exists()


def test_a_declared_size_is_kept_to(kept: Kept, tmp_path: Path) -> None:
    info = tarfile.TarInfo("blobs/a")
    info.size = 1 << 32
    with pytest.raises(Failed):
        checked(kept, head(info.name, info.size) + kept.plain(), tmp_path / "a")
    said = tarfile.TarInfo(MANIFEST)
    said.size = (1 << 33) - 1
    with pytest.raises(Failed, match="manifest is too long"):
        checked(kept, head(said.name, said.size), tmp_path / "b")


def test_a_store_of_more_than_8_gib_has_its_size(tmp_path: Path) -> None:
    with (tmp_path / STORE).open("wb") as file:
        file.truncate(9 << 30)  # nothing of it is on the disk
    snapshot = Snapshot(tmp_path, 1, {}, (Member(STORE, tmp_path / STORE),))
    header = next(packed(snapshot, lambda *_: b""))
    assert tarfile.TarInfo.frombuf(header, "utf-8", "strict").size == 9 << 30
    assert read_head(header) == (STORE, 9 << 30)


@given(name=st.text(LETTERS, min_size=1, max_size=260), size=st.integers(0, 1 << 50))
def test_a_head_is_what_other_programs_read(name: str, size: int) -> None:
    try:
        block = head(name, size)
    except NoHead:
        assert len(name) > 100
        return
    info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    assert (info.name, info.size, info.type) == (name, size, tarfile.REGTYPE)
    assert read_head(block) == (name, size)


@given(cuts=st.lists(st.integers(1, 3000), min_size=1, max_size=6), at=st.integers(0, 10**9))
def test_pieces_of_any_size_are_one_archive_and_any_changed_byte_is_found(
    cuts: list[int], at: int
) -> None:
    """A planted change of one bit, at any place; read in pieces of any size."""
    info, said = tarfile.TarInfo("blobs/a"), tarfile.TarInfo(MANIFEST)
    info.size, said.size = 700, 5
    archive = written([(info, bytes(range(250)) * 2 + bytes(200)), (said, b"hello")])

    def unpacked(data: bytes) -> tuple[dict[str, tuple[int, str]], bytes]:
        with Unpacker(Path("/nowhere"), lambda _: False) as unpacker:
            start = 0
            while start < len(data):
                size = cuts[start % len(cuts)]
                unpacker.write(data[start : start + size])
                start += size
            return unpacker.members, unpacker.finish()

    right = unpacked(archive)
    assert right[1] == b"hello"
    planted = bytearray(archive)
    planted[at % len(planted)] ^= 1
    try:
        assert unpacked(bytes(planted)) != right
    except Failed:
        pass
    else:
        return
    with pytest.raises(Failed):
        unpacked(bytes(planted))


@given(name=st.text(max_size=60))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    if is_name(name):
        path = Path(os.path.normpath(Path("/home") / name))
        assert path.is_relative_to("/home")
        assert str(path) == f"/home/{name}"


def test_another_end_of_a_chain_and_another_key_are_found(kept: Kept, tmp_path: Path) -> None:
    assert checked(kept, kept.plain(), tmp_path / "a").problems == ()
    row(kept.home, "UPDATE audit SET body = x'7b7d' WHERE deal_id = ? AND n = 7", DEAL)
    found = checked(kept, kept.plain(), tmp_path / "b")
    assert any(f"chain {DEAL}" in problem for problem in found.problems)
    row(kept.home, "DELETE FROM home")
    found = checked(kept, kept.plain(), tmp_path / "c")
    assert any("knows nothing of the key" in problem for problem in found.problems)


def test_a_store_that_would_act_or_is_newer_is_refused(kept: Kept, tmp_path: Path) -> None:
    row(kept.home, "CREATE TRIGGER t AFTER INSERT ON home BEGIN DELETE FROM held; END")
    found = checked(kept, kept.plain(), tmp_path / "a")
    assert ["'t' would act by itself" in p for p in found.problems] == [True]
    row(kept.home, "DROP TRIGGER t")
    row(kept.home, "INSERT INTO migration VALUES (9000, 'x')")
    with pytest.raises(Failed, match="newer than this program"):
        checked(kept, kept.plain(), tmp_path / "b")


def test_it_is_restored_whole_and_marked_into_a_new_folder_alone(
    kept: Kept, tmp_path: Path
) -> None:
    to, settings = tmp_path / "new", tmp_path / "wallcross.toml"
    settings.write_text("# settings\n")
    archive = kept.plain((Member("outside/wallcross.toml", settings),), {"outside/x": "/srv/x"})
    to.mkdir()
    found = restore(kept.seal(archive), [kept.identity], to, at=AT + 5)
    assert found.problems == ()
    assert (to / "blobs/msg_1").read_bytes() == LARGE + b"msg_1"
    assert (to / "outside/wallcross.toml").read_text() == "# settings\n"
    with closing(sqlite3.connect(to / STORE)) as opened:
        [(mark,)] = opened.execute("SELECT value FROM home WHERE key = ?", (MARK,)).fetchall()
    assert f'"backup_at": {AT}' in mark
    assert stat.S_IMODE(to.stat().st_mode) == 0o700
    with pytest.raises(Refused):
        restore(kept.seal(archive), [kept.identity], to, at=AT)
    damaged = archive.replace(b"\x01sealed", b"\x02sealed", 1)
    found = restore(kept.seal(damaged), [kept.identity], tmp_path / "not", at=AT)
    assert found.problems
    assert not (tmp_path / "not").exists()
    assert [p.name for p in tmp_path.iterdir() if "restoring" in p.name] == []


def test_what_a_killed_restore_left_is_removed_unless_it_still_runs(
    kept: Kept, tmp_path: Path
) -> None:
    archive, left = kept.plain(), tmp_path / ".new.restoring"
    (left / "blobs").mkdir(parents=True)
    (left / "blobs/msg_9").write_text("left")
    with home_lock(left), pytest.raises(HomeInUse):
        restore(kept.seal(archive), [kept.identity], tmp_path / "new", at=AT)
    assert (left / "blobs/msg_9").exists()
    assert restore(kept.seal(archive), [kept.identity], tmp_path / "new", at=AT).problems == ()
    assert not (tmp_path / "new/blobs/msg_9").exists()


def test_a_full_disk_is_told_and_leaves_nothing(kept: Kept, tmp_path: Path) -> None:
    archive = kept.plain()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(Failed, match="could not be restored"):
            restore(kept.seal(archive), [kept.identity], tmp_path / "new", at=AT)
        with pytest.raises(Failed, match="could not be made"), taken(kept.home, ()):
            pytest.fail("there was room")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "new").exists()
    assert list((kept.home / "tmp").iterdir()) == []


def test_the_wrong_key_opens_nothing(kept: Kept, tmp_path: Path) -> None:
    tmp = tmp_path / "checked"
    tmp.mkdir()
    with pytest.raises(Failed, match="sealed to other keys"):
        verify(kept.seal(kept.plain()), [pyrage.x25519.Identity.generate()], tmp)
    assert list(tmp.iterdir()) == []
