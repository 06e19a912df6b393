"""A channel's tables in the settings, for `init` and `channel add` alike.

Rules kept here:

1. What a kind cannot be without is its connector's own word. Added is only what a connector leaves
   open and a first set-up needs: Matrix's password, the credential of a proxy before Signal.
2. A secret is a reference here, never a value. One that nobody else has to know is made, not typed;
   one that another program must be told too is typed, as what is made is never shown.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from ipaddress import ip_address

import typer

from orchestrator.cli.out import Out
from orchestrator.client.problems import Missing
from orchestrator.clock import SECOND, now

SIGNAL, MATRIX, MAIL, WICKR, XMPP = "signal", "matrix", "pgpmail", "wickr", "xmpp"
KINDS = (SIGNAL, MATRIX, MAIL, WICKR, XMPP)
"""What ships for real deals, in the order of the settings."""
RANDOM = frozenset({"pickle_key", "state_key", "passphrase"})
SETTING = re.compile(r"[a-z][a-z0-9_]*")
_PLAIN = re.compile(r"true|false|(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?")


def needed(kind: str, values: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The settings and the secrets of a channel that a first set-up needs, by name.

    Args:
        kind: of the channel.
        values: its settings so far.

    Raises:
        Missing: there is no such kind.
    """
    try:
        settings, secrets = import_module("orchestrator.wiring.settings").needed(kind, values)
    except LookupError as error:
        raise Missing(str(error), then="wallcross channel scorecard") from None
    if kind == MATRIX:
        return settings, ("password", *secrets)
    far = kind == SIGNAL and "api" in values and not _loopback(str(values["api"]))
    return settings, (*secrets, "api_token") if far else secrets


def complete(
    out: Out, kind: str, values: Mapping[str, object], before: str = ""
) -> dict[str, object]:
    """A channel's settings with what is needed and not there yet, asked for.

    Args:
        out: asks.
        kind: of the channel.
        values: its settings so far.
        before: what stands before a setting's name in ``--setting``.

    Raises:
        Missing: there is no such kind.
    """
    found = dict(values)
    for name in needed(kind, values)[0]:
        if name not in found:
            found[name] = value(out.ask(f"   {kind}: {name}?", f"--setting {before}{name}=…"))
    return found


def read(given: Sequence[str], form: re.Pattern[str] = SETTING) -> dict[str, object]:
    """Settings of ``NAME=VALUE``, by name.

    Raises:
        BadParameter: one is of another form.
    """
    found: dict[str, object] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not form.fullmatch(name):
            raise typer.BadParameter(f"--setting is NAME=VALUE; this is not: {name}")
        found[name] = value(text)
    return found


def value(text: str) -> object:
    """A figure, true or false as TOML has them; everything else is a text, `+49…` too."""
    return tomllib.loads(f"value = {text}")["value"] if _PLAIN.fullmatch(text) else text


def references(service: str, name: str, kind: str, values: Mapping[str, object]) -> dict[str, str]:
    """Where each secret of a channel lies, by its setting.

    Args:
        service: what references begin with here.
        name: of the channel in the settings.
        kind: of the channel.
        values: its settings.
    """
    return {
        secret: f"keyring:{service}/{name}-{secret.replace('_', '-')}"
        for secret in needed(kind, values)[1]
    }


def lines(
    name: str, kind: str, values: Mapping[str, object], secrets: Mapping[str, str]
) -> Iterator[str]:
    """A channel's lines of the settings.

    Args:
        name: in the settings.
        kind: of the channel.
        values: its settings.
        secrets: references by setting.
    """
    yield from ("", f"[channels.{name}]", f"kind = {_text(kind)}", "")
    yield f"[channels.{name}.settings]"
    yield from (f"{setting} = {_text(what)}" for setting, what in values.items())
    yield from ("", f"[channels.{name}.secrets]")
    yield from (f"{secret} = {_text(where)}" for secret, where in secrets.items())


def decision(*, allowed: bool, by: str) -> Iterator[str]:
    """The lines of counsel's decision on Signal, taken today.

    Args:
        allowed: it was a yes.
        by: who took it.
    """
    today = datetime.fromtimestamp(now() // SECOND, UTC).date().isoformat()
    yield from ("", "[decisions.signal]", f"allowed = {_text(allowed)}")
    yield from (f"by = {_text(by)}", f"on = {_text(today)}")


def steps(kind: str, values: Mapping[str, object], secrets: Mapping[str, str]) -> Iterator[str]:
    """What is left to do for a channel's secrets.

    Args:
        kind: of the channel.
        values: its settings.
        secrets: references by setting.
    """
    for secret, where in secrets.items():
        yield f"wallcross secret set {where}{' --random' if secret in RANDOM else ''}"
    if kind == SIGNAL and "webhook_secret" in secrets:
        here = str(values.get("reached_at") or f"http://127.0.0.1:{values['listen_port']}")
        address = f"{here.rstrip('/')}/<the webhook-secret>"
        yield f"at the API server: RECEIVE_WEBHOOK_URL={address}"


def _text(what: object) -> str:
    return json.dumps(what, ensure_ascii=False)


def _loopback(url: str) -> bool:
    host = url.partition("://")[2].partition("/")[0]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
