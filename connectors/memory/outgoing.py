"""What goes out is checked here, before the first byte is written.

Rule kept here: too large, no Unicode, or not as long as announced is refused on our side, with an
error that holds nothing of what was written.
"""

from collections.abc import AsyncIterator, Callable

from connectors.port.capabilities import Capabilities
from connectors.port.errors import Rejected
from connectors.port.messages import Attachment, Delivery


def check(delivery: Delivery, most: Capabilities) -> None:
    """What cannot go is refused here, before the wire. Raises: Rejected."""
    content = delivery.content
    texts = [content.text, content.subject or "", delivery.author_line or ""]
    texts += [word for each in content.attachments for word in (each.name, each.media_type)]
    if not all(_is_unicode(text) for text in texts):
        raise Rejected("not_unicode", "the text has characters that cannot be written as UTF-8")
    if len(content.text.encode()) > most.max_body_bytes:
        raise Rejected("too_large", f"the text is longer than {most.max_body_bytes} bytes")
    if any(each.size > most.max_attachment_bytes for each in content.attachments):
        raise Rejected("too_large", f"a file is larger than {most.max_attachment_bytes} bytes")


def _is_unicode(text: str) -> bool:
    """A lone surrogate is no text; the foreign error is let go, for it holds the text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def measured(attachment: Attachment, hashed: Callable[[bytes], None]) -> AsyncIterator[bytes]:
    """The file's bytes, exactly as many as were announced.

    Args:
        attachment: the file.
        hashed: is given every piece.

    Raises:
        Rejected: it cannot be read, or has another length.
    """
    size = 0
    async for piece in _quiet(attachment):
        if piece is None:
            raise Rejected("file_unreadable", "the file could not be read to its end")
        size += len(piece)
        if size > attachment.size:
            break
        hashed(piece)
        yield piece
    if size != attachment.size:
        raise Rejected("file_size", "the file is not as long as was announced")


async def _quiet(attachment: Attachment) -> AsyncIterator[bytes | None]:
    """The pieces, and None in place of whatever error the source has: it may hold content."""
    try:
        async for piece in attachment.open():
            yield piece
    except Exception:  # noqa: BLE001 (nothing was delivered, whatever it was)
        failed = True
    else:
        failed = False
    if failed:
        yield None
