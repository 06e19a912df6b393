"""`wallcross audit`: the record, its check, and its export."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from orchestrator.audit.offline.command import main as verify_export
from orchestrator.cli.archive import fetch
from orchestrator.cli.audit_search import columns, search
from orchestrator.cli.counsel_export import for_counsel
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.session import call
from orchestrator.cli.witnessing import witness, witness_key
from orchestrator.client.api import Client
from orchestrator.client.evidence import StateReport
from orchestrator.client.problems import Wrong
from orchestrator.client.views import AuditReport
from orchestrator.config.spans import words as span_words

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def audit() -> None:
    """The record."""


@app.command()
def tail(
    ctx: typer.Context,
    *,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 20,
) -> None:
    """The newest entries of a deal: who did what, and the hash that follows."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.audit_tail(deal, count))
    out.many(found, columns(out), "There is no entry.")


app.command()(search)


@app.command()
def verify(
    ctx: typer.Context,
    export: Annotated[
        Path | None, typer.Argument(help="An export to check offline; none: this home's chain.")
    ] = None,
    *,
    anchor: Annotated[
        list[Path] | None, typer.Option(help="What was kept outside the host.")
    ] = None,
    host_key: Annotated[list[str] | None, typer.Option(help="The host's public key.")] = None,
    witness_key: Annotated[
        list[str] | None, typer.Option(help="Public key of a witness whom you trust.")
    ] = None,
    authority: Annotated[
        list[Path] | None, typer.Option(help="PEM of a timestamp authority that you trust.")
    ] = None,
    state: Annotated[
        bool, typer.Option("--state", help="Every row that permits, against the chain alone.")
    ] = False,
) -> int:
    """Checks a chain, its signed heads and anchors; exit code 1 when something does not hold."""
    given = {"--anchor": anchor, "--host-key": host_key, "--witness-key": witness_key,
             "--authority": authority}  # fmt: skip
    words = [w for option, values in given.items() for v in values or () for w in (option, str(v))]
    if state and (export is not None or words):
        raise Wrong("--state is about this home's own rows; name no export with it")
    if state:
        return _state(ctx)
    if export is not None:
        return verify_export([str(export), *words, *_as_json(ctx)])
    deal = named(ctx, None)
    if words:
        return _held_against(ctx, deal, words)
    found, out = call(ctx.obj, lambda c: c.audit_verify(deal))
    out.one(found, lambda: _lines(found))
    return 0 if found.ok else 1


def _held_against(ctx: typer.Context, deal: str, words: list[str]) -> int:
    """This home's own chain against what was kept outside, with the program that checks exports."""

    async def work(client: Client) -> bytes:
        return b"".join([piece async for piece in client.audit_lines(deal)])

    found, _ = call(ctx.obj, work)
    with TemporaryDirectory() as folder:
        chain = Path(folder) / "audit.jsonl"
        chain.write_bytes(found)
        return verify_export([str(chain), *words, "--living", *_as_json(ctx)])


def _as_json(ctx: typer.Context) -> list[str]:
    return ["--json"] if ctx.obj.json else []


def _state(ctx: typer.Context) -> int:
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.audit_state(deal))
    out.one(found, lambda: _state_lines(found))
    return 0 if found.ok else 1


def _state_lines(found: StateReport) -> Iterator[str]:
    yield (
        "Every row is as the chain states it."
        if found.ok
        else f"{len(found.differs)} are not as the chain states them; they permit nothing:"
    )
    for one in found.differs:
        yield f"  {one.how}  {one.what} {one.subject}: {one.because}"
    compared = ", ".join(f"{count} {what}" for what, count in found.compared.items() if count)
    yield f"  {found.entries} entries read; compared: {compared}"


app.command("for-counsel")(for_counsel)
app.command("witness-key")(witness_key)
app.command()(witness)


@app.command()
def export(
    ctx: typer.Context,
    to: Annotated[Path, typer.Option("--to", help="A new folder.")],
) -> None:
    """Writes the signed record with the program that checks it; the export is an entry itself."""
    deal = named(ctx, None)
    fetch(ctx, to, lambda client: client.audit_export(deal))


def _lines(found: AuditReport) -> Iterator[str]:
    yield "The chain holds." if found.ok else "The chain does not hold."
    yield f"  {found.entries} entries, {found.heads} signed heads, {found.anchors} anchors"
    longest = span_words(found.longest_gap)
    yield f"  not yet anchored: {found.unanchored} entries; longest: {longest}"
    if not found.anchors:
        yield "  no anchor: the host's word alone"
    for problem in found.problems:
        yield f"  {problem}"
