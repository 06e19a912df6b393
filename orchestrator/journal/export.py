"""The journal as files: written by the host, which cannot read it; opened by counsel, offline.

Layout of an export: ``journal.jsonl``, a first line that names the format, the deal and its keys,
then one line for each entry; small envelopes stand in their line (base64), large ones are
``envelopes/<message id>.age``. Every envelope is a plain age file with its SHA-256 beside it.

Rules kept here: the host exports ciphertext only; opening needs the shares and no host; and one
entry that does not open is named and never stops the others.
"""

import asyncio
import base64
import binascii
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pyrage

from orchestrator.journal.errors import BadExport
from orchestrator.journal.keygen import combine
from orchestrator.seal.blobs import Blobs
from orchestrator.store.unit import Row, Store, Tx

FORMAT = "wallcross-journal-export/1"
INDEX = "journal.jsonl"
ENVELOPES = "envelopes"
PAGE = 100
_MESSAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
OPENED = "opened.jsonl"
"""Whose each opened entry is and of when, as the export says it; the audit has the same."""
_ABOUT = ("author", "account", "sent_at", "accepted_at", "tier", "conversation")
_SQL = """SELECT j.message_id, j.key_id, j.record_class, j.keep_until, j.at, j.envelope,
 m.person_id, m.sender, m.sent_at, m.accepted_at, m.tier, m.conversation_id
 FROM journal j LEFT JOIN message m ON m.message_id = j.message_id
 WHERE j.deal_id = ? AND j.key_id IS NOT NULL AND j.message_id > ?
 ORDER BY j.message_id LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Opened:
    """What ``open_export`` did.

    Attributes:
        opened: entries written.
        other_key: entries sealed to another key than the shares given.
        failed: (message id or line, what is wrong).
    """

    opened: int
    other_key: int
    failed: tuple[tuple[str, str], ...]


async def export(store: Store, deal_id: str, files: Blobs, folder: Path) -> int:
    """Writes a deal's journal into a new ``folder``; returns how many entries.

    Raises:
        BadExport: ``folder`` is there already and not empty, or a copy is missing.
    """
    await asyncio.to_thread(_new_folder, folder)
    await asyncio.to_thread((folder / ENVELOPES).mkdir, 0o700)
    keys = await store.read(partial(_keys, deal_id=deal_id))
    count, last = 0, ""
    with _create(folder / INDEX) as index:
        _line(index, {"format": FORMAT, "deal": deal_id, "keys": keys})
        while page := await store.read(partial(Tx.all, sql=_SQL, params=(deal_id, last, PAGE))):
            gone = await asyncio.to_thread(_write_page, page, index, files, folder)
            await store.read(partial(_refuse_lost, messages=gone))
            count, last = count + len(page) - len(gone), page[-1][0]
        await asyncio.to_thread(os.fsync, index.fileno())
    return count


def _new_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise BadExport(f"{folder} is not empty; name a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _keys(tx: Tx, deal_id: str) -> dict[str, dict[str, str]]:
    rows = tx.all("SELECT key_id, scope, recipient FROM journal_key WHERE deal_id = ?", (deal_id,))
    return {key: {"scope": scope, "recipient": recipient} for key, scope, recipient in rows}


def _refuse_lost(tx: Tx, messages: list[str]) -> None:
    """What had no file while its row stood is missing; whose time just ended is not."""
    for message in messages:
        if tx.one("SELECT 1 FROM journal WHERE message_id = ?", (message,)) is not None:
            raise BadExport(f"the copy of {message} is missing; run: wallcross journal verify")


def _write_page(page: list[Row], index: BinaryIO, files: Blobs, folder: Path) -> list[str]:
    """Writes some entries; returns those whose file is gone since their rows were read."""
    gone = []
    for message_id, key_id, record_class, keep_until, at, envelope, *about in page:
        entry = {
            "message": message_id,
            "key": key_id,
            "record_class": record_class,
            "keep_until": keep_until,
            "at": at,
            **dict(zip(_ABOUT, about, strict=True)),
        }
        if envelope is None:
            copy = folder / ENVELOPES / f"{message_id}.age"
            try:
                entry["sha256"] = _copy(files.path(message_id), copy)
            except FileNotFoundError:
                gone.append(message_id)
                continue
        else:
            entry["sha256"] = hashlib.sha256(envelope).hexdigest()
            entry["envelope"] = base64.b64encode(envelope).decode()
        _line(index, entry)
    index.flush()
    return gone


def _copy(source: Path, target: Path) -> str:
    with source.open("rb") as reader, _create(target) as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
    with target.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def _line(index: BinaryIO, value: Mapping[str, Any]) -> None:
    index.write(json.dumps(value, sort_keys=True).encode() + b"\n")


def open_export(
    folder: Path, public: Mapping[str, Any], shares: Iterable[str], out: Path
) -> Opened:
    """Opens an exported journal with shares of one key. Runs offline, with counsel.

    Each entry becomes ``out/<message id>.entry``, readable by the owner alone: exactly the bytes
    that were sealed. ``out/opened.jsonl`` has a line for each: author, times, tier, conversation.

    Args:
        folder: an export.
        public: the key's public file.
        shares: enough of them.
        out: a new folder for what is opened.

    Raises:
        BadShare: the shares do not give the key.
        BadExport: ``folder`` is not an export, or holds nothing for this key.
    """
    identity = combine(public, shares)
    lines = _read_lines(folder)
    ours = _key_ids(next(lines, {}), public["recipient"])
    _new_folder(out)
    opened, other, failed = 0, 0, list[tuple[str, str]]()
    with _create(out / OPENED) as told:
        for number, entry in enumerate(lines, start=2):
            if entry.get("key") not in ours:
                other += 1
                continue
            try:
                _open_entry(entry, folder, identity, out)
            except BadExport as error:
                failed.append((str(entry.get("message", f"line {number}")), str(error)))
                continue
            _line(told, {name: entry.get(name) for name in ("message", "at", *_ABOUT)})
            opened += 1
    return Opened(opened, other, tuple(failed))


def _read_lines(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        with (folder / INDEX).open("rb") as index:
            for line in index:
                try:
                    value = json.loads(line)
                except ValueError:
                    value = {}
                yield value if isinstance(value, dict) else {}
    except FileNotFoundError:
        raise BadExport(f"{folder} holds no {INDEX}; name the folder of an export") from None


def _key_ids(header: Mapping[str, Any], recipient: str) -> set[str]:
    if header.get("format") != FORMAT:
        raise BadExport(f"this is not a journal export ({FORMAT})")
    keys = header.get("keys", {})
    ours = {key for key, about in keys.items() if about.get("recipient") == recipient}
    if not ours:
        raise BadExport("nothing in this export was sealed to the key of these shares")
    return ours


def _open_entry(
    entry: Mapping[str, Any], folder: Path, identity: pyrage.x25519.Identity, out: Path
) -> None:
    name = entry.get("message")
    if not isinstance(name, str) or not _MESSAGE.fullmatch(name):
        raise BadExport("its message id is not one")
    target = out / f"{name}.entry"
    with _envelope(entry, name, folder) as envelope:
        if hashlib.file_digest(envelope, "sha256").hexdigest() != entry.get("sha256"):
            raise BadExport("its envelope is not the one that was exported")
        envelope.seek(0)
        try:
            with _create(target) as file:
                pyrage.decrypt_io(envelope, file, [identity])
        except FileExistsError:
            raise BadExport("it was opened into this folder before") from None
        except (pyrage.DecryptError, OSError):
            target.unlink()
            raise BadExport("its envelope does not open with this key") from None


def _envelope(entry: Mapping[str, Any], name: str, folder: Path) -> io.BufferedIOBase:
    try:
        if "envelope" in entry:
            return io.BytesIO(base64.b64decode(entry["envelope"], validate=True))
        return (folder / ENVELOPES / f"{name}.age").open("rb")
    except (FileNotFoundError, TypeError, binascii.Error):
        raise BadExport("its envelope is missing or damaged") from None


def _create(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")
