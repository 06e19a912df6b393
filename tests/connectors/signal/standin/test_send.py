"""Sending, as signal-cli-rest-api was seen to answer it."""

import base64
import json
from hashlib import sha256

import httpx
import pytest

from .conftest import US, Far


async def test_a_send_after_0_100_answers_an_array_of_one(far: Far) -> None:
    answer = await far.send(await far.uuid("ann"), await far.uuid("bob"), text="one for both")
    assert answer.status_code == 201
    (only,) = answer.json()
    assert only.keys() == {"timestamp"}
    assert await far.texts("ann") == await far.texts("bob") == ["one for both"]
    (message,) = await far.hand.arrived("ann")
    assert only["timestamp"] == str(message.timestamp)


async def test_a_send_up_to_0_100_answers_an_object(far: Far) -> None:
    await far.hand.reset(version="0.100")
    await far.hand.person("ann")
    answer = await far.send(await far.uuid("ann"))
    assert (answer.status_code, answer.json().keys()) == (201, {"timestamp"})


async def test_a_group_takes_its_id_and_its_timer(far: Far) -> None:
    group = await far.group(expiration_time=60)
    await far.send(group, text="to all")
    (message,) = await far.hand.arrived("cyd", group)
    assert (message.author, message.text, message.timer) == ("bot", "to all", 60)


async def test_what_has_expired_is_gone_from_the_phone(far: Far) -> None:
    group = await far.group(expiration_time=60)
    await far.send(group)
    await far.hand.advance(59_000_000)
    assert await far.texts("ann", group) == ["hello"]
    await far.hand.advance(1_000_000)
    assert await far.texts("ann", group) == []


async def test_an_internal_id_is_taken_for_a_username_without_a_word(far: Far) -> None:
    group = await far.hand.group(await far.group())
    while group.internal_id.startswith("+"):  # one in 64: such a one is taken for a number
        group = await far.hand.group(await far.group())
    answer = await far.send(group.internal_id)
    assert answer.status_code == 201
    assert await far.texts("ann") == []


@pytest.mark.parametrize("kinds", [("group", "ann"), ("ann", "ann.01"), ("group", "ann.01")])
async def test_recipients_are_of_one_kind(far: Far, kinds: tuple[str, str]) -> None:
    named = {"group": await far.group(), "ann": await far.uuid("ann"), "ann.01": "ann.01"}
    answer = await far.send(*(named[each] for each in kinds))
    assert answer.status_code == 400
    assert "cannot be specified together" in answer.json()["error"]


async def test_only_one_group_per_call(far: Far) -> None:
    answer = await far.send(await far.group(), await far.group())
    assert (answer.status_code, "more than one group" in answer.json()["error"]) == (400, True)


async def test_bad_base64_says_where(far: Far) -> None:
    answer = await far.send(await far.uuid("ann"), base64_attachments=["AAA*"])
    assert answer.status_code == 400
    assert answer.json() == {"error": "illegal base64 data at input byte 3"}


@pytest.mark.parametrize(
    ("prefix", "name", "kind"),
    [
        ("", None, "application/octet-stream"),
        ("data:text/csv;base64,", None, "text/csv"),
        ("data:text/csv;filename=table.csv;base64,", "table.csv", "text/csv"),
    ],
)
async def test_files_come_in_three_forms(
    far: Far, prefix: str, name: str | None, kind: str
) -> None:
    data = b"a,b\n1,2\n" * 500
    await far.send(
        await far.uuid("ann"), base64_attachments=[prefix + base64.b64encode(data).decode()]
    )
    ((file,),) = [message.files for message in await far.hand.arrived("ann")]
    assert (file.name, file.content_type, file.size) == (name, kind, len(data))
    assert file.sha256 == sha256(data).hexdigest()
    assert await far.hand.download(file.sha256) == data


@pytest.mark.parametrize("body", ["{", '{"number": 5}', "[]", '{"recipients": "x"}'])
async def test_a_bad_body_is_answered_in_json_that_calls_itself_text(far: Far, body: str) -> None:
    answer = await far.rest.post("/v2/send", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.json() == {"error": "Couldn't process request - invalid request"}


async def test_some_recipients_failed_is_201_that_names_them(far: Far) -> None:
    group = await far.group()
    await far.hand.reinstall("bob", tell=False)
    await far.send(group)  # first contact with the new key
    answer = await far.send(group, text="again")
    assert answer.status_code == 201
    (only,) = answer.json()
    failed = {"number": "", "uuid": await far.uuid("bob"), "username": ""}
    assert only["errors"] == {"recipients": [failed | {"reason": "IDENTITY_FAILURE"}]}
    assert await far.texts("ann", group) == ["hello", "again"]
    assert await far.texts("bob", group) == []


async def test_some_recipients_failed_up_to_0_100_says_nothing(far: Far) -> None:
    await far.hand.reset(version="0.100")
    for name in ("ann", "bob", "cyd"):
        await far.hand.person(name)
    group = await far.group()
    await far.hand.fail_recipients(["bob"])
    answer = await far.send(group)
    assert (answer.status_code, answer.json().keys()) == (201, {"timestamp"})
    assert await far.texts("bob", group) == []


@pytest.mark.parametrize(
    "reason", ["NETWORK_FAILURE", "UNREGISTERED_FAILURE", "INVALID_PRE_KEY_FAILURE"]
)
async def test_each_reason_is_told(far: Far, reason: str) -> None:
    group = await far.group()
    await far.hand.fail_recipients(["cyd"], reason=reason)
    ((failed,),) = [e["errors"]["recipients"] for e in (await far.send(group)).json()]
    assert (failed["uuid"], failed["reason"]) == (await far.uuid("cyd"), reason)


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("0.101", "Unable to complete request due to untrusted recipient keys"),
        ("0.100", "Failed to send message due to untrusted identities"),
    ],
)
async def test_all_untrusted_is_400(far: Far, version: str, text: str) -> None:
    await far.hand.reset(version=version)
    ann = await far.hand.person("ann")
    await far.send(ann.uuid)
    await far.hand.reinstall("ann")
    answer = await far.send(ann.uuid)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


async def test_a_rate_limit_in_json_rpc_is_429_with_its_token(far: Far) -> None:
    await far.hand.rate_limit("token-1")
    answer = await far.send(await far.uuid("ann"))
    assert answer.status_code == 429
    told = answer.json()
    assert "Use the attached challenge tokens" in told.pop("error")
    assert told == {"challenge_tokens": ["token-1"], "account": US}
    assert await far.texts("ann") == []


async def test_a_rate_limit_in_normal_mode_is_400_with_the_token_in_a_string(normal: Far) -> None:
    await normal.hand.rate_limit("token-1")
    answer = await normal.send(await normal.uuid("ann"))
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    raw = json.loads(answer.json()["error"].splitlines()[0])
    assert [each["token"] for each in raw["results"]] == ["token-1"]


async def test_a_challenge_lifts_the_limit(far: Far) -> None:
    await far.hand.rate_limit("token-1", times=None)
    path, ann = f"/v1/accounts/{US}/rate-limit-challenge", await far.uuid("ann")
    assert [(await far.send(ann)).status_code for _ in range(2)] == [429, 429]
    captcha = "signalcaptcha://solved"
    wrong = await far.post(path, challenge_token="another", captcha=captcha)
    right = await far.post(path, challenge_token="token-1", captcha=captcha)
    assert (wrong.status_code, right.status_code) == (400, 204)
    assert (await far.send(ann)).status_code == 201


async def test_styled_text_is_interpreted_and_normal_text_is_not(far: Far) -> None:
    ann, text = await far.uuid("ann"), "a **b** *c* ~d~ ||e|| `f` \\\\*g"
    await far.send(ann, text=text)
    await far.send(ann, text=text, text_mode="normal")
    await far.send(ann, text=text, text_mode="styled")
    plain, normal, styled = await far.hand.arrived("ann")
    assert (plain.text, normal.text, plain.styles) == (text, text, ())
    assert styled.text == "a b c d e f *g"
    marks = [(each["start"], each["style"]) for each in styled.styles]
    assert marks == [
        *((2, "BOLD"), (4, "ITALIC"), (6, "STRIKETHROUGH")),
        *((8, "SPOILER"), (10, "MONOSPACE")),
    ]


async def test_a_quote_carries_author_and_time(far: Far) -> None:
    group = await far.group()
    asked = await far.hand.write("ann", "when?", group=group)
    quoted = {"quote_timestamp": asked, "quote_author": await far.uuid("ann")}
    await far.send(group, text="now", quote_message="when?", **quoted)
    *_, answer = await far.hand.arrived("bob", group)
    assert answer.quote == {"author": "ann", "timestamp": asked, "text": "when?"}


async def test_an_edit_replaces_and_names_its_time(far: Far) -> None:
    ann = await far.uuid("ann")
    first = int((await far.send(ann, text="teh")).json()[0]["timestamp"])
    second = int((await far.send(ann, text="the", edit_timestamp=first)).json()[0]["timestamp"])
    (message,) = await far.hand.arrived("ann")
    assert (message.timestamp, message.text, message.edits) == (first, "the", (second,))


async def test_view_once_needs_a_file(far: Far) -> None:
    assert (await far.send(await far.uuid("ann"), view_once=True)).status_code == 400


async def test_a_remote_delete_answers_201_with_its_own_time(far: Far) -> None:
    ann = await far.uuid("ann")
    sent = int((await far.send(ann)).json()[0]["timestamp"])
    answer = await far.delete(f"/v1/remote-delete/{US}", recipient=ann, timestamp=sent)
    assert answer.status_code == 201
    assert int(answer.json()["timestamp"]) > sent
    (message,) = await far.hand.arrived("ann")
    assert (message.deleted, message.text) == (True, None)


async def test_a_remote_delete_proves_nothing(far: Far) -> None:
    ann = await far.uuid("ann")
    answer = await far.delete(f"/v1/remote-delete/{US}", recipient=ann, timestamp=7)
    assert answer.status_code == 201


async def test_a_timestamp_goes_back_as_a_number(far: Far) -> None:
    ann = await far.uuid("ann")
    answer = await far.delete(f"/v1/remote-delete/{US}", recipient=ann, timestamp="7")
    assert answer.status_code == 400


async def test_reactions_receipts_and_typing_answer_204(far: Far) -> None:
    ann = await far.uuid("ann")
    asked = await far.hand.write("ann", "ok?")
    body = {"recipient": ann, "target_author": ann, "timestamp": asked, "reaction": "👍"}
    assert (await far.post(f"/v1/reactions/{US}", **body)).status_code == 204
    assert (await far.hand.arrived("ann"))[0].reactions == {"bot": "👍"}
    assert (await far.delete(f"/v1/reactions/{US}", **body)).status_code == 204
    assert (await far.hand.arrived("ann"))[0].reactions == {}
    read = {"recipient": ann, "receipt_type": "read", "timestamp": asked}
    assert (await far.post(f"/v1/receipts/{US}", **read)).status_code == 204
    typing = await far.put(f"/v1/typing-indicator/{US}", recipient=ann)
    assert typing.status_code == 204
    assert [kind for kind, _, _ in await far.hand.noticed("ann")] == ["read", "typing_start"]


async def test_a_linked_account_resets_a_timer_it_has_not_heard_of(far: Far) -> None:
    await far.hand.go_down()
    await far.hand.set_timer("ann", 60)
    assert (await far.hand.waiting()) == 1
    await far.hand.come_back()
    await far.hand.settle()
    await far.send(await far.uuid("ann"), text="knows")
    (knows,) = await far.hand.arrived("ann")
    assert knows.timer == 60
    await far.hand.reset(mode="normal")  # here nothing is received until somebody asks
    await far.hand.person("ann")
    await far.hand.set_timer("ann", 60)
    await far.send(await far.uuid("ann"), text="does not know")
    await far.hand.write("ann", "with which timer?")
    sent, own = await far.hand.arrived("ann")
    assert (sent.timer, own.timer) == (0, 0)


async def test_an_announcement_group_refuses_who_is_no_admin(far: Far) -> None:
    group = await far.group(permissions={"send_messages": "only-admins"})
    assert (await far.send(group)).status_code == 201
    await far.hand.grant_admin(group, "ann")
    await far.hand.revoke_admin(group, "bot", by="ann")
    assert (await far.send(group, text="no")).status_code == 400
    assert await far.texts("cyd", group) == ["hello"]


async def test_no_repetition_is_recognised(far: Far) -> None:
    ann = await far.uuid("ann")
    first, second = [(await far.send(ann)).json()[0]["timestamp"] for _ in range(2)]
    assert first != second
    assert await far.texts("ann") == ["hello", "hello"]


async def test_the_bare_client_sees_what_a_plus_in_a_path_means(far: Far) -> None:
    escaped = US.replace("+", "%2B")
    both = [await far.get(f"/v1/devices/{each}") for each in (US, escaped)]
    assert [each.status_code for each in both] == [httpx.codes.OK] * 2


async def test_the_default_text_mode_may_be_styled(far: Far) -> None:
    await far.hand.reset(text_mode="styled")
    ann = await far.uuid("ann")
    await far.send(ann, text="**x**")
    await far.send(ann, text="**x**", text_mode="normal")
    assert await far.texts("ann") == ["x", "**x**"]


async def test_an_empty_message_is_taken(far: Far) -> None:
    ann = await far.uuid("ann")
    assert (await far.send(ann, text="")).status_code == 201
    assert await far.texts("ann") == [""]


async def test_a_username_reaches_its_person(far: Far) -> None:
    await far.hand.person("ann", username="ann.01")
    assert (await far.send("ann.01")).status_code == 201
    assert await far.texts("ann") == ["hello"]


async def test_who_is_not_registered_is_a_failure(far: Far) -> None:
    ann = await far.uuid("ann")
    ((only,),) = [(await far.send(ann, "+15550001")).json()]
    assert [each["reason"] for each in only["errors"]["recipients"]] == ["UNREGISTERED_FAILURE"]
    answer = await far.send("+15550001")
    assert (answer.status_code, answer.json()) == (400, {"error": "Failed to send message"})


@pytest.mark.parametrize("url", ["http://x.org", "https://y.org"])
async def test_a_preview_is_of_an_https_link_in_the_message(far: Far, url: str) -> None:
    ann, other = await far.uuid("ann"), {"title": "t", "description": "d", "base64_thumbnail": ""}
    text = "see http://x.org and https://x.org"
    answer = await far.send(ann, text=text, link_preview=other | {"url": url})
    assert answer.status_code == 400
    fine = await far.send(ann, text=text, link_preview=other | {"url": "https://x.org"})
    assert fine.status_code == 201
