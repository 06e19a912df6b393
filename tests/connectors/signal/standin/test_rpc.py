"""The stand-in of signal-cli's own daemon: its calls, its errors, its stream, its groups.

What the real program says without an account is compared in ``test_real_daemon.py``.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from connectors.signal.standin.control import NotDoneError, Upload
from connectors.signal.standin.faults import FaultKind

from .conftest import US, Far


@pytest.fixture
async def rpc(far: Far) -> Far:
    await far.hand.reset(backend="json-rpc", keepalive=0.2)
    for name in ("ann", "bob", "cyd"):
        await far.hand.person(name, hides_number=name == "bob", receipts=False)
    return far


async def call(far: Far, method: str, **params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": "1", "method": method, "params": {"account": US} | params}
    answer = await far.rest.post("/api/v1/rpc", json=body)
    assert answer.status_code == 200
    return answer.json()


async def done(far: Far, method: str, **params: Any) -> Any:
    return (await call(far, method, **params))["result"]


async def failed(far: Far, method: str, **params: Any) -> Any:
    return (await call(far, method, **params))["error"]


async def made(far: Far, *names: str, **more: Any) -> str:
    members = [await far.uuid(name) for name in names]
    told = await done(far, "updateGroup", name="Room", member=members, **more)
    return str(told["groupId"])


async def listed(far: Far, group: str) -> Any:
    (entry,) = await done(far, "listGroups", groupId=[group])
    return entry


@asynccontextmanager
async def listening(far: Far) -> AsyncIterator[AsyncIterator[str]]:
    query = {"account": US}
    async with far.rest.stream("GET", "/api/v1/events", params=query, timeout=5) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        yield answer.aiter_lines()


async def event(lines: AsyncIterator[str]) -> Any:
    """The next event; lines that only keep the stream alive are left out."""
    async for line in lines:
        if line.startswith("data:"):
            return json.loads(line.removeprefix("data:"))
    raise AssertionError("the stream ended")


# --- sends ------------------------------------------------------------------------------------


async def test_a_send_names_each_recipient(rpc: Far) -> None:
    group = await made(rpc, "ann", "bob")
    told = await done(rpc, "send", groupId=[group], message="hello")
    assert {r["type"] for r in told["results"]} == {"SUCCESS"}
    people = {
        r["recipientAddress"]["uuid"]: r["recipientAddress"]["number"] for r in told["results"]
    }
    assert people.keys() == {await rpc.uuid("ann"), await rpc.uuid("bob")}
    assert people[await rpc.uuid("bob")] is None  # he hides his number
    assert await rpc.texts("ann") == ["hello"]


async def test_a_partial_send_is_a_success_that_says_so(rpc: Far) -> None:
    group = await made(rpc, "ann", "bob")
    await rpc.hand.fail_recipients(["bob"])
    told = await done(rpc, "send", groupId=[group], message="hello")
    assert sorted(r["type"] for r in told["results"]) == ["NETWORK_FAILURE", "SUCCESS"]


async def test_nobody_reached_is_an_error_with_its_results(rpc: Far) -> None:
    ann = await rpc.uuid("ann")
    await done(rpc, "send", recipient=[ann], message="hello")
    await rpc.hand.fail_recipients(["ann"])
    error = await failed(rpc, "send", recipient=[ann], message="hello")
    assert (error["code"], error["message"]) == (-1, "Failed to send message")
    assert error["data"]["response"]["results"][0]["type"] == "NETWORK_FAILURE"
    await rpc.hand.reinstall("ann")
    assert (await failed(rpc, "send", recipient=[ann], message="hello"))["code"] == -4
    nobody = await failed(rpc, "send", recipient=["+15550999"], message="hello")
    assert nobody["data"]["response"]["results"][0]["type"] == "UNREGISTERED_FAILURE"


async def test_too_much_is_an_error_with_a_token_and_a_time(rpc: Far) -> None:
    ann = await rpc.uuid("ann")
    await rpc.hand.rate_limit("t-1", times=None, wait=9)
    error = await failed(rpc, "send", recipient=[ann], message="hello")
    (result,) = error["data"]["response"]["results"]
    assert (error["code"], result["token"], result["retryAfterSeconds"]) == (-5, "t-1", 9)
    wrong = await failed(rpc, "submitRateLimitChallenge", challenge="t-1", captcha="no")
    assert wrong["code"] == -6
    captcha = "signalcaptcha://x"
    await done(rpc, "submitRateLimitChallenge", challenge="t-1", captcha=captcha)
    assert await done(rpc, "send", recipient=[ann], message="hello")


async def test_a_send_can_say_nothing_of_its_recipients(rpc: Far) -> None:
    ann = await rpc.uuid("ann")
    await rpc.hand.no_results()
    assert (await done(rpc, "send", recipient=[ann], message="hello")).keys() == {"timestamp"}
    assert await rpc.texts("ann") == ["hello"]


async def test_a_cut_after_the_write_leaves_the_message_there(rpc: Far) -> None:
    ann = await rpc.uuid("ann")
    await rpc.hand.cut_after()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await call(rpc, "send", recipient=[ann], message="hello")
    assert await rpc.texts("ann") == ["hello"]


async def test_a_batch_is_done_one_by_one(rpc: Far) -> None:
    ann = await rpc.uuid("ann")
    params = {"account": US, "recipient": [ann]}
    asked = [
        {"jsonrpc": "2.0", "id": n, "method": "send", "params": params | {"message": f"{n}"}}
        for n in (1, 2)
    ]
    answer = await rpc.rest.post("/api/v1/rpc", json=[*asked, 5])
    assert [each.get("id") for each in answer.json()] == [1, 2, None]
    assert await rpc.texts("ann") == ["1", "2"]


# --- groups -----------------------------------------------------------------------------------


async def test_a_listing_shows_timer_permissions_and_who_is_banned(rpc: Far) -> None:
    group = await made(rpc, "ann", expiration=60, setPermissionEditDetails="only-admins")
    entry = await listed(rpc, group)
    assert (entry["messageExpirationTime"], entry["groupInviteLink"]) == (60, None)
    assert (entry["permissionEditDetails"], entry["permissionAddMember"]) == (
        "ONLY_ADMINS",
        "EVERY_MEMBER",
    )
    await done(rpc, "updateGroup", groupId=group, ban=[await rpc.uuid("cyd")], link="enabled")
    entry = await listed(rpc, group)
    assert [each["uuid"] for each in entry["banned"]] == [await rpc.uuid("cyd")]
    with pytest.raises(NotDoneError, match="banned"):
        await rpc.hand.follow_link(group, "cyd")
    before = entry["groupInviteLink"]
    await done(rpc, "updateGroup", groupId=group, resetLink=True)
    assert (await listed(rpc, group))["groupInviteLink"] != before


async def test_a_timer_of_zero_is_off(rpc: Far) -> None:
    group = await made(rpc, "ann", expiration=60)
    await done(rpc, "updateGroup", groupId=group, expiration=0)
    assert (await rpc.hand.group(group)).timer == 0


async def test_what_is_refused_is_an_error(rpc: Far) -> None:
    group = await made(rpc, "ann")
    for method, params in (
        ("updateGroup", {"groupId": "AAAA", "name": "x"}),
        ("updateGroup", {"groupId": group, "link": "open"}),
        ("updateGroup", {"groupId": group, "setPermissionAddMember": "nobody"}),
        ("updateGroup", {"groupId": group, "member": ["+15550999"]}),
        ("send", {"groupId": ["AAAA"], "message": "x"}),
        ("send", {"message": "x"}),
        ("quitGroup", {"groupId": group}),
        ("trust", {"recipient": await rpc.uuid("ann"), "verifiedSafetyNumber": "5" * 60}),
        ("getAttachment", {"id": "nope"}),
        ("updateContact", {"recipient": "+15550999", "expiration": 5}),
    ):
        assert (await failed(rpc, method, **params))["code"] == -1, method


async def test_a_vanished_group_is_in_no_list(rpc: Far) -> None:
    group = await made(rpc, "ann")
    await rpc.hand.vanish(group)
    assert await done(rpc, "listGroups", groupId=[group]) == []
    assert (await failed(rpc, "send", groupId=[group], message="x"))["code"] == -1


# --- people -----------------------------------------------------------------------------------


async def test_keys_are_trusted_by_their_safety_number(rpc: Far) -> None:
    ann = await rpc.uuid("ann")
    await done(rpc, "send", recipient=[ann], message="hello")
    (identity,) = await done(rpc, "listIdentities")
    assert identity["safetyNumber"].replace(" ", "") == (await rpc.hand.person("ann")).safety_number
    await done(rpc, "trust", recipient=ann, verifiedSafetyNumber=identity["safetyNumber"])
    assert (await done(rpc, "listIdentities"))[0]["trustLevel"] == "TRUSTED_VERIFIED"


async def test_a_private_lines_timer_is_listed_and_switched_off(rpc: Far) -> None:
    ann = await rpc.uuid("ann")
    for seconds in (60, 0):
        await done(rpc, "updateContact", recipient=ann, expiration=seconds)
        (contact,) = await done(rpc, "listContacts", recipient=[ann], allRecipients=True)
        assert contact["messageExpirationTime"] == seconds


async def test_who_is_registered_is_told(rpc: Far) -> None:
    ann = (await rpc.hand.person("ann")).number
    told = await done(rpc, "getUserStatus", recipient=[ann, "+15550999"])
    assert [each["isRegistered"] for each in told] == [True, False]
    await rpc.hand.lose_registration()
    assert await done(rpc, "listAccounts") == []
    assert (await failed(rpc, "listGroups"))["code"] == -32602


# --- the stream -------------------------------------------------------------------------------


async def test_what_nobody_reads_is_lost_from_the_start_on(rpc: Far) -> None:
    await rpc.hand.write("ann", "to nobody")
    await rpc.hand.settle()
    (loss,) = await rpc.hand.losses()
    assert loss.reason == "nobody listens"


async def test_on_connection_it_waits_at_the_service(rpc: Far) -> None:
    await rpc.hand.reset(backend="json-rpc", receive_mode="on-connection", keepalive=0.2)
    await rpc.hand.person("ann")
    await rpc.hand.write("ann", "waits")
    assert (await rpc.hand.waiting(), await rpc.hand.losses()) == (1, ())
    async with listening(rpc) as lines:
        told = await event(lines)
    assert told["envelope"]["dataMessage"]["message"] == "waits"
    assert told["account"] == US


async def test_each_reader_is_told_and_silence_is_broken(rpc: Far) -> None:
    async with listening(rpc) as one, listening(rpc) as two:
        assert await anext(one) == ":"
        await rpc.hand.write("ann", "to both")
        first, second = await event(one), await event(two)
    assert first == second


async def test_a_file_is_read_and_none_is_deleted(rpc: Far) -> None:
    await rpc.hand.write("ann", "look", files=[Upload("a.bin", b"\x00\xff")])
    await rpc.hand.settle()
    (name,) = (await rpc.hand.account())["files"]
    told = await done(rpc, "getAttachment", id=name)
    assert base64.b64decode(told["data"]) == b"\x00\xff"
    assert (await call(rpc, "deleteAttachment", id=name))["error"]["code"] == -32601


async def test_what_could_not_be_opened_has_its_exception_beside_it(rpc: Far) -> None:
    async with listening(rpc) as lines:
        await rpc.hand.unreadable("ann")
        told = await event(lines)
    assert told["exception"]["type"] == "ProtocolInvalidMessageException"
    assert "dataMessage" not in told["envelope"]


async def test_events_come_twice_and_late_when_they_are_told_to(rpc: Far) -> None:
    async with listening(rpc) as lines:
        await anext(lines)
        await rpc.hand.late_webhook()
        for text in ("first", "second"):
            await rpc.hand.write("ann", text)
        told = [(await event(lines))["envelope"]["dataMessage"]["message"] for _ in range(2)]
        assert told == ["second", "first"]
        await rpc.hand.duplicate_webhook()
        await rpc.hand.write("ann", "twice")
        assert await event(lines) == await event(lines)


async def test_a_stream_can_be_refused_or_end_at_once(rpc: Far) -> None:
    query = {"account": US}
    await rpc.hand.fault(FaultKind.UNAVAILABLE, verb="events", amount=502)
    assert (await rpc.rest.get("/api/v1/events", params=query)).status_code == 502
    await rpc.hand.answer_nothing("events")
    ended = await rpc.rest.get("/api/v1/events", params=query)
    assert (ended.status_code, ended.content) == (200, b"")


async def test_while_the_daemon_hangs_nothing_is_answered_or_read(rpc: Far) -> None:
    await rpc.hand.lose_daemon()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await call(rpc, "version")
    await rpc.hand.write("ann", "waits")
    assert await rpc.hand.waiting() == 1
    await rpc.hand.find_daemon()
    assert (await done(rpc, "version"))["version"] == "0.13.19"
