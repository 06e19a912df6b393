"""`wallcross send`: hands a text or a file in; the tier engine decides the rest."""

import asyncio
import mimetypes
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.completing import PersonOption
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.problems import Missing, Wrong
from orchestrator.client.views import FileHead, MessageView, Post, Sent

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Conversation = Annotated[
    str | None, typer.Option(help="Label or id; none: the intake, routed by tier.")
]
Key = Annotated[str | None, typer.Option(help="Your own id of it: the same again is a duplicate.")]
Wait = Annotated[bool, typer.Option("--wait", help="Until it is delivered, held or dead.")]
Act = Callable[[Client, str, Post], Awaitable[Sent]]
PIECE = 64 * 1024
UNSETTLED = frozenset({"accepted", "delivering"})
WAITED = {
    "delivered": 0,
    "held": 0,  # on the record with an owner: what the product promises, not a failure of it
    "dropped": 1,
    "dead": 1,
    "possibly": 7,
    "accepted": 7,
    "delivering": 7,
}
"""Exit codes of ``--wait`` by the message's state: 7 is what is not known to be whole."""


@app.callback()
def send() -> None:
    """Hand a message in."""


@app.command()
def text(
    ctx: typer.Context,
    *,
    person: PersonOption,
    conversation: Conversation = None,
    key: Key = None,
    from_file: Annotated[
        Path | None, typer.Option(help="Read it from a file; - or nothing: from stdin.")
    ] = None,
    wait: Wait = False,
) -> int:
    """Hands a text in, read from stdin or a file: never from the command line."""
    body = _text(from_file)
    return _send(
        ctx,
        Post(person=person, conversation=conversation, key=key),
        lambda client, deal, post: client.send_text(deal, post, body),
        wait=wait,
    )


@app.command()
def file(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="The document.")],
    *,
    person: PersonOption,
    conversation: Conversation = None,
    key: Key = None,
    wait: Wait = False,
) -> int:
    """Hands a document in, in pieces."""
    if not path.is_file():
        raise Missing(f"There is no file {path}", still="Nothing was sent")
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    head = FileHead(name=path.name, size=path.stat().st_size, media_type=kind)
    return _send(
        ctx,
        Post(person=person, conversation=conversation, key=key, file=head),
        lambda client, deal, post: client.send_file(deal, post, pieces(path)),
        wait=wait,
    )


def _send(ctx: typer.Context, post: Post, act: Act, *, wait: bool) -> int:
    deal = named(ctx, None)

    async def work(client: Client) -> Sent | MessageView:
        sent = await act(client, deal, post)
        return await _settled(client, sent, ctx.obj.timeout) if wait else sent

    found, out = call(ctx.obj, work, live=wait)
    out.one(found, lambda: [f"{found.message_id}  {found.state}"])
    return WAITED[found.state] if wait else 0


async def _settled(client: Client, sent: Sent, timeout_s: float) -> MessageView:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        found = await client.message_show(sent.message_id)
        if found.state not in UNSETTLED or asyncio.get_running_loop().time() >= deadline:
            return found
        await asyncio.sleep(0.1)


def _text(path: Path | None) -> str:
    if path is None or str(path) == "-":
        data = sys.stdin.buffer.read()
    elif path.is_file():
        data = path.read_bytes()
    else:
        raise Missing(f"There is no file {path}", still="Nothing was sent")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Wrong("The text is not UTF-8", still="Nothing was sent") from None


async def pieces(path: Path) -> AsyncIterator[bytes]:
    """A file's bytes, read beside the event loop."""
    with path.open("rb") as stream:
        while piece := await asyncio.to_thread(stream.read, PIECE):
            yield piece
