"""What a scorer says of a text, and the port through which the classifier asks it.

Rule kept here: two questions, each with its own log-odds, never a choice of the likeliest class: is
this valuation, and is this more than coordination?
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class LogOdds:
    """Standardised log-odds of one text; 0 is as sensitive as our average phrase.

    Attributes:
        valuation: valuation against the rest.
        operations: operations or valuation against coordination.
    """

    valuation: float
    operations: float

    def at_least(self, other: "LogOdds") -> "LogOdds":
        """The higher of each."""
        highest = max(self.operations, other.operations)
        return LogOdds(max(self.valuation, other.valuation), highest)

    def raised(self, by: float) -> "LogOdds":
        """Both, raised."""
        return LogOdds(self.valuation + by, self.operations + by)


class Scorer(Protocol):
    """A model of texts; the one that ships is :mod:`tiers.model`."""

    @property
    def fingerprint(self) -> str:
        """Names the model and its head: sha256 over their files, in hexadecimal."""
        ...

    @property
    def lexicon(self) -> Mapping[str, float]:
        """Lower-case words the model knows, with their log-probability."""
        ...

    def windows(self, text: str) -> Iterator[LogOdds]:
        """Log-odds of each window of a text, made as they are asked for; none if it is too long."""
        ...
