"""The hand's verbs about people: who there is, their keys, their devices.

Rule kept here: every verb is one step without awaiting.
"""

from dataclasses import replace

from connectors.signal.standin import ids
from connectors.signal.standin.account import UNTRUSTED
from connectors.signal.standin.api import Standin
from connectors.signal.standin.model import Person, Post
from connectors.signal.standin.verbs import Json, Verb, who


def _person(far: Standin, call: Json) -> Json:
    person = far.network.person(call["name"], number=call["number"])
    for name in ("username", "hides_number", "auto_join", "receipts", "registered"):
        if call.get(name) is not None:
            setattr(person, name, call[name])
    return _told(far, person)


def _told(far: Standin, person: Person) -> Json:
    bot = far.network.bot
    return {
        "name": person.name,
        "uuid": person.uuid,
        "number": person.number,
        "hides_number": person.hides_number,
        "username": person.username,
        "registered": person.registered,
        "safety_number": ids.safety_number((bot.uuid, bot.key), (person.uuid, person.key)),
        "devices": [device.id for device in person.devices],
    }


def _people(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    return {"people": [_told(far, person) for person in far.network.people.values()]}


# keys, devices, registration


def _reinstall(far: Standin, call: Json) -> Json:
    """A new identity key; ``tell``: the phone then writes something, and our server sees it."""
    person, network = who(far, call["name"]), far.network
    person.key = ids.new_key()
    if call["tell"]:
        post = Post(person.uuid, far.clock.stamp(person.uuid), to=network.bot.uuid)
        timer = person.timers.get(network.bot.uuid, 0)
        network.spread(replace(post, text="", expires=timer, key=person.key))
    return _told(far, person)


def _add_device(far: Standin, call: Json) -> Json:
    person = who(far, call["name"])
    return {"device": far.network.link_device(person, call["device_name"])}


def _registration(far: Standin, call: Json) -> Json:
    who(far, call["name"]).registered = call["registered"]
    return {}


def _identity(far: Standin, call: Json) -> Json:
    """What the server thinks of somebody's key of now."""
    person = who(far, call["name"])
    known = far.account.identities.get(person.uuid, [])
    status = next((each.status for each in known if each.key == person.key), None)
    return {"status": status, "trusted": status not in {None, UNTRUSTED}}


PEOPLE: dict[str, Verb] = {
    "person": _person,
    "people": _people,
    "reinstall": _reinstall,
    "add_device": _add_device,
    "registration": _registration,
    "identity": _identity,
}
