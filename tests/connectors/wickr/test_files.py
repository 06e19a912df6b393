"""Files go out and come in in pieces: a hundred megabytes take no hundred megabytes of memory."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from connectors.port.errors import Uncertain
from connectors.port.messages import Content
from connectors.testing.rig import attachment
from connectors.wickr.standin.control import Upload

from .conftest import Lab, asked, fails, until

SIZE = 100 * 1000 * 1000
GROWTH_KIB = 40 * 1024
"""Memory that a hundred megabytes may cost, in KiB: a few pieces, not the file."""


@pytest.mark.long
async def test_a_hundred_megabytes_go_out_and_come_in_in_bounded_memory(tmp_path: Path) -> None:
    (tmp_path / "big.bin").touch()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("big.py")), str(tmp_path), str(SIZE)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    out, _ = await child.communicate()
    told = json.loads(out)
    assert told["got"] > SIZE
    assert told["count"] == SIZE
    assert told["out"] < GROWTH_KIB
    assert told["in"] < GROWTH_KIB


async def test_a_text_and_its_files_arrive_in_order_byte_for_byte(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    data = [bytes(range(256)) * 300, b"\r\n--boundary\r\n\x00", b""]
    files = tuple(attachment(f"{n} “part” ; x.pdf", each) for n, each in enumerate(data))
    await bot.send(await lab.delivery(bot, room, content=Content("see", None, files)))
    text, *rest = await lab.ours("ann", room)
    assert text.text == "see"
    got = [await lab.hand.download(m.file.sha256) for m in rest if m.file is not None]
    assert got == data


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\x.pdf", '"; x="', "a\r\nb: c", "Größe.pdf"]
)
async def test_a_file_name_is_no_path_and_no_header(lab: Lab, name: str) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    file = attachment(name, b"bytes")
    await bot.send(await lab.delivery(bot, room, content=Content("", None, (file,))))
    (seen,) = await lab.ours("ann", room)
    assert seen.file is not None
    assert seen.file.name.isascii()
    assert not set(seen.file.name) & set('/\\"\r\n')
    (one,) = await asked(lab, "file")
    assert set(one.body) == {"vgroupid"}


async def test_a_file_that_fails_behind_its_text_leaves_it_open(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    delivery = await lab.delivery(
        bot, room, content=Content("see", None, (attachment("a.pdf", b"x"),))
    )
    await lab.hand.refuse("file")
    assert (await fails(bot.send(delivery), Uncertain)).code == "partly_sent"
    assert [m.text for m in await lab.ours("ann", room)] == ["see"]


async def test_what_we_sent_is_cleaned_from_the_folder(
    lab: Lab, attachments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program leaves it there under its name for ever."""
    monkeypatch.setattr("connectors.wickr.watch.SENT_FOR", 0)
    bot = await lab.bot(look_every=0.1)
    room = await lab.room(bot, "ann")
    (attachments / "somebody else's.pdf").write_bytes(b"kept")
    file = attachment("a.pdf", b"x")
    await bot.send(await lab.delivery(bot, room, content=Content("", None, (file,))))

    async def cleaned() -> bool:
        return (await lab.hand.folder())[1] == ("somebody else's.pdf",)

    await until(cleaned)


@pytest.mark.parametrize("kind", ["link", "folder", "gone", "too large"])
async def test_what_is_no_plain_file_of_the_folder_is_not_read(
    lab: Lab, attachments: Path, tmp_path: Path, kind: str
) -> None:
    bot = await lab.bot(max_attachment_bytes=10)
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    (tmp_path / "secret").write_bytes(b"secret")
    name = attachments / "a.pdf"
    if kind == "link":
        name.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        name.mkdir()
    elif kind == "too large":
        name.write_bytes(b"x" * 11)
    told = {"filename": "a.pdf", "localfilename": f"/opt/attachments/{name.name}"}
    written = await lab.hand.odd("ann", room=room, msgtype=6000, fields={"file": told})
    (heard,) = await lab.heard(bot, cursor, written)
    assert (heard.unreadable, heard.content.attachments) == ("file_out_of_reach", ())


async def test_a_path_of_a_received_file_leads_nowhere_but_into_the_folder(
    lab: Lab, tmp_path: Path
) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    (tmp_path / "secret").write_bytes(b"secret")
    for path in ("../secret", f"{tmp_path}/secret", "..", ""):
        cursor = await lab.now(bot)
        told = {"filename": "a.pdf", "localfilename": path}
        written = await lab.hand.odd("ann", room=room, msgtype=6000, fields={"file": told})
        (heard,) = await lab.heard(bot, cursor, written)
        assert heard.unreadable == "file_out_of_reach"


@pytest.mark.parametrize("screenshot", [True, False])
async def test_a_screenshot_says_that_it_is_one(lab: Lab, *, screenshot: bool) -> None:
    """The one sign of a leak that this channel gives."""
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    cursor = await lab.now(bot)
    shot = Upload("screen.png", b"png", screenshot=screenshot)
    written = await lab.hand.write("ann", room=room, file=shot)
    (heard,) = await lab.heard(bot, cursor, written)
    (file,) = heard.content.attachments
    assert (file.name, file.size, heard.screenshot) == ("screen.png", 3, screenshot)
