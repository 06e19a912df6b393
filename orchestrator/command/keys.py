"""Keys and devices of people: listed, verified by two, withdrawn by one.

Rule kept here: a key counts from a ceremony of two on (``orchestrator.command.ceremony``), and is
taken out by one, for ever, before its network was asked.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, TypeVar

from connectors.port.connector import Connector, ExchangesKeys, VerifiesPeers
from connectors.port.errors import ConnectorError
from connectors.port.messages import Device
from connectors.port.words import words_for
from orchestrator.approvals.requests import Approved, ask, founded, waits
from orchestrator.audit.body import Json, named
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.problems import Failed, Missing, Refused
from orchestrator.command.ceremony import (
    Ceremony,
    Found,
    compared_of,
    fact_of,
    replaced_of,
    two_who_compared,
    wants,
)
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.book import DealView
from orchestrator.deals.findings import close_findings
from orchestrator.deals.lapsing import span_of
from orchestrator.keys.keyring import Account, KnownKey
from orchestrator.rooms.distress import NEW_PHONE
from orchestrator.rooms.linked import close_linked
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName, DealId, DeviceId, PersonId
from tiers.people import Person
from tiers.trust import KeyEvent, KeyState, NotPossible

T = TypeVar("T")
_OUT = frozenset({KeyState.REVOKED, KeyState.COMPROMISED, KeyState.SUPERSEDED})


class Keys:
    """Implements ``orchestrator.api.port.KeyAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def key_list(self, deal: DealId, person: PersonId | None) -> Sequence[views.KeyView]:
        """The newest state of each device of the deal's people, or of one."""
        view = deal_of(self._r, deal)
        people = [self._person(view, person)] if person is not None else view.roster.people
        return await self.keys_of(view, {a: p for p in people for a in p.accounts.items()})

    async def keys_of(
        self, deal: DealView, accounts: Mapping[Account, Person]
    ) -> Sequence[views.KeyView]:
        """The newest state of each device of some accounts."""
        found = await self._r.store.read(lambda tx: _list(tx, accounts))
        return [self._believed(deal, key) for key in found]

    def _believed(self, deal: DealView, key: views.KeyView) -> views.KeyView:
        """A key with the state that it counts as, whatever its row says, and its words."""
        account = ConnectorName(key.connector), AccountId(key.account)
        device = Device(DeviceId(key.device), key.key)
        lasts, at = span_of(deal.policy), self._r.now()
        state = self._r.keyring.counts(account, device, at, lasts)
        counts = state.value if state is not None else key.state
        ends = self._r.keyring.changes_after(account, device, at, lasts)
        return replace(key, state=counts, words=words_for(key.key), lapses_at=ends)

    async def key_add(
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
        old = replaced_of(living, replaces, owner)
        chosen = compared_of(living, compared, words, person)
        living = [found for found in chosen if found not in old]
        at, lasts = self._r.now(), span_of(view.policy)
        named_one = words is not None
        present = [(a, k) for a, k in living if named_one or wants(k, at, lasts)]
        held = Ceremony(person, (by_a, by_b), tuple(present), tuple(old))

        def unit(tx: Tx) -> str | None:
            if present and founded(tx, deal):
                rule = two_who_compared(tx, deal, held)
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
        signed = [found for found in living if fact_of(found) in body["keys"]]
        old = [found for found in living if fact_of(found) in body["replaced"]]
        if len(signed) + len(old) != len(body["keys"]) + len(body["replaced"]):
            raise Refused(
                "a key that they compared is not his any more",
                still="No key was changed.",
                then=f"wallcross person devices {owner.person_id}, and compare what is there",
            )
        one, other = (PersonId(str(by)) for by in body["by"])
        held = Ceremony(owner.person_id, (one, other), tuple(signed), tuple(old))
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

    def _note(self, tx: Tx, deal: DealId, held: Ceremony, at: int, actor: str) -> None:
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
        for account, _ in held.keys:
            close_linked(tx, deal, account, at)

    async def _in_force(
        self, deal: DealView, owner: Person, living: Sequence[Found], held: Ceremony
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
            close_linked(tx, deal, account, at)

        try:
            await self._r.store.write(unit)
        except NotPossible as error:
            raise Refused(str(error)) from None
        await self._look(view, owner)  # first what stops the rooms, whatever the network says
        connector = self._r.connectors.get(account[0])
        if connector is not None and isinstance(connector, VerifiesPeers):
            await connector.distrust(account[1], known.device)
            await self._look(view, owner)  # what it stopped beside itself may go on
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


def _list(tx: Tx, accounts: Mapping[Account, Person]) -> list[views.KeyView]:
    newest: dict[tuple[str, str, str], views.KeyView] = {}
    rows = tx.all(
        "SELECT k.connector, k.account, k.device, k.key, k.state, k.at, k.vouchers "
        "FROM json_each(?) a JOIN peer_key k ON k.connector = json_extract(a.value, '$[0]') "
        "AND k.account = json_extract(a.value, '$[1]') ORDER BY k.n",
        (json.dumps(list(accounts)),),
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
