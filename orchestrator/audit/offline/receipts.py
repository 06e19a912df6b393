"""What anchors gave back, and what was kept outside the host."""

import email
from collections.abc import Iterator, Mapping
from email.message import Message
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from orchestrator.audit.offline.report import Outside, Trust
from orchestrator.audit.offline.roots import signed
from orchestrator.audit.offline.token import BadToken, NotSupported, Token
from orchestrator.audit.offline.values import (
    HASH_BYTES,
    Unreadable,
    bytes_of,
    instant_of,
    json_object,
    text_of,
)
from orchestrator.audit.offline.younger import linked, stated

WITNESS_DOMAIN = b"wallcross audit witness v1\n"
UNREADABLE_TOKEN = (
    BadToken, InvalidSignature, x509.ExtensionNotFound, x509.InvalidVersion,
    ValueError, KeyError, IndexError, TypeError,
)  # fmt: skip


def judge(kind: str, receipt: bytes, digest: bytes, trust: Trust) -> tuple[str, int | None]:
    """Judges a receipt from inside the export.

    Returns:
        ``verified`` (by a key or authority that the reader trusts), ``claimed`` (nothing speaks
        against it, but nobody whom the reader trusts for it either) or ``failed``; and the
        instant that it vouches for.
    """
    if kind == "rfc3161":
        return _token_receipt(receipt, digest, trust)
    if kind == "folder":
        return _folder_receipt(receipt, digest, trust)
    return "claimed", None


def _folder_receipt(receipt: bytes, digest: bytes, trust: Trust) -> tuple[str, int | None]:
    row = json_object(receipt)
    if row.get("sha256") != digest.hex():
        return "failed", None
    if row.get("witness") is None:
        return "claimed", None
    return witnessed(row["witness"], digest, trust)


def witnessed(row: Mapping[str, Any], digest: bytes, trust: Trust) -> tuple[str, int | None]:
    """Judges what a witness signed, as ``judge``."""
    raw, public = text_of(row, "statement").encode(), bytes_of(row, "public", HASH_BYTES)
    statement = json_object(raw)
    good = signed(public, bytes.fromhex(text_of(row, "signature")), WITNESS_DOMAIN + raw)
    if not good or statement.get("sha256") != digest.hex():
        return "failed", None
    return ("verified" if public in trust.witness_keys else "claimed"), instant_of(statement)


def _token_receipt(receipt: bytes, digest: bytes, trust: Trust) -> tuple[str, int | None]:
    try:
        token = Token(receipt)
        token.check(digest)
    except NotSupported:
        return "claimed", None
    except UNREADABLE_TOKEN:
        return "failed", None
    return ("verified" if token.vouched(trust.authorities) else "claimed"), token.at


def read_outside(path: Path, trust: Trust) -> list[Outside]:
    """Reads what was kept outside the host: a file, or every file of a folder.

    Known are: what the folder anchor and its witness write, a mail that the mail anchor sent, a
    timestamp response, and an earlier export.

    Raises:
        Unreadable: a file is none of these.
    """
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file()]
        return [item for file in files for item in read_outside(file, trust)]
    data = path.read_bytes()
    try:
        found = list(_kept(path.name, data, trust))
    except (*UNREADABLE_TOKEN, NotSupported, AttributeError) as error:
        raise Unreadable(f"{path.name} is not something that an anchor keeps") from error
    if not found:
        raise Unreadable(f"{path.name} holds no statement")
    return found


def _kept(name: str, data: bytes, trust: Trust) -> Iterator[Outside]:
    if data.startswith(b"{"):
        for line in data.splitlines():
            yield from _kept_row(name, json_object(line), trust)
    elif data.startswith(b"\x30"):
        token = Token(data)
        digest = token.imprint[1].content
        token.check(digest)
        yield Outside(name, digest, token.at if token.vouched(trust.authorities) else None)
    else:
        for part in email.message_from_bytes(data).walk():
            yield from _kept_part(name, part, trust)


def _kept_row(name: str, row: Mapping[str, Any], trust: Trust) -> Iterator[Outside]:
    if "statement" not in row:
        return  # another line of an earlier export
    raw = text_of(row, "statement").encode()
    named = json_object(raw).get("sha256")
    if named is None:
        yield _kept_head(name, raw, row)
        return
    digest = bytes.fromhex(named)
    state, at = witnessed(row, digest, trust)
    if state == "failed":
        raise Unreadable(f"{name} does not carry a valid signature of its witness")
    yield Outside(name, digest, at if state == "verified" else None)


def _kept_head(name: str, raw: bytes, row: Mapping[str, Any]) -> Outside:
    links = [link.encode() for link in row.get("links", ())]
    stated(raw)
    return Outside(
        name,
        sha256(raw).digest(),
        statement=raw,
        signature=bytes.fromhex(row.get("signature", "")),
        links=linked(raw, links),
    )


def _kept_part(name: str, part: Message, trust: Trust) -> Iterator[Outside]:
    content = part.get_payload(decode=True)
    if part.get_content_type() == "application/json" and isinstance(content, bytes):
        yield from _kept(name, content.strip(), trust)
