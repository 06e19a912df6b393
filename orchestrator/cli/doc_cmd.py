"""`wallcross doc`: formal documents to named readers, each a copy of his own.

Rules kept here:

1. No content is shown, and no name of a document. A file that is asked about stays where it lies.
2. What is written here is sealed to its reader; it is for the file's owner alone to read, and over
   nothing that is there.
"""

import asyncio
import mimetypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns, Out
from orchestrator.cli.send_cmd import Key, pieces
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.copies import KnownDocument, hashes_of
from orchestrator.client.problems import (
    Failed,
    Missing,
    Partly,
    Problem,
    Refused,
    Waits,
    Wrong,
)
from orchestrator.client.views import CopyView, DocumentView, FileHead, Post

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
UNSETTLED = frozenset({"waiting", "sending"})
_WORDS = {
    "waiting": "waiting",
    "refused": "refused: nothing was sent",
    "sending": "on its way",
    "sent": "taken by the mail server",
    "possibly": "may have been sent",
    "not_sent": "not sent",
    "returned": "returned: it did not arrive",
    "sealed": "sealed, and waits for its sender",
    "handed": "sealed, and written for its sender",
    "lapsed": "sealed, not taken within a day: destroyed",
    "recalled": "called back: nothing of it went",
    "taking_back": "asked for, not yet confirmed",
    "taken_back": "called back: seen gone",
    "remains": "called back, and stays with its reader",
}
_NOWHERE = frozenset({"recalled", "taken_back", "refused", "not_sent"})
"""What is with nobody, as far as can be seen."""


@app.callback()
def doc() -> None:
    """Formal documents to named readers."""


@app.command()
def send(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="The document.")],
    *,
    person: Annotated[str, typer.Option(help="Person on the roster who sends it.")],
    conversation: Annotated[str, typer.Option(help="Label or id of its conversation.")],
    to: Annotated[list[str], typer.Option(help="A reader on the roster; may be repeated.")],
    key: Key = None,
) -> int:
    """Sends each reader a copy, sealed to his own verified key.

    It waits until every copy is settled. Ends with 0 when all were sent, 5 when none was, 6 when
    it waits for two people to agree, 7 when some were not sent or are still on their way.
    """
    post = Post(
        person=person, conversation=conversation, key=key, file=_head(path), readers=tuple(to)
    )
    deal = named(ctx, None)

    async def work(client: Client) -> tuple[DocumentView, str]:
        return await _handed_in(ctx, client, deal, post, path)

    (found, then), out = call(ctx.obj, work, live=True)
    out.one(found, lambda: [*_lines(found), *_next(then)])
    return _code(found, "sent")


@app.command()
def seal(
    ctx: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="The document; none with --document.")] = None,
    *,
    out_dir: Annotated[Path, typer.Option("--out", help="Folder for the sealed files.")],
    person: Annotated[str | None, typer.Option(help="Person on the roster who gives it.")] = None,
    conversation: Annotated[
        str | None, typer.Option(help="Label or id of its conversation.")
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option(help="A reader on the roster; may be repeated.")
    ] = None,
    document: Annotated[
        str | None, typer.Option(help="Id of one that was sealed before: write what is there.")
    ] = None,
    key: Key = None,
) -> int:
    """Seals each reader's copy to his own verified key and writes the files; nothing is sent.

    It is decided, agreed to and recorded as `doc send` is. Ends with 0 when every copy was
    written, 5 when none was, 6 when it waits for two people to agree, 7 when some were not.
    """
    if not out_dir.is_dir():
        raise Missing(f"There is no folder {out_dir}", still="Nothing was sealed")
    given = path is not None and person is not None and conversation is not None and bool(to)
    if given == (document is not None):
        raise typer.BadParameter("FILE with --person, --conversation and --to; or --document alone")
    deal = named(ctx, None)

    async def work(client: Client) -> tuple[DocumentView, str]:
        found, then = (
            await _handed_in(ctx, client, deal, post(path), path)
            if path is not None and document is None
            else (await client.document_show(document or ""), "")
        )
        for copy in found.copies:
            if copy.state in {"sealed", "handed"}:
                name = f"copy-{copy.number}-of-{len(found.copies)}.eml"
                await _written(client, found.message_id, copy.number, out_dir / name)
        return await client.document_show(found.message_id), then

    def post(path: Path) -> Post:
        return Post(
            person=person or "",
            conversation=conversation,
            key=key,
            file=_head(path),
            readers=tuple(to or ()),
            seals=True,
        )

    (found, then), out = call(ctx.obj, work, live=True)
    out.one(found, lambda: [*_lines(found), *_next(then)])
    return _code(found, "handed")


@app.command()
def verify(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="A file that somebody holds, sealed or opened.")],
    *,
    person: Annotated[str | None, typer.Option(help="Ask whether it is this reader's.")] = None,
    document: Annotated[
        str | None, typer.Option("--id", help="Ask whether it is of this document.")
    ] = None,
) -> int:
    """Says whether a file is byte for byte one that we made, and whose; 1: it is none.

    The file is read where it lies: its hashes are asked about, and nothing of it is kept.
    """
    if not path.is_file():
        raise Missing(f"There is no file {path}", still="Nothing was compared")
    deal, hashes = named(ctx, None), hashes_of(path)
    listed, out = call(ctx.obj, lambda c: c.document_known(deal, hashes))
    found = [
        one
        for one in listed
        if document in {None, one.message_id}
        and (person is None or any(c.reader == person for c in one.copies))
    ]
    none = "It is none of ours that you may see: not byte for byte, sealed or opened."
    out.each(found, lambda one: _known(one, out), none)
    return 0 if found else Failed.exit_code


@app.command()
def recall(
    ctx: typer.Context,
    document: Annotated[str, typer.Argument(help="Its id.")],
    *,
    reason: Annotated[str, typer.Option(help="wrong_version, wrong_reader, withdrawn or leaked.")],
    reader: Annotated[
        list[str] | None, typer.Option(help="Whose copy; may be repeated. None: every copy.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> int:
    """Calls copies back: what did not go goes no more, and what went is undone where it can be.

    Ends with 0 when nothing of them is with anybody, 7 while something is not confirmed or stays
    with a reader. `doc status` shows how it goes on.
    """
    whose = ", ".join(reader) if reader else "every reader"
    if not Out(ctx.obj).agreed(f"Call the copy of {whose} back?", yes=yes):
        return 1
    found, out = call(ctx.obj, lambda c: c.document_recall(document, reader or (), reason))
    out.one(found, lambda: _lines(found))
    called = [c for c in found.copies if not reader or c.reader in reader]
    return 0 if all(c.state in _NOWHERE for c in called) else Partly.exit_code


@app.command()
def status(
    ctx: typer.Context,
    document: Annotated[
        str | None, typer.Argument(help="Its id; none: the deal's, newest first.")
    ] = None,
) -> None:
    """What became of each copy."""
    if document is not None:
        found, out = call(ctx.obj, lambda c: c.document_show(document))
        out.one(found, lambda: _lines(found))
        return
    deal = named(ctx, None)
    listed, out = call(ctx.obj, lambda c: c.document_list(deal))
    columns: Columns[DocumentView] = [
        ("document", lambda d: d.message_id),
        ("sender", lambda d: d.sender or "unknown"),
        ("tier", lambda d: d.tier or ""),
        ("sent", lambda d: out.when(d.sent_at)),
        ("copies", _counted),
    ]
    out.many(listed, columns, "No document was sent.")


async def _handed_in(
    ctx: typer.Context, client: Client, deal: str, post: Post, path: Path
) -> tuple[DocumentView, str]:
    """Hands a document in and waits; beside it what is to be done next, where people must agree."""
    sent = await client.document_send(deal, post, pieces(path))
    found = await _settled(client, sent.message_id, ctx.obj.timeout)
    return found, await _ask(client, found) if found.second_person else ""


def _head(path: Path) -> FileHead:
    if not path.is_file():
        raise Missing(f"There is no file {path}", still="Nothing was sent")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return FileHead(name=path.name, size=path.stat().st_size, media_type=kind)


def _next(then: str) -> list[str]:
    return [f"  next: {then}"] if then else []


async def _written(client: Client, document: str, number: int, to: Path) -> None:
    """Writes a sealed copy for its owner alone, over nothing; a half of one is not left."""
    then = f"wallcross doc seal --document {document} --out ANOTHER_FOLDER"
    try:
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file, _whole_or_none(to):
            async for piece in client.copy_take(document, number):
                file.write(piece)
    except FileExistsError:
        still = "It was not written over; what was sealed waits here for a day"
        raise Wrong(f"{to} is there already", still=still, then=then) from None
    except OSError as error:
        told = f"{to} could not be written: {error.strerror}"
        raise Failed(told, still="What was sealed waits here for a day", then=then) from None


@contextmanager
def _whole_or_none(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _known(found: KnownDocument, out: Out) -> list[str]:
    sender = found.sender or "unknown"
    head = f"{found.message_id}  {found.conversation}  by {sender}  {out.when(found.sent_at)}"
    whose = [f"copy {c.number}, of {c.name} ({c.reader}): {_WORDS[c.state]}" for c in found.copies]
    if found.form == "document":
        told = "The document itself, alike for all: whose file it is nobody can say."
        return [head, f"  {told}", *(f"  given to {one}" for one in whose)]
    return [head, f"  Byte for byte, {found.form}:", *(f"  {one}" for one in whose)]


async def _ask(client: Client, found: DocumentView) -> str:
    """Asks people to agree to a document that waits for them; returns what to do next."""
    try:
        await client.held_release(found.message_id)
    except Problem as problem:
        return problem.then
    return "wallcross doc status"


async def _settled(client: Client, document: str, timeout_s: float) -> DocumentView:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        found = await client.document_show(document)
        if _over(found) or asyncio.get_running_loop().time() >= deadline:
            return found
        await asyncio.sleep(0.1)


def _over(found: DocumentView) -> bool:
    decided = found.state not in {"accepted", "delivering"}
    return decided or (
        found.state == "delivering" and not any(c.state in UNSETTLED for c in found.copies)
    )


def _code(found: DocumentView, done: str) -> int:
    if found.second_person:
        return Waits.exit_code
    given = [c for c in found.copies if c.state == done]
    if len(given) == len(found.copies):
        return 0
    going = any(c.state in {done, "sealed", "possibly", *UNSETTLED} for c in found.copies)
    return Partly.exit_code if going and found.state != "held" else Refused.exit_code


def _lines(found: DocumentView) -> list[str]:
    head = f"{found.message_id}  {found.tier or 'not classified yet'}"
    waits = ["It waits for two people to agree. Nothing was sent."] if found.second_person else []
    held = [f"Held: {because}." for because in found.reasons] if not found.second_person else []
    return [head, *waits, *held, *(_line(c, len(found.copies)) for c in found.copies)]


def _line(copy: CopyView, of: int) -> str:
    why = f" ({'; '.join(copy.reasons)})" if copy.reasons else ""
    return f"  copy {copy.number} of {of}  {copy.reader}  {_WORDS[copy.state]}{why}"


def _counted(found: DocumentView) -> str:
    if found.second_person:
        return "wait for a second"
    given = sum(c.state in {"sent", "sealed", "handed"} for c in found.copies)
    back = sum(
        c.state in {"recalled", "taking_back", "taken_back", "remains"} for c in found.copies
    )
    how = "sealed" if found.seals else "sent"
    called = f", {back} called back" if back else ""
    return f"{given} of {len(found.copies)} {how}{called}"
