"""One more channel in settings that are there: the tables behind them, and nothing else touched.

Rules kept here:

1. What stands in the file stays as it is, comments too; tables are put behind it, at once or not at
   all. A channel of that name is never written over.
2. The whole is checked before it is kept, by what reads it later: the settings and the connector.
3. No secret is asked for and none is written: references are, and where each is to be set is said.
4. Signal takes counsel's decision, as `init` asks for it.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from orchestrator.cli.init_channels import SIGNAL, decide, reference
from orchestrator.cli.out import Out
from orchestrator.client.problems import Missing, Refused
from orchestrator.clock import SECOND, now
from orchestrator.config.load import check
from orchestrator.secrets.ownfile import write_own

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
RANDOM = frozenset({"pickle_key", "state_key", "passphrase", "webhook_secret"})
"""Secrets that nobody else has to know: they are made, not typed."""
_PLAIN = re.compile(r"true|false|(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?")
_SERVICE = re.compile(r"keyring:([^/]+)/")


def added(out: Out, file: Path, kind: str, name: str, given: Sequence[str]) -> "Added":
    """The settings with one more channel, checked.

    Args:
        out: asks for what is needed and was not given.
        file: the settings.
        kind: of the channel.
        name: in the settings.
        given: ``NAME=VALUE``, a setting each.

    Raises:
        BadParameter: what was given is not what the settings or the connector take.
        Missing: there are no settings, or no such kind.
        Refused: a channel of that name is there.
    """
    before = _text(file)
    data = tomllib.loads(before)
    if NAME.fullmatch(name) is None:
        raise typer.BadParameter(f"--name is small letters, digits and -; this is not: {name}")
    if name in data.get("channels", {}):
        still = "Nothing was written"
        raise Refused(f"a channel {name} is there already", still=still, then="--name ANOTHER")
    values = _read(given)
    settings, secrets = _needed(kind, values)
    for setting in settings:
        if setting not in values:
            asked = out.ask(f"{kind}: {setting}?", f"--setting {setting}=…", None)
            values[setting] = _value(asked)
    references = {s: reference(_service(data), name, s) for s in secrets}
    return Added(before, kind, name, values, references)


class Added:
    """A channel that is to stand behind settings that are there.

    Args:
        before: the settings as they are.
        kind: of the channel.
        name: in the settings.
        values: its settings.
        references: where its secrets lie.
    """

    def __init__(
        self,
        before: str,
        kind: str,
        name: str,
        values: Mapping[str, object],
        references: Mapping[str, str],
    ) -> None:
        self.name, self.references = name, references
        self._before, self._kind, self._values = before, kind, values
        self._decision: tuple[str, ...] = ()

    def decide(self, out: Out, named: str | None, by: str | None) -> None:
        """Asks for counsel's decision where the kind takes one and none is on record.

        Raises:
            BadParameter: counsel has not said yes.
        """
        decided = tomllib.loads(self._before).get("decisions", {}).get(SIGNAL)
        if self._kind != SIGNAL or decided is not None:
            return
        said, who = decide(out, named, by, [SIGNAL])
        if said != "yes":
            raise typer.BadParameter("Signal needs counsel's --signal-decision yes --by NAME")
        today = datetime.fromtimestamp(now() // SECOND, UTC).date().isoformat()
        lines = (f"by = {json.dumps(who, ensure_ascii=False)}", f"on = {json.dumps(today)}")
        self._decision = ("", "[decisions.signal]", "allowed = true", *lines)

    @property
    def text(self) -> str:
        """The settings with it."""
        return self._before.rstrip("\n") + "\n" + "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield from self._decision
        yield from ("", f"[channels.{self.name}]", f"kind = {json.dumps(self._kind)}", "")
        yield f"[channels.{self.name}.settings]"
        yield from (f"{name} = {json.dumps(value)}" for name, value in self._values.items())
        yield from ("", f"[channels.{self.name}.secrets]")
        yield from (f"{name} = {json.dumps(where)}" for name, where in self.references.items())

    def keep(self, file: Path) -> None:
        """Writes the settings, once all of them are as they must be.

        Raises:
            BadParameter: they are not; each mistake with its remedy.
            Refused: somebody changed the file meanwhile.
        """
        data = tomllib.loads(self.text)
        mistakes = check(data, {})
        if not mistakes:
            find = import_module("orchestrator.wiring.settings").channel_mistakes
            mistakes = find({self.name: data["channels"][self.name]})
        if mistakes:
            told = (f"{m.place}: {m.wrong}. {m.remedy}" for m in mistakes)
            raise typer.BadParameter("; ".join(told))
        if _text(file) != self._before:
            then = "wallcross channel add again"
            raise Refused("the settings were changed meanwhile", still="Nothing kept", then=then)
        write_own(file, self.text.encode())

    def steps(self) -> Iterator[str]:
        """What is left to do."""
        for secret, where in self.references.items():
            yield f"wallcross secret set {where}{' --random' if secret in RANDOM else ''}"
        yield f"wallcross doctor {self.name}"
        yield "start serve anew"
        yield f"wallcross channel test {self.name}"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        still = "Nothing was written"
        raise Missing(
            f"there are no settings at {file}", still=still, then="wallcross init"
        ) from None


def _needed(kind: str, values: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        found: tuple[tuple[str, ...], tuple[str, ...]] = import_module(
            "orchestrator.wiring.settings"
        ).needed(kind, values)
    except LookupError as error:
        raise Missing(str(error), then="wallcross channel scorecard") from None
    return found


def _read(given: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise typer.BadParameter(f"--setting is NAME=VALUE; this is not: {name}")
        found[name] = _value(value)
    return found


def _value(text: str) -> object:
    """A figure, true or false as TOML has them; everything else is a text, `+49…` too."""
    return tomllib.loads(f"value = {text}")["value"] if _PLAIN.fullmatch(text) else text


def _service(data: Mapping[str, Any]) -> str:
    """What references begin with here: as the other channels have it."""
    for part in data.get("channels", {}).values():
        for where in part.get("secrets", {}).values() if isinstance(part, dict) else ():
            found = _SERVICE.match(str(where))
            if found is not None:
                return found[1]
    return "wallcross"
