"""How a message of ours looks in a room: framed, as OMEMO seals a plain body and no more. Pure.

Rule kept here: no text of ours begins with the command ``/me`` (XEP-0245).
"""

from connectors.port.messages import Content
from connectors.shared import frame

_COMMANDS = ("/me",)
"""What clients may take a text for a command by."""


def render(content: Content, author_line: str | None, *, repeated: bool = False) -> str:
    """What the message reads, see ``frame.render``."""
    return frame.render(content, author_line, repeated=repeated, commands=_COMMANDS)
