"""Addressing and credentials, as the real program was seen to look at them (CONTRACTS 2.1)."""

import base64

import httpx
import pytest

from .conftest import V2, Far, basic


async def bare(far: Far, path: str, **headers: str) -> httpx.Response:
    far.http.headers.clear()
    return await far.http.get(path, headers=headers)


async def test_v1_has_the_key_in_the_path_and_v2_in_a_header(far: Far) -> None:
    token = basic(far.running.auth_token)
    one = await bare(far, f"/WickrIO/V1/Apps/{far.running.api_key}/Rooms", Authorization=token)
    two = await bare(
        far, f"{V2}/Rooms", **{"Authorization": token, "x-api-key": far.running.api_key}
    )
    assert (one.status_code, one.json()) == (two.status_code, two.json()) == (200, {"rooms": []})
    assert [each.addressing for each in (await far.hand.requests())[-2:]] == ["v1", "v2"]
    assert far.running.api_key not in repr(await far.hand.requests())


async def test_the_token_goes_alone_and_user_and_password_are_refused(far: Far) -> None:
    wrong = basic(f"user:{far.running.auth_token}")
    answer = await bare(far, f"{V2}/Rooms", Authorization=wrong)
    assert (answer.status_code, answer.text) == (
        401,
        "Access denied: invalid basic-auth token.",
    )
    assert answer.headers["content-type"].startswith("text/plain")


async def test_the_word_basic_can_be_left_out(far: Far) -> None:
    token = base64.b64encode(far.running.auth_token.encode()).decode()
    headers = {"Authorization": token, "x-api-key": far.running.api_key}
    assert (await bare(far, f"{V2}/Rooms", **headers)).status_code == 200


async def test_no_header_is_401_with_the_form_that_is_wanted(far: Far) -> None:
    answer = await bare(far, f"{V2}/Rooms")
    assert answer.status_code == 401
    assert answer.text.startswith("Access denied: invalid Authorization Header format")


async def test_a_wrong_key_is_401_in_v2_and_404_in_v1(far: Far) -> None:
    token = basic(far.running.auth_token)
    two = await bare(far, f"{V2}/Rooms", **{"Authorization": token, "x-api-key": "another"})
    assert (two.status_code, two.text) == (401, "Access denied: invalid api-key.")
    one = await bare(far, "/WickrIO/V1/Apps/another/Rooms", Authorization=token)
    assert (one.status_code, one.text) == (
        404,
        "Endpoint /WickrIO/V1/Apps/another/Rooms not found",
    )


@pytest.mark.parametrize("path", ["/Nothing", "/Messages/one", "/Rooms/a/b"])
async def test_what_is_unknown_is_404_in_text(far: Far, path: str) -> None:
    answer = await far.get(path)
    assert (answer.status_code, answer.text) == (404, f"Endpoint {V2}{path} not found")


async def test_a_body_that_is_no_json_is_400_before_anybody_is_asked_who_he_is(far: Far) -> None:
    far.http.headers.clear()
    answer = await far.http.post(
        f"{V2}/Messages", content="{", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.text) == (400, "Invalid JSON format in request body")


async def test_a_json_body_over_100_kib_is_read_as_an_empty_one(far: Far) -> None:
    room = await far.create("ann")
    answer = await far.say(room, "x" * 102_400)
    assert (answer.status_code, answer.text.split()[0]) == (200, "Need")
    assert await far.texts("ann") == []
