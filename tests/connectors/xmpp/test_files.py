"""Files through the server's own place for them: sealed, refused where they lead astray, gone."""

import asyncio
import secrets
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx
import pytest

from connectors.port.errors import ConnectorError, Rejected, Unavailable
from connectors.port.messages import Content
from connectors.testing.rig import attachment, hash_of
from connectors.xmpp import files

from .conftest import Lab, through
from .people import body
from .prosody import FILES
from .proxy import Proxy, refusing

pytestmark = pytest.mark.real


async def test_text_and_files_of_one_delivery_arrive_in_order(lab: Lab) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    data = [secrets.token_bytes(1000), b""]
    sent = tuple(attachment(f"{n}.pdf", each) for n, each in enumerate(data))
    delivery = lab.delivery(room, "", alice, content=Content("both", None, sent), author_line="Ann")
    await bot.send(delivery)
    seen = await alice.arrived(room, "wallcross", lab.server.ca)
    assert [each.key for each in seen] == [f"{delivery.key}.0", f"{delivery.key}.1", delivery.key]
    assert [(each.author_line, each.text) for each in seen[2:]] == [("Ann", "both")]
    assert [f for each in seen for f in each.files] == [
        (f"{n}.pdf", sha256(each).hexdigest()) for n, each in enumerate(data)
    ]


async def test_the_service_for_uploads_is_found_by_itself(lab: Lab) -> None:
    bot, alice = await lab.bot(upload=None), await lab.person("alice")
    room = await lab.room(bot, alice)
    file = attachment("a.pdf", b"found")
    await bot.send(lab.delivery(room, "", alice, content=Content("", None, (file,))))
    (seen,) = await alice.arrived(room, "wallcross", lab.server.ca)
    assert seen.files == (("a.pdf", await hash_of(file)),)


async def test_without_a_place_no_file_is_taken(lab: Lab) -> None:
    bot, alice = await lab.bot(files=None), await lab.person("alice")
    assert bot.capabilities.max_attachment_bytes == 0
    room = await lab.room(bot, alice)
    content = Content("with a file", None, (attachment("a.pdf", b"x"),))
    with pytest.raises(Rejected):
        await bot.send(lab.delivery(room, "", alice, content=content))
    assert await alice.arrived(room, "wallcross", lab.server.ca) == ()


async def test_a_place_on_another_host_is_not_written_to(lab: Lab) -> None:
    """The server names where to put: only the configured place is ever reached."""
    bot, alice = await lab.bot(files="https://other.test:1"), await lab.person("alice")
    room = await lab.room(bot, alice)
    content = Content("with a file", None, (attachment("a.pdf", b"x"),))
    with pytest.raises(Rejected) as caught:
        await bot.send(lab.delivery(room, "", alice, content=content))
    assert caught.value.code == "place_refused"


async def test_a_link_to_another_host_is_fetched_by_nobody_and_stays_text(lab: Lab) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    cursor = await lab.now(bot)
    links = [
        f"aesgcm://{place}#{'00' * 12}{'11' * 32}"
        for place in ("127.0.0.1:22/x", "localhost/x", f"localhost:{lab.server.https}.test/x")
    ]
    for link in links:
        await alice.write(room, link)
    heard = await lab.messages(bot, cursor, 3)
    assert [each.content.text for each in heard] == links
    assert not [each for each in heard if each.content.attachments]


async def test_a_file_that_is_gone_says_so_and_is_counted(lab: Lab) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    cursor = await lab.now(bot)
    place = lab.server.files.removeprefix("https://")
    await alice.write(room, f"aesgcm://{place}/file_share/none/x.bin#{'00' * 12}{'11' * 32}")
    (heard,) = await lab.messages(bot, cursor, 1)
    assert heard.unreadable in {"file_gone", "file_refused"}
    assert heard.content.text == ""


async def test_a_file_whose_bytes_are_others_is_not_read(lab: Lab) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)
    cursor = await lab.now(bot)
    told = await alice.upload(FILES, lab.server.ca, b"as it was sealed", "a.bin")
    link = files.link_in(told)
    assert link is not None
    await alice.say(room, body(files.body_of(replace(link, key=bytes(32)))))
    (heard,) = await lab.messages(bot, cursor, 1)
    (file,) = heard.content.attachments
    with pytest.raises(Rejected) as caught:
        await hash_of(file)
    assert caught.value.code == "file_forged"


async def test_a_file_larger_than_we_take_is_told_and_not_fetched(lab: Lab) -> None:
    bot, alice = await lab.bot(max_attachment_bytes=100), await lab.person("alice")
    room = await lab.room(bot, alice)
    cursor = await lab.now(bot)
    await alice.say(room, body(await alice.upload(FILES, lab.server.ca, b"x" * 200, "a.bin")))
    (heard,) = await lab.messages(bot, cursor, 1)
    assert heard.unreadable == "too_large"


async def test_where_the_place_does_not_answer_nothing_was_said(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, alice = await lab.bot(), await lab.person("alice")
    room = await lab.room(bot, alice)

    async def down(*_: Any, **__: Any) -> httpx.Response:
        raise httpx.ConnectError("down")

    monkeypatch.setattr(httpx.AsyncClient, "request", down)
    content = Content("with a file", None, (attachment("a.pdf", b"x"),))
    with pytest.raises(Unavailable):
        await bot.send(lab.delivery(room, "", alice, content=content))
    monkeypatch.undo()
    assert await alice.arrived(room, "wallcross", lab.server.ca) == ()


async def test_when_files_went_and_the_text_did_not_the_outcome_is_open(
    lab: Lab, proxy: Proxy
) -> None:
    bot, alice = await lab.bot(**through(proxy)), await lab.person("alice")
    room = await lab.room(bot, alice)
    content = Content("text", None, (attachment("a.pdf", b"x"),))
    delivery = lab.delivery(room, "", alice, content=content)

    async def second(link: Any, piece: bytes, stanza: Any) -> None:
        if stanza.get("id") == delivery.key:
            await refusing("forbidden", "auth")(link, piece, stanza)
        else:
            link.to_server(piece)

    proxy.spoil("message", second, times=2)
    with pytest.raises(ConnectorError) as caught:
        await bot.send(delivery)
    assert caught.value.outcome.value == "unknown"
    await asyncio.sleep(0)
    assert len(await alice.arrived(room, "wallcross", lab.server.ca)) == 1
