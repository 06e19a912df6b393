"""Checks that need no open home: settings, secrets, this process and machine, the clock's source.

Rules kept here:

1. A check says what was found, in one line, and the next command when it is not ok. It shows where
   a secret comes from, never its value.
2. What cannot be seen is *soon*, not *ok*.
"""

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator import hygiene
from orchestrator.client.views import Check, CheckState
from orchestrator.config import Config, Settings
from orchestrator.config.mistakes import Invalid
from orchestrator.config.model import is_near
from orchestrator.secrets.port import SecretStore
from orchestrator.secrets.reference import resolve
from orchestrator.secrets.secret import SecretError

_STATES: dict[str, CheckState] = {"ok": "ok", "warn": "soon", "red": "fix"}
_UNSYNCHRONISED = 5
"""``TIME_ERROR`` of adjtimex(2)."""
_TIMEX_BYTES = 512
"""More than ``struct timex`` has on any Linux."""


def config_check(settings: Settings) -> Check:
    """What the settings hold."""
    config, found = settings.config, settings.file
    counts = f"{_count(config.deals, 'deal')}, {_count(config.channels, 'channel')}"
    if found is None:
        return Check(
            name="config", state="soon", text="no wallcross.toml: defaults", then="wallcross init"
        )
    return Check(name="config", state="ok", text=f"{found.name}, {counts}")


def config_red(invalid: Invalid) -> Check:
    """The settings cannot be used."""
    count = len(invalid.mistakes)
    text = (
        f"{count} mistakes in {Path(invalid.what).name}" if count > 1 else str(invalid.mistakes[0])
    )
    return Check(name="config", state="fix", text=text, then="wallcross config validate")


def references(config: Config) -> Iterator[tuple[str, str]]:
    """Every secret reference of the settings with its place."""
    for name, channel in config.channels.items():
        for setting, reference in channel.secrets.items():
            yield f"channels.{name}.secrets.{setting}", reference
    for anchor in config.anchors:
        if anchor.kind == "mail" and anchor.password is not None:
            yield f"anchors.{anchor.name}.password", anchor.password


def secrets_check(config: Config, vault: SecretStore | None) -> Check:
    """Whether each reference leads to a secret.

    Args:
        config: the settings.
        vault: of the home, where ``keyring:`` falls back to; None before the home is made.
    """
    found = list(references(config))
    bad = [(place, reference) for place, reference in found if not _resolves(reference, vault)]
    if not bad:
        return Check(name="secrets", state="ok", text=f"{len(found)} of {len(found)} found")
    place, reference = bad[0]
    own = reference.startswith("keyring:")
    then = f"wallcross secret set {reference}" if own else f"see {reference.partition(':')[0]}:"
    text = f"{len(found) - len(bad)} of {len(found)} found; {place} is not"
    return Check(name="secrets", state="fix", text=text, then=then)


def machine_checks(home: Path) -> list[Check]:
    """This process (hardened by the call) and this machine."""
    process = hygiene.harden()
    machine = hygiene.machine_checks(home) if home.is_dir() else []
    return [_worst("hardening", process), *(_check(found) for found in machine)]


def clock_source_check() -> Check:
    """Whether the system's time service keeps the clock (adjtimex(2), read only)."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except AttributeError:
        state = -1
    if state in {-1, _UNSYNCHRONISED}:
        text = "nothing keeps this machine's clock, as far as the system says"
        then = "timedatectl set-ntp true, or name [clock] channels"
        return Check(name="time-service", state="soon", text=text, then=then)
    return Check(name="time-service", state="ok", text="the system keeps the clock")


def anchors_check(config: Config) -> Check:
    """Whether audit heads leave this host, by at least two kinds of anchor where a deal is real."""
    kinds = {anchor.kind for anchor in config.anchors}
    real = any(not deal.made_up for deal in config.deals.values())
    text = f"{_count(config.anchors, 'anchor')} of {_count(list(kinds), 'kind')}"
    if real and len(kinds) < 2:  # noqa: PLR2004 - two kinds, as docs/product.md says
        then = "name [[anchors]] of two kinds: folder, mail, rfc3161"
        return Check(name="anchors", state="soon", text=f"{text}; a real deal wants 2", then=then)
    return Check(name="anchors", state="ok", text=text)


def operator_check(config: Config) -> Check | None:
    """Who reaches health and metrics, which ask nobody who he is; None where they are off."""
    listener = config.web.operator
    if listener is None:
        return None
    text = f"health and metrics on {listener}, for this machine alone"
    if is_near(listener):
        return Check(name="operator", state="ok", text=text)
    text = f"health and metrics on {listener} answer whoever reaches it"
    then = "let only the operators' network reach that port, or write 127.0.0.1"
    return Check(name="operator", state="soon", text=text, then=then)


def counsel_check(config: Config) -> Check | None:
    """Whether counsel allowed the Signal client that is configured; None without a Signal channel.

    A no is red: `init` would not have offered it.
    """
    named = [name for name, channel in config.channels.items() if channel.kind == "signal"]
    if not named:
        return None
    decision, then = config.decisions.signal, "docs/configuration.md, [decisions.signal]"
    if decision is None:
        text = f"{named[0]} is a Signal client that Signal does not make; nobody says that it may"
        return Check(name="counsel", state="soon", text=text, then=then)
    said = f"{decision.by} said {'yes' if decision.allowed else 'no'} on {decision.on}"
    if decision.allowed:
        return Check(name="counsel", state="ok", text=f"unofficial Signal clients: {said}")
    text = f"{named[0]} is configured, and {said} to unofficial Signal clients"
    return Check(name="counsel", state="fix", text=text, then=f"take [channels.{named[0]}] out")


def _count(things: Sequence[object] | dict[str, object] | object, word: str) -> str:
    count = len(things) if isinstance(things, dict | list) else 0
    return f"{count} {word}{'' if count == 1 else 's'}"


def _resolves(reference: str, vault: SecretStore | None) -> bool:
    try:
        resolve(reference, vault)
    except SecretError:
        return False
    return True


def _check(found: hygiene.Check) -> Check:
    return Check(name=found.name, state=_STATES[found.state], text=found.text)


def _worst(name: str, found: Sequence[hygiene.Check]) -> Check:
    bad = [check for check in found if check.state != "ok"]
    if not bad:
        return Check(name=name, state="ok", text=f"{len(found)} of {len(found)} settings in force")
    worst = max(bad, key=lambda check: check.state == "red")
    return Check(name=name, state=_STATES[worst.state], text=worst.text)
