"""Logins of one's own: told of when they are made, and ended at once by "That was not me".

Rules kept here:

1. Whoever gets another way to sign in is told of it in his private line, on the network that
   carries it best: whoever got hold of his session does not have his phone.
2. "That was not me" only takes away, and all of it at once: he is paused, what signs him in is
   bound to him no more, and every session of his is over, also the one that says so.
3. A line that cannot be reached keeps nobody from signing in; his own page says the same.
"""

from collections.abc import Iterable
from typing import Final

import structlog

from connectors.port.errors import ConnectorError
from orchestrator.client.problems import Problem
from orchestrator.client.sign_in import LinkView
from orchestrator.command.signing_in import SignIns
from orchestrator.deals.book import API
from orchestrator.flow.notices import Notice
from orchestrator.flow.stopped import told_in_line
from orchestrator.store.unit import StoreError
from tiers.ids import AccountId, DealId, PersonId
from tiers.rights import Viewer

log = structlog.get_logger(__name__)
OUR_DOOR: Final = (API, AccountId("desk"))
WHY: Final = "phished"
TOLD: Final = (
    "From now on another way signs you in at the desk: {way}. "
    "Was that not you? Say so on your own page there, or call the deal's security officer."
)
_WAYS: Final = {"passkey": "a passkey", "oidc": "your firm's sign-in"}
Known = dict[DealId, frozenset[str]]


class OwnLogins(SignIns):
    """Implements ``orchestrator.api.port_sign_in.SignInAccess``."""

    async def link_open(self, secret: str, current: str | None) -> tuple[LinkView, str]:
        """Opens a link, once; whoever is bound by it is told."""
        before = await self._bound()
        opened = await super().link_open(secret, current)
        await self._tell_new(before)
        return opened

    async def passkey_new(self, challenge_id: str, answer: str, current: str) -> int:
        """Makes a new passkey a login, and tells whose it is."""
        before = await self._bound()
        deals = await super().passkey_new(challenge_id, answer, current)
        await self._tell_new(before)
        return deals

    async def own_not_me(self, viewer: Viewer) -> int:
        """Takes away whatever could be somebody else's; returns how many sessions ended."""
        ended, own = 0, [(d, s.person) for d, s in viewer.seats.items() if s.person is not None]
        for deal, person in own:
            await self._pause(deal, person, viewer.actor)
        for deal, person in own:
            for login in [n for n, one in self._logins(deal).items() if one == person]:
                ended += await self.keeper.unbind(deal, person, login, viewer.actor)
            ended += await self.keeper.end_person(deal, person, actor=viewer.actor)
        return ended

    async def _pause(self, deal: DealId, person: PersonId, actor: str) -> None:
        view = self._r.book.deals.get(deal)
        who = None if view is None else view.roster.person(person)
        if view is not None and who is not None and person not in view.persons.paused:
            await self._r.distress.pause(view, who, WHY, actor=actor)

    def _logins(self, deal: DealId) -> dict[str, PersonId]:
        return {name: one.person for name, one in self.keeper.seats.logins(deal).items()}

    async def _bound(self) -> Known:
        await self.keeper.seats.refresh()
        return {deal: frozenset(self._logins(deal)) for deal, _ in self.keeper.seats.deals()}

    async def _tell_new(self, before: Known) -> None:
        """Tells of each login that is new; not before the answer, for a network may be slow."""
        await self.keeper.seats.refresh()
        for deal, _ in self.keeper.seats.deals():
            logins = self.keeper.seats.logins(deal)
            new = [one for n, one in logins.items() if n not in before.get(deal, frozenset())]
            self._r.running.start("login.told", self._told(deal, ((o.person, o.way) for o in new)))

    async def _told(self, deal: DealId, new: Iterable[tuple[PersonId, str]]) -> None:
        for person, way in new:
            try:
                await self._tell_one(deal, person, way)
            except (ConnectorError, StoreError, Problem) as error:
                log.warning("login.not_told", error=type(error).__name__)

    async def _tell_one(self, deal: DealId, person: PersonId, way: str) -> None:
        view = self._r.book.deals.get(deal)
        who = None if view is None else view.roster.person(person)
        if who is None or not self._r.live:
            return
        notice = Notice("login", TOLD.format(way=_WAYS.get(way, "another one")))
        told, at = await told_in_line(self._r.lines, OUR_DOOR, who, deal, notice), self._r.now()
        if told is not None:
            await self._r.store.write(lambda tx: self._r.writer.tell(tx, deal, told, at))
