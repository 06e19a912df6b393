"""Unpacks what an export streams into a new folder of the caller's.

Rule kept here: nothing is written outside the folder, over what is there, or readable by others.
"""

import asyncio
import tarfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import typer

from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.problems import Failed, Refused

PART = "export.tar.part"
PROGRAM = "verify_audit.py"


def fetch(ctx: typer.Context, to: Path, pieces: Callable[[Client], AsyncIterator[bytes]]) -> None:
    """Unpacks what the home exports into ``to``, and says how it is checked.

    Raises:
        Refused, Failed: as ``unpack``.
    """
    found, out = call(ctx.obj, lambda client: unpack(pieces(client), to))
    checked = f"check it: python {to / PROGRAM} {to}"
    out.one({"folder": str(to), "files": found}, lambda: [*found, checked])


async def unpack(pieces: AsyncIterator[bytes], folder: Path) -> list[str]:
    """Writes a tar archive's files into ``folder`` and returns their paths.

    Raises:
        Refused: the folder is there and not empty.
        Failed: what came is no whole archive.
    """
    await asyncio.to_thread(_refuse_full, folder)
    first = await anext(pieces, b"")  # a refusal comes before anything is made
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    part = folder / PART
    with part.open("xb") as archive:
        archive.write(first)
        async for piece in pieces:
            await asyncio.to_thread(archive.write, piece)
    return await asyncio.to_thread(_extracted, part, folder)


def _refuse_full(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty", still="Nothing was exported", then="name a new one")


def _extracted(part: Path, folder: Path) -> list[str]:
    try:
        with tarfile.open(part) as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError:
        raise Failed("The export is not whole", still="Its entry is in the audit") from None
    finally:
        part.unlink()
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())
