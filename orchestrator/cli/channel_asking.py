"""What `init` asks of a channel: for some kinds options and questions of their own.

Rules kept here:

1. For kinds that have none, and for further settings of all, ``--setting CHANNEL.NAME=VALUE``.
2. What a connector would not take is told by the name of the option that it came from.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import typer

from orchestrator.cli.channel_table import MAIL, MATRIX, SIGNAL, complete, needed, read
from orchestrator.cli.out import Out

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
_SERVER = re.compile(rf"({_HOST})(?::([0-9]{{1,5}}))?")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")
_USER = re.compile(r"@[^:\s@]{1,200}:[A-Za-z0-9.\[\]:-]{1,200}")
_NUMBER = re.compile(r"\+[1-9][0-9]{5,14}")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,253}")
_PORT = re.compile(r"[0-9]{1,5}")
_PROGRAM = re.compile(r"rest|json-rpc")
_OF_CHANNEL = re.compile(r"[a-z][a-z0-9-]*\.[a-z][a-z0-9_]*")
_SUBMISSION_TLS, _IMAPS = "465", "993"
_WEBHOOK_PORT = "9440"


@dataclass(frozen=True, slots=True)
class Needed:
    """One thing that a channel needs: how it is asked for, and what it looks like.

    Attributes:
        setting: of the connector, that it leads to first of all.
        option: of the command line.
        question: for people.
        form: that an answer has.
        like: the form in words.
        default: that is taken where nobody can be asked.
        read: the settings of an answer; None: the one, as it was answered.
        always: asked for, though a connector can be without it.
        unless: a setting in whose presence it is not asked for.
    """

    setting: str
    option: str
    question: str
    form: re.Pattern[str]
    like: str
    default: str | None = None
    read: Callable[[str], dict[str, object]] | None = None
    always: bool = False
    unless: str | None = None

    def settings(self, answer: str) -> dict[str, object]:
        """The settings of an answer. Raises: BadParameter."""
        fitting = fit(self.option, answer, self.like, self.form)
        return {self.setting: fitting} if self.read is None else self.read(fitting)


def _backend(text: str) -> dict[str, object]:
    return {} if text == "rest" else {"backend": text}


def _listen(text: str) -> dict[str, object]:
    return {"listen_port": int(text)}


def _submission(text: str) -> dict[str, object]:
    host, _, port = text.partition(":")
    found: dict[str, object] = {"smtp_host": host}
    if port:
        found |= {"smtp_port": int(port)}
    return found | {"smtp_tls": "tls"} if port == _SUBMISSION_TLS else found


def _mailbox(text: str) -> dict[str, object]:
    host, _, port = text.partition(":")
    found: dict[str, object] = {"imap_host": host}
    return found if port in {"", _IMAPS} else found | {"imap_port": int(port)}


_URL_LIKE = "an address that begins with https:// or http://"
_SERVER_LIKE = "host or host:port"
NEEDED: Mapping[str, Sequence[Needed]] = {
    SIGNAL: (
        Needed(
            "backend",
            "--backend",
            "   Signal: program that runs it (rest: signal-cli-rest-api; json-rpc: signal-cli)?",
            _PROGRAM,
            "rest or json-rpc",
            "rest",
            read=_backend,
            always=True,
        ),
        Needed("api", "--api", "   Signal: address of that program?", _URL, _URL_LIKE),
        Needed(
            "number",
            "--number",
            "   Signal: our number (+…)?",
            _NUMBER,
            "our number as +491511234567",
        ),
        Needed(
            "listen_port",
            "--webhook-port",
            "   Signal: port on this machine that it posts to?",
            _PORT,
            "a port",
            _WEBHOOK_PORT,
            read=_listen,
        ),
    ),
    MATRIX: (
        Needed(
            "homeserver",
            "--homeserver",
            "   Matrix: address of the homeserver?",
            _URL,
            _URL_LIKE,
        ),
        Needed(
            "user",
            "--user",
            "   Matrix: our account (@name:server)?",
            _USER,
            "our account, @name:server",
        ),
    ),
    MAIL: (
        Needed("address", "--address", "   Mail: our address?", _ADDRESS, "our mail address"),
        Needed(
            "smtp_host",
            "--smtp",
            "   Mail: submission server (host or host:465)?",
            _SERVER,
            _SERVER_LIKE,
            read=_submission,
        ),
        Needed(
            "imap_host",
            "--imap",
            "   Mail: IMAP server (host or host:port)?",
            _SERVER,
            _SERVER_LIKE,
            read=_mailbox,
            always=True,
            unless="maildir",
        ),
    ),
}
ASKED = tuple(thing.option for things in NEEDED.values() for thing in things)
"""Every option of a channel, in order."""
_BESIDE = {"smtp_port": "--smtp", "imap_port": "--imap"}


def further(given: Sequence[str]) -> dict[str, dict[str, object]]:
    """Settings of ``CHANNEL.NAME=VALUE``, by channel.

    Raises:
        BadParameter: one is of another form.
    """
    found: dict[str, dict[str, object]] = defaultdict(dict)
    for whole, value in read(given, _OF_CHANNEL).items():
        kind, _, setting = whole.partition(".")
        found[kind][setting] = value
    return found


def needs(
    out: Out,
    kinds: Sequence[str],
    given: Mapping[str, str | None],
    more: Mapping[str, Mapping[str, object]],
) -> dict[str, dict[str, object]]:
    """The settings of each channel: as given, else asked for.

    Args:
        out: asks.
        kinds: the channels.
        given: what the command line held, by option.
        more: further settings that it held, by channel.

    Raises:
        BadParameter: an answer of the wrong form, or an option of a channel that was not chosen.
    """
    held = [(kind, t.option) for kind, things in NEEDED.items() for t in things if given[t.option]]
    for kind, option in [*held, *((kind, "--setting") for kind in more)]:
        if kind not in kinds:
            refuse(option, f"belongs to --channel {kind}, which was not chosen")
    return {kind: _needs(out, kind, given, more.get(kind, {})) for kind in kinds}


def _needs(
    out: Out, kind: str, given: Mapping[str, str | None], more: Mapping[str, object]
) -> dict[str, object]:
    found = dict(more)
    for thing in NEEDED.get(kind, ()):
        held = given[thing.option]
        if held is None and not _asked(thing, kind, found):
            continue
        if thing.setting in found:
            refuse(thing.option, f"stands beside --setting {kind}.{thing.setting}")
        answer = held or out.ask(thing.question, thing.option, thing.default)
        found |= thing.settings(answer)
    return complete(out, kind, found, f"{kind}.")


def _asked(thing: Needed, kind: str, found: Mapping[str, object]) -> bool:
    if thing.setting in found or thing.unless in found:
        return False
    return thing.always or thing.setting in needed(kind, found)[0]


def option_of(place: str, word: str) -> str | None:
    """The option that a mistake in the settings came from; None: it tells itself.

    Args:
        place: of the mistake, in the settings.
        word: the first of its remedy, which may be a setting's name.
    """
    first, kind, *last = (*place.split("."), "")
    things = NEEDED.get(kind, ()) if first == "channels" else ()
    options = {thing.setting: thing.option for thing in things}
    options |= {s: o for s, o in _BESIDE.items() if o in options.values()}
    found = next((options[name] for name in (*last[1:2], word) if name in options), None)
    if found is None and last[:1] == ["settings"] and last[1]:
        return f"--setting {kind}.{last[1]}"
    return found


def fit(option: str, value: str, like: str, form: re.Pattern[str]) -> str:
    """An answer of its form. Raises: BadParameter."""
    if form.fullmatch(value) is None:
        refuse(option, f"is {like}; this is not: {value}")
    return value


def refuse(option: str, wrong: str) -> NoReturn:
    """Tells what is wrong with an option. Raises: BadParameter."""
    raise typer.BadParameter(f"{option} {wrong}")
