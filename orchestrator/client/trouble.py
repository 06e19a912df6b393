"""Views of what is done for a person in trouble, and of how to ask him back.

Rules kept here: as for ``orchestrator.client.views``. No number is among them: we keep none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleView:
    """What was done for a person.

    Attributes:
        stands: ``paused``, or ``as before`` where nothing was taken from him.
        deals: codes of the deals that it was done in.
        rooms: how many rooms are read back at once.
        keys: how many of his keys count no more.
        told: who was told, each in his own line.
        then: what to do next, one step a line.
    """

    person: str
    stands: str
    deals: tuple[str, ...]
    rooms: int
    keys: int
    told: tuple[str, ...]
    then: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackView:
    """How to ask a person back.

    Attributes:
        where: what the number has to come from.
        listed_since: since when the roster in force lists him, microseconds UTC.
        roster: hash of that roster.
        ask: what to have read out, one line for each key of his.
    """

    person: str
    name: str
    where: str
    listed_since: int | None
    roster: str
    ask: tuple[str, ...]
