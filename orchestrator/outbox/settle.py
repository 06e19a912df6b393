"""What to do with an attempt whose outcome is not known.

Rules kept here:

1. First the network is asked. Only its certain *no* allows a repetition that nobody is told of;
   where it would not recognise the repetition, a *no* is certain only once no attempt can be under
   way any more.
2. Where it recognises repetitions, the same wire id is sent again while it still does; past twelve
   hours no network is trusted to.
3. Else the tier's policy decides: sent again and marked, or left to a person.
"""

from dataclasses import dataclass

from connectors.port.connector import Connector, FindsDelivery
from connectors.port.errors import ConnectorError
from connectors.port.messages import Accepted
from orchestrator.clock import HOUR, MINUTE
from orchestrator.outbox.item import Item
from tiers.ids import DeliveryKey, RoomId

FORGOTTEN_AFTER = 12 * HOUR
UNDER_WAY = MINUTE
"""For how long a network may still be busy with an attempt that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """The network has it."""

    accepted: Accepted


@dataclass(frozen=True, slots=True)
class Again:
    """It may be sent again.

    Attributes:
        doubtful: it may have arrived already, so that the repetition is marked.
    """

    doubtful: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have arrived, and a person decides what follows."""


@dataclass(frozen=True, slots=True)
class Later:
    """The network could not be asked; it is asked again before anything is decided."""


Settled = Arrived | Again | Unknown | Later


async def settle(connector: Connector, item: Item, *, repeats: bool, now: int) -> Settled:
    """Settles an attempt that was started and never answered.

    Args:
        connector: the network.
        item: the row, ``started_at`` set.
        repeats: whether the tier's policy lets an unknown outcome be repeated.
        now: microseconds UTC.
    """
    age = now - (item.started_at or 0)
    recognises = _recognises(connector, age)
    if isinstance(connector, FindsDelivery):
        try:
            found = await connector.find(RoomId(item.room), DeliveryKey(item.wire_key))
        except ConnectorError as error:
            if error.retry:
                return Later()
        else:
            if found is not None:
                return Arrived(found)
            if recognises or item.possibly or not 0 <= age < UNDER_WAY:
                return Again(doubtful=item.possibly)
            return Later()
    if recognises:
        return Again(doubtful=item.possibly)
    return Again(doubtful=True) if repeats else Unknown()


def _recognises(connector: Connector, age: int) -> bool:
    most = min(connector.capabilities.idempotent_for, FORGOTTEN_AFTER)
    return connector.capabilities.idempotent_send and 0 <= age < most
