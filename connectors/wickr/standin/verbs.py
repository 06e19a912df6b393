"""What the verbs of the far side's hand have in common.

Rule kept here: whoever and whatever is named is there, or the verb is refused.
"""

from collections.abc import Callable
from typing import Any

from connectors.wickr.standin import ids
from connectors.wickr.standin.api import Standin
from connectors.wickr.standin.model import Person, Room
from connectors.wickr.standin.network import Refused

Json = dict[str, Any]
Verb = Callable[[Standin, Json], Json]


def who(far: Standin, name: str) -> Person:
    """Somebody by name; ``bot`` is our account. Raises: Refused."""
    person = far.network.bot if name == "bot" else far.network.people.get(ids.account(name))
    if person is None:
        raise Refused(f"nobody is called {name}")
    return person


def room_of(far: Standin, vgroupid: str) -> Room:
    """A room or group. Raises: Refused."""
    room = far.network.rooms.get(vgroupid)
    if room is None:
        raise Refused("no such room")
    return room


def by_of(far: Standin, call: Json) -> Person:
    """Who does it."""
    return who(far, call["by"])


def called(far: Standin, account: str) -> str:
    """What the hand calls an account."""
    return "bot" if account == far.network.bot.account else far.network.people[account].name
