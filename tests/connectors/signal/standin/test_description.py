"""The stand-in's calls and answers are those of the published description, but for known errors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from connectors.signal.standin.control import Upload
from connectors.signal.standin.rest import ROUTES

from .conftest import US, Far, Hook

PAGE = Path(__file__).parents[4] / ".." / "shared" / "contracts" / "signal" / "swagger.json"
NOT_SERVED = {
    ("GET", "/v1/contacts/{number}/{uuid}/avatar"): "pictures of people",
    ("DELETE", "/v1/polls/{number}"): "polls",
    ("POST", "/v1/polls/{number}"): "polls",
    ("POST", "/v1/polls/{number}/vote"): "polls",
    ("GET", "/v1/qrcodelink"): "a picture of what /raw says",
    ("POST", "/v1/send"): "deprecated",
    ("GET", "/v1/sticker-packs/{number}"): "stickers",
    ("POST", "/v1/sticker-packs/{number}"): "stickers",
}
OTHER_STATUS = {
    ("PUT", "/v1/accounts/{number}/settings"): "the server was seen to answer 201",
    ("POST", "/v1/groups/{number}/{groupid}/pin-message"): "the server answers 201",
    ("DELETE", "/v1/groups/{number}/{groupid}/pin-message"): "the server answers 201",
}
OTHER_SHAPE = {
    ("POST", "/v2/send"): "an array after 0.100",
    ("GET", "/v1/groups/{number}/{groupid}"): "null when unknown, objects when expanded",
    ("GET", "/v1/attachments/{attachment}"): "bytes",
    ("GET", "/v1/configuration/{number}/settings"): "its answer is declared as a body parameter",
    ("GET", "/v1/receive/{number}"): "an array, as text",
    ("GET", "/v1/groups/{number}/{groupid}/avatar"): "bytes",
}
RENAMED = {"{who}": "{numberToTrust}"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    if not PAGE.exists():
        pytest.skip("the description is not here")
    page: dict[str, Any] = json.loads(PAGE.read_text("utf-8"))
    return page


def _path(path: str) -> str:
    for ours, theirs in RENAMED.items():
        path = path.replace(ours, theirs)
    return path


def _calls(described: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            yield (method.upper(), path), call


def test_every_call_is_in_the_description_and_nearly_every_one_is_served(
    described: dict[str, Any],
) -> None:
    theirs = {name for name, _ in _calls(described)}
    ours = {(each.method, _path(each.path)) for each in ROUTES}
    assert ours <= theirs
    assert theirs - ours == set(NOT_SERVED)
    assert len(ours) == len(ROUTES)


def test_success_has_the_described_status_but_for_known_errors(described: dict[str, Any]) -> None:
    calls = dict(_calls(described))
    for each in ROUTES:
        name = (each.method, _path(each.path))
        assert (str(each.status) in calls[name]["responses"]) != (name in OTHER_STATUS), name


async def _played(far: Far) -> None:
    """Every kind of answer once: one evening of a group."""
    await far.hand.person("ann", username="ann.01")
    group = await far.group(expiration_time=60)
    ann = await far.uuid("ann")
    await far.send(group)
    await far.send("+15559999999")
    await far.hand.rate_limit("t")
    await far.send(ann)
    await far.put(f"/v1/contacts/{US}", recipient=ann, name="A")
    await far.post(f"/v1/accounts/{US}/username", username="deal")
    for path in ("about", "accounts", "attachments", "configuration"):
        await far.get(f"/v1/{path}")
    for path in ("contacts", "devices", "groups", "identities"):
        await far.get(f"/v1/{path}/{US}")
    await far.get(f"/v1/contacts/{US}/{ann}")
    await far.get(f"/v1/search/{US}?numbers=%2B15550100")
    await far.get(f"/v1/configuration/{US}/settings")
    await far.get("/v1/qrcodelink/raw?device_name=x")
    await far.delete(f"/v1/remote-delete/{US}", recipient=group, timestamp=1)


async def test_answers_have_the_described_shape_but_for_known_errors(
    far: Far, described: dict[str, Any]
) -> None:
    answers: list[httpx.Response] = []

    async def keep(answer: httpx.Response) -> None:
        await answer.aread()
        answers.append(answer)

    far.rest.event_hooks["response"].append(keep)
    await _played(far)
    calls, checked = dict(_calls(described)), set()
    for asked, answer in zip(await far.hand.requests(), answers, strict=True):
        name = (asked.method, _path(asked.route))
        responses = calls[name]["responses"]
        schema = responses.get(str(asked.status), responses.get("400")).get("schema")
        if name in OTHER_SHAPE and asked.status < 400:
            continue
        if asked.status == 400:
            schema = {"$ref": "#/definitions/api.Error"}  # a failed send names no account there
        if schema is None or asked.status == 204:
            assert answer.content == b""
        else:
            _check(described, schema, answer.json())
        checked.add(asked.verb)
    assert len(checked) >= 15


def _check(described: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    whole = schema | {"definitions": described["definitions"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def _without_nulls(value: Any) -> Any:
    """The description knows no null, signal-cli prints many."""
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _names(described: dict[str, Any], kind: str) -> set[str]:
    return set(described["definitions"][f"receive.{kind}"]["properties"])


async def test_received_messages_have_the_described_shape(
    far: Far, hook: Hook, described: dict[str, Any]
) -> None:
    group = await far.group(expiration_time=60)
    sent = int((await far.send(group)).json()[0]["timestamp"])
    file = Upload("a.txt", b"a", "text/plain")
    first = await far.hand.write("ann", "one", group=group, files=[file], quote=("bot", sent))
    await far.hand.write("ann", "\ufffc", group=group, mentions=[(0, 1, "bob")])
    await far.hand.edit("ann", first, "two", group=group)
    await far.hand.react("ann", "bot", sent, "👍", group=group)
    await far.hand.delete("ann", first, group=group)
    await far.hand.read("bob", [sent])
    await far.hand.typing("bob", group=group)
    await far.hand.own("copy", group=group)
    await far.hand.set_timer("ann", 30, group=group)
    await far.hand.set_timer("ann", 30)
    await far.hand.settle()
    assert len(hook.bodies) == 10
    for body in hook.bodies:
        told = body["params"]
        _check(described, {"$ref": "#/definitions/data.Message"}, _without_nulls(told))
        assert told["envelope"].keys() <= _names(described, "MessageEnvelope")
        data = told["envelope"].get("dataMessage", {})
        assert data.keys() <= _names(described, "DataMessage")
        for kind, name in (
            ("Quote", "quote"),
            ("Reaction", "reaction"),
            ("GroupInfo", "groupInfo"),
        ):
            assert data.get(name, {}).keys() <= _names(described, kind)
        for each in data.get("attachments", []):
            assert each.keys() <= _names(described, "Attachment")
