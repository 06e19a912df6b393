"""Received messages as signal-cli prints them.

Rule kept here: what is always there is there, also when it is null; what is not used is absent.
"""

from typing import Any

from connectors.signal.standin.clock import MS
from connectors.signal.standin.model import (
    File,
    Mention,
    Person,
    Post,
    Queued,
    Quote,
    Receipt,
    Typing,
)
from connectors.signal.standin.network import Network

Json = dict[str, Any]


class Envelopes:
    """Makes envelopes for the account of one network.

    Args:
        network: where people and groups are looked up.
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def of(self, queued: Queued) -> Json:
        """The envelope of what arrived."""
        what = queued.what
        author = self._network.people[what.author]
        if isinstance(what, Receipt):
            body = {"receiptMessage": _receipt(what, queued.at)}
            return self._outside(author, queued.at // MS, 1, queued.at) | body
        if isinstance(what, Typing):
            body = {"typingMessage": _typing(what, queued.at)}
            return self._outside(author, queued.at // MS, 1, queued.at) | body
        outside = self._outside(author, what.timestamp, what.device, queued.at)
        return outside | self._body(what)

    def unreadable(self, queued: Queued) -> Json:
        """The envelope of what could not be opened: who and when, and nothing inside."""
        author = self._network.people[queued.what.author]
        stamp = queued.what.timestamp if isinstance(queued.what, Post) else queued.at // MS
        return self._outside(author, stamp, 1, queued.at)

    def _outside(self, author: Person, stamp: int, device: int, at: int) -> Json:
        return {
            "source": author.address,
            "sourceNumber": author.shown_number,
            "sourceUuid": author.uuid,
            "sourceName": author.name,
            "sourceDevice": device,
            "timestamp": stamp,
            "serverReceivedTimestamp": at // MS,
            "serverDeliveredTimestamp": self._network.clock.now() // MS,
        }

    def _body(self, post: Post) -> Json:
        if post.author == self._network.bot.uuid:
            return {"syncMessage": {"sentMessage": self._sync(post)}}
        if post.instead:
            return dict(post.instead)
        if post.edits is not None:
            edit = {"targetSentTimestamp": post.edits, "dataMessage": self.data(post)}
            return {"editMessage": edit}
        return {"dataMessage": self.data(post)}

    def _sync(self, post: Post) -> Json:
        """The copy of what another device of our account sent."""
        other = self._network.people.get(post.to or "")
        to = {
            "destination": None if other is None else other.address,
            "destinationNumber": None if other is None else other.shown_number,
            "destinationUuid": None if other is None else other.uuid,
        }
        if post.edits is None:
            return to | self.data(post)
        edit = {"targetSentTimestamp": post.edits, "dataMessage": self.data(post)}
        return to | {"editMessage": edit}

    def data(self, post: Post) -> Json:
        """A ``dataMessage``."""
        always: Json = {
            "timestamp": post.timestamp,
            "message": post.text,
            "expiresInSeconds": post.expires,
            "isExpirationUpdate": post.timer_update,
            "viewOnce": post.view_once,
        }
        optional: Json = {
            "reaction": self._reaction(post),
            "quote": self._quote(post.quote),
            "mentions": [self._mention(each) for each in post.mentions] or None,
            "attachments": [_attachment(f, post.timestamp) for f in post.files] or None,
            "remoteDelete": None if post.deletes is None else {"timestamp": post.deletes},
            "adminDelete": self._admin_delete(post),
            "textStyles": [
                {"start": s.start, "length": s.length, "style": s.style} for s in post.styles
            ]
            or None,
            "groupInfo": self._group(post),
        }
        used = {name: value for name, value in optional.items() if value is not None}
        return always | used | dict(post.odd)

    def _group(self, post: Post) -> Json | None:
        group = self._network.groups.get(post.room or "")
        if group is None:
            return None
        kind = "UPDATE" if post.group_update else "DELIVER"
        told = {"groupId": group.internal, "groupName": group.name, "revision": group.revision}
        return told | {"type": kind}

    def _reaction(self, post: Post) -> Json | None:
        if post.reacts is None:
            return None
        emoji, author, stamp, taken_off = post.reacts
        target = {"targetSentTimestamp": stamp, "isRemove": taken_off}
        return {"emoji": emoji} | self._names("targetAuthor", author) | target

    def _admin_delete(self, post: Post) -> Json | None:
        if post.admin_deletes is None:
            return None
        author, stamp = post.admin_deletes
        return self._names("targetAuthor", author) | {"targetSentTimestamp": stamp}

    def _quote(self, quote: Quote | None) -> Json | None:
        if quote is None:
            return None
        told = {"id": quote.timestamp, "text": quote.text, "attachments": []}
        return told | self._names("author", quote.author)

    def _mention(self, mention: Mention) -> Json:
        person = self._network.people[mention.author]
        names = {"name": person.name, "number": person.shown_number, "uuid": person.uuid}
        return names | {"start": mention.start, "length": mention.length}

    def _names(self, field: str, uuid: str) -> Json:
        person = self._network.people.get(uuid)
        number = None if person is None else person.shown_number
        return {field: number or uuid, f"{field}Number": number, f"{field}Uuid": uuid}


def _attachment(file: File, stamp: int) -> Json:
    return {
        "contentType": file.content_type,
        "filename": file.name,
        "id": file.id,
        "size": len(file.data),
        "width": None,
        "height": None,
        "caption": None,
        "uploadTimestamp": stamp,
    }


def _receipt(receipt: Receipt, at: int) -> Json:
    return {
        "when": at // MS,
        "isDelivery": receipt.kind == "delivery",
        "isRead": receipt.kind == "read",
        "isViewed": receipt.kind == "viewed",
        "timestamps": list(receipt.stamps),
    }


def _typing(typing: Typing, at: int) -> Json:
    told = {"action": "STARTED" if typing.began else "STOPPED", "timestamp": at // MS}
    return told | ({"groupId": typing.room} if typing.room else {})
