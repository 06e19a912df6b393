"""The far side's hand: all its verbs, and those about what goes wrong.

Rule kept here: every verb is one step without awaiting, but for those that wait until everything
received is posted (see ``app``); nothing here goes through the REST server.
"""

from dataclasses import asdict

from connectors.signal.standin import ids
from connectors.signal.standin.api import Standin
from connectors.signal.standin.faults import DEFAULT_VERB, Fault, FaultKind
from connectors.signal.standin.group_verbs import GROUPS
from connectors.signal.standin.message_verbs import MESSAGES
from connectors.signal.standin.people_verbs import PEOPLE
from connectors.signal.standin.verbs import Json, Verb


def _fault(far: Standin, call: Json) -> Json:
    kind = FaultKind(call["kind"])
    verb = call["verb"] or DEFAULT_VERB.get(kind, "send")
    who = tuple(call["who"])
    far.faults.arm(Fault(kind, verb, call["times"], int(call["amount"]), call["text"], who))
    return {}


def _clear(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    far.faults.clear()
    return {}


def _losses(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    people = far.network.people
    named = [asdict(each) | {"author": people[each.author].name} for each in far.daemon.losses]
    for each in named:
        each["room"] = None if each["room"] is None else ids.rest_id(each["room"])
    return {"losses": named, "posted": far.daemon.posted, "waiting": far.daemon.waiting()}


def _daemon(far: Standin, call: Json) -> Json:
    """signal-cli goes away behind the server, or is there again."""
    if call["there"]:
        far.daemon.attach()
    else:
        far.daemon.detach()
    return {}


def _webhook(far: Standin, call: Json) -> Json:
    far.daemon.webhook = call["url"]
    return {}


def _clock(far: Standin, call: Json) -> Json:
    far.clock.advance(int(call["by"]))
    return {"now": far.clock.now()}


def _account(far: Standin, call: Json) -> Json:  # noqa: ARG001 - all verbs have one shape
    kept = far.account
    state = {"profile": kept.profile, "has_avatar": kept.has_avatar, "pin": kept.pin is not None}
    return state | {"files": sorted(kept.files), "trust_mode": kept.trust_mode}


def _profile(far: Standin, call: Json) -> Json:
    far.account.profile = call["name"]
    return {}


DEFAULTS: Json = {
    **dict.fromkeys(("group", "number", "quote", "edits", "broken", "at", "verb", "mode")),
    **{name: [] for name in ("members", "admins", "files", "mentions", "who")},
    **{name: {} for name in ("odd", "instead", "options")},
    **dict.fromkeys(("view_once", "remove"), False),
    **dict.fromkeys(("began", "tell"), True),
    "text": "",
    "timer": 0,
    "amount": 0,
    "times": 1,
    "device": 1,
    "seconds": 30,
}
"""What a field is that a verb takes and nobody names."""

VERBS: dict[str, Verb] = {
    **PEOPLE,
    **GROUPS,
    **MESSAGES,
    "fault": _fault,
    "clear_faults": _clear,
    "losses": _losses,
    "daemon": _daemon,
    "webhook": _webhook,
    "clock": _clock,
    "account": _account,
    "profile": _profile,
}
