"""The far side's hand: all its verbs, and those about what goes wrong.

Rule kept here: every verb is one step without awaiting, but for those that wait until everything
received is posted (see ``app``); nothing here goes through the interface.
"""

from dataclasses import asdict

from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.client import Passed
from connectors.wickr.standin.faults import DEFAULT_VERB, Fault, FaultKind
from connectors.wickr.standin.message_verbs import MESSAGES
from connectors.wickr.standin.people_verbs import PEOPLE
from connectors.wickr.standin.verbs import Json, Verb, called


def _fault(far: Standin, call: Json) -> Json:
    kind = FaultKind(call["kind"])
    verb = call["verb"] or DEFAULT_VERB.get(kind, "send")
    far.faults.arm(Fault(kind, verb, call["times"], int(call["amount"]), call["text"]))
    return {}


def _clear(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    far.faults.clear()
    return {}


def _books(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    def told(passed: list[Passed]) -> list[Json]:
        return [asdict(each) | {"author": called(far, each.author)} for each in passed]

    at_wickr, queued = far.client.waiting()
    books = {"losses": told(far.client.losses), "handed": told(far.client.handed)}
    return books | {"waiting": at_wickr, "queued": queued}


def _callback(far: Standin, call: Json) -> Json:
    """Sets the callback behind our back, or tells it."""
    if call["url"] is not None:
        far.client.set_callback(call["url"])
    return {"url": far.client.callback}


def _clock(far: Standin, call: Json) -> Json:
    far.clock.advance(int(call["by"]))
    return {"now": far.clock.now()}


def _folder(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    return {"path": far.client.folder.path, "names": far.client.folder.names()}


DEFAULTS: Json = {
    **dict.fromkeys(("room", "verb", "file", "msgtype", "url")),
    **{name: [] for name in ("members", "masters", "without")},
    **{name: {} for name in ("odd", "options", "settings")},
    **dict.fromkeys(("garbled", "hidden"), False),
    **dict.fromkeys(("tell", "everywhere"), True),
    **dict.fromkeys(("text", "title", "description"), ""),
    **dict.fromkeys(("ttl", "bor", "amount"), 0),
    "kind": "room",
    "to": "bot",
    "times": 1,
    "seconds": 30,
}
"""What a field is that a verb takes and nobody names."""

VERBS: dict[str, Verb] = {
    **PEOPLE,
    **MESSAGES,
    "fault": _fault,
    "clear_faults": _clear,
    "books": _books,
    "callback": _callback,
    "clock": _clock,
    "folder": _folder,
}
