"""What of the API is open at the desk's door, and to whom: one table, enforced in one place.

Rules kept here:

1. An operation that the table does not name is for the home's own user alone.
2. The right is decided before the operation runs, on the deal that the path is about. Whoever has
   no seat in a deal does not learn that it exists: it is missing.
3. An operation that needs less than the whole deal is given the viewer and cuts by him.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from orchestrator.api.reach import OpenHome
from orchestrator.api.who import Asker
from orchestrator.client.problems import Missing, Refused
from tiers.ids import DealId
from tiers.rights import Act, Right, Scope, Viewer

STILL = "Nothing was done"


@dataclass(frozen=True, slots=True)
class Need:
    """What an operation takes.

    Attributes:
        right: the row of the table; None: any seat, or no deal at all.
        scope: the least that must be seen.
        act: the least that may be done.
        step_up: only for whoever proved himself again within the last minutes.
        cut: the operation is given the viewer and answers no more than he may see.
    """

    right: Right | None = None
    scope: Scope = Scope.NOTHING
    act: Act = Act.NOTHING
    step_up: bool = False
    cut: bool = False


TABLE: Mapping[str, Need] = {}
"""By the operation's name, which is its function's."""


async def allowed(request: Request, asker: Asker, home: OpenHome) -> None:
    """Turns away whoever may not. Raises: SignInFirst, Refused, Missing."""
    if asker.whole:
        return
    need = TABLE.get(_operation(request))
    if need is None:
        raise Refused("This is for the user who runs this home", still=STILL)
    named = request.path_params.get("deal")
    if named is not None:
        _decide(need, asker, await home.find_deal(named))
    if need.step_up and not asker.stepped_up:
        raise Refused("Prove that it is you first", still=STILL, then="/in?again")


def _operation(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "name", ""))


def _decide(need: Need, asker: Viewer, deal: DealId) -> None:
    if deal not in asker.seats:
        raise Missing("There is no such deal")
    if need.right is None:
        return
    power = asker.power(deal, need.right)
    if power.scope < need.scope or power.act < need.act:
        raise Refused("Your part in this deal does not include this", still=STILL)
