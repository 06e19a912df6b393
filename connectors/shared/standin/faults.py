"""Faults of a far side, armed and used up.

Rule kept here: a fault is armed for a number of calls of one verb and is used up by them; nothing
goes wrong that was not asked for, but for what the real program does wrong by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

ANY = "*"
Kind = TypeVar("Kind", bound=StrEnum)


@dataclass(slots=True)
class Fault(Generic[Kind]):
    """One armed fault.

    Attributes:
        kind: what goes wrong.
        verb: for which call, by the names of the program's routes; a name of ``Faults.sets``, or
            ``*`` for every one.
        times: how often still; None for ever.
        amount: see the kind.
        text: see the kind.
        who: people's names, see the kind.
    """

    kind: Kind
    verb: str
    times: int | None = 1
    amount: int = 0
    text: str = ""
    who: tuple[str, ...] = ()


class Faults(Generic[Kind]):
    """The armed faults of one stand-in."""

    sets: ClassVar[Mapping[str, frozenset[str]]] = {}
    """Names that stand for several calls."""

    def __init__(self) -> None:
        self._armed: list[Fault[Kind]] = []

    def arm(self, fault: Fault[Kind]) -> None:
        """From now on it happens."""
        self._armed.append(fault)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._armed.clear()

    def take(self, kind: Kind, verb: str) -> Fault[Kind] | None:
        """Uses up one armed fault of this kind for this call, if there is one."""
        for fault in self._armed:
            if fault.kind is kind and self._fits(fault, verb):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._armed.remove(fault)
                return fault
        return None

    def _fits(self, fault: Fault[Kind], verb: str) -> bool:
        return fault.verb in (verb, ANY) or verb in self.sets.get(fault.verb, ())
