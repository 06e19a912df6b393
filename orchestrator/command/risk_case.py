"""One answer to a finding that is being done: what is known, what was given, and what came of it.

Rule kept here: everybody speaks for himself; whoever is a person of the deal answers as he.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.client.problems import Refused, Wrong
from orchestrator.deals.book import DealView
from orchestrator.query.risk import Shown
from orchestrator.risk.answers import Offer
from orchestrator.risk.record import Found
from tiers.ids import PersonId
from tiers.rights import Viewer

STILL: Final = "Nothing was done"


@dataclass(frozen=True, slots=True)
class Case:
    """One answer that is being done."""

    deal: DealView
    shown: Shown
    found: Found
    offer: Offer
    given: Mapping[str, str]
    viewer: Viewer

    @property
    def actor(self) -> str:
        """Who does it, as the audit names him."""
        return self.viewer.actor

    def named(self, name: str) -> str:
        """What is known of an argument. Raises: Wrong where it is neither known nor given."""
        found = self.offer.arguments.get(name) or self.given.get(name)
        if not found:
            raise Wrong(f"This needs {name}", still=STILL)
        return found

    def by(self) -> PersonId:
        """Who says so: whoever asks, where he is somebody of the deal. Raises: Wrong, Refused."""
        own, given = self.viewer.person(self.deal.deal_id), self.given.get("by")
        if own is not None and given not in {None, own}:
            raise Refused("Everybody speaks for himself", still=STILL)
        return own or PersonId(self.named("by"))


@dataclass(frozen=True, slots=True)
class Came:
    """What an act came to."""

    done: tuple[str, ...]
    shown: tuple[str, ...] = ()
    plan: str | None = None
    then: str = ""
