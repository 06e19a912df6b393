"""What our account's client says of what it received: one JSON object for each.

Rule kept here: fields, types and forms are those of the vendor's page on message formats; ``ttl``
and ``bor`` are dates here and seconds everywhere else. Nothing names a device or a key.
"""

import json
import secrets
from typing import Any

from connectors.wickr.standin import ids
from connectors.wickr.standin.clock import SECOND, told_date, told_iso, told_seconds
from connectors.wickr.standin.model import FILE, TEXT, VERIFICATION, Person, Post

GARBLED = '{"message_id": "'
"""What is handed out for a message that the client has spoilt."""


def told(post: Post, author: Person, ours: str, path: str) -> str:
    """A received post as the client hands it out.

    Args:
        post: what came.
        author: who sent it.
        ours: our account.
        path: where its file lies on the bot's host; empty without a file.
    """
    if post.garbled:
        return GARBLED
    body = _common(post, author, ours) | _special(post, path) | dict(post.odd)
    kept = {name: body[name] for name in body if name not in post.without}
    return json.dumps(kept, ensure_ascii=False)


def _common(post: Post, author: Person, ours: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "message_id": post.id,
        "msg_ts": told_seconds(post.at),
        "msgtype": post.kind,
        "sender": post.author,
        "sender_type": "guest" if author.guest else "normal",
        "time": told_date(post.at),
        "time_iso": told_iso(post.at),
        "vgroupid": post.room or ids.line(post.author, post.to or ""),
    }
    if post.ttl:
        body["ttl"] = told_date(post.at + post.ttl * SECOND)
    if post.bor:
        body["bor"] = told_date(post.at + post.bor * SECOND)
    if post.room is None:
        body["receiver"] = ours
    return body


def _special(post: Post, path: str) -> dict[str, Any]:
    if post.kind == TEXT:
        return {"message": post.text or ""}
    if post.kind == FILE and post.file is not None:
        return {"file": _file(post, path)}
    if post.kind == VERIFICATION:
        return {"keyverify": {"msgtype": 1, "verifiedkey": secrets.token_hex(32)}}
    return {} if post.control is None else {"control": dict(post.control)}


def _file(post: Post, path: str) -> dict[str, Any]:
    if post.file is None:
        return {}
    told_of = {
        "filename": post.file.name,
        "guid": ids.message_id().upper(),
        "localfilename": path,
        "uploadedbyuser": post.author,
        "uploadedtimestamp": told_date(post.at),
    }
    return told_of | ({"isscreenshot": True} if post.file.screenshot else {})
