"""Adviser documents at the desk: what became of each copy, and whose key does for the next one.

Rules kept here:

1. Whoever sees his own alone is shown documents that he sent, and of others his own copy: not who
   else got one.
2. A key is told by what counts, expiry first; the words of its fingerprint are shown to whoever
   reads them out: its owner, and those who keep keys.
3. Whether a copy was opened is told by nobody, and so it is not said.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from connectors.port.connector import ExchangesKeys, ForeseesKeys
from connectors.port.errors import ConnectorError
from orchestrator.client import views
from orchestrator.client.documents_desk import AdviserKey, CopyRow, DocumentRow, DocumentsView
from orchestrator.client.folding import folded
from orchestrator.clock import DAY
from orchestrator.command.documents import Documents
from orchestrator.command.keys import Keys
from orchestrator.command.runtime import Runtime
from orchestrator.keys.keyring import Account
from orchestrator.query.cut import Cut, cut
from tiers.ids import AccountId, ConnectorName, ConversationId, DealId, PersonId
from tiers.people import Person
from tiers.rights import Act, Right, Scope, Viewer

MOST = 100
"""Documents that are shown: the newest."""
MOST_KEYS = 50
"""Keys that are shown; others are found by their owners' names."""
SOON = 14 * DAY
_GOOD = "verified"
"""Nothing is sealed to a key that was only seen, or only expected."""
_OUT = frozenset({"revoked", "compromised", "superseded"})
_COMPARE = frozenset({"proposed", "lapses"})
_ORDER = ("ends", "none", "proposed", "lapses", "good")


class DocumentsDesk:
    """Implements ``orchestrator.api.port_documents_desk.DocumentDeskAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def desk_documents(self, deal: DealId, viewer: Viewer, *, key: str = "") -> DocumentsView:
        """Documents and keys, as far as the viewer may see them."""
        shown = await cut(self._r, deal, viewer)
        every = shown.scope(Right.DOCUMENTS) is Scope.ALL
        listed = await Documents(self._r).document_newest(deal, MOST + 1)
        rows = (_document(view, shown, whole=every or _sent(view, shown)) for view in listed[:MOST])
        sends = viewer.power(deal, Right.DOCUMENTS).act >= Act.OWN and shown.person is not None
        keys = await self._document_keys(shown, every=every)
        words = folded(key).split()
        found = [k for k in keys if all(word in folded(k.name) for word in words)]
        return DocumentsView(
            documents=tuple(row for row in rows if row is not None),
            older=every and len(listed) > MOST,
            keys=tuple(found[:MOST_KEYS]),
            keys_found=len(found),
            key_states=Counter(k.state for k in keys),
            compare=tuple(k for k in keys if k.state in _COMPARE)[:MOST_KEYS],
            into=_into(shown) if sends else (),
            person=shown.person if sends else None,
        )

    async def _document_keys(self, shown: Cut, *, every: bool) -> Sequence[AdviserKey]:
        """How it stands with each key of a channel of certificates."""
        listed = shown.deal.adopted or shown.deal.roster
        channels = [name for name, c in self._r.connectors.items() if isinstance(c, ExchangesKeys)]
        owners = {
            (name, person.accounts[name]): person
            for person in listed.people
            if every or person.person_id == shown.person
            for name in channels
            if name in person.accounts
        }
        if not owners:
            return ()
        known: dict[Account, list[views.KeyView]] = defaultdict(list)
        for key in await Keys(self._r).keys_of(shown.deal, owners):
            if key.state not in _OUT:
                known[ConnectorName(key.connector), AccountId(key.account)].append(key)
        reads_out = shown.scope(Right.KEYS) is Scope.ALL
        found = [
            await self._document_key(
                person, account[0], known[account], words=reads_out or not every
            )
            for account, person in owners.items()
        ]
        return sorted(found, key=lambda k: (_ORDER.index(k.state), k.ends_at or 1 << 62, k.name))

    async def _document_key(
        self, person: Person, name: ConnectorName, own: Sequence[views.KeyView], *, words: bool
    ) -> AdviserKey:
        best = max(own, key=lambda k: (k.state == _GOOD, k.at), default=None)
        ends = await self._key_ends(name, person)
        return AdviserKey(
            person=person.person_id,
            name=person.name,
            channel=name,
            state=_state(best, ends, self._r.now()),
            device=None if best is None else best.device,
            words=best.words if best is not None and words else (),
            ends_at=ends,
            lapses_at=None if best is None else best.lapses_at,
        )

    async def _key_ends(self, name: ConnectorName, person: Person) -> int | None:
        connector: object = self._r.connectors.get(name)
        if not isinstance(connector, ForeseesKeys):
            return None
        try:
            return await connector.key_ends(person.accounts[name])
        except ConnectorError:
            return None


def _state(best: views.KeyView | None, ends: int | None, at: int) -> str:
    if best is None:
        return "none"
    if best.state != _GOOD:
        return "proposed"
    if ends is not None and ends < at + SOON:
        return "ends"
    return "lapses" if best.lapses_at is not None and best.lapses_at < at + SOON else "good"


def _sent(view: views.DocumentView, shown: Cut) -> bool:
    return shown.person is not None and view.sender == shown.person


def _document(view: views.DocumentView, shown: Cut, *, whole: bool) -> DocumentRow | None:
    copies = tuple(_copy(c, shown) for c in view.copies if whole or c.reader == shown.person)
    if not whole and not copies:
        return None
    named = None if view.conversation_id is None else ConversationId(view.conversation_id)
    return DocumentRow(
        message_id=view.message_id,
        conversation="" if named is None else shown.name(named),
        sender=_name(shown, view.sender),
        state=view.state,
        tier=view.tier,
        size=view.size,
        sent_at=view.sent_at,
        second_person=view.second_person,
        reasons=view.reasons if whole else (),
        copies=copies,
    )


def _copy(copy: views.CopyView, shown: Cut) -> CopyRow:
    return CopyRow(
        number=copy.number,
        reader=copy.reader,
        name=_name(shown, copy.reader),
        state=copy.state,
        reasons=copy.reasons,
        settled_at=copy.settled_at,
    )


def _name(shown: Cut, person: str | None) -> str:
    if person is None:
        return "somebody"
    found = (shown.deal.adopted or shown.deal.roster).person(PersonId(person))
    return person if found is None else found.name


def _into(shown: Cut) -> tuple[tuple[str, str], ...]:
    """Conversations that he is in himself."""
    return tuple(
        (str(c.conversation_id), shown.name(c.conversation_id))
        for c in shown.deal.conversations.values()
        if c.conversation_id in shown.own
    )
