"""The audit trail, searched: the rows of the desk's page by more filters, with what they say.

Rules kept here:

1. Sight is that of the page (``orchestrator.command.audit_desk``): whoever sees his own rows alone
   finds what he did and what was done about him, told by the fields that the page tells, and
   nobody else's. A conversation that he may not write to is none.
2. A kind that nobody writes is a mistake with the nearest one, never an empty answer.
"""

from dataclasses import replace
from difflib import get_close_matches

from orchestrator.audit.kinds import Kind
from orchestrator.audit.paging import Leaf
from orchestrator.audit.search import Sought, Thing, search
from orchestrator.audit.state import Told
from orchestrator.client.audit_desk import AuditQuery
from orchestrator.client.paging import Stretch, Window
from orchestrator.client.problems import Missing, Refused, Wrong
from orchestrator.client.views import AuditLine
from orchestrator.command.audit_desk import is_his, who
from orchestrator.command.audit_words import facts
from orchestrator.command.conversations import conversation_of
from orchestrator.command.names import Names
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import HOME, DealView
from orchestrator.store.unit import Tx
from tiers.conversation import Conversation
from tiers.ids import DealId
from tiers.rights import Right, Scope, Viewer

KINDS = tuple(kind.value for kind in Kind)


class AuditSearch:
    """Implements ``audit_search`` of ``orchestrator.api.port_audit_desk.AuditDeskAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def audit_search(
        self, deal: DealId, asked: AuditQuery, window: Window, viewer: Viewer
    ) -> Stretch[AuditLine]:
        """Entries that are looked for, newest first. Raises: Wrong, Missing."""
        own = viewer.power(deal, Right.AUDIT).scope < Scope.ALL
        sought = self._sought(deal, asked, viewer, own=own)
        before = int(window.after[0]) if window.after else None
        if own:
            himself = viewer.person(deal)
            if asked.person not in {None, himself}:
                return Stretch(items=())
            # an index says where his own are; ``is_his`` says which of them he is shown
            sought = replace(sought, person=himself, mine=None if himself else viewer.actor)

        def read(tx: Tx) -> Leaf:
            return search(tx, deal, sought, before=before, limit=window.limit)

        leaf = await self._r.store.read(read)
        shown = [self._line(deal, e, viewer, own=own) for e in leaf.entries]
        items = tuple(line for line in shown if line is not None)
        return Stretch(items=items, after=None if leaf.after is None else (leaf.after,))

    def _sought(self, deal: DealId, asked: AuditQuery, viewer: Viewer, *, own: bool) -> Sought:
        for kind in asked.kinds:
            if kind not in KINDS:
                near = get_close_matches(kind, KINDS, 1)
                then = f"--kind {near[0]}" if near else "docs/audit.md lists them"
                raise Wrong("There is no such kind of entry", still="Nothing was read", then=then)
        thing = self._thing(deal, asked.conversation, viewer, own=own)
        kinds, span = frozenset(asked.kinds), (asked.since, asked.until)
        return Sought(kinds, asked.actor, asked.person, thing, *span)

    def _thing(self, deal: DealId, name: str | None, viewer: Viewer, *, own: bool) -> Thing | None:
        if name is None:
            return None
        view = None if deal == HOME else self._r.book.deals.get(deal)
        if view is None:
            raise Missing("There is no conversation of that name", still="Nothing was read")
        found = self._his(view, name, viewer) if own else conversation_of(view, name)
        rooms = view.rooms.get(found.conversation_id, ())
        places = frozenset((str(b.connector), str(b.room)) for b in rooms)
        return Thing(found.conversation_id, places)

    def _his(self, view: DealView, name: str, viewer: Viewer) -> Conversation:
        """One that he may write to; whatever else there is, or was, is told as missing."""
        himself = viewer.person(view.deal_id)
        person = None if himself is None else view.roster.person(himself)
        may = frozenset() if person is None else frozenset(view.open_to(person, self._r.now()))
        try:
            found = conversation_of(view, name)
        except Refused:  # it was closed
            found = None
        if found is None or found not in may:
            raise Missing(f"the deal has no conversation {name}", then="wallcross conv list")
        return found

    def _line(self, deal: DealId, entry: Told, viewer: Viewer, *, own: bool) -> AuditLine | None:
        actor, body = entry.actor, dict(entry.body)
        if own:
            if not is_his(entry, viewer, viewer.person(deal)):
                return None
            actor = who(entry.actor, Names(self._r.book.deals.get(deal)))
            body = dict(facts(entry.body))
        return AuditLine(n=entry.n, at=entry.at, kind=entry.kind, actor=actor, hash="", body=body)
