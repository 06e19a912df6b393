"""`--dry-run`: offered by every command that changes something of a home, and told in one way.

Rules kept here:

1. A command that is not listed here changes nothing at a home, or previews by itself; a test goes
   through all of them, so that a new one is listed or says why not.
2. It says only what was checked: what a network would answer is known when it is asked.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.out import as_json, plain

if TYPE_CHECKING:
    from orchestrator.client.dry_run import WouldDo

OFFERED = frozenset(
    {
        *("token new", "token revoke"),
        *("deal new", "deal adopt", "deal found", "deal phase", "deal signing"),
        *("deal window ask", "deal window close", "deal archive"),
        *("legal-hold new", "legal-hold release"),
        *("roster add", "roster move", "roster review", "roster adopt"),
        *("person verify", "person pause", "person resume", "person phished", "person newphone"),
        *("person cross", "person agree", "person ack", "person cleanse", "person enrol"),
        *("person attest", "person lost"),
        *("leave out", "leave undo"),
        *("approve yes", "approve no", "approver enrol", "approver withdraw"),
        *("conv new", "conv attest", "conv pause", "conv resume", "conv room add"),
        *("tier watch", "send text", "send file", "doc send"),
        *("held move", "held drop", "held release", "held retry", "risk answer"),
        *("on-call set", "on-call answer", "quarantine drop", "quarantine admit"),
        *("audit for-counsel", "journal adopt", "journal exempt"),
        *("key add", "key verify", "key revoke", "key compromised", "key replace"),
        *("doc seal", "doc recall"),
        *("channel pause", "channel resume", "channel add", "init", "secret set", "secret rotate"),
    }
)
"""Commands that change a home, by the API or in its settings and secrets."""


def offer(command: Any, path: str) -> None:
    """Gives each of the listed commands in ``command`` the option."""
    for leaf, name in _leaves(command, path):
        if name in OFFERED:
            leaf.params.append(_option())


def _leaves(command: Any, path: str) -> Iterator[tuple[Any, str]]:
    commands = getattr(command, "commands", None)
    if not commands:
        yield command, path
        return
    for name, inner in commands.items():
        yield from _leaves(inner, f"{path} {name}")


def _option() -> Any:
    """The option, made by the library as for a command of its own."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def _(
        *,
        dry_run: Annotated[
            bool,
            typer.Option(
                "--dry-run",
                callback=_noted,
                expose_value=False,
                help="Check it and say what it would do; nothing is changed.",
            ),
        ] = False,
    ) -> None:
        del dry_run

    return next(p for p in typer.main.get_command(app).params if p.name == "dry_run")


def _noted(ctx: typer.Context, value: bool) -> None:  # noqa: FBT001 - as the library calls it
    if value:
        ctx.obj = replace(ctx.obj, dry_run=True)


def told(found: "WouldDo", *, machine: bool) -> int:
    """Writes what a dry run came to, and returns its exit code."""
    if machine:
        value = {
            "dry_run": True,
            "would_state": list(found.states),
            "would_ask_network": found.network,
        }
        typer.echo(as_json(value))
        return 0
    for line in _lines(found):
        typer.echo(plain(line))
    return 0


def _lines(found: "WouldDo") -> Iterator[str]:
    yield "Dry run: nothing was changed. It may be done, and no rule refuses it."
    if found.network:
        yield "A network would be asked next; what it answers is known when it is."
    if found.states:
        yield "Then it would be so:"
        yield from (f"  {line}" for line in found.states)
