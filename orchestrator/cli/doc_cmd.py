"""`wallcross doc`: formal documents to named readers, each a copy of his own; no content shown."""

import asyncio
import mimetypes
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.deal_cmd import named
from orchestrator.cli.out import Columns
from orchestrator.cli.send_cmd import Key, pieces
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.problems import Missing, Partly, Problem, Refused, Waits
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
}


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
    if not path.is_file():
        raise Missing(f"There is no file {path}", still="Nothing was sent")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    head = FileHead(name=path.name, size=path.stat().st_size, media_type=kind)
    post = Post(person=person, conversation=conversation, key=key, file=head, readers=tuple(to))
    deal = named(ctx, None)

    async def work(client: Client) -> tuple[DocumentView, str]:
        sent = await client.document_send(deal, post, pieces(path))
        found = await _settled(client, sent.message_id, ctx.obj.timeout)
        return found, await _ask(client, found) if found.second_person else ""

    (found, then), out = call(ctx.obj, work, live=True)
    out.one(found, lambda: [*_lines(found), *([f"  next: {then}"] if then else [])])
    return _code(found)


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


def _code(found: DocumentView) -> int:
    if found.second_person:
        return Waits.exit_code
    sent = [c for c in found.copies if c.state == "sent"]
    if len(sent) == len(found.copies):
        return 0
    going = any(c.state in {"sent", "possibly", *UNSETTLED} for c in found.copies)
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
    sent = sum(c.state == "sent" for c in found.copies)
    return f"{sent} of {len(found.copies)} sent" if not found.second_person else "wait for a second"
