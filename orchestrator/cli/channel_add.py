"""One more channel in settings that are there: the tables behind them, and nothing else touched.

Rules kept here:

1. What stands in the file stays as it is, comments too; tables are put behind it, at once or not at
   all. A channel of that name is never written over.
2. The whole is checked before it is kept, by what reads it later: the settings and the connector.
3. No secret is asked for and none is written: references are, and where each is to be set is said.
4. Signal takes counsel's decision, as `init` asks for it.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from orchestrator.cli.channel_table import (
    SIGNAL,
    complete,
    decision,
    lines,
    read,
    references,
    steps,
)
from orchestrator.cli.init_channels import decide
from orchestrator.cli.out import Out
from orchestrator.client.dry_run import WouldDo
from orchestrator.client.problems import Missing, Refused
from orchestrator.config.load import check
from orchestrator.secrets.ownfile import write_own

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
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
    values = complete(out, kind, read(given))
    return Added(before, kind, name, values, references(_service(data), name, kind, values))


class Added:
    """A channel that is to stand behind settings that are there.

    Args:
        before: the settings as they are.
        kind: of the channel.
        name: in the settings.
        values: its settings.
        secrets: where its secrets lie.
    """

    def __init__(
        self,
        before: str,
        kind: str,
        name: str,
        values: Mapping[str, object],
        secrets: Mapping[str, str],
    ) -> None:
        self.name = name
        self._before, self._kind, self._values, self._secrets = before, kind, values, secrets
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
        self._decision = tuple(decision(allowed=True, by=who))

    @property
    def text(self) -> str:
        """The settings with it."""
        more = lines(self.name, self._kind, self._values, self._secrets)
        return self._before.rstrip("\n") + "\n" + "\n".join([*self._decision, *more, ""])

    def keep(self, file: Path, *, dry: bool = False) -> None:
        """Writes the settings, once all of them are as they must be.

        Raises:
            BadParameter: they are not; each mistake with its remedy.
            Refused: somebody changed the file meanwhile.
            WouldDo: it is a dry run.
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
        if dry:
            raise WouldDo([f"{file} has a channel {self.name}, as its connector takes it."])
        write_own(file, self.text.encode())

    def steps(self) -> Iterator[str]:
        """What is left to do."""
        yield from steps(self._kind, self._values, self._secrets)
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


def _service(data: Mapping[str, Any]) -> str:
    """What references begin with here: as the other channels have it."""
    for part in data.get("channels", {}).values():
        for where in part.get("secrets", {}).values() if isinstance(part, dict) else ():
            found = _SERVICE.match(str(where))
            if found is not None:
                return found[1]
    return "wallcross"
