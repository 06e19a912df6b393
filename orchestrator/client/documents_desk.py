"""Adviser documents at the desk: what became of each copy, and whose key does for the next one.

Rules kept here: as for ``orchestrator.client.views``. A document's name is content, and not told.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.client.wire import Wire, deal_path


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRow:
    """One reader's copy.

    Attributes:
        state: as of ``views.CopyView``. Whether he opened it nobody sees: sealed mail says nothing.
    """

    number: int
    reader: str
    name: str
    state: str
    reasons: tuple[str, ...]
    settled_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document, as somebody may see it; ``copies`` are those that he may.

    Attributes:
        conversation: as it is called to the viewer.
        second_person: it waits until a second person agrees.
    """

    message_id: str
    conversation: str
    sender: str
    state: str
    tier: str | None
    size: int
    sent_at: int
    second_person: bool
    reasons: tuple[str, ...]
    copies: tuple[CopyRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviserKey:
    """How it stands with somebody's key on a channel of certificates.

    Attributes:
        state: ``none``, ``proposed`` (two compare it yet), ``good``, ``lapses`` (compared too
            long ago) or ``ends`` (the certificate ends soon, or has).
        device: the key as its channel names it; None without one.
        words: its fingerprint, as words to be read out.
        ends_at: when nothing can be sealed to it any more; 0: already, None: never or unknown.
        lapses_at: when its comparison speaks no longer.
    """

    person: str
    name: str
    channel: str
    state: str
    device: str | None
    words: tuple[str, ...]
    ends_at: int | None
    lapses_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsView:
    """The page.

    Attributes:
        older: whether there are documents older than these.
        keys: the first that were asked for, expiry first; to whoever sees only his own, his own.
        keys_found: how many were asked for.
        key_states: how many keys there are in each state, whatever was asked for.
        compare: keys that two are to compare, the first of them.
        into: conversations that the viewer may send a document into, id and name.
        person: who the viewer is, where he may send one.
    """

    documents: tuple[DocumentRow, ...]
    older: bool
    keys: tuple[AdviserKey, ...]
    keys_found: int
    key_states: Mapping[str, int]
    compare: tuple[AdviserKey, ...]
    into: tuple[tuple[str, str], ...]
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLink:
    """A one-time link by which somebody hands in his certificate.

    Attributes:
        path: of the page; what stands behind ``#`` goes to no server by itself.
        until: microseconds UTC.
    """

    person: str
    path: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAsked:
    """What a link asks for, to whoever holds it."""

    name: str
    code: str
    host: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTaken:
    """A certificate that was taken in as a proposal: what is read back on the phone.

    Attributes:
        fingerprint: in hexadecimal.
        words: the same as words.
    """

    fingerprint: str
    words: tuple[str, ...]


class DocumentsDeskApi(Wire):
    """Calls of ``orchestrator.api.documents_desk`` and ``key_upload``."""

    async def desk_documents(self, deal: str, *, key: str = "") -> DocumentsView:
        """Documents and keys, as far as the viewer may see them.

        Args:
            deal: code or id.
            key: of keys only those whose owner's name has these words.
        """
        path = f"{deal_path(deal)}/documents/desk"
        return await self._get(DocumentsView, path, {"key": key or None})

    async def key_link(self, deal: str, person: str) -> KeyLink:
        """Makes a one-time link for somebody's certificate."""
        return await self._post(KeyLink, f"{deal_path(deal)}/key-links", {"person": person})

    async def key_upload_look(self, secret: str) -> KeyAsked:
        """What a link asks for."""
        return await self._post(KeyAsked, "/key-upload/look", {"secret": secret})

    async def key_upload(self, secret: str, armour: str) -> KeyTaken:
        """Hands a certificate in; the link is used up by it."""
        return await self._post(KeyTaken, "/key-upload", {"secret": secret, "armour": armour})
