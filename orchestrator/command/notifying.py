"""Who is on call, what was told to whom, and browsers that hear: asked for and changed by people.

Rules kept here:

1. Whoever may see the whole list sees it; somebody else sees himself on it, if he is.
2. A browser belongs to whoever is signed in with it, and to nobody whom a request names.
3. An address to push to is kept only where its service is one that the settings name.
"""

import re
from collections.abc import Mapping, Sequence
from typing import cast
from zoneinfo import available_timezones

from orchestrator.audit.body import BodyRefused
from orchestrator.audit.granted import stated
from orchestrator.client.notify import AlertView, NewOnCall, OnCallView, PushKeyView, SendView
from orchestrator.client.problems import Missing, Refused, Unready, Wrong
from orchestrator.client.views import Check
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.deals.book import DealView
from orchestrator.notify import rows
from orchestrator.notify.oncall import (
    MOST,
    WAYS,
    OnCall,
    Quiet,
    Way,
    on_call_of,
    state_on_call,
)
from orchestrator.notify.push import ByPush, public_of
from orchestrator.notify.subscriptions import Subscriptions, subscription
from orchestrator.store.unit import Row, Tx
from tiers.ids import DealId, PersonId
from tiers.rights import Right, Scope, Viewer

STILL = "Nothing was changed."
SHOWN = 200
"""Alerts that are listed at most; the newest."""
_MAIL = re.compile(r"[^@\s<>,;:\"\\]{1,64}@[A-Za-z0-9.-]{1,190}")
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_ALERTS = """
SELECT alert_id, kind, opened_at, stage, next_at, answered_at, answered_by, settled_at FROM alert
WHERE deal_id = ? AND (? OR settled_at IS NULL) ORDER BY opened_at DESC, alert_id LIMIT ?"""
_SENDS = """
SELECT s.person, s.way, s.state, s.attempts, s.again, coalesce(s.ended_at, s.made_at), s.code
FROM alert_part p JOIN alert_send s USING (send_id) WHERE p.alert_id = ?
ORDER BY s.made_at, s.send_id"""


class Notifying:
    """Implements ``orchestrator.api.port_notify.NotifyAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def on_call_show(self, deal: DealId, viewer: Viewer) -> Sequence[OnCallView]:
        """The list, cut to whoever asks."""
        view, whole = deal_of(self._r, deal), _whole(viewer, deal)
        found = await self._r.store.read(lambda tx: _listed(tx, view))
        return [v for v in found if whole or v.person == viewer.person(deal)]

    async def on_call_set(
        self, deal: DealId, people: Sequence[NewOnCall], *, actor: str
    ) -> Sequence[OnCallView]:
        """Puts a whole list in the place of the one before."""
        view, at = deal_of(self._r, deal), self._r.now()
        if len({p.person for p in people}) < len(people) or len(people) > MOST:
            raise Wrong(f"A list names each person once, and {MOST} at most", still=STILL)
        listed = [_one(view, p) for p in people]
        try:
            await self._r.store.write(
                lambda tx: state_on_call(tx, deal, listed, at=at, actor=actor)
            )
        except BodyRefused:
            raise Wrong("An address or a zone is not one", still=STILL) from None
        await self._r.book.reload(self._r.store, deal)
        return await self._r.store.read(lambda tx: _listed(tx, view))

    async def alert_list(self, deal: DealId, viewer: Viewer, *, every: bool) -> Sequence[AlertView]:
        """What needs somebody, newest first; of what he was not told, others are not shown it."""
        whole, person = _whole(viewer, deal), viewer.person(deal)

        def read(tx: Tx) -> list[AlertView]:
            found = [_alert(tx, row) for row in tx.all(_ALERTS, (deal, every, SHOWN))]
            return found if whole else [own for v in found if (own := _own(v, person)).sends]

        return await self._r.store.read(read)

    async def alert_answer(self, deal: DealId, alert: str, viewer: Viewer) -> None:
        """Somebody sees to it; he was told of it, or sees the whole list."""
        at, whole, person = self._r.now(), _whole(viewer, deal), viewer.person(deal)

        def unit(tx: Tx) -> bool:
            told = whole or (person is not None and str(person) in rows.told_of(tx, alert))
            return told and rows.answer(tx, deal, alert, at=at, actor=viewer.actor)

        if not await self._r.store.write(unit):
            raise Missing("There is no such thing that needs you", then="wallcross on-call alerts")

    async def push_key(self) -> PushKeyView:
        """How a browser may be told."""
        push = self._push()
        if push is None:
            return PushKeyView(key=None, origins=())
        return PushKeyView(key=public_of(push.key), origins=tuple(sorted(push.origins)))

    async def push_add(
        self, deal: DealId, viewer: Viewer, endpoint: str, key: str, auth: str
    ) -> None:
        """Lets one's own browser hear."""
        person, push = _person(viewer, deal), self._push()
        if push is None:
            raise Unready(
                "Web push is not set up here",
                still=STILL,
                then="write [notify.push] in wallcross.toml; docs/notifications.md",
            )
        try:
            new = subscription(endpoint, key, auth)
            origin = new.origin
        except ValueError:
            raise Wrong("That is no browser's subscription", still=STILL) from None
        if origin not in push.origins:
            raise Refused(
                "The settings do not name that push service",
                still=STILL,
                then="add its origin to notify.push.origins in wallcross.toml",
            )
        await self._subscriptions().add(deal, person, new, self._r.now())

    async def push_drop(self, deal: DealId, viewer: Viewer, endpoint: str) -> None:
        """Has one's own browser hear no more."""
        if not await self._subscriptions().drop(deal, _person(viewer, deal), endpoint):
            raise Missing("That browser does not hear of this deal")

    def _push(self) -> ByPush | None:
        notifier = self._r.notifier
        return None if notifier is None else cast("ByPush | None", notifier.ways.get("push"))

    def _subscriptions(self) -> Subscriptions:
        return Subscriptions(self._r.store, self._r.sealer)


async def on_call_check(runtime: Runtime, deal: DealView) -> Check:
    """Whether anybody is told when something of a deal needs somebody."""
    people = await runtime.store.read(lambda tx: _listed(tx, deal))
    name, told = f"on call {deal.code}", [p for p in people if p.told]
    then = f"wallcross on-call set --deal {deal.code} PERSON:push,line,mail …"
    if not told:
        text = "nobody is told when a message is held or a request waits"
        if deal.made_up:
            return Check(name=name, state="ok", text="made up, and nobody is on call", group="deal")
        return Check(name=name, state="soon", text=text, then=then, group="deal")
    if len(told) == 1:
        text = f"{told[0].person} alone is told: nobody comes after 5 and 15 minutes"
        return Check(name=name, state="soon", text=text, then=then, group="deal")
    return Check(name=name, state="ok", text=f"{len(told)} people are told", group="deal")


def _whole(viewer: Viewer, deal: DealId) -> bool:
    return viewer.power(deal, Right.ON_CALL).scope is Scope.ALL


def _person(viewer: Viewer, deal: DealId) -> PersonId:
    person = viewer.person(deal)
    if person is None:
        raise Refused("Only somebody of the deal, signed in as himself, is told", still=STILL)
    return person


def _listed(tx: Tx, deal: DealView) -> list[OnCallView]:
    query = "SELECT person, count(*) FROM push_subscription WHERE deal_id = ? GROUP BY 1"
    browsers: Mapping[str, int] = dict(tx.all(query, (deal.deal_id,)))
    out = deal.persons.left | deal.persons.paused
    return [
        OnCallView(
            person=p.person,
            ways=p.ways,
            mail=p.mail,
            quiet=_said(p.quiet),
            zone=p.zone,
            browsers=browsers.get(p.person, 0),
            told=p.person not in out and deal.roster.person(p.person) is not None,
            name=known.name if (known := deal.roster.person(p.person)) is not None else "",
        )
        for p in on_call_of(stated(tx, deal.deal_id))
    ]


def _one(deal: DealView, new: NewOnCall) -> OnCall:
    """Raises: Missing, Wrong."""
    person = PersonId(new.person)
    if deal.roster.person(person) is None or deal.has_left(person):
        raise Missing(f"{person} is not on the deal", still=STILL, then="wallcross person list")
    if not new.ways or set(new.ways) - set(WAYS) or len(set(new.ways)) < len(new.ways):
        raise Wrong("Somebody is told by push, line or mail, each once", still=STILL)
    if new.mail is not None and _MAIL.fullmatch(new.mail) is None:
        raise Wrong(f"The mail address of {person} is none", still=STILL)
    if "mail" in new.ways and new.mail is None:
        raise Wrong(f"{person} is to be told by mail: where to?", still=STILL)
    if new.zone not in available_timezones():
        raise Wrong("A zone has a name such as Europe/Berlin", still=STILL)
    ways = tuple(cast("Way", way) for way in new.ways)
    return OnCall(person, ways, new.mail, _quiet(new.quiet), new.zone)


def _quiet(text: str | None) -> Quiet | None:
    """Raises: Wrong."""
    if text is None:
        return None
    found = _QUIET.fullmatch(text)
    h1, m1, h2, m2 = map(int, found.groups()) if found is not None else (0, 0, 0, 0)
    try:
        return Quiet(h1 * 60 + m1, h2 * 60 + m2)
    except ValueError:
        raise Wrong("Quiet hours are written 22:00-07:00", still=STILL) from None


def _said(quiet: Quiet | None) -> str | None:
    if quiet is None:
        return None
    times = (f"{minute // 60:02}:{minute % 60:02}" for minute in (quiet.start, quiet.end))
    return "-".join(times)


def _alert(tx: Tx, row: Row) -> AlertView:
    alert, kind, opened, stage, then, answered, by, settled = row
    return AlertView(
        alert=alert,
        kind=kind,
        opened_at=opened,
        stage=stage,
        next_at=then,
        answered_at=answered,
        answered_by=by,
        settled_at=settled,
        sends=tuple(_send(send) for send in tx.all(_SENDS, (alert,))),
    )


def _send(row: Row) -> SendView:
    person, way, state, attempts, again, at, code = row
    return SendView(
        person=person or None,
        way=way,
        state=state,
        attempts=attempts,
        again=bool(again),
        at=at,
        code=code,
    )


def _own(view: AlertView, person: PersonId | None) -> AlertView:
    """What somebody sees of it who sees no more than himself."""
    own = tuple(s for s in view.sends if person is not None and s.person == person)
    by = view.answered_by if view.answered_by == f"person:{person}" else None
    return AlertView(
        alert=view.alert,
        kind=view.kind,
        opened_at=view.opened_at,
        stage=view.stage,
        next_at=view.next_at,
        answered_at=view.answered_at,
        answered_by=by,
        settled_at=view.settled_at,
        sends=own,
    )
