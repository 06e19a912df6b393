"""What the verbs of the far side's hand have in common.

Rule kept here: whoever and whatever is named is there, or the verb is refused.
"""

from collections.abc import Callable
from typing import Any

from connectors.signal.standin import ids
from connectors.signal.standin.api import Standin
from connectors.signal.standin.model import Group, Person
from connectors.signal.standin.network import Refused

Json = dict[str, Any]
Verb = Callable[[Standin, Json], Json]


def who(far: Standin, name: str) -> Person:
    """Somebody by name. Raises: Refused."""
    person = far.network.named(name)
    if person is None:
        raise Refused(f"nobody is called {name}")
    return person


def group_of(far: Standin, name: str) -> Group:
    """A group by either id. Raises: Refused."""
    group = far.network.groups.get(ids.internal_id(name) or name)
    if group is None:
        raise Refused("no such group")
    return group


def by_of(far: Standin, call: Json) -> Person:
    """Who does it."""
    return who(far, call["by"])
