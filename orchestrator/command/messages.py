"""Messages handed in through our own door, and what people do with those that wait."""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.problems import Missing, Refused
from orchestrator.command.bots import bots_post
from orchestrator.command.conversations import conversation_of, deal_of, over
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import API, DealView
from orchestrator.flow.incoming import Incoming, IncomingFile
from orchestrator.ids import new_id
from orchestrator.outbox.item import OPEN, DeliveryState
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, DealId, DeliveryId, MessageId, PersonId, RemoteId
from tiers.rights import Viewer
from tiers.tier import Tier

_HELD = (
    "SELECT h.message_id, h.deal_id, h.conversation_id, m.person_id, h.tier, h.reasons, h.owner, "
    "h.next_person, h.held_at, h.deadline, h.state, m.size, "
    "(SELECT max(state) FROM delivery d WHERE d.message_id = h.message_id AND kind = 'undo'), "
    "(SELECT max(settled_at) FROM delivery d WHERE d.message_id = h.message_id AND kind = 'undo')"
    " - m.accepted_at, "
    "EXISTS (SELECT 1 FROM finding f WHERE f.deal_id = h.deal_id AND f.subject = h.message_id"
    " AND f.rule = 'above_room'), "
    "EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = h.message_id AND kind = 'send'"
    " AND d.state IN ('done', 'possibly')) "
    "FROM held h JOIN message m USING (message_id) "
)
_DELIVERY = (
    "SELECT delivery_id, message_id, deal_id, connector, room, state, attempts, reason, settled_at "
    "FROM delivery "
)


def remote_id(deal: DealId, kind: str, key: str) -> RemoteId:
    """The name at our door of what a caller named ``key``: a hash, since a key is from outside."""
    return RemoteId(f"{kind}-{hashlib.sha256(f'{deal}/{key}'.encode()).hexdigest()[:40]}")


class Messages:
    """Implements ``orchestrator.api.port.MessageAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def send_text(
        self, deal: DealId, post: views.Post, text: str, *, actor: str
    ) -> views.Sent:
        """Accepts a text as a person of the deal."""
        return await self._accept(self._incoming(deal, post, text, (), actor))

    async def send_file(
        self, deal: DealId, post: views.Post, data: AsyncIterator[bytes], *, actor: str
    ) -> views.Sent:
        """Accepts a file, sealed as it arrives; it can be read once."""
        if post.file is None:
            raise Missing("no file is named")
        file = IncomingFile(post.file.name, post.file.media_type, 0, lambda: data)
        return await self._accept(self._incoming(deal, post, "", (file,), actor))

    def _incoming(
        self,
        deal: DealId,
        post: views.Post,
        text: str,
        files: tuple[IncomingFile, ...],
        actor: str,
    ) -> Incoming:
        view = deal_of(self._r, deal)
        if view.roster.person(PersonId(post.person)) is None:
            raise Missing(f"{post.person} is not on the roster", then="wallcross roster show")
        into = None
        if post.conversation is not None:
            into = conversation_of(view, post.conversation)
        token = bots_post(view, actor, PersonId(post.person), into)
        named, key = into.conversation_id if into else None, post.key or new_id("api")
        name = remote_id(deal, "api", key)
        if token is not None:
            name = token.remote_id(hashlib.sha256(f"{deal}/{key}".encode()).hexdigest())
        return Incoming(
            API,
            name,
            AccountId(post.person),
            text,
            self._r.now(),
            files=files,
            deal_id=deal,
            named=named,
            actor=actor,
        )

    async def _accept(self, incoming: Incoming) -> views.Sent:
        receipt = (await self._r.accepter.accept([incoming]))[0]
        if receipt.message_id is None:
            raise over()
        return views.Sent(message_id=str(receipt.message_id), state="accepted")

    async def message_show(self, message: MessageId) -> views.MessageView:
        """Where a message stands."""

        def read(tx: Tx) -> views.MessageView | None:
            row = tx.one(
                "SELECT deal_id, state, tier, conversation_id FROM message WHERE message_id = ?",
                (message,),
            )
            if row is None:
                return None
            counts: dict[str, int] = dict(
                tx.all(
                    "SELECT state, count(*) FROM delivery WHERE message_id = ? GROUP BY state",
                    (message,),
                )
            )
            held = tx.one("SELECT reasons FROM held WHERE message_id = ?", (message,))
            return views.MessageView(
                message_id=message,
                deal_id=row[0],
                state=row[1],
                tier=row[2],
                conversation_id=row[3],
                deliveries=counts,
                reasons=_words(held[0]) if held else (),
            )

        found = await self._r.store.read(read)
        if found is None:
            raise Missing("there is no such message")
        return found

    async def held_list(self, deal: DealId | None) -> Sequence[views.HeldView]:
        """What waits."""
        where = "WHERE h.state = 'held' AND (? IS NULL OR h.deal_id = ?) ORDER BY h.held_at"
        rows = await self._r.store.read(lambda tx: tx.all(_HELD + where, (deal, deal)))
        return [self._held(row) for row in rows]

    async def held_move(
        self, message: MessageId, conversation: str, *, actor: str, viewer: Viewer | None = None
    ) -> views.HeldView:
        """Into the same or a stricter conversation."""
        deal = deal_of(self._r, DealId(str((await self._one(message))[1])))
        target = conversation_of(deal, conversation)
        must_live(self._r)
        proved = viewer is not None and viewer.proved(deal.deal_id)
        await self._r.desk.move(message, target.conversation_id, actor=actor, proved=proved)
        return self._held(await self._one(message))

    async def held_drop(self, message: MessageId, *, actor: str) -> views.HeldView:
        """Never to be sent."""
        await self._r.desk.drop(message, actor=actor)
        return self._held(await self._one(message))

    async def held_release(
        self, message: MessageId, *, actor: str, viewer: Viewer | None = None
    ) -> views.HeldView:
        """As it was addressed."""
        deal = DealId(str((await self._one(message))[1]))
        must_live(self._r)
        proved = viewer is not None and viewer.proved(deal)
        await self._r.desk.release(message, actor=actor, proved=proved)
        return self._held(await self._one(message))

    async def _one(self, message: MessageId) -> tuple[object, ...]:
        row = await self._r.store.read(
            lambda tx: tx.one(_HELD + "WHERE h.message_id = ?", (message,))
        )
        if row is None:
            raise Missing("no held message of that id", then="wallcross held list")
        return row

    def _held(self, row: tuple[object, ...]) -> views.HeldView:
        mid, deal, cid, author, tier, reasons, owner, following, at, deadline, state, *rest = row
        size, undo, visible, above_room, part = rest
        seen = seen_by(undo, above_room=bool(above_room), part=bool(part))
        view = self._r.book.deals.get(DealId(str(deal)))
        return views.HeldView(
            message_id=str(mid),
            deal_id=str(deal),
            conversation_id=_maybe(cid),
            author=_maybe(author),
            tier=str(tier),
            reasons=_words(str(reasons)),
            owner=_maybe(owner),
            next_person=_maybe(following),
            held_at=int(str(at)),
            deadline=int(str(deadline)),
            state=str(state),
            size=int(str(size)),
            fits=self._fits(view, _maybe(author), Tier(str(tier))),
            seen=seen,
            visible_us=int(str(visible)) if seen == "withdrawn" else None,
        )

    def _fits(self, deal: DealView | None, author: str | None, tier: Tier) -> tuple[str, ...]:
        person = deal.roster.person(PersonId(author)) if deal and author else None
        if deal is None or person is None:
            return ()
        choices = deal.open_to(person, self._r.now())
        return tuple(c.label for c in choices if c.floor >= tier)

    async def delivery_list(
        self, deal: DealId | None, state: Literal["dead", "possibly"]
    ) -> Sequence[views.DeliveryView]:
        """Deliveries that a person must look at."""
        where = "WHERE state = ? AND (? IS NULL OR deal_id = ?) ORDER BY settled_at"
        rows = await self._r.store.read(lambda tx: tx.all(_DELIVERY + where, (state, deal, deal)))
        return [_delivery(row) for row in rows]

    async def delivery_retry(self, delivery: DeliveryId, *, actor: str) -> views.DeliveryView:
        """Queues a dead or possibly delivered one again; the second kind is marked."""
        must_live(self._r)
        at = self._r.now()

        def unit(tx: Tx) -> tuple[object, ...]:
            row = tx.one(
                "UPDATE delivery SET state = 'queued', possibly = possibly OR state = 'possibly', "
                "attempts = 0, not_before = 0, settled_at = NULL WHERE delivery_id = ? "
                "AND state IN ('dead', 'possibly') RETURNING message_id, deal_id, lane, kind",
                (delivery,),
            )
            if row is None:
                raise Refused("only a dead or possibly delivered one can be sent again")
            again = row[3] == "undo" or tx.run(
                "UPDATE message SET state = 'delivering' WHERE message_id = ? "
                "AND state IN ('delivering', 'possibly', 'dead')",
                (row[0],),
            )
            if not again:
                raise Refused("its message is held, dropped or delivered", still="Nothing is sent.")
            body: dict[str, Json] = {"message": row[0]}
            append(tx, row[1], Kind.MESSAGE_REPLAYED, body, at=at, actor=actor)
            self._r.engine.wake(row[2], at, tx)
            return _need(tx.one(_DELIVERY + "WHERE delivery_id = ?", (delivery,)))

        return _delivery(await self._r.store.write(unit))


def seen_by(undo: object, *, above_room: bool, part: bool) -> str:
    """Who may have seen a held message: *held* may be said only of what went through us."""
    if undo is None and not above_room:
        return "part" if part else "nobody"
    if undo == DeliveryState.DONE.value:
        return "withdrawn"
    return "withdrawing" if undo in OPEN else "stays"


def _words(reasons: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(because for _, because, _ in json.loads(reasons)))


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)


def _need(row: tuple[object, ...] | None) -> tuple[object, ...]:
    if row is None:
        raise Missing("there is no such delivery")
    return row


def _delivery(row: tuple[object, ...]) -> views.DeliveryView:
    did, mid, deal, channel, room, state, attempts, reason, settled = row
    return views.DeliveryView(
        delivery_id=str(did),
        message_id=str(mid),
        deal_id=str(deal),
        channel=str(channel),
        room=str(room),
        state=str(state),
        attempts=int(str(attempts)),
        reason=_maybe(reason),
        settled_at=None if settled is None else int(str(settled)),
    )
