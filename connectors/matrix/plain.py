"""The plain side of an encrypted event: its form before sealing and after opening. Pure.

Rule kept here: what was sealed for one room is read in that room only, and what is not of the
right form is unreadable with a code, never an exception that quotes it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.port.messages import Device


@dataclass(frozen=True, slots=True)
class Opened:
    """An event that could be decrypted.

    Attributes:
        kind: event type.
        content: event content.
        device: the sender's device, where its keys show it.
        ours: sealed by this very device.
    """

    kind: str
    content: Mapping[str, Any] = field(repr=False)
    device: Device | None
    ours: bool


def compact(document: Mapping[str, Any]) -> str:
    """JSON as short as it gets; text is not escaped beyond need, so that sizes are its own."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def read_payload(plaintext: str, room: str) -> tuple[str, dict[str, Any]] | None:
    """Type and content of a decrypted payload; None when it is malformed or of another room.

    Source: matrix-spec, "m.megolm.v1.aes-sha2": the ``room_id`` inside must be compared.
    """
    try:
        found = json.loads(plaintext)
    except ValueError:
        return None
    if not isinstance(found, dict) or found.get("room_id") != room:
        return None
    kind, content = found.get("type"), found.get("content")
    if not isinstance(kind, str) or not isinstance(content, dict):
        return None
    return kind, content
