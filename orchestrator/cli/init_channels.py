"""The third question of `init`: counsel's decision on Signal, which channels, what each needs.

Rules kept here:

1. Signal is offered only once counsel has said yes to a client that Signal does not make; who said
   so, and when, goes into the settings.
2. What a connector would not take is told now, all of it, by the names of the options.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal, NoReturn

import typer

from orchestrator.cli.out import Out

Decided = Literal["yes", "no", "later"]
DECISIONS: Mapping[str, Decided] = {"yes": "yes", "no": "no", "later": "later"}
MATRIX, SIGNAL, MAIL, NONE = "matrix", "signal", "pgpmail", "none"
FOR_COUNSEL = (
    "For counsel: Wallcross reaches Signal through signal-cli, a program that Signal neither makes"
    " nor supports, run by a server without a password of its own. Signal may change or refuse"
    " what it relies on at any time, and an account may be lost by it. Whether Signal's terms of"
    " use and your own duties to keep records allow it is for counsel to say, not for the operator."
)
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_SERVER = re.compile(rf"({_HOST})(?::([0-9]{{1,5}}))?")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_USER = re.compile(r"@[^:\s@]{1,200}:[A-Za-z0-9.\[\]:-]{1,200}")
_NUMBER = re.compile(r"\+[1-9][0-9]{5,14}")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,253}")
_PORT = re.compile(r"[0-9]{1,5}")
_NAME = re.compile(r"\S[^\n\r]{0,199}")
_SUBMISSION_TLS, _IMAPS = 465, 993
_WEBHOOK_PORT = "9440"


@dataclass(frozen=True, slots=True)
class Needed:
    """One thing that a channel needs: how it is asked for, and what it looks like."""

    option: str
    question: str
    form: re.Pattern[str]
    like: str
    default: str | None = None


_URL_LIKE = "an address that begins with https:// or http://"
NEEDED: Mapping[str, Sequence[Needed]] = {
    SIGNAL: (
        Needed("--api", "   Signal: address of signal-cli-rest-api?", _URL, _URL_LIKE),
        Needed("--number", "   Signal: our number (+…)?", _NUMBER, "our number as +491511234567"),
        Needed(
            "--webhook-port",
            "   Signal: port on this machine that it posts to?",
            _PORT,
            "a port",
            _WEBHOOK_PORT,
        ),
    ),
    MATRIX: (
        Needed("--homeserver", "   Matrix: address of the homeserver?", _URL, _URL_LIKE),
        Needed(
            "--user", "   Matrix: our account (@name:server)?", _USER, "our account, @name:server"
        ),
    ),
    MAIL: (
        Needed("--address", "   Mail: our address?", _ADDRESS, "our mail address"),
        Needed(
            "--smtp", "   Mail: submission server (host or host:465)?", _SERVER, "host or host:port"
        ),
        Needed("--imap", "   Mail: IMAP server (host or host:port)?", _SERVER, "host or host:port"),
    ),
}
ASKED = tuple(thing.option for things in NEEDED.values() for thing in things)
"""Every option of a channel, in order."""
OPTIONS: Mapping[str, str] = {
    "homeserver": "--homeserver",
    "user": "--user",
    "api": "--api",
    "number": "--number",
    "listen_port": "--webhook-port",
    "address": "--address",
    "smtp_host": "--smtp",
    "smtp_port": "--smtp",
    "imap_host": "--imap",
    "imap_port": "--imap",
}
"""Which option a connector's setting comes from."""


@dataclass(frozen=True, slots=True)
class Channels:
    """What was answered of channels.

    Attributes:
        kinds: in the order of the settings.
        decided: counsel on Signal.
        by: who of counsel; empty for later.
        given: by option, what the channels need.
    """

    kinds: tuple[str, ...]
    decided: Decided
    by: str
    given: Mapping[str, str]

    @property
    def for_valuation(self) -> tuple[str, ...]:
        """Where somebody of several accounts has his seat for valuation; empty: undecided."""
        if self.decided == "yes":
            return (SIGNAL, MATRIX)
        return (MATRIX,) if self.decided == "no" or MATRIX in self.kinds else ()


def decide(
    out: Out, named: str | None, by: str | None, kinds: Sequence[str]
) -> tuple[Decided, str]:
    """Counsel's decision, with who took it.

    Args:
        out: asks.
        named: as given by option.
        by: likewise.
        kinds: channels that were given by option: without Signal among them nothing is asked.

    Raises:
        BadParameter: a decision without a name, or none that is known.
    """
    if named is None and out.asks and (not kinds or SIGNAL in kinds):
        out.note(FOR_COUNSEL)
        named = out.ask(
            "   Signal: may it be used, by counsel (yes, no, or later)?",
            "--signal-decision",
            "later",
        )
    decided = DECISIONS.get(named or "later")
    if decided is None:
        _refuse("--signal-decision", f"is yes, no or later; this is not: {named}")
    if decided == "later":
        return decided, ""
    who = by or out.ask("   Signal: who of counsel said so?", "--by", None)
    return decided, fit("--by", who, "the name of whoever decided", _NAME)


def offered(decided: Decided) -> tuple[str, ...]:
    """The channels that may be chosen."""
    return (SIGNAL, MATRIX, MAIL) if decided == "yes" else (MATRIX, MAIL)


def chosen(text: str, decided: Decided) -> tuple[str, ...]:
    """The channels of an answer.

    Raises:
        BadParameter: one is unknown, or counsel has not said yes to it.
    """
    kinds = tuple(dict.fromkeys(re.split(r"[,\s]+", text.strip())))
    if kinds == (NONE,):
        return ()
    if SIGNAL in kinds and decided != "yes":
        _refuse("--channel signal", "needs counsel's --signal-decision yes --by NAME")
    wrong = [kind for kind in kinds if kind not in NEEDED]
    if wrong:
        _refuse("--channel", f"is one of {', '.join((*offered(decided), NONE))}; not: {wrong[0]}")
    return tuple(kind for kind in NEEDED if kind in kinds)


def needs(out: Out, kinds: Sequence[str], given: Mapping[str, str | None]) -> dict[str, str]:
    """What the channels need, by option: as given, else asked for.

    Args:
        out: asks.
        kinds: the channels.
        given: what the command line held, by option.

    Raises:
        BadParameter: an answer of the wrong form, or an option of a channel that was not chosen.
    """
    found: dict[str, str] = {}
    for kind, things in NEEDED.items():
        for thing in things:
            held = given[thing.option]
            if kind in kinds:
                answer = held or out.ask(thing.question, thing.option, thing.default)
                found[thing.option] = fit(thing.option, answer, thing.like, thing.form)
            elif held is not None:
                _refuse(thing.option, f"belongs to --channel {kind}, which was not chosen")
    return found


def fit(option: str, value: str, like: str, form: re.Pattern[str]) -> str:
    """An answer of its form. Raises: BadParameter."""
    if form.fullmatch(value) is None:
        _refuse(option, f"is {like}; this is not: {value}")
    return value


def tables(channels: Channels, service: str, on: str) -> Iterator[str]:
    """The lines of the settings.

    Args:
        channels: as answered.
        service: what the references of secrets begin with.
        on: today, as YYYY-MM-DD.
    """
    if channels.decided != "later":
        yield from ("", "[decisions.signal]", f"allowed = {json.dumps(channels.decided == 'yes')}")
        yield from (f"by = {json.dumps(channels.by, ensure_ascii=False)}", f"on = {json.dumps(on)}")
    for kind in channels.kinds:
        yield from ("", f"[channels.{kind}]", f'kind = "{kind}"', "")
        yield f"[channels.{kind}.settings]"
        settings = _settings(kind, channels.given).items()
        yield from (f"{name} = {json.dumps(value)}" for name, value in settings)
        yield from ("", f"[channels.{kind}.secrets]")
        for secret in _secrets(kind, channels.given):
            yield f'{secret} = "{reference(service, kind, secret)}"'
    if MATRIX in channels.kinds:
        yield from ("", "[clock]", 'channels = ["matrix"]')


def reference(service: str, kind: str, secret: str) -> str:
    """Where a channel's secret lies."""
    return f"keyring:{service}/{kind}-{secret.replace('_', '-')}"


def next_steps(channels: Channels, service: str) -> Iterator[str]:
    """What is left to do for the channels."""
    for kind in channels.kinds:
        for secret in _secrets(kind, channels.given):
            ours = " --random" if secret in {"pickle_key", "state_key", "passphrase"} else ""
            yield f"wallcross secret set {reference(service, kind, secret)}{ours}"
    if SIGNAL in channels.kinds:
        port = channels.given["--webhook-port"]
        yield f"at the API server: RECEIVE_WEBHOOK_URL=http://127.0.0.1:{port}/<the webhook-secret>"


def _settings(kind: str, given: Mapping[str, str]) -> dict[str, str | int]:
    if kind == MATRIX:
        return {"homeserver": given["--homeserver"], "user": given["--user"]}
    if kind == SIGNAL:
        port = int(given["--webhook-port"])
        return {"api": given["--api"], "number": given["--number"], "listen_port": port}
    (smtp, smtp_port), (imap, imap_port) = _server(given["--smtp"]), _server(given["--imap"])
    found: dict[str, str | int] = {"address": given["--address"], "smtp_host": smtp}
    if smtp_port is not None:
        found |= {"smtp_port": smtp_port}
    if smtp_port == _SUBMISSION_TLS:
        found |= {"smtp_tls": "tls"}
    found |= {"imap_host": imap}
    return found if imap_port in {None, _IMAPS} else found | {"imap_port": imap_port or _IMAPS}


def _secrets(kind: str, given: Mapping[str, str]) -> tuple[str, ...]:
    if kind == MATRIX:
        return ("password", "pickle_key")
    if kind == MAIL:
        return ("smtp_password", "passphrase")
    own_proxy = () if _loopback(given["--api"]) else ("api_token",)
    return ("webhook_secret", "state_key", *own_proxy)


def _loopback(url: str) -> bool:
    host = url.partition("://")[2].partition("/")[0]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _server(text: str) -> tuple[str, int | None]:
    host, _, port = text.partition(":")
    return host, int(port) if port else None


def _refuse(option: str, wrong: str) -> NoReturn:
    raise typer.BadParameter(f"{option} {wrong}")
