"""What goes wrong on demand: cuts, hangs, lies, nonsense; and nothing that was not asked for."""

import asyncio

import httpx
import pytest

from connectors.signal.standin.faults import FaultKind

from .conftest import NOBODY, US, Far, Hook

BROKEN = (httpx.RemoteProtocolError, httpx.ReadError)


async def test_a_cut_after_the_write_leaves_the_message_there(far: Far) -> None:
    ann = await far.uuid("ann")
    await far.hand.cut_after()
    with pytest.raises(BROKEN):
        await far.send(ann)
    assert await far.texts("ann") == ["hello"]
    assert (await far.send(ann)).status_code == 201


async def test_a_cut_before_the_work_leaves_nothing(far: Far) -> None:
    ann = await far.uuid("ann")
    await far.hand.cut_lost()
    with pytest.raises(BROKEN):
        await far.send(ann)
    assert await far.texts("ann") == []


@pytest.mark.parametrize("done", [True, False])
async def test_a_call_can_hang_for_ever(far: Far, done: bool) -> None:
    ann = await far.uuid("ann")
    await far.hand.hang(done=done)
    with pytest.raises(httpx.ReadTimeout):
        await far.rest.post(
            "/v2/send",
            json={"number": US, "recipients": [ann], "message": "hello"},
            timeout=httpx.Timeout(5, read=0.3),
        )
    assert await far.texts("ann") == (["hello"] if done else [])
    assert (await far.get("/v1/accounts")).status_code == 200


async def test_a_success_can_name_nothing(far: Far) -> None:
    ann = await far.uuid("ann")
    await far.hand.answer_nothing()
    answer = await far.send(ann)
    assert (answer.status_code, answer.json()) == (201, [])
    assert await far.texts("ann") == []


async def test_a_success_can_be_a_lie(far: Far) -> None:
    group = await far.group()
    await far.hand.lie()
    answer = await far.send(group)
    assert (answer.status_code, [*answer.json()[0]]) == (201, ["timestamp"])
    await far.hand.lie("group_update")
    assert (await far.put(f"/v1/groups/{US}/{group}", expiration_time=5)).status_code == 204
    assert await far.texts("ann", group) == []
    assert (await far.hand.group(group)).timer == 0


async def test_an_answer_can_be_a_page_of_a_portal(far: Far) -> None:
    ann = await far.uuid("ann")
    await far.hand.garbage()
    answer = await far.send(ann)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (201, "text/html")
    assert await far.texts("ann") == ["hello"]


async def test_a_proxy_can_be_the_one_that_answers(far: Far) -> None:
    await far.hand.unavailable()
    await far.hand.unavailable("groups", status=502)
    assert (await far.send(await far.uuid("ann"))).status_code == 503
    assert (await far.get(f"/v1/groups/{US}")).status_code == 502
    assert await far.texts("ann") == []


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("send", "", 400),
        ("devices", f"/v1/devices/{US}", 400),
        ("identities", f"/v1/identities/{US}", 500),
        ("accounts", "/v1/accounts", 500),
        ("attachments", "/v1/attachments", 500),
    ],
)
async def test_a_refusal_has_its_status(far: Far, verb: str, path: str, status: int) -> None:
    await far.hand.refuse(verb, text="no")
    answer = await far.get(path) if path else await far.send(await far.uuid("ann"))
    assert (answer.status_code, answer.json()) == (status, {"error": "no"})


async def test_an_answer_can_be_late(far: Far) -> None:
    await far.hand.slow("about", by=300_000)
    asked = asyncio.create_task(far.get("/v1/about"))
    done, _ = await asyncio.wait({asked}, timeout=0.1)
    assert done == set()
    assert (await asked).status_code == 200


async def test_a_fault_happens_as_often_as_it_was_armed(far: Far) -> None:
    ann = await far.uuid("ann")
    await far.hand.fault(FaultKind.REFUSE, verb="send", times=2)
    assert [(await far.send(ann)).status_code for _ in range(3)] == [400, 400, 201]
    await far.hand.fault(FaultKind.REFUSE, verb="*", times=None)
    assert (await far.send(ann)).status_code == 400
    await far.hand.clear_faults()
    assert (await far.send(ann)).status_code == 201


async def test_a_server_that_is_down_refuses_connections_and_keeps_its_state(far: Far) -> None:
    group = await far.group()
    await far.hand.go_down()
    async with httpx.AsyncClient(verify=NOBODY, trust_env=False) as newcomer:
        with pytest.raises(httpx.ConnectError):
            await newcomer.get(f"{far.url}/v1/about")
    await far.hand.come_back()
    assert (await far.send(group, text="again")).status_code == 201
    assert await far.texts("ann", group) == ["again"]


async def test_requests_can_be_looked_at(far: Far) -> None:
    ann = await far.uuid("ann")
    await far.send(ann, text="looked at")
    (asked,) = [each for each in await far.hand.requests() if each.verb == "send"]
    assert (asked.method, asked.route, asked.status) == ("POST", "/v2/send", 201)
    assert asked.body["message"] == "looked at"
    await far.hand.forget_requests()
    assert await far.hand.requests() == ()


async def test_a_connection_can_break_in_the_middle_of_an_answer(far: Far) -> None:
    ann = await far.uuid("ann")
    await far.hand.cut_midway()
    with pytest.raises(BROKEN):
        await far.send(ann)
    assert await far.texts("ann") == ["hello"]


async def test_without_signal_cli_the_server_is_healthy_and_answers_nothing(
    far: Far, hook: Hook
) -> None:
    await far.hand.lose_daemon()
    await far.hand.write("ann", "waits")
    short = httpx.Timeout(5, read=0.2)
    statuses = [(await far.get(f"/v1/{path}")).status_code for path in ("health", "about")]
    assert statuses == [204, 200]
    for path in ("accounts", f"groups/{US}", f"identities/{US}"):
        with pytest.raises(httpx.ReadTimeout):
            await far.rest.get(f"/v1/{path}", timeout=short)
    assert (hook.bodies, await far.hand.waiting()) == ([], 1)
    await far.hand.find_daemon()
    await far.hand.settle()
    assert len(hook.envelopes()) == 1
    assert (await far.get("/v1/accounts")).status_code == 200


async def test_a_line_can_come_after_the_one_that_follows_it(far: Far, hook: Hook) -> None:
    await far.hand.late_webhook()
    for text in ("first", "second", "third"):
        await far.hand.write("ann", text)
    await far.hand.settle()
    told = [each["dataMessage"]["message"] for each in hook.envelopes()]
    assert told == ["second", "first", "third"]


async def test_a_group_can_vanish(far: Far) -> None:
    group = await far.group()
    await far.hand.vanish(group)
    assert await far.entry(group) is None
    assert (await far.send(group)).status_code == 400
