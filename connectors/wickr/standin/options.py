"""How a stand-in is set up; where nobody knows what the real client does, what this one does.

Rule kept here: a default is what was seen of the real program or, where nothing was, the choice
that is worst for a connector.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

DAY = 86_400


class Modify(StrEnum):
    """What the client makes of the two lists of ``POST Rooms/{id}``; not established."""

    REPLACE = "replace"
    """Who is not listed is out, our own account too; a missing list is an empty one."""
    ADD = "add"
    """Who is listed comes in; nobody ever goes, no moderator is ever none."""
    IGNORE = "ignore"
    """Lists change nothing."""


class OnFailure(StrEnum):
    """What becomes of a message whose callback failed; not established."""

    LOSE = "lose"
    QUEUE = "queue"


class Garbled(StrEnum):
    """How a batch ends in which a message cannot be parsed."""

    HANG = "hang"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Options:
    """One stand-in.

    Attributes:
        user: our account.
        api_key: of the paths (V1) or of ``x-api-key`` (V2).
        auth_token: the token alone, before base64.
        folder: the attachments folder of the bot's host; empty: files stay in memory, and the
            paths that are told lead nowhere.
        modify: see ``Modify``.
        on_failure: see ``OnFailure``.
        garbled: see ``Garbled``.
        numbers: ``text`` or ``number``: how listings give ttl and bor.
        masters_in_members: a listing's members hold the moderators too.
        tells_control: control messages of room changes come to our account.
        default_ttl: the network's time to live, seconds.
        max_ttl: what the security group allows, seconds; more is lowered and nobody says so.
        max_bor: likewise.
        statistics: the client has some.
        callback_patience: seconds that a callback may take.
        encoding: of what is posted; older clients post ``latin-1``, with ``?`` for what that lacks.
    """

    user: str = "wallcross_bot@example.test"
    api_key: str = field(default="standin-key", repr=False)
    auth_token: str = field(default="standin-token", repr=False)
    folder: str = ""
    modify: Modify = Modify.REPLACE
    on_failure: OnFailure = OnFailure.LOSE
    garbled: Garbled = Garbled.HANG
    numbers: str = "text"
    masters_in_members: bool = True
    tells_control: bool = True
    default_ttl: int = 30 * DAY
    max_ttl: int = 365 * DAY
    max_bor: int = 7 * DAY
    statistics: bool = True
    callback_patience: float = 10.0
    encoding: str = "utf-8"

    @property
    def attachments(self) -> str:
        """The attachments folder as the bot names it."""
        return self.folder or "/opt/WickrIO/clients/bot/attachments"


def chosen(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they come in JSON, each of its kind."""
    kinds: dict[str, Callable[[Any], Any]] = {
        "modify": Modify,
        "on_failure": OnFailure,
        "garbled": Garbled,
    }
    return {name: kinds.get(name, _as_it_is)(value) for name, value in changes.items()}


def _as_it_is(value: Any) -> Any:
    return value
