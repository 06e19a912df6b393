"""What a person does to be rid of a room that our account is in no more.

Rule kept here: we can put nobody out of a room in which we are not, so each goes by himself; of a
network that is not known here no menu is named.
"""

from typing import Final

_HOW: Final = {
    "matrix": "in Element: the room, Room info, Leave room",
    "signal": "in Signal: the group, its name at the top, Leave group",
    "wickr": "in Wickr: the room, its details, Leave; a moderator can delete it for everybody",
    "xmpp": "in his client: leave the room and delete its bookmark; an owner can destroy it",
    "pgpmail": "nothing to leave: the old mails stay in his mailbox",
}
_ELSEWHERE: Final = "in his own app: leave or delete the room"


def how_to_leave(kind: str) -> str:
    """What each of its people does, in words.

    Args:
        kind: of the channel.
    """
    return _HOW.get(kind, _ELSEWHERE)
