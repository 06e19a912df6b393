"""What a corpus of attacks is: mails by family, each with what must be said of it."""

from collections.abc import Callable
from dataclasses import dataclass

from .mails import Post

Make = Callable[[Post], bytes]


@dataclass(frozen=True)
class Attack:
    """One mail of the corpus and what the judge must say."""

    family: str
    name: str
    make: Make
    verdict: str
    reason: str


class Corpus(list[Attack]):
    """Attacks, in the order in which they were added."""

    def add(self, family: str, verdict: str, reason: str, made: dict[str, Make]) -> None:
        """Adds mails of which the same must be said."""
        self.extend(Attack(family, name, make, verdict, reason) for name, make in made.items())
