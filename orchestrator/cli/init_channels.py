"""The third question of `init`: counsel's decision on Signal, which channels, what each needs.

Rules kept here:

1. Signal is offered only once counsel has said yes to a client that Signal does not make; who said
   so, and when, goes into the settings.
2. Every kind can be chosen that `channel add` takes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.cli.channel_asking import fit, refuse
from orchestrator.cli.channel_table import (
    KINDS,
    MATRIX,
    SIGNAL,
    decision,
    lines,
    needed,
    references,
    steps,
)
from orchestrator.cli.out import Out
from orchestrator.client.problems import Missing

Decided = Literal["yes", "no", "later"]
DECISIONS: Mapping[str, Decided] = {"yes": "yes", "no": "no", "later": "later"}
NONE = "none"
FOR_COUNSEL = (
    "For counsel: Wallcross reaches Signal through signal-cli, a program that Signal neither makes"
    " nor supports, run by a server without a password of its own. Signal may change or refuse"
    " what it relies on at any time, and an account may be lost by it. Whether Signal's terms of"
    " use and your own duties to keep records allow it is for counsel to say, not for the operator."
)
_NAME = re.compile(r"\S[^\n\r]{0,199}")


@dataclass(frozen=True, slots=True)
class Channels:
    """What was answered of channels.

    Attributes:
        kinds: in the order of the settings.
        decided: counsel on Signal.
        by: who of counsel; empty for later.
        values: the settings of each.
    """

    kinds: tuple[str, ...]
    decided: Decided
    by: str
    values: Mapping[str, Mapping[str, object]]

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
        refuse("--signal-decision", f"is yes, no or later; this is not: {named}")
    if decided == "later":
        return decided, ""
    who = by or out.ask("   Signal: who of counsel said so?", "--by", None)
    return decided, fit("--by", who, "the name of whoever decided", _NAME)


def offered(decided: Decided) -> tuple[str, ...]:
    """The channels that may be chosen of those that ship."""
    return KINDS if decided == "yes" else tuple(kind for kind in KINDS if kind != SIGNAL)


def chosen(text: str, decided: Decided) -> tuple[str, ...]:
    """The channels of an answer, in the order of the settings.

    Raises:
        BadParameter: one is unknown, or counsel has not said yes to it.
    """
    kinds = tuple(dict.fromkeys(re.split(r"[,\s]+", text.strip())))
    if kinds == (NONE,):
        return ()
    if SIGNAL in kinds and decided != "yes":
        refuse("--channel signal", "needs counsel's --signal-decision yes --by NAME")
    for kind in kinds:
        try:
            needed(kind, {})
        except Missing:
            known = ", ".join((*offered(decided), NONE))
            refuse("--channel", f"is one of {known}, or one that you installed; not: {kind}")
    ours = tuple(kind for kind in KINDS if kind in kinds)
    return (*ours, *(kind for kind in kinds if kind not in KINDS))


def tables(channels: Channels, service: str) -> Iterator[str]:
    """The lines of the settings.

    Args:
        channels: as answered.
        service: what the references of secrets begin with.
    """
    if channels.decided != "later":
        yield from decision(allowed=channels.decided == "yes", by=channels.by)
    for kind in channels.kinds:
        values = channels.values[kind]
        yield from lines(kind, kind, values, references(service, kind, kind, values))
    if MATRIX in channels.kinds:
        yield from ("", "[clock]", 'channels = ["matrix"]')


def next_steps(channels: Channels, service: str) -> Iterator[str]:
    """What is left to do for the channels."""
    for kind in channels.kinds:
        values = channels.values[kind]
        yield from steps(kind, values, references(service, kind, kind, values))
