"""The account itself: identities, devices, contacts, profile, settings, registration.

Rules kept here:

1. Identities and accounts fail with 500, a profile in json-rpc mode with 204, the rest with 400.
2. In json-rpc mode the trust mode cannot be set (400) and always reads ``on-first-use``.
3. ``message_expiration`` of a contact is always empty; a timer of 0 is dropped in json-rpc mode.
"""

from typing import Any

from connectors.signal.standin import ids
from connectors.signal.standin.account import Known
from connectors.signal.standin.api import Standin
from connectors.signal.standin.model import Device, Person
from connectors.signal.standin.wire import DONE, Answer, Call, Wrong, error, told

UNSET = "Failed to set the trust for this number, make sure the number and the safety number match"
LEVELS = ("debug", "info", "warn")
TRUST_MODES = ("on-first-use", "always", "never")


def about(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - all handlers have one shape
    """``GET /v1/about``."""
    body = {"versions": ["v1", "v2"], "build": 2, "mode": str(far.options.mode)}
    more = {"version": far.options.version, "capabilities": {"v2/send": ["quotes", "mentions"]}}
    return told(200, body | more)


def health(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - all handlers have one shape
    """``GET /v1/health``: this process lives; nothing is said of signal-cli."""
    return DONE


def accounts(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - all handlers have one shape
    """``GET /v1/accounts``."""
    bot = far.network.bot
    return told(200, [bot.number] if bot.registered else [])


# keys


def identities(far: Standin, call: Call) -> Answer:
    """``GET /v1/identities/{number}``."""
    far.known(call.params["number"], status=500)
    people = far.network.people
    known = far.account.identities.items()
    return told(200, [_identity(far, people[one], key) for one, keys in known for key in keys])


def _identity(far: Standin, person: Person, known: Known) -> dict[str, str]:
    return {
        "number": person.shown_number or "",
        "status": known.status,
        "fingerprint": ids.fingerprint(known.key),
        "added": str(known.added),
        "safety_number": far.account.number_of(person, known),
        "uuid": person.uuid,
    }


def trust(far: Standin, call: Call) -> Answer:
    """``PUT /v1/identities/{number}/trust/{who}``: one of two ways, not both, not neither."""
    body = call.body()
    by_number, all_keys = body.has("verified_safety_number"), body.flag("trust_all_known_keys")
    if by_number == all_keys:
        text = "Couldn't process request - please either provide a safety number (preferred & more "
        raise Wrong(error(400, text + "secure) or set 'trust_all_known_keys' to true"))
    far.known(call.params["number"])
    person = far.network.found(call.params["who"])
    if person is None:
        raise Wrong(error(400, UNSET))
    if by_number:
        done = far.account.verify(person, body.text("verified_safety_number"))
    else:
        done = far.account.trust_all(person)
    if not done:
        raise Wrong(error(400, UNSET))
    return DONE


# devices


def devices(far: Standin, call: Call) -> Answer:
    """``GET /v1/devices/{number}``."""
    return told(200, [_device(each) for each in far.known(call.params["number"]).devices])


def _device(device: Device) -> dict[str, Any]:
    seen, made = device.last_seen // 1000, device.created // 1000
    named = {"id": device.id, "name": device.name}
    return named | {"last_seen_timestamp": seen, "creation_timestamp": made}


def link_device(far: Standin, call: Call) -> Answer:
    """``POST /v1/devices/{number}``."""
    bot, uri = far.known(call.params["number"]), call.body().text("uri")
    if not uri.startswith("sgnl://linkdevice"):
        raise Wrong(error(400, "Invalid device link uri"))
    far.network.link_device(bot, "linked")
    return DONE


def unlink_device(far: Standin, call: Call) -> Answer:
    """``DELETE /v1/devices/{number}/{deviceId}``; the primary one stays."""
    bot, number = far.known(call.params["number"]), call.params["deviceId"]
    if number == "1" or not any(str(each.id) == number for each in bot.devices):
        raise Wrong(error(400, "Failed to remove device"))
    bot.devices = [each for each in bot.devices if str(each.id) != number]
    return DONE


def forget(far: Standin, call: Call) -> Answer:
    """``DELETE /v1/devices/{number}/local-data``: signal-cli no longer has the account."""
    far.known(call.params["number"]).registered = False
    return DONE


def qr_code(far: Standin, call: Call) -> Answer:
    """``GET /v1/qrcodelink/raw``."""
    if not call.query.get("device_name"):
        raise Wrong(error(400, "Please provide a name for the device"))
    uri = f"sgnl://linkdevice?uuid={far.network.bot.uuid}&pub_key=none"
    return told(200, {"device_link_uri": uri})


# contacts


def contacts(far: Standin, call: Call) -> Answer:
    """``GET /v1/contacts/{number}``."""
    far.known(call.params["number"])
    everybody = call.query.get("all_recipients") == "true"
    known = set(far.account.contacts) | (set(far.account.identities) if everybody else set())
    return told(200, [_contact(far, far.network.people[each]) for each in sorted(known)])


def contact(far: Standin, call: Call) -> Answer:
    """``GET /v1/contacts/{number}/{uuid}``."""
    far.known(call.params["number"])
    uuid = call.params["uuid"]
    if uuid not in {*far.account.contacts, *far.account.identities}:
        raise Wrong(error(404, "No contact with that id (uuid) found"))
    return told(200, _contact(far, far.network.people[uuid]))


def _contact(far: Standin, person: Person) -> dict[str, Any]:
    profile = {"given_name": person.name, "lastname": "", "about": "", "has_avatar": False}
    return {
        "number": person.shown_number or "",
        "uuid": person.uuid,
        "name": far.account.contacts.get(person.uuid, ""),
        "profile_name": person.name,
        "given_name": person.name,
        "username": person.username or "",
        "color": "",
        "blocked": False,
        "message_expiration": "",  # the real one reads a name that signal-cli does not use
        "note": "",
        "profile": profile | {"last_updated_timestamp": 0},
        "nickname": {"name": "", "given_name": "", "family_name": ""},
    }


def update_contact(far: Standin, call: Call) -> Answer:
    """``PUT /v1/contacts/{number}``; a changed timer goes to the other phone."""
    body, bot = call.body(), far.known(call.params["number"])
    person = far.network.found(body.text("recipient"))
    if person is None:
        raise Wrong(error(400, "Unregistered user"))
    far.account.contacts[person.uuid] = body.text("name")
    seconds = body.number("expiration_in_seconds")
    if seconds or (body.has("expiration_in_seconds") and not far.options.json_rpc):
        far.network.set_direct_timer(bot, person, seconds)
    return DONE


def sync_contacts(far: Standin, call: Call) -> Answer:
    """``POST /v1/contacts/{number}/sync``."""
    far.known(call.params["number"])
    return DONE


# settings


def account_settings(far: Standin, call: Call) -> Answer:
    """``PUT /v1/accounts/{number}/settings``: 201, whatever the description says."""
    body, bot = call.body(), far.known(call.params["number"])
    if body.has("share_number"):
        bot.hides_number = not body.flag("share_number")
    return Answer(201)


def profile(far: Standin, call: Call) -> Answer:
    """``PUT /v1/profiles/{number}``: in json-rpc mode 204 also when it failed."""
    body = call.body()
    if not body.text("name"):
        raise Wrong(error(400, "Couldn't process request - profile name missing"))
    try:
        far.known(call.params["number"])
    except Wrong:
        if far.options.json_rpc:
            return DONE
        raise
    far.account.profile = body.text("name")
    far.account.has_avatar = bool(body.text("base64_avatar"))  # a missing one removes it
    return DONE


def pin(far: Standin, call: Call) -> Answer:
    """``POST`` (201) and ``DELETE`` (204) ``/v1/accounts/{number}/pin``."""
    far.known(call.params["number"])
    if call.verb == "pin_remove":
        far.account.pin = None
        return DONE
    far.account.pin = call.body().text("pin")
    return Answer(201)


def username(far: Standin, call: Call) -> Answer:
    """``POST`` (201) and ``DELETE`` (204) ``/v1/accounts/{number}/username``."""
    bot = far.known(call.params["number"])
    if call.verb == "username_remove":
        bot.username = None
        return DONE
    name = call.body().text("username")
    bot.username = name if "." in name else f"{name}.01"
    link = f"https://signal.me/#eu/{bot.username}"
    return told(201, {"username": bot.username, "username_link": link})


def get_trust(far: Standin, call: Call) -> Answer:
    """``GET /v1/configuration/{number}/settings``: in json-rpc mode no fact."""
    mode = "on-first-use" if far.options.json_rpc else far.account.trust_mode
    far.known(call.params["number"])
    return told(200, {"trust_mode": mode})


def set_trust(far: Standin, call: Call) -> Answer:
    """``POST /v1/configuration/{number}/settings``: not in json-rpc mode."""
    mode = call.body().text("trust_mode")
    if mode not in TRUST_MODES:
        raise Wrong(error(400, "Invalid trust mode"))
    if far.options.json_rpc:
        raise Wrong(error(400, "Couldn't set trust mode"))
    far.account.trust_mode = mode
    return DONE


def get_configuration(far: Standin, call: Call) -> Answer:  # noqa: ARG001 - one shape
    """``GET /v1/configuration``: with a capital L."""
    return told(200, {"logging": {"Level": far.account.log_level}})


def set_configuration(far: Standin, call: Call) -> Answer:
    """``POST /v1/configuration``."""
    level = call.body().object("logging").text("Level")
    if level and level not in LEVELS:
        raise Wrong(error(400, "Couldn't set log level - invalid log level"))
    far.account.log_level = level or far.account.log_level
    return DONE


# registration


def register(far: Standin, call: Call) -> Answer:
    """``POST /v1/register/{number}``: asks for a code."""
    if call.params["number"] != far.network.bot.number:
        raise Wrong(error(400, "Invalid number"))
    return Answer(201)


def verify(far: Standin, call: Call) -> Answer:
    """``POST /v1/register/{number}/verify/{token}``."""
    bot = far.network.bot
    if call.params["number"] != bot.number or not call.params["token"].replace("-", "").isdigit():
        raise Wrong(error(400, "Verify error"))
    bot.registered = True
    return Answer(201)


def unregister(far: Standin, call: Call) -> Answer:
    """``POST /v1/unregister/{number}``."""
    far.known(call.params["number"]).registered = False
    return DONE


def search(far: Standin, call: Call) -> Answer:
    """``GET /v1/search/{number}``: who is registered."""
    far.known(call.params["number"])
    found = [(each, far.network.found(each) is not None) for each in call.numbers]
    return told(200, [{"number": number, "registered": there} for number, there in found])
