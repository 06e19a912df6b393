"""Keys in full, and what of them ends by time alone.

Rules kept here:

1. Whoever sees his own keys alone is told of his own alone, and in no other words than of a key
   that is not there; who vouched is named to him only where he may see that person.
2. A key is told by what it counts as now, whatever its row says.
3. What a channel cannot foresee is not said to last: it is told as unknown, or as ended.
"""

from collections.abc import AsyncIterator, Iterator, Sequence

from connectors.port.connector import Connector, ForeseesKeys
from connectors.port.errors import ConnectorError
from orchestrator.client.keys_desk import KeyCard, Lapse
from orchestrator.client.problems import Missing
from orchestrator.client.views import KeyView
from orchestrator.clock import DAY
from orchestrator.command.runtime import Runtime
from orchestrator.deals.lapsing import span_of
from orchestrator.query.cut import Cut, cut
from orchestrator.query.shown import Shown
from tiers.guarantees import LAPSES, Evidence
from tiers.ids import AccountId, ConnectorName, DealId, PersonId
from tiers.people import Person
from tiers.rights import Right, Scope, Viewer
from tiers.trust import KeyState

_GOOD = KeyState.VERIFIED
_RENEW_OWN = "prolong it with gpg in the channel's folder, then hand out: wallcross key export"


class KeysDesk:
    """Implements the reading half of ``orchestrator.api.port_keys_desk.KeyDeskAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def key_show(self, deal: DealId, key: str, viewer: Viewer) -> Sequence[KeyCard]:
        """Every key of a person, or the one of that fingerprint or device name.

        Raises:
            Missing: there is none, or none that the viewer may see.
        """
        listed = await Shown(self._r).keys_shown(deal, None, viewer)
        wanted = _plain(key)
        found = [k for k in listed if wanted in {_plain(k.key), _plain(k.device)}]
        found = [k for k in listed if k.person == key] or found
        if not found:
            raise Missing("there is no such person or key", then="wallcross key list")
        seen = await cut(self._r, deal, viewer)
        return [await self._card(seen, k) for k in found]

    async def _card(self, seen: Cut, key: KeyView) -> KeyCard:
        account = AccountId(key.account)
        owner = seen.deal.roster.owner(ConnectorName(key.connector), account)
        return KeyCard(
            key=key,
            name="" if owner is None else owner.name,
            ends_at=await _ends(self._r.connectors.get(ConnectorName(key.connector)), account),
            seats=() if owner is None else _seats(seen, owner, ConnectorName(key.connector)),
            standing=key.state == _GOOD.value,
        )

    async def key_lapsing(self, deal: DealId, days: int, viewer: Viewer) -> Sequence[Lapse]:
        """What lapses within ``days`` days or has lapsed, first what ends first."""
        seen = await cut(self._r, deal, viewer)
        every = seen.scope(Right.KEYS) is Scope.ALL
        until = self._r.now() + days * DAY
        found = [one async for one in self._of_people(seen, every=every)]
        if every:
            found += [*self._attestations(seen), *[one async for one in self._own()]]
        if seen.scope(Right.TOKENS) is Scope.ALL:
            found += self._tokens(seen)
        ending = [one for one in found if one.ends_at <= until]
        return sorted(ending, key=lambda one: (one.ends_at, one.kind, one.name, one.what))

    async def _of_people(self, seen: Cut, *, every: bool) -> AsyncIterator[Lapse]:
        for person in (seen.deal.adopted or seen.deal.roster).people:
            if every or person.person_id == seen.person:
                for one in self._comparisons(seen, person):
                    yield one
                async for one in self._certificates(person):
                    yield one
                for one in _whose(seen, person):
                    yield one

    async def _certificates(self, person: Person) -> AsyncIterator[Lapse]:
        for name, account in sorted(person.accounts.items()):
            if not any(k.state is _GOOD for k in self._r.keyring.known((name, account))):
                continue  # nothing is sealed to it: that it lapses is no news
            connector = self._r.connectors.get(name)
            ends = await _ends(connector, account)
            if ends is not None:
                then = f"ask for the prolonged certificate: wallcross key add {person.person_id}"
                what = f"certificate on {name}"
                yield _of(person, "certificate", what, ends, f"{then} FILE")

    def _comparisons(self, seen: Cut, person: Person) -> Iterator[Lapse]:
        lasts = span_of(seen.deal.policy)
        then = f"wallcross person verify {person.person_id} --by A --by B"
        for name, account in sorted(person.accounts.items()):
            for known in self._r.keyring.known((name, account)):
                if known.state is _GOOD:
                    what = f"comparison of {known.device.device} on {name}"
                    yield _of(person, "comparison", what, known.at + lasts, then)

    @staticmethod
    def _attestations(seen: Cut) -> Iterator[Lapse]:
        for bindings in seen.deal.rooms.values():
            for binding in bindings:
                for held in seen.deal.attested.get(binding.place, ()):
                    by, what = held.by or "", held.guarantee.value
                    person = seen.deal.roster.person(PersonId(by)) if by else None
                    yield Lapse(
                        kind="attestation",
                        person=by or None,
                        name=by if person is None else person.name,
                        what=f"{what} of a room of {seen.name(binding.conversation_id)}",
                        ends_at=held.at + LAPSES[Evidence.ATTESTED],
                        then=f"look again: wallcross conv attest {binding.room} {what} --by {by}",
                    )

    @staticmethod
    def _tokens(seen: Cut) -> Iterator[Lapse]:
        for token in seen.deal.tokens.values():
            yield Lapse(
                kind="credential",
                person=None,
                name=token.label,
                what=f"token {token.token_id}",
                ends_at=token.until,
                then="wallcross token new, then wallcross token revoke",
            )

    async def _own(self) -> AsyncIterator[Lapse]:
        for name, connector in sorted(self._r.connectors.items()):
            ends = await _ends(connector, connector.account)
            if ends is not None:
                yield Lapse(
                    kind="own key",
                    person=None,
                    name="ours",
                    what=f"our key on {name}",
                    ends_at=ends,
                    then=_RENEW_OWN,
                )


def _whose(seen: Cut, person: Person) -> Iterator[Lapse]:
    """Accounts that only counsel's word says are his."""
    for (owner, channel), ends in seen.deal.persons.attested.items():
        if owner == person.person_id:
            then = f"have counsel say so anew: wallcross person attest {owner}"
            yield _of(person, "attestation", f"account on {channel}", ends, then)


def _of(person: Person, kind: str, what: str, ends: int, then: str) -> Lapse:
    return Lapse(
        kind=kind,
        person=person.person_id,
        name=person.name,
        what=what,
        ends_at=ends,
        then=then,
    )


def _seats(seen: Cut, owner: Person, channel: ConnectorName) -> tuple[str, ...]:
    """Conversations in whose rooms on a channel somebody was read back."""
    there = (
        c
        for c in seen.conversations
        for binding in seen.deal.rooms.get(c.conversation_id, ())
        if binding.connector == channel and owner.person_id in seen.present(c)
    )
    return tuple(dict.fromkeys(seen.name(c.conversation_id) for c in there))


def _plain(name: str) -> str:
    """A fingerprint however it is spaced and written."""
    return "".join(name.split()).lower()


async def _ends(connector: Connector | None, account: AccountId) -> int | None:
    """When a channel can seal nothing to an account any more; 0: now, None: never or unknown."""
    asked: object = connector
    if not isinstance(asked, ForeseesKeys):
        return None
    try:
        return await asked.key_ends(account)
    except ConnectorError:
        return 0  # what cannot be read is not known to last
