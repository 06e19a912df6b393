"""What people do at the desk with what is held: its author, and whoever looks after the deal.

Rules kept here:

1. Its author moves it to a stricter conversation or drops it, alone and at once; so does whoever
   may take away in this deal. A release is asked for, of two people.
2. A message is found only in the deal that the request is about: another deal's does not exist.
3. Whose act it was is the signed-in person; what is done is what ``orchestrator.flow.desk`` does
   for an author's own line, with the same rules.
"""

from orchestrator.approvals.requests import standing
from orchestrator.client.held_desk import HeldDone, RevealedView
from orchestrator.client.problems import Missing, Refused
from orchestrator.command.conversations import deal_of
from orchestrator.command.revealing import Reveals, may_reveal
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import DealView
from orchestrator.flow.agreed import RELEASE
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import ConversationId, DealId, MessageId, PersonId
from tiers.rights import Act, Right, Scope, Viewer
from tiers.tier import Tier

MOVE, DROP, ASK, READ = "move", "drop", "ask", "reveal"
STILL = "It stays held."
_ONE = """
SELECT m.person_id, h.tier FROM held h JOIN message m USING (message_id)
WHERE h.message_id = ? AND h.deal_id = ? AND m.deal_id = h.deal_id AND h.state = 'held'"""


def may_act(viewer: Viewer, deal: DealView, author: str | None) -> tuple[str, ...]:
    """What a viewer may do with a held message of ``author``."""
    deal_id, person = deal.deal_id, viewer.person(deal.deal_id)
    if person is not None and person in deal.persons.paused | deal.persons.left:
        return ()
    if person is not None and person == author:
        return (MOVE, DROP, ASK)
    if viewer.power(deal_id, Right.HELD).scope is not Scope.ALL:
        return ()
    alone = viewer.power(deal_id, Right.REMOVE).act is Act.ALONE
    reading = (READ,) if may_reveal(viewer, deal_id) else ()
    return (MOVE, DROP, ASK, *reading) if alone else reading


def ways_out(deal: DealView, author: str | None, tier: Tier, at: int) -> tuple[Conversation, ...]:
    """Conversations to which one person moves it: open to its author, and strict enough."""
    person = deal.roster.person(PersonId(author)) if author else None
    if person is None:
        return ()
    return tuple(c for c in deal.open_to(person, at) if c.floor >= tier)


class HeldActs:
    """Does it. Args: runtime: the open home."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime
        self._reveals = Reveals(runtime)

    async def move(
        self, deal: DealId, message: MessageId, conversation: str, viewer: Viewer
    ) -> HeldDone:
        """Into the same or a stricter conversation. Raises: Missing, Refused."""
        author, tier = await self._mine(deal, message, MOVE, viewer)
        view = deal_of(self._r, deal)
        fits = {c.conversation_id for c in ways_out(view, author, tier, self._r.now())}
        target = ConversationId(conversation)
        if target not in fits:
            raise Refused("That is no way out for this message", still=STILL)
        must_live(self._r)
        await self._r.desk.move(message, target, actor=viewer.actor)
        return HeldDone(message_id=message, state="moved")

    async def drop(self, deal: DealId, message: MessageId, viewer: Viewer) -> HeldDone:
        """Never to be sent. Raises: Missing, Refused."""
        await self._mine(deal, message, DROP, viewer)
        await self._r.desk.drop(message, actor=viewer.actor)
        return HeldDone(message_id=message, state="dropped")

    async def ask(self, deal: DealId, message: MessageId, viewer: Viewer) -> HeldDone:
        """Asks for its release; it stays held. Raises: Missing, Refused."""
        await self._mine(deal, message, ASK, viewer)
        await self._r.desk.ask(message, actor=viewer.actor, proved=viewer.proved(deal))
        at = self._r.now()
        found = await self._r.store.read(lambda tx: _asked(tx, deal, message, at))
        return HeldDone(message_id=message, state="held", request=found)

    async def reveal_ask(
        self, deal: DealId, message: MessageId, matter: str | None, viewer: Viewer
    ) -> HeldDone:
        """Asks two people to let the viewer read it. Raises: Missing, Refused, Waits, Wrong."""
        await self._mine(deal, message, READ, viewer)
        request = await self._reveals.ask(deal, message, matter, viewer)
        return HeldDone(message_id=message, state="held", request=request)

    async def reveal_open(self, deal: DealId, message: MessageId, viewer: Viewer) -> RevealedView:
        """Shows it to whom two people agreed to, once. Raises: Missing, Refused, Unready."""
        await self._mine(deal, message, READ, viewer)
        return await self._reveals.open(deal, message, viewer)

    async def _mine(
        self, deal: DealId, message: MessageId, act: str, viewer: Viewer
    ) -> tuple[str | None, Tier]:
        """Who wrote it and what it is held as. Raises: Missing, also of what he may not see."""
        view = deal_of(self._r, deal)
        row = await self._r.store.read(lambda tx: tx.one(_ONE, (message, deal)))
        author = None if row is None else row[0]
        sees = viewer.power(deal, Right.HELD).scope is Scope.ALL or (
            author is not None and author == viewer.person(deal)
        )
        if row is None or not sees:
            raise Missing("There is no such held message")
        if act not in may_act(viewer, view, author):
            raise Refused("Your part in this deal does not include this", still=STILL)
        return author, Tier(row[1])


def _asked(tx: Tx, deal: DealId, message: str, at: int) -> str | None:
    """The open request for a message's release."""
    for request in standing(tx, deal).requests.values():
        about = request.plan.body.get("message") == message
        if request.plan.verb == RELEASE and about and request.open(at):
            return request.request_id
    return None
