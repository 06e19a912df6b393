"""`wallcross journal`: sealed copies for counsel. `keygen`, `test-share` and `open` run offline.

Rules kept here:

1. The private half is shown once, as shares, on the terminal or into files of its owner alone; it
   is never on the host, in a log or in an argument.
2. What is opened is written to a folder of the caller's, never to the terminal.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.archive import unpack
from orchestrator.cli.deal_cmd import named
from orchestrator.cli.deciding import counsel_key, decide
from orchestrator.cli.out import Out
from orchestrator.cli.session import call
from orchestrator.client.api import Client
from orchestrator.client.problems import Missing, Partly, Refused, Wrong
from orchestrator.client.views import JournalReport
from orchestrator.journal.export import OPENED, open_export
from orchestrator.journal.keygen import Group, NewJournalKey, generate, try_share
from orchestrator.secrets.ownfile import write_own

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
SCOPE = re.compile(r"[a-z][a-z0-9_-]*")
PublicFile = Annotated[Path, typer.Argument(help="The public file that keygen wrote.")]


@app.callback()
def journal() -> None:
    """Sealed copies for counsel."""


@app.command()
def keygen(
    ctx: typer.Context,
    scope: Annotated[str, typer.Argument(help="joint, or a side's id.")],
    *,
    group: Annotated[
        list[str], typer.Option(help="name:needed/shares, such as kestrel:2/3; once a side.")
    ],
    public: Annotated[Path, typer.Option(help="Where the public file goes.")],
    shares: Annotated[
        Path | None, typer.Option(help="Folder for one file a share; none: the terminal.")
    ] = None,
) -> None:
    """Makes a journal key offline and splits its private half M of N."""
    if SCOPE.fullmatch(scope) is None:
        raise Wrong(
            "A scope is joint or a side's id: small letters, digits, -", still="Nothing was made"
        )
    if public.exists():
        raise Refused(f"{public} is there already", still="Nothing was made")
    if shares is None and not sys.stdout.isatty():
        raise Refused("Shares go to a terminal or into --shares FOLDER", still="Nothing was made")
    made = generate(scope, [_group(text) for text in group])
    write_own(public, json.dumps(made.public, indent=1).encode())
    names = _keep(made, shares) if shares is not None else _show(made)
    answer = {"scope": scope, "recipient": made.public["recipient"], "public": str(public)}
    Out(ctx.obj).one(answer | {"shares": names}, lambda: _made(answer, names))


@app.command("test-share")
def test_share(ctx: typer.Context, public: PublicFile) -> None:
    """Tests one share alone; it is read from stdin, or asked for without echo."""
    found = try_share(_public(public), _share())
    answer = {"group": found.group, "number": found.number, "needed": found.needed, "of": found.of}
    text = f"Share {found.number} of {found.of} of {found.group}; {found.needed} are needed."
    Out(ctx.obj).one(answer, lambda: [text])


@app.command()
def adopt(ctx: typer.Context, public: PublicFile) -> None:
    """Adopts a public key for a deal: from then on its scope is journaled to it."""
    deal, file = named(ctx, None), _public(public)
    scope, text = str(file.get("scope", "")), json.dumps(file)
    found, out = call(ctx.obj, lambda c: c.journal_key_add(deal, scope, text))
    out.one({"key_id": found, "scope": scope}, lambda: [f"{found} is in force for {scope}"])


@app.command()
def exempt(
    ctx: typer.Context,
    decision: Annotated[Path, typer.Argument(help="Counsel's signed decision, a JSON file.")],
) -> None:
    """Records counsel's signed decision not to journal a scope."""
    deal, text = named(ctx, None), _text(decision)
    found, out = call(ctx.obj, lambda c: c.journal_exempt(deal, text))
    out.one({"n": found}, lambda: [f"decision {found} is on the record"])


app.command("counsel-key")(counsel_key)
app.command()(decide)


@app.command()
def verify(ctx: typer.Context) -> int:
    """Whether accepted = journaled + exempt + expired + waiting; exit code 1 if not."""
    deal = named(ctx, None)
    found, out = call(ctx.obj, lambda c: c.journal_verify(deal))
    out.one(found, lambda: _lines(found))
    return 0 if found.ok else 1


@app.command()
def export(
    ctx: typer.Context, to: Annotated[Path, typer.Option("--to", help="A new folder.")]
) -> None:
    """Writes the sealed journal, to be opened elsewhere; the export is an audit entry."""
    deal = named(ctx, None)

    async def work(client: Client) -> list[str]:
        return await unpack(client.journal_export(deal), to)

    found, out = call(ctx.obj, work)
    out.one({"folder": str(to), "files": len(found)}, lambda: [f"{len(found)} files in {to}"])


@app.command("open")
def open_(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="An export.")],
    public: PublicFile,
    *,
    share: Annotated[list[Path], typer.Option(help="File that holds a share; several.")],
    to: Annotated[Path, typer.Option("--to", help="A new folder for what is opened.")],
) -> int:
    """Opens an exported journal with enough shares. Offline, with counsel; never on the host."""
    words = [_text(path).strip() for path in share]
    found = open_export(folder, _public(public), words, to)
    answer = {
        "opened": found.opened,
        "other_key": found.other_key,
        "failed": [list(one) for one in found.failed],
    }
    Out(ctx.obj).one(answer, lambda: _opened(answer, to))
    return Partly.exit_code if found.failed else 0


def _group(text: str) -> Group:
    name, _, counts = text.partition(":")
    needed, _, shares = counts.partition("/")
    if not (name and needed.isdigit() and shares.isdigit()):
        raise Wrong("A group is name:needed/shares, such as kestrel:2/3", still="Nothing was made")
    return Group(name, int(needed), int(shares))


def _keep(made: NewJournalKey, folder: Path) -> list[str]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = [
        (folder / f"{group}-{number}.share", share)
        for group, shares in made.shares.items()
        for number, share in enumerate(shares, 1)
    ]
    for path, share in paths:
        write_own(path, f"{share}\n".encode())
    return [str(path) for path, _ in paths]


def _show(made: NewJournalKey) -> list[str]:
    names = []
    for group, shares in made.shares.items():
        for number, share in enumerate(shares, 1):
            names.append(f"{group} {number}")
            typer.echo(f"{group}, share {number} of {len(shares)}: for one person, shown once\n")
            typer.echo(f"  {share}\n")
    return names


def _made(answer: dict[str, str], names: list[str]) -> Iterator[str]:
    yield f"Made for {answer['scope']}: {len(names)} shares; public file {answer['public']}"
    yield f"  test each: wallcross journal test-share {answer['public']}"
    yield f"  adopt it:  wallcross journal adopt {answer['public']} --deal CODE"


def _public(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Wrong(f"{path} is no public journal key file", still="Nothing was done")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Missing(f"{path} cannot be read", still="Nothing was done") from None


def _share() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Share", hide_input=True, err=True))
    return sys.stdin.read()


def _lines(found: JournalReport) -> Iterator[str]:
    yield "Every accepted message is accounted for." if found.ok else "Something is missing."
    yield (
        f"  {found.accepted} accepted = {found.journaled} journaled + {found.exempt} exempt "
        f"+ {found.expired} expired + {found.waiting} waiting"
    )
    for missing in found.missing:
        yield f"  {missing}"


def _opened(answer: dict[str, Any], to: Path) -> Iterator[str]:
    yield f"{answer['opened']} opened into {to}; {answer['other_key']} are sealed to another key"
    yield f"  authors and times: {to / OPENED}"
    for name, wrong in answer["failed"]:
        yield f"  {name}: {wrong}"
