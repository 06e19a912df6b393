"""`wallcross audit witness-key` and `audit witness`: counter-signs an anchor's folder.

Rules kept here: it runs on a machine that is not the host's, with a key and a clock of its own; it
opens no home; a head that it refuses stays without its signature and is told.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from orchestrator import clock
from orchestrator.audit.anchors.witness import countersign
from orchestrator.cli.out import Out
from orchestrator.cli.signing import load_key, make_key, public_key, public_of
from orchestrator.client.problems import Missing


def witness_key(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where the private key goes; a new file.")],
    *,
    protect: Annotated[bool, typer.Option("--protect", help="Lock it by a passphrase.")] = False,
) -> None:
    """Makes a witness's key on his own machine; its public half goes to the host and to readers."""
    public = make_key(file, protect=protect)
    answer = {"file": str(file), "public": public}
    Out(ctx.obj).one(answer, lambda: [f"{public}", f"  private half: {file}; keep it yourself"])


def witness(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The anchor's folder.")],
    *,
    key: Annotated[Path, typer.Option(help="The witness's private key: PEM, Ed25519.")],
    host_key: Annotated[
        list[str], typer.Option(help="Public key of the host, hexadecimal; several.")
    ],
    every: Annotated[
        float | None, typer.Option(min=1, help="Seconds between two looks; none: one look.")
    ] = None,
) -> int:
    """Counter-signs new heads in a folder, not on the host; exit code 1 when one is refused."""
    if not folder.is_dir():
        raise Missing(f"There is no folder {folder}", still="Nothing was signed")
    hosts = [public_key(text) for text in host_key]
    private, out = load_key(key), Out(ctx.obj)
    out.note(f"witness {public_of(private)}")
    told: set[str] = set()
    while True:
        turn = countersign(folder, private.private_bytes_raw, hosts, clock.now)
        fresh = [name for name in turn.refused if name not in told]
        told.update(fresh)
        if every is None or turn.done or fresh:
            _tell(out, turn.done, fresh)
        if every is None:
            return 1 if turn.refused else 0
        time.sleep(every)


def _tell(out: Out, signed: list[str], refused: list[str]) -> None:
    shown = {"at": clock.now(), "signed": signed, "refused": refused}
    out.one(shown, lambda: _lines(signed, refused))


def _lines(signed: list[str], refused: list[str]) -> Iterator[str]:
    yield from (f"signed   {name}" for name in signed)
    for name in refused:
        yield f"REFUSED  {name}: it goes back, comes twice, or is not the host's"
    if not (signed or refused):
        yield "nothing new"
