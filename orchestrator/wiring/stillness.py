"""In a rehearsal no network is asked to act: whoever would ask it learns that it came so far.

Rule kept here: every verb of the port either reads or acts; a test demands that each stands in one
of the two lists, so that a new one is not overlooked.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from connectors.port.connector import Connector
from orchestrator.store.rehearsal import Rehearsed, rehearsing

ACTS = frozenset(
    {"send", "create", "invite", "remove", "set_admin", "harden", "rotate", "join", "leave"}
    | {"undo", "edit", "trust", "distrust", "take_key", "seal", "end_own_device", "set_password"}
)
READS = frozenset(
    {"open", "close", "health", "posture", "members", "receive", "find", "own_devices", "is_gone"}
    | {"inspect", "came_back", "own_certificate", "key_ends", "prove_secrets"}
    | {"posted", "hold_posts"}
)
"""``open`` and ``close`` are ours: they begin and end a connector, and nobody is asked by them.
``posted`` and ``hold_posts`` take what a network says, and ask it nothing."""


def still_in_rehearsal(connector: Connector) -> None:
    """Has each acting verb of an open connector end a rehearsal instead."""
    for verb in ACTS:
        if hasattr(type(connector), verb):
            setattr(connector, verb, _still(connector, verb))


def _still(connector: Connector, verb: str) -> Callable[..., Awaitable[Any]]:
    """The verb of the connector's class, as it is when it is called."""

    async def unless_rehearsed(*args: Any, **kwargs: Any) -> Any:
        if rehearsing():
            raise Rehearsed(network=True)
        return await getattr(type(connector), verb)(connector, *args, **kwargs)

    return unless_rehearsed
