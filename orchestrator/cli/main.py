"""The program `wallcross` (alias `wx`): finds the command, runs it, ends with its code.

Rules kept here:

1. It starts fast: a command's module is imported when that command is called, not before, and no
   garbage is looked for meanwhile, for what modules are made of stays.
2. Global options may stand anywhere before ``--``.
3. An error says what is wrong, what is still true and the next command, on stderr. No traceback
   with local variables, and never the words of an exception that nobody expected.
4. Exit codes are those of docs/cli.md.
"""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import Abort, TyperException

from orchestrator.cli.dry_run import offer, told
from orchestrator.cli.globals import Globals, hoisted
from orchestrator.cli.tell import tell
from orchestrator.client.dry_run import WouldDo

COMMANDS = {
    "demo": "Run a made-up deal here, no accounts.",
    "init": "Write wallcross.toml by asking six questions.",
    "doctor": "Check settings, keys, channels, clock; say what to fix.",
    "serve": "Start the API and the workers.",
    "login": "Sign in to a server, by a code confirmed at its desk.",
    "logout": "End the session with a server.",
    "whoami": "Who you are at a server, and in which deals.",
    "desk": "Ways in for people, and out: link, sign-out.",
    "token": "What programs hand messages in with: new, list, revoke.",
    "status": "The overview in one screen.",
    "watch": "Live list of what happens, no content.",
    "deal": "Deals: new, list, show, adopt, found, phase, signing, close, archive.",
    "roster": "Who may see what: import, show, add, move, diff, could-see.",
    "person": "People one by one: show, cross, enrol, verify, pause, insiders.",
    "leave": "One person out of everything, at once; status, undo, proof, check.",
    "approve": "What waits for people: list, show, yes, no.",
    "approver": "Whose keys sign approvals: enrol, list, withdraw.",
    "conv": "Conversations: list, new, show, tier, attest, pause, resume, close.",
    "plan": "Where the channels differ from the roster; changes nothing.",
    "apply": "Bring the channels back to the roster, by a plan.",
    "tier": "Rules: list, show, explain why a text lands where, simulate, measure.",
    "send": "Hand in a text or a file, through the tier engine.",
    "doc": "Formal documents to named readers: seal, send, status, recall, verify.",
    "replay": "Real conversations from files through the whole path.",
    "held": "Messages that wait: list, move, drop, release; no content shown.",
    "risk": "What could get out: show, list, explain, answer findings.",
    "on-call": "Who is told that something needs somebody: show, set, alerts, answer.",
    "prevented": "What was held or stopped in a deal, with evidence; a report of it.",
    "quarantine": "What nobody believes, strangers too: list, show, drop, admit.",
    "audit": "The record: tail, search, verify, export, for-counsel.",
    "evidence": "What is proven of each room: show, export.",
    "journal": "Sealed copies for counsel: keygen, verify, open, test-share.",
    "legal-hold": "Duties to preserve: new, list, release.",
    "key": "Keys and devices of people: list, add, show, verify, replace, revoke.",
    "mail": "Mails from outside: inspect one; nothing of it is shown.",
    "channel": "Channel accounts: add, list, test, pause, resume, rotate, rebuild.",
    "config": "Settings: show, validate, schema, migrate.",
    "secret": "Secrets by name: set, list, rotate, where; never values.",
    "backup": "The whole home in one sealed file: create, verify, restore.",
    "conform": "A connector of yours, held to the public profile.",
    "lab": "Stand-ins of networks on this machine, for trying out.",
    "bench": "What tiering and the core do per second here.",
    "who-reads": "Who can read what of a deal, as this installation is set up.",
    "version": "What this is.",
}
"""Every command with its line in the help; each is ``app`` of its module ``<name>_cmd``."""

INTERRUPTED = 130


class Root(TyperGroup):
    """The program's commands, each loaded when it is called."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """In the order of the help."""
        return list(COMMANDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """A command's line for the help; its own options are known once it is loaded."""
        line = COMMANDS.get(cmd_name)
        return None if line is None else TyperCommand(cmd_name, help=line, rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, loaded(str(name)), rest


def loaded(name: str) -> Any:
    """Imports a command."""
    gc.disable()
    try:
        module = import_module(f"orchestrator.cli.{name.replace('-', '_')}_cmd")
    finally:
        gc.enable()
    command = typer.main.get_command(module.app)
    command.name, command.help = name, COMMANDS[name]
    offer(command, name)
    return command


def program() -> Any:
    """The program as the parser runs it."""
    app = typer.Typer(
        cls=Root,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(no_args_is_help=True)(_root)
    return typer.main.get_command(app)


def _root(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One object or JSON Lines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no warnings.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="More on stderr.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask.")] = False,
    deal: Annotated[str | None, typer.Option(help="Code name or id of the deal.")] = None,
    config: Annotated[Path | None, typer.Option(help="The settings' file.")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder of this home's state.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for one answer.")] = 60.0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="section.key=value, before the file.")
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="Ask this server instead (wallcross login), or: last.")
    ] = None,
) -> None:
    """Puts each conversation of a deal on the channel its tier requires.

    Global options may stand anywhere on the line.
    """
    ctx.obj = Globals(
        json=as_json,
        quiet=quiet,
        verbose=verbose,
        no_input=no_input,
        deal=deal or os.environ.get("WALLCROSS_DEAL"),
        config=config,
        home=home,
        timeout=timeout,
        flags=tuple(settings or ()),
        server=server or os.environ.get("WALLCROSS_SERVER"),
    )


def run(args: Sequence[str], name: str = "wallcross") -> int:
    """Runs one command line and returns its exit code."""
    line = hoisted(args)
    as_json, verbose = "--json" in line, "--verbose" in line
    try:
        code = program().main(args=line, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, Abort):
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except WouldDo as found:
        return told(found, machine=as_json)
    except TyperException as error:
        return tell(error, as_json=as_json, verbose=verbose, name=name)
    except Exception as error:  # noqa: BLE001 - the last place that sees it; told without its words
        return tell(error, as_json=as_json, verbose=verbose, name=name)
    return code if isinstance(code, int) else 0


def main() -> NoReturn:
    """The entry point."""
    os.umask(0o077)
    name = Path(sys.argv[0]).name
    sys.exit(run(sys.argv[1:], name if name == "wx" else "wallcross"))
