"""Puts together what takes people out, with all that is taken from them in the first unit.

Rule kept here: whoever left binds no account any more: his codes are closed in the unit that states
that he left.
"""

from collections.abc import Mapping

from connectors.port.connector import Connector
from orchestrator.clock import Clock
from orchestrator.deals.book import Book, DealView
from orchestrator.engine.port import Engine
from orchestrator.flow.enrolling import close
from orchestrator.flow.listen import LOOK
from orchestrator.keys.keyring import Keyring
from orchestrator.rooms.acts import Hands
from orchestrator.rooms.leave import Leaving
from orchestrator.rooms.leave_begin import First
from orchestrator.rooms.leave_keys import Shutter
from orchestrator.rooms.leave_late import Late
from orchestrator.rooms.lines import Lines
from orchestrator.rooms.observe import Observer
from orchestrator.rooms.watch import Tell
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.ids import ConnectorName, PersonId, RoomId

LEFT = "left"
"""Why a code is closed."""


def leaving_of(
    store: Store,
    sealer: Sealer,
    book: Book,
    keyring: Keyring,
    observer: Observer,
    connectors: Mapping[ConnectorName, Connector],
    hands: Hands,
    lines: Lines,
    tell: Tell,
    engine: Engine,
    now: Clock,
) -> Leaving:
    """What takes people out of this home's deals."""
    late = Late(store, now, lines.rank, tell)
    first = First(book, keyring, sealer, connectors, (_close_codes,))
    keys = Shutter(store, keyring, connectors, now)

    def look(tx: Tx, name: ConnectorName, room: RoomId) -> None:
        engine.wake(f"{LOOK}{name}/{room}", 0, tx)

    return Leaving(store, book, observer, connectors, first, keys, hands, late, look, now)


def _close_codes(tx: Tx, deal: DealView, person: PersonId, at: int, _: str) -> None:
    """Takes back the codes that were handed out to somebody and not used."""
    for code in deal.persons.codes.values():
        if code.person == person and code.open(at):
            close(tx, deal.deal_id, code, LEFT, at)
