"""How a message of ours looks on Wickr: framed, as a message there is text and nothing else. Pure.

Rule kept here: no text of ours begins like a command to another bot in the room.
"""

from connectors.port.messages import Content
from connectors.shared import frame

_COMMANDS = ("/", "@")
"""What a bot in the room might take a text for a command to itself by."""


def render(content: Content, author_line: str | None, *, repeated: bool = False) -> str:
    """What the message reads, see ``frame.render``."""
    return frame.render(content, author_line, repeated=repeated, commands=_COMMANDS)
