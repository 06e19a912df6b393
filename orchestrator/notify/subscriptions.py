"""Browsers that somebody allowed to hear: their addresses and keys, sealed.

Rules kept here:

1. An address to push to says which browser is whose: it lies sealed, like content.
2. One person has a handful. Who left has none: they are destroyed when that is seen.
3. Whose it is, is under the home's own mark, with its address: a row that somebody wrote or changed
   lets nobody hear.
"""

import base64
import json

from orchestrator.ids import new_id
from orchestrator.notify.push import Subscription
from orchestrator.seal.errors import SealError
from orchestrator.seal.sealer import Sealer
from orchestrator.store.unit import Store, Tx
from tiers.ids import DealId, PersonId

MOST = 10
"""Browsers of one person in one deal; the oldest makes room."""
LONGEST = 2_000
"""Characters of an address."""


def subscription(endpoint: str, key: str, auth: str, name: str | None = None) -> Subscription:
    """A browser's own words (Push API: ``endpoint``, ``p256dh``, ``auth``).

    Raises:
        ValueError: they are none.
    """
    if len(endpoint) > LONGEST or not endpoint.isascii():
        raise ValueError("a push service's address is a few hundred plain characters")
    return Subscription(name or new_id("psh"), endpoint, _bytes(key), _bytes(auth))


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


class Subscriptions:
    """Keeps them.

    Args:
        store: state.
        sealer: seals and opens.
    """

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    async def add(self, deal: DealId, person: PersonId, new: Subscription, at: int) -> None:
        """Keeps one; the same address again takes the place of its older words."""
        said = {
            "endpoint": new.endpoint,
            "key": base64.urlsafe_b64encode(new.key).decode(),
            "auth": base64.urlsafe_b64encode(new.auth).decode(),
        }
        row = self._sealer.prepare(deal, new.name, json.dumps(said).encode())

        def unit(tx: Tx) -> None:
            digest = _digest(tx, deal, person, new.endpoint)
            self._drop(tx, "AND digest = ?", (deal, person, digest))
            tx.run(
                "INSERT INTO push_subscription VALUES (?, ?, ?, ?, ?)",
                (new.name, deal, person, digest, at),
            )
            self._sealer.insert(tx, row)
            oldest = "AND subscription IN (SELECT subscription FROM push_subscription WHERE "
            oldest += "deal_id = ? AND person = ? ORDER BY since DESC LIMIT -1 OFFSET ?)"
            self._drop(tx, oldest, (deal, person, deal, person, MOST))

        await self._store.write(unit)

    async def of(self, deal: DealId, person: PersonId) -> tuple[Subscription, ...]:
        """Those of a person; what cannot be opened any more, or is not his, is none."""

        def read(tx: Tx) -> list[Subscription]:
            query = "SELECT subscription, digest FROM push_subscription"
            where = f"{query} WHERE deal_id = ? AND person = ? ORDER BY since"
            rows = [(self._open(tx, str(n)), d) for n, d in tx.all(where, (deal, person))]
            known = ((one, d) for one, d in rows if one is not None)
            return [one for one, d in known if d == _digest(tx, deal, person, one.endpoint)]

        return tuple(await self._store.read(read))

    async def forget(self, name: str) -> bool:
        """Destroys one; whether there was one."""
        return await self._store.write(lambda tx: self._forget(tx, name))

    async def drop(self, deal: DealId, person: PersonId, endpoint: str) -> bool:
        """Destroys a person's own by its address; whether there was one."""
        return await self._store.write(
            lambda tx: self._drop(
                tx, "AND digest = ?", (deal, person, _digest(tx, deal, person, endpoint))
            )
        )

    def drop_of(self, tx: Tx, deal: DealId, person: PersonId) -> bool:
        """Destroys all of a person."""
        return self._drop(tx, "", (deal, person))

    def _drop(self, tx: Tx, more: str, values: tuple[object, ...]) -> bool:
        query = "SELECT subscription FROM push_subscription WHERE deal_id = ? AND person = ? "
        found = [str(name) for (name,) in tx.all(query + more, values)]
        return sum(self._forget(tx, name) for name in found) > 0

    def _forget(self, tx: Tx, name: str) -> bool:
        self._sealer.destroy(tx, name)
        return bool(tx.run("DELETE FROM push_subscription WHERE subscription = ?", (name,)))

    def _open(self, tx: Tx, name: str) -> Subscription | None:
        try:
            said = json.loads(self._sealer.open(tx, name))
        except SealError:
            return None
        return subscription(said["endpoint"], said["key"], said["auth"], name)


def _digest(tx: Tx, deal: DealId, person: PersonId, endpoint: str) -> str:
    """A keyed digest: whoever reads the row cannot try addresses against it, or make another's."""
    if tx.pen is None:
        raise ValueError("only a home keeps subscriptions")
    return tx.pen.mark("push", deal, person, endpoint).hex()
