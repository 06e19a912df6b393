"""`wallcross backup`: the whole home in one sealed file. `verify` and `restore` run offline.

Rules kept here:

1. A backup is sealed to public keys; nothing secret is an argument. The private key is read from a
   file of its owner alone, or from stdin.
2. A file is there whole or not at all, and never over another one.
3. `create` is for the home's own user: another machine cannot ask for it.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from orchestrator.backup.check import Verified, verify
from orchestrator.backup.envelope import identities_of, recipients_of
from orchestrator.backup.restore import refuse_full
from orchestrator.backup.restore import restore as restored
from orchestrator.cli.globals import Globals
from orchestrator.cli.out import Out
from orchestrator.cli.session import arun, make_home, opened, turn
from orchestrator.client.api import Client
from orchestrator.client.problems import Failed, Missing, Refused, Wrong
from orchestrator.client.wire import socket_transport
from orchestrator.clock import iso, now
from orchestrator.secrets.ownfile import MAX_BYTES, read_own, sync_folder
from orchestrator.secrets.secret import SecretError

if TYPE_CHECKING:
    import pyrage

    from orchestrator.config import Settings

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
TELL_EVERY = 256 << 20
"""Bytes between two lines of progress."""
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
File = Annotated[Path, typer.Argument(help="A backup.")]
Identity = Annotated[
    Path, typer.Option(help="File with an age key that opens it (owner only); - is stdin.")
]


@app.callback()
def backup() -> None:
    """Backups of the whole home."""


@app.command()
def create(
    ctx: typer.Context,
    *,
    to: Annotated[Path, typer.Option("--to", help="The new file.")],
    for_: Annotated[
        list[str] | None, typer.Option("--for", help="Public age key, age1…; several.")
    ] = None,
    for_file: Annotated[
        list[Path] | None, typer.Option("--for-file", help="File of public age keys; several.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check keys and place; nothing is written.")
    ] = False,
) -> None:
    """Writes a sealed backup of this home, also while `serve` runs; it is an audit entry."""
    settings: Settings = ctx.obj.settings()
    out = Out(ctx.obj, settings.config.home.time_zone)
    keys = [*(for_ or ()), *(_text(path) for path in for_file or ())]
    recipients = sorted({str(key) for key in recipients_of(keys)})
    _refuse(ctx.obj, settings, to)
    answer: dict[str, Any] = {"file": str(to), "sealed_to": len(recipients)}
    if dry_run:
        opens = f"keys that would open it: {len(recipients)}"
        told = f"Dry run: nothing was written to {to}; {opens}."
        out.one(answer | {"dry_run": True}, lambda: [told])
        return
    size = arun(_create(ctx.obj, settings, out, to, recipients))
    lines = [
        f"{to}: {_size(size)}, sealed; keys that open it: {len(recipients)}",
        f"  check it: wallcross backup verify {to} --identity KEY_FILE",
    ]
    out.one(answer | {"bytes": size}, lambda: lines)


@app.command("verify")
def verify_(ctx: typer.Context, file: File, *, identity: Identity) -> int:
    """Opens a backup and checks every file and every chain in it, offline; exit code 1 if not."""
    keys = _identities(identity)
    with _opened(file) as sealed, tempfile.TemporaryDirectory(prefix="backup-") as folder:
        found = _judged(lambda: verify(sealed, keys, Path(folder)))
    Out(ctx.obj).one(_answer(file, found), lambda: _lines(file, found))
    return 1 if found.problems else 0


@app.command()
def restore(
    ctx: typer.Context,
    file: File,
    *,
    identity: Identity,
    to: Annotated[Path, typer.Option("--to", help="A new folder: the home.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check it all; nothing is written there.")
    ] = False,
) -> int:
    """Makes a home of a backup, in a new folder. Nothing is sent until somebody says so."""
    refuse_full(to)
    keys = _identities(identity)
    out = Out(ctx.obj)
    with _opened(file) as sealed:
        if dry_run:
            with tempfile.TemporaryDirectory(prefix="backup-") as folder:
                found = _judged(lambda: verify(sealed, keys, Path(folder)))
        else:
            found = _judged(lambda: restored(sealed, keys, to.absolute(), at=now()))
    answer = _answer(file, found) | {"to": str(to), "restored": not (found.problems or dry_run)}
    out.one(answer, lambda: [*_lines(file, found), *_after(to, found, dry_run=dry_run)])
    return 1 if found.problems else 0


# --- create --------------------------------------------------------------------------------------


def _refuse(asked: Globals, settings: "Settings", to: Path) -> None:
    """Refuses before anything is made."""
    still = "Nothing was written"
    if asked.server is not None:
        raise Refused("A backup is made on the home's own machine, by its own user", still=still)
    if not (settings.state / "store.db").is_file():
        raise Missing(f"There is no home at {settings.state}", then="wallcross init")
    if to.exists() or to.is_symlink():
        raise Refused(f"{to} is there already", still=still, then="name a new file")
    if not to.parent.is_dir():
        raise Missing(f"There is no folder {to.parent}", still=still)
    if to.absolute().resolve().is_relative_to(settings.state.resolve()):
        raise Refused(f"{to} lies in the home that it would save", still=still)


async def _create(
    asked: Globals, settings: "Settings", out: Out, to: Path, recipients: list[str]
) -> int:
    async with AsyncExitStack() as stack:
        pieces = await stack.enter_async_context(_pieces(asked, settings, recipients))
        try:
            return await _written(pieces, to, out)
        except OSError as error:
            wrong = f"{to} could not be written: {error.strerror}"
            raise Failed(wrong, still="Nothing is there") from None


@asynccontextmanager
async def _pieces(
    asked: Globals, settings: "Settings", recipients: list[str]
) -> AsyncIterator[AsyncGenerator[bytes, None]]:
    """What the home seals: of a running `serve`, else of the home itself, which we hold then.

    Without `serve` the home is asked directly: what answers in this process gathers an answer
    whole before it hands it on.
    """
    make_home(settings.state)
    async with AsyncExitStack() as stack:
        near = await turn(stack, settings.state)
        if near is not None:
            client = Client(socket_transport(near), asked.timeout)
            found = (await stack.enter_async_context(client)).backup_create(recipients)
        else:
            home = await stack.enter_async_context(opened(asked, settings, live=False))
            who = import_module("orchestrator.api.who")
            found = home.backup_create(recipients, actor=who.actor_of(who.here()))
        stack.push_async_callback(found.aclose)
        yield found


async def _written(pieces: AsyncIterator[bytes], to: Path, out: Out) -> int:
    """Writes a file beside it, and gives it its name once it is on disk; returns its size."""
    first = await anext(pieces, b"")  # a refusal comes before anything is made
    part = to.with_name(f".{to.name}.part")
    part.unlink(missing_ok=True)  # of an attempt that was killed: sealed, and of no use
    size, told = 0, TELL_EVERY
    try:
        with os.fdopen(os.open(part, _MAKE, 0o600), "wb") as file:
            size += file.write(first)
            async for piece in pieces:
                size += await asyncio.to_thread(file.write, piece)
                if size >= told:
                    out.note(f"{_size(size)} written")
                    told += TELL_EVERY
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        os.link(part, to)  # unlike a rename it never takes another's place
        sync_folder(to.parent)
    except FileExistsError:
        raise Refused(f"{to} is there meanwhile", still="It was not touched") from None
    finally:
        part.unlink(missing_ok=True)
    return size


# --- verify and restore --------------------------------------------------------------------------


def _judged(work: Callable[[], Verified]) -> Verified:
    try:
        return work()
    except OSError as error:
        told = f"The backup could not be read or unpacked: {error.strerror}"
        raise Failed(told, still="Nothing of it was used") from None


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        sealed = file.open("rb")
    except OSError:
        raise Missing(f"{file} cannot be read", still="Nothing was opened") from None
    with sealed:
        yield sealed


def _identities(path: Path) -> "list[pyrage.x25519.Identity]":
    if str(path) == "-":
        return identities_of(sys.stdin.read(MAX_BYTES))
    try:
        return identities_of(read_own(path).decode())
    except FileNotFoundError:
        raise Missing(f"{path} cannot be read", still="Nothing was opened") from None
    except UnicodeDecodeError:
        raise Wrong("That is not a file of age keys", still="Nothing was opened") from None
    except SecretError as error:
        raise Refused(str(error), still="Nothing was opened") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Missing(f"{path} cannot be read", still="Nothing was written") from None


def _answer(file: Path, found: Verified) -> dict[str, Any]:
    manifest = found.manifest
    return {
        "file": str(file),
        "ok": not found.problems,
        "at": manifest.at,
        "home": manifest.home,
        "program": manifest.program,
        "schema": manifest.schema,
        "key_id": manifest.key_id,
        "digest": manifest.digest,
        "files": len(manifest.members),
        "bytes": found.bytes,
        "deals": found.deals,
        "entries": found.entries,
        "sealed": found.sealed,
        "copies": found.copies,
        "absent": len(manifest.absent),
        "outside": dict(manifest.outside),
        "problems": list(found.problems),
    }


def _lines(file: Path, found: Verified) -> Iterator[str]:
    manifest = found.manifest
    age_h = max(0, now() - manifest.at) / 3.6e9
    whole = "as it was made" if not found.problems else "DAMAGED: do not rely on it"
    yield f"{file}: {whole}"
    for problem in found.problems:
        yield f"  - {problem}"
    yield f"  made {iso(manifest.at)[:19]}Z, {age_h:.1f} hours ago, by Wallcross {manifest.program}"
    yield f"  home {manifest.home}, signed by its key {manifest.key_id}"
    yield f"  files: {len(manifest.members)}, {_size(found.bytes)}"
    if found.problems:
        return
    yield f"  deals: {found.deals}; every chain holds, entries: {found.entries}"
    yield (
        f"  {found.sealed} bodies and names in it open only while the epoch keys of their hour "
        f"live, which are in no backup; {found.copies} copies are for counsel alone"
    )
    if manifest.outside:
        yield f"  {len(manifest.outside)} files of the settings lay outside the home: in outside/"


def _after(to: Path, found: Verified, *, dry_run: bool) -> Iterator[str]:
    if found.problems or dry_run:
        yield "Nothing was restored."
        return
    yield f"Restored into {to}. Nothing is sent from it until somebody says so. Next:"
    yield f"  wallcross doctor restored --home {to}"
    yield "  docs/guides/operator.md#restore"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
