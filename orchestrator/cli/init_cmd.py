"""`wallcross init`: six questions, one file without secrets, and what is left to do.

Rules kept here:

1. What it writes opens no door: no channel, deal or anchor that was not asked for.
2. It never writes over a file, and what it would write is checked before anything is kept, by
   what reads it later: the settings, the connectors, the policy.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

import typer

from orchestrator.cli.channel_asking import ASKED, fit, further, needs, option_of
from orchestrator.cli.channel_table import KINDS
from orchestrator.cli.checking import still_checks
from orchestrator.cli.doctor_cmd import tell_checks
from orchestrator.cli.init_channels import (
    Channels,
    chosen,
    decide,
    next_steps,
    offered,
    tables,
)
from orchestrator.cli.out import Out
from orchestrator.cli.session import make_home
from orchestrator.client.dry_run import WouldDo
from orchestrator.client.problems import Refused
from orchestrator.config import load
from orchestrator.config.load import check, config_file, state_folder
from orchestrator.config.mistakes import Mistake
from orchestrator.config.model import CODE
from orchestrator.config.policy import default_text, read_policy
from orchestrator.roster.form import ID as SIDE
from orchestrator.secrets.ownfile import write_own

app = typer.Typer(add_completion=False, rich_markup_mode=None)
POLICY = "policy.toml"
KEPT = ("3", "5", "7")
HOST_FORM = "none, or a side's id as on the roster: small letters, digits, . - or _"
CODE_FORM = "none, or two or more capitals, digits or -"


@dataclass(frozen=True, slots=True)
class Answers:
    """The six answers."""

    host: str
    code: str
    channels: Channels
    secrets: str
    anchor: str
    years: str

    @property
    def service(self) -> str:
        """Named after the deal: a keyring knows users, not homes."""
        return "wallcross" if self.code == "none" else f"wallcross-{self.code.lower()}"


@app.command()
def init(
    ctx: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="Side or neutral firm that runs this.")] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(KINDS)}, yours, or none; may be repeated."),
    ] = None,
    signal_decision: Annotated[
        str | None, typer.Option(help="Counsel on unofficial Signal clients: yes, no or later.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who of counsel decided that.")] = None,
    homeserver: Annotated[str | None, typer.Option(help="matrix: address of it.")] = None,
    user: Annotated[str | None, typer.Option(help="matrix: our account, @name:server.")] = None,
    backend: Annotated[str | None, typer.Option(help="signal: rest or json-rpc.")] = None,
    api: Annotated[str | None, typer.Option(help="signal: address of that program.")] = None,
    number: Annotated[str | None, typer.Option(help="signal: our number, +….")] = None,
    webhook_port: Annotated[str | None, typer.Option(help="signal: port it posts to.")] = None,
    address: Annotated[str | None, typer.Option(help="pgpmail: our mail address.")] = None,
    smtp: Annotated[str | None, typer.Option(help="pgpmail: submission, host[:port].")] = None,
    imap: Annotated[str | None, typer.Option(help="pgpmail: mailbox, host[:port].")] = None,
    setting: Annotated[
        list[str] | None, typer.Option(help="CHANNEL.NAME=VALUE; what is needed is asked.")
    ] = None,
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
    if not (out.asks or ctx.obj.no_input):
        out.note("No terminal: nothing is asked, and what is piped in is not read; options count.")
    code = out.ask("1  Code name of the deal (none for later)?", "--deal", ctx.obj.deal or "none")
    named = host or out.ask("2  Which side or neutral firm runs this home?", "--host", "none")
    needed = (backend, api, number, webhook_port, homeserver, user, address, smtp, imap)
    given = dict(zip(ASKED, needed, strict=True))
    answers = Answers(
        host=named if named == "none" else fit("--host", named, HOST_FORM, SIDE),
        code=code if code == "none" else fit("--deal", code, CODE_FORM, CODE),
        channels=_channels(out, channel or (), (signal_decision, by), given, setting or ()),
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
    text, rules = settings_text(answers, zone), policy_text(answers)
    _check(text)
    read_policy(rules, policy)
    if ctx.obj.dry_run:
        raise WouldDo([f"{file} is written.", f"{policy} is written."])
    make_home(state)
    _write(file, text, policy, rules)
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
    lines += tables(answers.channels, answers.service)
    if answers.anchor != "none":
        lines += ["", "[[anchors]]", 'kind = "folder"', 'name = "outside"']
        lines.append(f"path = {json.dumps(answers.anchor)}")
    return "\n".join(lines) + "\n"


def policy_text(answers: Answers) -> str:
    """The policy that ships, with the years that records are kept, and where valuation sits."""
    years, seats = answers.years, answers.channels.for_valuation
    text = default_text().replace('record_class = "7y"', f'record_class = "{years}y"')
    text = text.replace('keep_for = "7 y"', f'keep_for = "{years} y"')
    if not seats:
        return text
    below = "[tiers.valuation.demands]"
    return text.replace(below, f"channels = {json.dumps(list(seats))}\n\n{below}", 1)


def _channels(
    out: Out,
    named: Sequence[str],
    counsel: tuple[str | None, str | None],
    given: Mapping[str, str | None],
    more: Sequence[str],
) -> Channels:
    """The third answer: counsel's decision on Signal first, then the channels."""
    decided, by = decide(out, *counsel, named)
    choice = ", ".join(offered(decided))
    question = f"3  Which channels ({choice}), with commas, or none?"
    text = ",".join(named) or out.ask(question, "--channel", "none")
    kinds = chosen(text, decided)
    return Channels(kinds, decided, by, needs(out, kinds, given, further(more)))


def _check(text: str) -> None:
    """Refuses what the settings or a connector would not take, all of it at once."""
    data = tomllib.loads(text)
    mistakes: Sequence[Mistake] = check(data, {})
    if not mistakes:
        find = import_module("orchestrator.wiring.settings").channel_mistakes
        mistakes = find(data.get("channels"))
    if mistakes:
        raise typer.BadParameter("; ".join(map(_named, mistakes)))


def _named(mistake: Mistake) -> str:
    """A mistake by the option that it came from: the place names it, or the remedy's first word."""
    word = re.split(r"[:,]", mistake.remedy, maxsplit=1)[0].lower()
    option = option_of(mistake.place, word) or mistake.place
    return f"{option}: {mistake.wrong}. {mistake.remedy}"


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
        raise Refused(
            f"there already: {' and '.join(there)}", still="Nothing was written", then=then
        )


def _write(file: Path, settings: str, policy: Path, rules: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_own(policy, rules.encode())
    write_own(file, settings.encode())


def _next(answers: Answers) -> str:
    steps = [*next_steps(answers.channels, answers.service)]
    if answers.code != "none":
        steps.append(f"wallcross deal new {answers.code}")
    steps.append("wallcross doctor")
    return "next:\n" + "\n".join(f"  {step}" for step in steps)
