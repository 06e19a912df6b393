"""Receiving: webhook, polling, envelopes, files, and what is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from connectors.signal.standin.control import NotDoneError, Upload
from connectors.signal.standin.faults import FaultKind

from .conftest import US, Far, Hook

SECOND = 1_000_000
ALWAYS = {
    *("source", "sourceNumber", "sourceUuid", "sourceName", "sourceDevice"),
    *("timestamp", "serverReceivedTimestamp", "serverDeliveredTimestamp"),
}


async def test_a_plain_get_in_json_rpc_is_400_and_text(far: Far) -> None:
    answer = await far.get(f"/v1/receive/{US}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")


async def test_polling_answers_an_array_that_calls_itself_text(normal: Far) -> None:
    await normal.hand.write("ann", "one")
    await normal.hand.write("ann", "two")
    answer = await normal.get(f"/v1/receive/{US}?timeout=1")
    assert answer.headers["content-type"].startswith("text/plain")
    assert [each["envelope"]["dataMessage"]["message"] for each in answer.json()] == ["one", "two"]
    assert {each["account"] for each in answer.json()} == {US}


async def test_polling_consumes_what_it_gives(normal: Far) -> None:
    for text in ("one", "two", "three"):
        await normal.hand.write("ann", text)
    first = await normal.get(f"/v1/receive/{US}?timeout=1&max_messages=2")
    second = await normal.get(f"/v1/receive/{US}?timeout=1")
    empty = await normal.get(f"/v1/receive/{US}?timeout=0")
    assert [len(each.json()) for each in (first, second, empty)] == [2, 1, 0]
    assert empty.text == "[]"


async def test_polling_takes_words_for_yes_and_no(normal: Far) -> None:
    answer = await normal.get(f"/v1/receive/{US}?ignore_attachments=1")
    assert answer.status_code == 400
    await normal.hand.write("ann", "x", files=[Upload("a.txt", b"a")])
    answer = await normal.get(f"/v1/receive/{US}?ignore_attachments=true")
    assert "attachments" not in answer.json()[0]["envelope"]["dataMessage"]
    assert (await normal.get("/v1/attachments")).json() == []


async def test_a_line_of_standard_error_breaks_the_polled_json(normal: Far) -> None:
    await normal.hand.write("ann", "gone")
    await normal.hand.fault(FaultKind.GLUED)
    answer = await normal.get(f"/v1/receive/{US}")
    with pytest.raises(ValueError, match="Extra data"):
        answer.json()
    assert (await normal.get(f"/v1/receive/{US}?timeout=0")).json() == []


async def test_the_webhook_gets_the_whole_notification(far: Far, hook: Hook) -> None:
    await far.hand.write("ann", "hello")
    await far.hand.settle()
    (body,) = hook.bodies
    assert (body["jsonrpc"], body["method"], body["params"]["account"]) == ("2.0", "receive", US)
    assert body["params"]["envelope"]["dataMessage"]["message"] == "hello"
    assert hook.headers[0]["content-type"] == "application/json"


async def test_the_webhook_is_not_signed(far: Far, hook: Hook) -> None:
    await far.hand.write("ann", "hello")
    await far.hand.settle()
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
    assert hook.headers[0].keys() <= usual | {"content-type"}


async def test_the_webhook_gets_128_of_128_one_at_a_time_in_order(far: Far, hook: Hook) -> None:
    group = await far.group()
    for number in range(128):
        await far.hand.write("ann", str(number), group=group)
    await far.hand.settle()
    texts = [each["dataMessage"]["message"] for each in hook.envelopes()]
    assert texts == [str(number) for number in range(128)]
    assert (hook.most_at_once, await far.hand.losses()) == (1, ())


async def test_while_the_endpoint_sleeps_every_other_request_waits(far: Far, hook: Hook) -> None:
    hook.awake.clear()
    await far.hand.write("ann", "wake up")
    await hook.began.wait()
    asked = asyncio.create_task(far.get(f"/v1/identities/{US}"))
    sent = asyncio.create_task(far.send(await far.uuid("cyd"), text="done, not answered"))
    assert (await far.get("/v1/health")).status_code == 204  # asks nobody
    done, _ = await asyncio.wait({asked, sent}, timeout=0.3)
    assert done == set()
    assert await far.texts("cyd") == ["done, not answered"]
    with pytest.raises(NotDoneError):
        await far.hand.settle(0.05)
    hook.awake.set()
    assert [(await asked).status_code, (await sent).status_code] == [200, 201]


@pytest.mark.parametrize("status", [204, 302, 404, 500])
async def test_what_is_not_200_or_201_is_lost_without_a_second_try(
    far: Far, hook: Hook, status: int
) -> None:
    hook.status = status
    stamp = await far.hand.write("ann", "once")
    await far.hand.settle()
    (lost,) = await far.hand.losses()
    assert (len(hook.bodies), lost.timestamp, lost.author) == (1, stamp, "ann")
    hook.status = 200
    await far.hand.write("ann", "twice")
    await far.hand.settle()
    assert (len(hook.bodies), len(await far.hand.losses())) == (2, 1)


async def test_what_comes_while_the_endpoint_is_away_is_lost_and_dated(far: Far) -> None:
    group = await far.group()
    await far.hand.webhook("http://127.0.0.1:9/")
    before = await far.hand.advance(0)
    stamp = await far.hand.write("ann", "nobody hears this", group=group)
    await far.hand.settle()
    after = await far.hand.advance(0)
    (lost,) = await far.hand.losses()
    assert before <= lost.received <= lost.at <= after
    assert (lost.timestamp, lost.room, lost.kind) == (stamp, group, "message")


async def test_what_comes_while_the_server_is_down_waits_at_the_service(
    far: Far, hook: Hook
) -> None:
    await far.hand.go_down()
    for text in ("one", "two"):
        await far.hand.write("ann", text)
    with pytest.raises(httpx.ConnectError):
        await far.get("/v1/health")
    assert await far.hand.waiting() == 2
    await far.hand.come_back()
    await far.hand.settle()
    assert [each["dataMessage"]["message"] for each in hook.envelopes()] == ["one", "two"]
    assert await far.hand.losses() == ()


async def test_what_was_read_and_not_posted_dies_with_the_server(far: Far, hook: Hook) -> None:
    hook.awake.clear()
    for text in ("in the endpoint's hands", "read"):
        await far.hand.write("ann", text)
    await hook.began.wait()
    await far.hand.go_down()
    hook.awake.set()
    await far.hand.settle()
    (lost,) = await far.hand.losses()
    assert "ended" in lost.reason
    assert len(hook.bodies) == 1


async def test_posts_are_doubled_on_demand(far: Far, hook: Hook) -> None:
    await far.hand.duplicate_webhook()
    await far.hand.write("ann", "doubled")
    await far.hand.settle()
    texts = [each["dataMessage"]["message"] for each in hook.envelopes()]
    assert (texts, len(await far.hand.losses())) == (["doubled", "doubled"], 0)


# envelopes


async def _only(far: Far, hook: Hook, kind: str) -> dict[str, object]:
    await far.hand.settle()
    (envelope,) = hook.envelopes(kind)
    assert envelope.keys() == ALWAYS | {kind}
    inside = envelope[kind]
    assert isinstance(inside, dict)
    return inside


async def test_an_envelope_names_its_sender_even_without_a_number(far: Far, hook: Hook) -> None:
    await far.hand.write("bob", "hidden")
    await far.hand.settle()
    (envelope,) = hook.envelopes()
    bob = await far.uuid("bob")
    assert (envelope["sourceNumber"], envelope["sourceUuid"], envelope["source"]) == (
        None,
        bob,
        bob,
    )


async def test_a_group_message_is_deliver_and_has_the_internal_id(far: Far, hook: Hook) -> None:
    group = await far.group(expiration_time=60)
    stamp = await far.hand.write("ann", "hello", group=group)
    data = await _only(far, hook, "dataMessage")
    true = await far.hand.group(group)
    assert data["groupInfo"] == {
        "groupId": true.internal_id,
        "groupName": "Room",
        "revision": true.revision,
        "type": "DELIVER",
    }
    assert (data["timestamp"], data["expiresInSeconds"], data["viewOnce"]) == (stamp, 60, False)


async def test_a_changed_group_is_update(far: Far, hook: Hook) -> None:
    group = await far.group()
    await far.hand.person("mallory")
    await far.hand.add_member(group, "mallory")
    data = await _only(far, hook, "dataMessage")
    info = data["groupInfo"]
    assert isinstance(info, dict)
    assert (info["type"], data["message"]) == ("UPDATE", None)


async def test_an_edit_is_an_edit_message(far: Far, hook: Hook) -> None:
    first = await far.hand.write("ann", "teh")
    await far.hand.edit("ann", first, "the")
    await far.hand.settle()
    (envelope,) = hook.envelopes("editMessage")
    edit = envelope["editMessage"]
    assert (edit["targetSentTimestamp"], edit["dataMessage"]["message"]) == (first, "the")


async def test_a_remote_delete_names_its_target(far: Far, hook: Hook) -> None:
    first = await far.hand.write("ann", "no")
    await far.hand.delete("ann", first)
    await far.hand.settle()
    assert hook.envelopes()[1]["dataMessage"]["remoteDelete"] == {"timestamp": first}


async def test_a_quote_a_mention_and_a_reaction_name_people(far: Far, hook: Hook) -> None:
    sent = int((await far.send(ann := await far.uuid("ann"))).json()[0]["timestamp"])
    mention = (0, 1, "bob")
    await far.hand.write("ann", "\ufffc?", quote=("bot", sent), mentions=[mention])
    await far.hand.react("ann", "bot", sent, "👍")
    await far.hand.settle()
    answer, reaction = (each["dataMessage"] for each in hook.envelopes())
    bob = await far.uuid("bob")
    assert (answer["quote"]["id"], answer["quote"]["author"]) == (sent, US)
    assert answer["mentions"] == [
        {"name": "bob", "number": None, "uuid": bob, "start": 0, "length": 1}
    ]
    assert (reaction["reaction"]["targetSentTimestamp"], reaction["message"]) == (sent, None)
    assert reaction["reaction"]["targetAuthor"] == US != ann


async def test_receipts_name_the_messages(far: Far, hook: Hook) -> None:
    await far.hand.person("ann", receipts=True)
    sent = int((await far.send(await far.uuid("ann"))).json()[0]["timestamp"])
    await far.hand.read("ann", [sent])
    await far.hand.settle()
    delivered, read = (each["receiptMessage"] for each in hook.envelopes("receiptMessage"))
    flags = ("isDelivery", "isRead", "isViewed")
    assert [delivered[flag] for flag in flags] == [True, False, False]
    assert [read[flag] for flag in flags] == [False, True, False]
    assert delivered["timestamps"] == read["timestamps"] == [sent]


async def test_typing_has_an_action_and_a_group(far: Far, hook: Hook) -> None:
    group = await far.group()
    await far.hand.typing("ann", group=group)
    typing = await _only(far, hook, "typingMessage")
    internal = (await far.hand.group(group)).internal_id
    assert (typing["action"], typing["groupId"]) == ("STARTED", internal)


async def test_what_our_other_device_sends_comes_as_a_copy(far: Far, hook: Hook) -> None:
    group = await far.group(expiration_time=60)
    await far.hand.own("from the phone", group=group)
    sync = await _only(far, hook, "syncMessage")
    copy = sync["sentMessage"]
    assert isinstance(copy, dict)
    assert (copy["message"], copy["expiresInSeconds"], copy["destination"]) == (
        "from the phone",
        60,
        None,
    )
    assert await far.texts("ann", group) == ["from the phone"]


async def test_a_private_timer_comes_as_an_expiration_update(far: Far, hook: Hook) -> None:
    await far.hand.set_timer("ann", 300)
    data = await _only(far, hook, "dataMessage")
    assert (data["isExpirationUpdate"], data["expiresInSeconds"]) == (True, 300)


async def test_what_cannot_be_read_comes_with_an_exception_beside(far: Far, hook: Hook) -> None:
    group = await far.group()
    await far.hand.unreadable("ann", group=group)
    await far.hand.settle()
    (body,) = hook.bodies
    assert body["params"]["exception"]["type"] == "ProtocolInvalidMessageException"
    assert body["params"]["envelope"].keys() == ALWAYS


async def test_a_new_safety_number_is_an_untrusted_identity_until_it_is_trusted(
    far: Far, hook: Hook
) -> None:
    await far.hand.write("ann", "with the old key")
    ann = await far.hand.reinstall("ann")
    await far.hand.settle()
    assert hook.bodies[-1]["params"]["exception"]["type"] == "UntrustedIdentityException"
    assert await far.hand.identity("ann") == "UNTRUSTED"
    path = f"/v1/identities/{US}/trust/{ann.uuid}"
    assert (await far.put(path, verified_safety_number=ann.safety_number)).status_code == 204
    await far.hand.write("ann", "with the new key")
    await far.hand.settle()
    assert hook.envelopes()[-1]["dataMessage"]["message"] == "with the new key"


# files


async def test_a_file_is_stored_under_its_id_until_somebody_deletes_it(
    far: Far, hook: Hook
) -> None:
    group = await far.group(expiration_time=60)
    await far.hand.write(
        "ann", "", group=group, files=[Upload("plan.pdf", b"%PDF", "application/pdf")]
    )
    data = await _only(far, hook, "dataMessage")
    files = data["attachments"]
    assert isinstance(files, list)
    (told,) = files
    assert (told["filename"], told["size"], told["contentType"]) == (
        "plan.pdf",
        4,
        "application/pdf",
    )
    await far.hand.advance(61 * SECOND)
    assert await far.hand.arrived("ann", group) == ()
    assert (await far.get("/v1/attachments")).json() == [told["id"]]
    path = f"/v1/attachments/{told['id']}"
    assert (await far.get(path)).content == b"%PDF"
    assert (await far.rest.delete(path)).status_code == 204
    for gone in (await far.get(path), await far.rest.delete(path)):
        assert gone.status_code == 404
        assert gone.json() == {"error": "No attachment with that name found"}


async def test_a_blocked_group_is_silent(far: Far, hook: Hook) -> None:
    group = await far.group()
    assert (await far.post(f"/v1/groups/{US}/{group}/block")).status_code == 204
    await far.hand.write("ann", "unheard", group=group)
    await far.hand.settle()
    assert (hook.bodies, (await far.entry(group))["blocked"]) == ([], True)


async def test_an_admin_takes_away_what_others_wrote(far: Far, hook: Hook) -> None:
    group = await far.hand.make_group("ann", ["bot", "bob"])
    sent = int((await far.send(group, text="ours")).json()[0]["timestamp"])
    with pytest.raises(NotDoneError):
        await far.hand.admin_delete("bob", "bot", sent, group=group)
    await far.hand.admin_delete("ann", "bot", sent, group=group)
    await far.hand.settle()
    told = hook.envelopes()[-1]["dataMessage"]["adminDelete"]
    assert (told["targetAuthorNumber"], told["targetSentTimestamp"]) == (US, sent)
    assert await far.texts("bob", group) == [None]


async def test_rare_things_come_as_signal_cli_prints_them(far: Far, hook: Hook) -> None:
    sticker = {"packId": "ab", "stickerId": 3}
    await far.hand.odd("ann", data={"sticker": sticker})
    await far.hand.odd("ann", instead={"callMessage": {"hangupMessage": {"id": 1}}})
    await far.hand.settle()
    assert hook.envelopes()[0]["dataMessage"]["sticker"] == sticker
    (call,) = hook.envelopes("callMessage")
    assert call.keys() == ALWAYS | {"callMessage"}


async def test_a_phone_can_have_a_wrong_clock(far: Far, hook: Hook) -> None:
    assert await far.hand.write("ann", "1970", at=1000) == 1000
    await far.hand.settle()
    (envelope,) = hook.envelopes()
    assert envelope["timestamp"] == envelope["dataMessage"]["timestamp"] == 1000
    assert envelope["serverReceivedTimestamp"] > 1_700_000_000_000


@asynccontextmanager
async def frames(far: Far, number: str = US) -> AsyncIterator[list[dict[str, Any]]]:
    """What a healthy subscriber of the WebSocket is given."""
    got: list[dict[str, Any]] = []
    url = f"{far.url.replace('http', 'ws', 1)}/v1/receive/{number.replace('+', '%2B')}"
    async with connect(url, proxy=None) as socket:

        async def read() -> None:
            got.extend([json.loads(frame) async for frame in socket])

        reading = asyncio.create_task(read())
        yield got
        await socket.close()
        await reading


@pytest.mark.parametrize("burst", [5, 20, 100])
async def test_the_websocket_loses_nearly_all_of_a_burst(far: Far, burst: int) -> None:
    await far.hand.webhook("")
    async with frames(far) as got:
        await far.hand.lose_daemon()
        for n in range(burst):
            await far.hand.write("ann", f"{n}")
        await far.hand.find_daemon()
        await far.hand.settle()
        losses = await far.hand.losses()
    assert 1 <= len(got) <= 2
    assert len(losses) == burst - len(got)
    assert got[0]["envelope"]["dataMessage"]["message"] == "0"
    assert got[0].keys() == {"envelope", "account"}


async def test_beside_a_webhook_the_websocket_is_given_what_it_waits_for(
    far: Far, hook: Hook
) -> None:
    """The posts slow the reader down, so a healthy subscriber is back in time."""
    async with frames(far) as got:
        for n in range(20):
            await far.hand.write("ann", f"{n}")
        await far.hand.settle()
    assert [f["envelope"]["dataMessage"]["message"] for f in got] == [str(n) for n in range(20)]
    assert len(hook.bodies) == 20


async def test_the_websocket_of_another_account_is_refused(far: Far) -> None:
    with pytest.raises(InvalidStatus):
        async with frames(far, "+15550999"):
            pass


async def test_files_can_be_ignored_from_outside(far: Far, hook: Hook) -> None:
    await far.hand.reset(ignore_attachments=True, webhook=hook.url)
    await far.hand.person("ann")
    await far.hand.write("ann", "see", files=[Upload("a.txt", b"a")])
    await far.hand.settle()
    assert "attachments" not in hook.envelopes()[0]["dataMessage"]
    assert (await far.get("/v1/attachments")).json() == []
