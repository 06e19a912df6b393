"""`wallcross mail`: what the judge says of a mail."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.out import Out
from orchestrator.wiring.mail import inspect as judge
from orchestrator.wiring.mail import words

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def mail() -> None:
    """Mails."""


@app.command()
def inspect(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A mail as it came (.eml).")],
    *,
    gnupg_home: Annotated[
        Path | None, typer.Option(help="GnuPG home to judge with; it is copied, not touched.")
    ] = None,
    contact: Annotated[
        list[str] | None, typer.Option(help="ADDRESS=FINGERPRINT of a pinned contact.")
    ] = None,
) -> None:
    """Judges a mail as the mailbox would; 0 whatever the verdict, 1 if unreadable."""
    found = judge(file, gnupg_home, contact or ())
    Out(ctx.obj).one(found.as_json(), lambda: words(found))
