"""`wallcross init`: six questions, one file without secrets, and what is left to do.

Rules kept here:

1. What it writes opens no door: no channel, deal or anchor that was not asked for.
2. It never writes over a file, and what it wrote is read back and checked before it is kept.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

import typer

from orchestrator.cli.checking import still_checks
from orchestrator.cli.doctor_cmd import tell_checks
from orchestrator.cli.out import Out
from orchestrator.cli.session import make_home
from orchestrator.client.problems import Refused
from orchestrator.config import load
from orchestrator.config.load import config_file, state_folder
from orchestrator.config.model import CODE
from orchestrator.config.policy import default_text, read_policy
from orchestrator.roster.form import ID as SIDE
from orchestrator.secrets.ownfile import write_own

app = typer.Typer(add_completion=False, rich_markup_mode=None)
POLICY = "policy.toml"
KEPT = ("3", "5", "7")
CHANNELS = ("matrix", "none")
ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?|")
"""Nothing where there is no channel."""
USER = re.compile(r"@[^:\s@]{1,200}:[A-Za-z0-9.\[\]:-]{1,200}|")
HOST_FORM = "none, or a side's id as on the roster: small letters, digits, . - or _"
CODE_FORM = "none, or two or more capitals, digits or -"


@dataclass(frozen=True, slots=True)
class Answers:
    """The six answers."""

    host: str
    code: str
    channel: str
    homeserver: str
    user: str
    secrets: str
    anchor: str
    years: str


@app.command()
def init(
    ctx: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Side or neutral firm that runs this.")] = None,
    channel: Annotated[str | None, typer.Option(help="matrix or none.")] = None,
    homeserver: Annotated[str | None, typer.Option(help="Address of the homeserver.")] = None,
    user: Annotated[str | None, typer.Option(help="Our account, @name:server.")] = None,
    secrets: Annotated[str | None, typer.Option(help="Folder of secrets, or auto.")] = None,
    anchor: Annotated[str | None, typer.Option(help="Folder outside this machine.")] = None,
    years: Annotated[str | None, typer.Option(help="Years that records are kept.")] = None,
    zone: Annotated[str, typer.Option(help="Time zone of the home.")] = "UTC",
) -> None:
    """Writes wallcross.toml and policy.toml by asking six questions, and checks them."""
    state = state_folder(ctx.obj.home, os.environ)
    file = config_file(ctx.obj.config, state, os.environ)
    policy = file.with_name(POLICY)
    _refuse_over(file, policy)
    out = Out(ctx.obj)
    if not (ctx.obj.no_input or sys.stdin.isatty()):
        out.note("No terminal: nothing is asked, and what is piped in is not read; options count.")
    code = out.ask("1  Code name of the deal (none for later)?", "--deal", ctx.obj.deal or "none")
    named = host or out.ask("2  Which side or neutral firm runs this home?", "--host", "none")
    kind = channel or out.ask("3  Which channel, matrix or none?", "--channel", "none")
    answers = Answers(
        host=named if named == "none" else _fit("--host", named, HOST_FORM, SIDE),
        code=code if code == "none" else _fit("--deal", code, CODE_FORM, CODE),
        channel=_one_of("--channel", kind, CHANNELS),
        homeserver=_fit(
            "--homeserver",
            _if(kind, homeserver, out, "   Its homeserver?", "--homeserver"),
            "an address that begins with https:// or http://",
            ADDRESS,
        ),
        user=_fit(
            "--user",
            _if(kind, user, out, "   Our account there (@name:server)?", "--user"),
            "our account as @name:server",
            USER,
        ),
        secrets=_outside(
            "--secrets",
            secrets or out.ask("4  Folder of secrets without a keyring?", "--secrets", "auto"),
            state,
            "auto",
        ),
        anchor=_outside(
            "--anchor",
            anchor or out.ask("5  Folder outside for audit heads?", "--anchor", "none"),
            state,
            "none",
        ),
        years=_one_of(
            "--years",
            years or out.ask("6  Years that records are kept (3, 5, 7)?", "--years", "7"),
            KEPT,
        ),
    )
    _check_zone(zone)
    make_home(state)
    _write(file, settings_text(answers, zone), policy, policy_text(answers.years))
    settings = load(environ=os.environ, file=file, state=state)
    tell = {"config": str(file), "policy": str(policy)}
    out.one(tell, lambda: [f"wrote {file}", f"wrote {policy}"])
    if not out.json:
        tell_checks(out, still_checks(settings))
        typer.echo(_next(answers))


def settings_text(answers: Answers, zone: str) -> str:
    """`wallcross.toml` of the answers."""
    lines = ["# docs/configuration.md describes each setting.", "version = 1", "", "[home]"]
    if answers.host != "none":
        lines.append(f"host = {json.dumps(answers.host)}")
    lines.append(f"time_zone = {json.dumps(zone)}")
    if answers.secrets != "auto":
        lines += ["", "[secrets]", f"folder = {json.dumps(answers.secrets)}"]
    if answers.code != "none":
        lines += ["", f"[deals.{answers.code}]", f"policy = {json.dumps(POLICY)}"]
    if answers.channel == "matrix":
        lines += ["", *_matrix(answers)]
    if answers.anchor != "none":
        lines += ["", "[[anchors]]", 'kind = "folder"', 'name = "outside"']
        lines.append(f"path = {json.dumps(answers.anchor)}")
    return "\n".join(lines) + "\n"


def policy_text(years: str) -> str:
    """The policy that ships, with records kept for ``years``."""
    text = default_text().replace('record_class = "7y"', f'record_class = "{years}y"')
    return text.replace('keep_for = "7 y"', f'keep_for = "{years} y"')


def _matrix(answers: Answers) -> list[str]:
    return [
        "[channels.matrix]",
        'kind = "matrix"',
        "",
        "[channels.matrix.settings]",
        f"homeserver = {json.dumps(answers.homeserver)}",
        f"user = {json.dumps(answers.user)}",
        "",
        "[channels.matrix.secrets]",
        f'password = "{_secret(answers, "password")}"',
        f'pickle_key = "{_secret(answers, "pickle-key")}"',
        "",
        "[clock]",
        'channels = ["matrix"]',
    ]


def _secret(answers: Answers, name: str) -> str:
    """The reference of a secret, named after the deal: a keyring knows users, not homes."""
    service = "wallcross" if answers.code == "none" else f"wallcross-{answers.code.lower()}"
    return f"keyring:{service}/matrix-{name}"


def _if(kind: str, given: str | None, out: Out, question: str, option: str) -> str:
    """An answer that only a channel needs."""
    if kind == "none":
        return ""
    return given or out.ask(question, option)


def _fit(option: str, value: str, form: str, known: re.Pattern[str]) -> str:
    """An answer of its form."""
    if known.fullmatch(value) is None:
        raise typer.BadParameter(f"{option} is {form}; this is not: {value}")
    return value


def _check_zone(zone: str) -> None:
    if zone not in available_timezones():
        raise typer.BadParameter(f"--zone is an IANA name such as Europe/Berlin; not: {zone}")


def _outside(option: str, value: str, state: Path, none: str) -> str:
    """A folder that may be used for what must not lie in the home.

    It may not be there yet (a share that is mounted later); what stands in its place may not be
    a file.
    """
    if value == none:
        return value
    folder = Path(value).expanduser()
    if not folder.is_absolute():
        raise typer.BadParameter(f"{option} is an absolute path or {none}; this is not: {value}")
    if folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"{option} is a folder; there is a file: {value}")
    if folder.resolve().is_relative_to(state.resolve()):
        raise typer.BadParameter(f"{option} lies outside the home {state}; this is in it: {value}")
    return value


def _one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise typer.BadParameter(f"{option} is one of {', '.join(known)}")
    return value


def _refuse_over(*files: Path) -> None:
    there = [str(file) for file in files if file.exists()]
    if there:
        then = "wallcross config validate"
        raise Refused(f"{' and '.join(there)} is there", still="Nothing was written", then=then)


def _write(file: Path, settings: str, policy: Path, rules: str) -> None:
    read_policy(rules, policy)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_own(policy, rules.encode())
    write_own(file, settings.encode())


def _next(answers: Answers) -> str:
    steps = []
    if answers.channel == "matrix":
        steps.append(f"wallcross secret set {_secret(answers, 'password')}")
        steps.append(f"wallcross secret set {_secret(answers, 'pickle-key')} --random")
    if answers.code != "none":
        steps.append(f"wallcross deal new {answers.code}")
    steps.append("wallcross doctor")
    return "next:\n" + "\n".join(f"  {step}" for step in steps)
