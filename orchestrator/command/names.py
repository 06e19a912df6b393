"""What people of a deal are called, looked up one by one.

Rule kept here: nothing is made of the whole list to show a line of it; a deal has thousands.
"""

from collections.abc import Iterator, Mapping

from orchestrator.deals.book import DealView
from tiers.ids import PersonId


class Names(Mapping[str, str]):
    """Names by a person's id, of everybody who was adopted.

    Args:
        deal: in force; None: there is nobody.
    """

    def __init__(self, deal: DealView | None) -> None:
        self._listed = None if deal is None else deal.adopted or deal.roster

    def __getitem__(self, person: str) -> str:
        found = None if self._listed is None else self._listed.person(PersonId(person))
        if found is None:
            raise KeyError(person)
        return found.name

    def __iter__(self) -> Iterator[str]:
        return iter(() if self._listed is None else (p.person_id for p in self._listed.people))

    def __len__(self) -> int:
        return 0 if self._listed is None else len(self._listed.people)
