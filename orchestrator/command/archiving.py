"""Everything of a deal for counsel, in one folder: as each exporter writes it, under one manifest.

Rules kept here:

1. Nothing is written here that another export does not write; each states itself as ever.
2. The signed record comes last, so that it holds the entries of all the others.
3. Every file stands in ``SHA256SUMS`` with its hash, as ``sha256sum --check`` reads it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.export import export as export_audit
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.clock import iso
from orchestrator.command.evidence import Evidences
from orchestrator.command.prevented import PreventedLedger
from orchestrator.command.runtime import Runtime
from orchestrator.journal.export import export as export_journal
from orchestrator.roster.phase import closed_at
from tiers.ids import DealId

SUMS, README = "SHA256SUMS", "README.txt"
_WORDS = """\
{asked}

{whole}

What is in this folder
  audit/          the signed record with the program that checks it:
                  python audit/verify_audit.py audit
  journal/        the sealed copies of messages that are kept here now; only counsel's shares
                  open them: wallcross journal open, on a machine that is not on line
  evidence/       what protected each room, by whom and since when; its page is evidence.html
  prevented.html  what was held, withdrawn and stopped
  insiders.csv    who had access, from when until when; insiders.xlsx: a sheet for each side
  SHA256SUMS      the hash of every file; sha256sum --check SHA256SUMS

No text of a message is readable here: in the journal it is sealed to counsel's key, and
nowhere else it is. Names of people are.
"""


async def write_archive(
    runtime: Runtime,
    deal: DealId,
    actor: str,
    page: Sequence[tuple[str, str]],
    tables: Mapping[str, AsyncIterator[bytes]],
    folder: Path,
) -> None:
    """Writes the whole folder.

    Args:
        runtime: the open home.
        deal: the deal.
        actor: who is given it.
        page: who asked, when and why, a line each.
        tables: lists by the names of their files.
        folder: is made.
    """
    await asyncio.to_thread(folder.mkdir, 0o700)
    closed = closed_at(await runtime.store.read(lambda tx: stated(tx, deal)))
    words = "\n".join(f"{name}: {value}" for name, value in page)
    whole = _WORDS.format(asked=words, whole=_whole(closed, runtime.now()))
    await _write(folder / README, whole.encode())
    for name, pieces in tables.items():
        await _write(folder / name, b"".join([piece async for piece in pieces]))
    report = await PreventedLedger(runtime).prevented_report(deal, None, None, actor=actor)
    await _write(folder / "prevented.html", report)
    await export_journal(runtime.store, deal, runtime.journal.files, folder / "journal")
    body: dict[str, Json] = {"what": "journal"}
    at, kind = runtime.now(), Kind.AUDIT_EXPORTED
    await runtime.store.write(lambda tx: append(tx, deal, kind, body, at=at, actor=actor))
    await Evidences(runtime).evidence_into(deal, actor, folder / "evidence")
    last, key = runtime.now(), runtime.head_key
    await export_audit(runtime.store, deal, folder / "audit", key, at=last, actor=actor)
    sums = await asyncio.to_thread(lambda: "".join(_sums(folder)))
    await _write(folder / SUMS, sums.encode())


async def _write(path: Path, data: bytes) -> None:
    await asyncio.to_thread(path.write_bytes, data)


def _whole(closed: int | None, at: int) -> str:
    if closed is not None:
        return f"Complete: the deal was closed for good at {iso(closed)}, and takes nothing more."
    return f"Not complete: the deal is open. This is what there was at {iso(at)}."


def _sums(folder: Path) -> Iterator[str]:
    """A line for each file, by its path."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        yield f"{digest}  {path.relative_to(folder).as_posix()}\n"
