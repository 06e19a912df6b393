"""Keys and devices of people: listed, verified by two, withdrawn by one.

Rules kept here:

1. A ceremony names what was compared. Where the words are given, it speaks for the one key that
   reads so; a key that nobody compared stays as it is.
2. In a founded deal the two who compared sign for those keys: two names that one person typed open
   nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from connectors.port.connector import Connector, ExchangesKeys, VerifiesPeers
from connectors.port.errors import ConnectorError
from connectors.port.messages import Device
from connectors.port.words import is_read_as, words_for
from orchestrator.approvals.plan import Plan
from orchestrator.approvals.requests import Approved, ask, founded, standing, waits
from orchestrator.audit.body import Json, named
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.problems import Failed, Missing, Refused
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import DealView
from orchestrator.deals.callback import CALL_BACK
from orchestrator.deals.findings import close_findings
from orchestrator.deals.lapsing import span_of
from orchestrator.keys.keyring import Account, KnownKey
from orchestrator.rooms.distress import NEW_PHONE
from orchestrator.store.unit import Tx
from tiers.approval import Rule
from tiers.ids import AccountId, ConnectorName, DealId, DeviceId, PersonId
from tiers.people import Person
from tiers.trust import KeyEvent, KeyState, NotPossible, check_ceremony, lapses_soon

Found = tuple[Account, KnownKey]
T = TypeVar("T")
CEREMONY = "key.verify"
_OUT = frozenset({KeyState.REVOKED, KeyState.COMPROMISED, KeyState.SUPERSEDED})


class Keys:
    """Implements ``orchestrator.api.port.KeyAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def key_list(self, deal: DealId, person: PersonId | None) -> Sequence[views.KeyView]:
        """The newest state of each device of the deal's people, or of one."""
        view = deal_of(self._r, deal)
        people = [self._person(view, person)] if person is not None else view.roster.people
        accounts = {a: p for p in people for a in p.accounts.items()}
        found = await self._r.store.read(lambda tx: _list(tx, accounts))
        return [self._believed(view, key) for key in found]

    def _believed(self, deal: DealView, key: views.KeyView) -> views.KeyView:
        """A key with the state that it counts as, whatever its row says, and its words."""
        account = ConnectorName(key.connector), AccountId(key.account)
        device = Device(DeviceId(key.device), key.key)
        lasts, at = span_of(deal.policy), self._r.now()
        state = self._r.keyring.counts(account, device, at, lasts)
        counts = state.value if state is not None else key.state
        ends = self._r.keyring.changes_after(account, device, at, lasts)
        return replace(key, state=counts, words=words_for(key.key), lapses_at=ends)

    async def key_import(
        self,
        deal: DealId,
        person: PersonId,
        channel: str | None,
        certificate: bytes,
        *,
        actor: str,
    ) -> views.KeyView:
        """Takes in the certificate that a person handed over; two others must compare it yet."""
        must_live(self._r)
        view = deal_of(self._r, deal)
        owner = self._person(view, person)
        name, connector = self._exchanging(channel)
        account = owner.accounts.get(name)
        if account is None:
            raise Missing(f"{owner.name} has no account on {name}", then="wallcross roster show")
        device = await connector.take_key(account, certificate)
        at = self._r.now()

        def unit(tx: Tx) -> None:
            self._r.keyring.record_seen(tx, deal, (name, account), [device], at=at)
            body: dict[str, Json] = {"key": device.key, "account": named(account)}
            append(tx, deal, Kind.KEY_IMPORTED, body, at=at, actor=actor)

        await self._r.store.write(unit)
        await self._look(view, owner)
        keys = await self.key_list(deal, person)
        return next(k for k in keys if k.connector == name and k.key == device.key)

    async def key_export(self, channel: str | None) -> str:
        """Our own certificate, in armour, for people to take in."""
        must_live(self._r)
        _, connector = self._exchanging(channel)
        return (await connector.own_certificate()).decode("ascii")

    def _exchanging(self, channel: str | None) -> tuple[ConnectorName, ExchangesKeys]:
        found = {
            name: connector
            for name, connector in self._r.connectors.items()
            if isinstance(connector, ExchangesKeys) and channel in {None, name}
        }
        if len(found) != 1:
            what = f"channel {channel}" if channel is not None else "single channel"
            raise Missing(
                f"there is no {what} that takes certificates",
                still="No key was changed.",
                then="wallcross channel list",
            )
        return next(iter(found.items()))

    async def key_verify(
        self,
        deal: DealId,
        person: PersonId,
        by_a: PersonId,
        by_b: PersonId,
        *,
        compared: Sequence[str] | None = None,
        words: str | None = None,
        replaces: str | None = None,
        actor: str,
    ) -> Sequence[views.KeyView]:
        """Records the ceremony of two people over the keys that they compared.

        A key that came up after they had compared is not among ``compared`` and stays as it is;
        None stands for every key that is present now. ``words``: as they were read out, of one key.
        ``replaces``: a device that counts no more from the same ceremony on.
        """
        view = deal_of(self._r, deal)
        owner = self._person(view, person)
        for voucher in (by_a, by_b):
            self._person(view, voucher)
        living = self._living(owner)
        old = _replaced(living, replaces, owner)
        chosen = _compared(living, compared, words, person)
        living = [found for found in chosen if found not in old]
        at, lasts = self._r.now(), span_of(view.policy)
        named_one = words is not None
        present = [(a, k) for a, k in living if named_one or _wants(k, at, lasts)]
        held = _Ceremony(person, (by_a, by_b), tuple(present), tuple(old))

        def unit(tx: Tx) -> str | None:
            if present and founded(tx, deal):
                rule = _two_who_compared(tx, deal, held)
                return ask(tx, deal, held.plan(), rule=rule, at=at, actor=actor)
            self._note(tx, deal, held, at, actor)
            return None

        request = await self._written(unit)
        if request is not None:
            raise waits(request, f"the ceremony waits for the signatures of {by_a} and {by_b}")
        await self._in_force(view, owner, living, held)
        return await self.key_list(deal, person)

    async def agreed(self, deal: DealId, body: Mapping[str, Any], approved: Approved) -> None:
        """Records the ceremony that its two people signed for, over the keys that they saw.

        Raises:
            Refused: one of those keys is not his any more.
        """
        view = deal_of(self._r, deal)
        owner = self._person(view, PersonId(str(body["person"])))
        living = self._living(owner)
        signed = [found for found in living if _fact(found) in body["keys"]]
        old = [found for found in living if _fact(found) in body["replaced"]]
        if len(signed) + len(old) != len(body["keys"]) + len(body["replaced"]):
            raise Refused(
                "a key that they compared is not his any more",
                still="No key was changed.",
                then=f"wallcross person devices {owner.person_id}, and compare what is there",
            )
        one, other = (PersonId(str(by)) for by in body["by"])
        held = _Ceremony(owner.person_id, (one, other), tuple(signed), tuple(old))
        at = self._r.now()

        def unit(tx: Tx) -> None:
            approved.finish(tx, at)
            self._note(tx, deal, held, at, approved.actor)

        await self._written(unit)
        await self._in_force(view, owner, signed, held)

    async def _written(self, unit: Callable[[Tx], T]) -> T:
        try:
            return await self._r.store.write(unit)
        except NotPossible as error:
            raise Refused(str(error), still="No key was changed.") from None

    def _note(self, tx: Tx, deal: DealId, held: "_Ceremony", at: int, actor: str) -> None:
        ring = self._r.keyring
        for account, known in held.keys:
            ring.verify(
                *(tx, deal, account, known.device),
                owner=held.person,
                by=held.by,
                at=at,
                actor=actor,
            )
        for account, known in held.replaced:
            event = KeyEvent.REPLACED
            ring.withdraw(tx, deal, account, known.device, event, at=at, actor=actor)
        if held.keys:
            close_findings(tx, deal, NEW_PHONE, held.person, at)

    async def _in_force(
        self, deal: DealView, owner: Person, living: Sequence[Found], held: "_Ceremony"
    ) -> None:
        for (name, holder), known in held.replaced:
            await bar(self._r.connectors, name, holder, known.device)
        await self._trust(living)  # also what a network did not take the last time
        await self._look(deal, owner)

    async def key_mark(
        self,
        deal: DealId,
        person: PersonId,
        device: str,
        event: Literal["revoke", "compromise"],
        *,
        actor: str,
    ) -> views.KeyView:
        """Takes a device out for ever; one person is enough."""
        view = deal_of(self._r, deal)
        owner = self._person(view, person)
        found = [
            (account, known)
            for account in owner.accounts.items()
            for known in self._r.keyring.known(account)
            if known.device.device == device
        ]
        if not found:
            raise Missing(f"{owner.name} has no device {device}", then="wallcross key list")
        account, known = found[0]
        at = self._r.now()

        def unit(tx: Tx) -> None:
            self._r.keyring.withdraw(
                tx, deal, account, known.device, KeyEvent(event), at=at, actor=actor
            )

        try:
            await self._r.store.write(unit)
        except NotPossible as error:
            raise Refused(str(error)) from None
        await self._look(view, owner)  # first what stops the rooms, whatever the network says
        connector = self._r.connectors.get(account[0])
        if connector is not None and isinstance(connector, VerifiesPeers):
            await connector.distrust(account[1], known.device)
        keys = await self.key_list(deal, person)
        return next(k for k in keys if k.device == device)

    def _living(self, owner: Person) -> list[tuple[Account, KnownKey]]:
        """The keys of a person that a ceremony may speak for."""
        return [
            (account, known)
            for account in owner.accounts.items()
            for known in self._r.keyring.known(account)
            if known.state not in _OUT
        ]

    def _person(self, deal: DealView, person: PersonId) -> Person:
        found = deal.roster.person(person)
        if found is None:
            raise Missing(f"{person} is not on the roster", then="wallcross roster show")
        return found

    async def _trust(self, present: Sequence[tuple[Account, KnownKey]]) -> None:
        """Has each network's own store trust what was verified."""
        for (name, account), known in present:
            connector = self._r.connectors.get(name)
            if connector is None or not isinstance(connector, VerifiesPeers):
                continue
            try:
                await connector.trust(account, known.device)
            except ConnectorError as error:
                raise Failed(
                    f"{name} did not take the key ({error.code})",
                    still="The ceremony is recorded; its rooms stay paused.",
                    then="wallcross key verify again, once the channel answers",
                ) from None

    async def _look(self, deal: DealView, owner: Person) -> None:
        """Looks at once at every room that the person is in: a pause may end, or begin."""
        if not self._r.live:
            return
        for name, account in owner.accounts.items():
            self._r.observer.forget_account(name, account)
        now = self._r.now()
        for view, binding in self._r.book.rooms():
            if view.deal_id == deal.deal_id and binding.connector in owner.accounts:
                await self._r.watcher.look(view, binding, not_before=now)


async def bar(
    connectors: Mapping[ConnectorName, Connector],
    name: ConnectorName,
    account: AccountId,
    device: Device,
) -> None:
    """Has a network's own store bar a key; where it cannot now, our own rules do all the same."""
    connector = connectors.get(name)
    if connector is not None and isinstance(connector, VerifiesPeers):
        with suppress(ConnectorError):
            await connector.distrust(account, device)


@dataclass(frozen=True, slots=True)
class _Ceremony:
    """Whose keys two people compared, and which of his count no more from it on."""

    person: PersonId
    by: tuple[PersonId, PersonId]
    keys: tuple[Found, ...]
    replaced: tuple[Found, ...]

    def plan(self) -> Plan:
        """What the two sign for."""
        body: dict[str, Json] = {
            "person": self.person,
            "by": list(self.by),
            "keys": [_fact(found) for found in self.keys],
            "replaced": [_fact(found) for found in self.replaced],
        }
        return Plan(CEREMONY, body)


def _fact(found: Found) -> dict[str, Json]:
    (name, account), known = found
    device = {"device": named(known.device.device), "key": named(known.device.key)}
    return {"channel": name, "account": named(account), **device}


def _two_who_compared(tx: Tx, deal: DealId, held: _Ceremony) -> Rule:
    """The signatures that a ceremony takes: of the two who compared, and of nobody else.

    Raises:
        Refused: one of them has no key enrolled; NotPossible: they are no two others.
    """
    check_ceremony(held.person, *held.by)
    signing = {credential.person for credential in standing(tx, deal).signing.values()}
    without = [person for person in held.by if person not in signing]
    if without:
        raise Refused(
            f"who compared signs for it here, and {', '.join(without)} has no key enrolled",
            still="No key was changed.",
            then="name two who have: wallcross approver list",
        )
    return Rule(barred=frozenset(signing - set(held.by) | {held.person}))


def _wants(known: KnownKey, at: int, lasts: int) -> bool:
    """Whether a ceremony has something to say of a key: it has none yet, or that lapses soon."""
    return known.state is not KeyState.VERIFIED or lapses_soon(known.state, known.at, at, lasts)


def _compared(
    living: Sequence[Found], compared: Sequence[str] | None, words: str | None, person: PersonId
) -> Sequence[Found]:
    """The keys that a ceremony speaks for.

    Raises:
        Refused: what was compared is no present key of that person.
    """
    if words is not None:
        read = [found for found in living if is_read_as(found[1].device.key, words)]
        if not read:
            raise Refused(
                "no present key of that person reads so: somebody may stand between you",
                still="No key was changed.",
                then=f"wallcross person devices {person}; {CALL_BACK}",
            )
        return read
    wanted = None if compared is None else frozenset(compared)
    if (wanted or frozenset()) - {known.device.key for _, known in living}:
        raise Refused(
            "a compared key belongs to no present device of that person",
            still="No key was changed.",
            then=f"wallcross key list {person}",
        )
    return [found for found in living if wanted is None or found[1].device.key in wanted]


def _replaced(living: Sequence[Found], device: str | None, owner: Person) -> Sequence[Found]:
    """The device that a ceremony takes out. Raises: Missing when he has none of that name."""
    if device is None:
        return ()
    old = [found for found in living if found[1].device.device == device]
    if not old:
        raise Missing(
            f"{owner.name} has no device {device} that counts",
            still="No key was changed.",
            then=f"wallcross person devices {owner.person_id}",
        )
    return old


def _list(tx: Tx, accounts: dict[Account, Person]) -> list[views.KeyView]:
    newest: dict[tuple[str, str, str], views.KeyView] = {}
    rows = tx.all(
        "SELECT connector, account, device, key, state, at, vouchers FROM peer_key ORDER BY n"
    )
    owners = {(str(c), str(a)): p for (c, a), p in accounts.items()}
    for connector, account, device, key, state, at, vouchers in rows:
        owner = owners.get((connector, account))
        if owner is not None:
            newest[connector, account, device] = views.KeyView(
                person=owner.person_id,
                connector=connector,
                account=account,
                device=device,
                key=key,
                state=state,
                at=at,
                vouchers=tuple(json.loads(vouchers)),
            )
    return list(newest.values())


async def ceremony_agreed(
    runtime: Runtime, deal: DealId, body: Mapping[str, Json], approved: Approved
) -> None:
    """Records a ceremony that its two people signed for."""
    await Keys(runtime).agreed(deal, body, approved)
