"""The account itself: about, identities, devices, contacts, settings, registration, errors."""

import hashlib
import uuid

import pytest

from connectors.signal.standin import ids

from .conftest import US, Far, Hook

NOBODY = "+15550999"
UNKNOWN = {"error": "Specified account does not exist"}


async def test_about_tells_mode_and_version(far: Far) -> None:
    assert (await far.get("/v1/about")).json() == {
        "versions": ["v1", "v2"],
        "build": 2,
        "mode": "json-rpc",
        "version": "0.101",
        "capabilities": {"v2/send": ["quotes", "mentions"]},
    }


async def test_health_is_204_whatever_became_of_signal_cli(far: Far) -> None:
    await far.hand.lose_registration()
    answer = await far.get("/v1/health")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("path", ["/v1/nothing", "/", "/v1/polls/+1", "/v3/send"])
async def test_an_unknown_path_is_404_in_text(far: Far, path: str) -> None:
    answer = await far.get(path)
    assert (answer.status_code, answer.text) == (404, "404 page not found")
    assert answer.headers["content-type"].startswith("text/plain")


async def test_a_known_path_with_another_method_is_404_too(far: Far) -> None:
    assert (await far.delete("/v1/about")).status_code == 404


async def test_an_account_that_is_unknown_is_400(far: Far) -> None:
    answer = await far.get(f"/v1/devices/{NOBODY}")
    assert (answer.status_code, answer.json()) == (400, UNKNOWN)
    sent = await far.rest.post(
        "/v2/send", json={"number": NOBODY, "recipients": [await far.uuid("ann")], "message": ""}
    )
    assert (sent.status_code, sent.json()) == (400, UNKNOWN)


async def test_an_account_that_is_unknown_is_500_for_identities(far: Far) -> None:
    answer = await far.get(f"/v1/identities/{NOBODY}")
    assert (answer.status_code, answer.json()) == (500, UNKNOWN)


async def test_an_account_that_is_unknown_is_204_for_a_profile_in_json_rpc(far: Far) -> None:
    assert (await far.put(f"/v1/profiles/{NOBODY}", name="x")).status_code == 204
    await far.hand.reset(mode="normal")
    assert (await far.put(f"/v1/profiles/{NOBODY}", name="x")).status_code == 400


async def test_a_lost_registration_looks_like_an_unknown_account(far: Far, hook: Hook) -> None:
    assert (await far.get("/v1/accounts")).json() == [US]
    await far.hand.lose_registration()
    assert (await far.get("/v1/accounts")).json() == []
    assert (await far.get(f"/v1/groups/{US}")).json() == UNKNOWN
    await far.hand.write("ann", "into the void")
    assert [lost.reason for lost in await far.hand.losses()] == ["the account is not registered"]
    assert hook.bodies == []
    assert (await far.post(f"/v1/register/{US}")).status_code == 201
    assert (await far.post(f"/v1/register/{US}/verify/123-456")).status_code == 201
    assert (await far.get("/v1/accounts")).json() == [US]


# keys


def test_a_safety_number_is_sixty_digits_the_same_for_both() -> None:
    one, other = ((str(uuid.uuid4()), ids.new_key()) for _ in range(2))
    number = ids.safety_number(one, other)
    assert (len(number), number.isdigit()) == (60, True)
    assert number == ids.safety_number(other, one) != ids.safety_number(one, (other[0], one[1]))


def test_a_safety_numbers_halves_are_signals_numeric_fingerprint() -> None:
    owner, key = str(uuid.UUID(int=7)), b"\x05" + bytes(32)
    digest = b"\x00\x00" + key + uuid.UUID(owner).bytes
    for _ in range(5200):
        digest = hashlib.sha512(digest + key).digest()
    first = f"{int.from_bytes(digest[:5], 'big') % 100_000:05d}"
    assert ids.safety_number((owner, key), (owner, key))[:5] == first


async def test_identities_name_keys_by_status(far: Far) -> None:
    await far.send(await far.uuid("bob"))
    bob = await far.hand.person("bob")
    (entry,) = (await far.get(f"/v1/identities/{US}")).json()
    assert (entry["uuid"], entry["number"], entry["status"]) == (bob.uuid, "", "TRUSTED_UNVERIFIED")
    assert entry["safety_number"] == bob.safety_number
    assert entry["added"].isdigit()
    assert len(entry["fingerprint"].split()) == 33


async def test_trust_wants_the_number_or_all_keys_not_both_not_neither(far: Far) -> None:
    ann = await far.hand.person("ann")
    await far.send(ann.uuid)
    path = f"/v1/identities/{US}/trust/{ann.number}"
    number = {"verified_safety_number": ann.safety_number}
    both = number | {"trust_all_known_keys": True}
    statuses = [(await far.put(path, **body)).status_code for body in (both, {}, number)]
    assert statuses == [400, 400, 204]
    assert await far.hand.identity("ann") == "TRUSTED_VERIFIED"


async def test_a_wrong_safety_number_is_400_that_says_so(far: Far) -> None:
    ann, bob = await far.hand.person("ann"), await far.hand.person("bob")
    await far.send(ann.uuid)
    path = f"/v1/identities/{US}/trust/{ann.uuid}"
    answer = await far.put(path, verified_safety_number=bob.safety_number)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Failed to set the trust for this number, ")


async def test_trusting_all_keys_lets_a_new_one_through(far: Far) -> None:
    ann = await far.hand.person("ann")
    await far.send(ann.uuid)
    await far.hand.reinstall("ann")
    path = f"/v1/identities/{US}/trust/{ann.uuid}"
    assert (await far.put(path, trust_all_known_keys=True)).status_code == 204
    assert (await far.send(ann.uuid)).status_code == 201
    keys = (await far.get(f"/v1/identities/{US}")).json()
    assert [key["status"] for key in keys] == ["TRUSTED_UNVERIFIED"] * 2


@pytest.mark.parametrize(
    ("trust", "status"), [("on-first-use", "UNTRUSTED"), ("always", "TRUSTED_UNVERIFIED")]
)
async def test_what_a_new_key_counts_for_is_set_from_outside(
    far: Far, trust: str, status: str
) -> None:
    await far.hand.reset(trust=trust)
    ann = await far.hand.person("ann")
    await far.send(ann.uuid)
    await far.hand.reinstall("ann")
    assert await far.hand.identity("ann") == status


async def test_a_changed_key_is_unknown_until_something_passes(far: Far) -> None:
    ann = await far.hand.person("ann")
    await far.send(ann.uuid)
    changed = await far.hand.reinstall("ann", tell=False)
    assert changed.safety_number != ann.safety_number
    (entry,) = (await far.get(f"/v1/identities/{US}")).json()
    assert entry["safety_number"] == ann.safety_number
    await far.send(ann.uuid)
    keys = (await far.get(f"/v1/identities/{US}")).json()
    assert [key["status"] for key in keys] == ["TRUSTED_UNVERIFIED", "UNTRUSTED"]


# devices


async def test_a_device_nobody_told_of_is_in_the_list(far: Far) -> None:
    number = await far.hand.add_device("bot", "somebody's laptop")
    devices = (await far.get(f"/v1/devices/{US}")).json()
    assert [(each["id"], each["name"]) for each in devices] == [
        (1, "bot"),
        (number, "somebody's laptop"),
    ]
    assert (await far.delete(f"/v1/devices/{US}/{number}")).status_code == 204
    assert (await far.delete(f"/v1/devices/{US}/1")).status_code == 400
    assert len((await far.get(f"/v1/devices/{US}")).json()) == 1


async def test_a_device_is_linked_by_its_uri(far: Far) -> None:
    raw = (await far.get("/v1/qrcodelink/raw?device_name=x")).json()["device_link_uri"]
    assert (await far.post(f"/v1/devices/{US}", uri="https://x")).status_code == 400
    assert (await far.post(f"/v1/devices/{US}", uri=raw)).status_code == 204
    assert len((await far.get(f"/v1/devices/{US}")).json()) == 2


# contacts


async def test_a_contacts_timer_is_never_shown(far: Far) -> None:
    ann = await far.uuid("ann")
    body = {"recipient": ann, "name": "A.", "expiration_in_seconds": 60}
    assert (await far.put(f"/v1/contacts/{US}", **body)).status_code == 204
    (entry,) = (await far.get(f"/v1/contacts/{US}")).json()
    assert (entry["uuid"], entry["name"], entry["message_expiration"]) == (ann, "A.", "")
    await far.send(ann)
    assert [message.timer for message in await far.hand.arrived("ann")] == [60]


async def test_a_refused_contact_is_400_with_its_reason(far: Far) -> None:
    answer = await far.put(f"/v1/contacts/{US}", recipient="+15550998", name="x")
    assert (answer.status_code, "error" in answer.json()) == (400, True)


@pytest.mark.parametrize(("mode", "after"), [("json-rpc", 60), ("normal", 0)])
async def test_a_contacts_timer_of_0_is_dropped_in_json_rpc(
    far: Far, mode: str, after: int
) -> None:
    await far.hand.reset(mode=mode)
    ann = await far.uuid("ann")
    for seconds in (60, 0):
        body = {"recipient": ann, "expiration_in_seconds": seconds}
        assert (await far.put(f"/v1/contacts/{US}", **body)).status_code == 204
    await far.send(ann)
    assert [message.timer for message in await far.hand.arrived("ann")] == [after]


async def test_an_unknown_contact_is_404(far: Far) -> None:
    assert (await far.get(f"/v1/contacts/{US}/{uuid.uuid4()}")).status_code == 404


# settings


async def test_the_trust_mode_in_json_rpc_is_neither_set_nor_told(far: Far) -> None:
    await far.hand.reset(trust="never")
    path = f"/v1/configuration/{US}/settings"
    answer = await far.post(path, trust_mode="always")
    assert (answer.status_code, answer.json()) == (400, {"error": "Couldn't set trust mode"})
    assert (await far.get(path)).json() == {"trust_mode": "on-first-use"}


async def test_the_trust_mode_in_normal_mode_is_set_and_told(normal: Far) -> None:
    path = f"/v1/configuration/{US}/settings"
    assert (await normal.post(path, trust_mode="always")).status_code == 204
    assert (await normal.get(path)).json() == {"trust_mode": "always"}


async def test_account_settings_are_201(far: Far) -> None:
    answer = await far.put(f"/v1/accounts/{US}/settings", share_number=False)
    assert answer.status_code == 201
    assert (await far.hand.person("bot")).hides_number


async def test_a_profile_without_an_avatar_removes_it(far: Far) -> None:
    path = f"/v1/profiles/{US}"
    assert (await far.put(path, name="W", base64_avatar="AAAA")).status_code == 204
    assert (await far.hand.account())["has_avatar"]
    assert (await far.put(path, name="W")).status_code == 204
    assert not (await far.hand.account())["has_avatar"]


async def test_the_log_level_has_a_capital_l(far: Far) -> None:
    body = {"logging": {"Level": "debug"}}
    assert (await far.post("/v1/configuration", **body)).status_code == 204
    assert (await far.get("/v1/configuration")).json() == body


async def test_a_registration_lock_is_set_with_201_and_removed_with_204(far: Far) -> None:
    path = f"/v1/accounts/{US}/pin"
    assert (await far.post(path, pin="1234")).status_code == 201
    assert (await far.delete(path)).status_code == 204


async def test_search_tells_who_is_registered(far: Far) -> None:
    ann = await far.hand.person("ann")
    answer = await far.rest.get(f"/v1/search/{US}", params={"numbers": [ann.number, NOBODY]})
    assert answer.json() == [
        {"number": ann.number, "registered": True},
        {"number": NOBODY, "registered": False},
    ]
