"""The overview, the checks of an open home, and what happens in it, live."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from orchestrator.approvals.requests import standing
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import stated
from orchestrator.audit.kinds import Kind
from orchestrator.client import views
from orchestrator.client.views import Check
from orchestrator.clock import SECOND, iso
from orchestrator.command.approvers import approvers_check, open_needs
from orchestrator.command.channels import Channels, inspected
from orchestrator.command.crossing_look import notice_check
from orchestrator.command.notifying import on_call_check
from orchestrator.command.restored import CHECK as RESTORED
from orchestrator.command.restored import accept, restored_check
from orchestrator.command.runtime import Channel, Runtime
from orchestrator.deals.book import DealView
from orchestrator.deals.doubts import doubts_of
from orchestrator.journal.policy import JOINT
from orchestrator.roster.deals import Deal, list_deals
from orchestrator.roster.phase import phase_of
from orchestrator.store.unit import Row, Tx
from tiers.ids import ConnectorName
from tiers.tier import Tier

_LOOK_EVERY_S = 0.25
_SHOWN = {
    Kind.MESSAGE_ACCEPTED: "accepted",
    Kind.MESSAGE_ROUTED: "routed",
    Kind.MESSAGE_HELD: "held",
    Kind.MESSAGE_MOVED: "moved",
    Kind.MESSAGE_DROPPED: "dropped",
    Kind.DELIVERY_DONE: "delivered",
    Kind.DELIVERY_POSSIBLY: "possibly",
    Kind.DELIVERY_DEAD: "dead",
    Kind.DELIVERY_STOPPED: "stopped",
    Kind.DELIVERY_WITHDRAWN: "withdrawn",
    Kind.FINDING_OPENED: "finding",
    Kind.FINDING_CLOSED: "settled",
    Kind.ROOM_PAUSED: "paused",
    Kind.ROOM_RESUMED: "resumed",
    Kind.ROOM_CREATED: "room",
    Kind.KEY_SEEN: "device",
    Kind.KEY_VERIFIED: "verified",
    Kind.MEMBER_OBTAINED: "obtained",
    Kind.MEMBER_CEASED: "ceased",
    Kind.PERSON_CROSSED: "crossed",
    Kind.PERSON_ACKNOWLEDGED: "acknowledged",
    Kind.PERSON_CLEANSED: "cleansed",
    Kind.PERSON_PAUSED: "paused",
    Kind.PERSON_RESUMED: "resumed",
    Kind.PERSON_LEFT: "left",
    Kind.ACCOUNT_BOUND: "account",
    Kind.CHANNEL_PAUSED: "paused",
    Kind.CHANNEL_RESUMED: "resumed",
}


class Overview:
    """Implements what ``orchestrator.api.port.Home`` asks beside its parts."""

    def __init__(self, runtime: Runtime, channels: Channels) -> None:
        self._r = runtime
        self._channels = channels

    async def status(self) -> views.Status:
        """The overview."""
        at = self._r.now()
        deals = await self._r.store.read(lambda tx: [self._deal(tx, d, at) for d in list_deals(tx)])
        trusted = self._r.clock_trusted()
        return views.Status(
            at=at,
            host=self._r.settings.config.home.host or "made-up",
            serving=self._r.live,
            clock_trusted=trusted,
            clock_why=None if trusted else "the clock is earlier than the record or off its source",
            needs=tuple(await self._r.store.read(lambda tx: [*open_needs(tx, at), *_needs(tx)])),
            deals=tuple(deals),
            channels=tuple(await self._channels.channel_list()),
        )

    def _deal(self, tx: Tx, deal: Deal, at: int) -> views.DealStatus:
        view = self._r.book.deals.get(deal.deal_id)
        zone = ZoneInfo(self._r.settings.config.home.time_zone)
        states: dict[str, int] = dict(
            tx.all(
                "SELECT state, count(*) FROM message WHERE deal_id = ? GROUP BY 1", (deal.deal_id,)
            )
        )
        today: dict[str, int] = dict(
            tx.all(
                "SELECT tier, count(*) FROM message WHERE deal_id = ? AND accepted_at >= ? "
                "AND tier IS NOT NULL AND connector <> 'wallcross' GROUP BY 1",
                (deal.deal_id, midnight(at, zone)),
            )
        )
        return views.DealStatus(
            deal_id=deal.deal_id,
            code=deal.code,
            phase=phase_of(stated(tx, deal.deal_id)).value,
            made_up=deal.made_up,
            people=len(view.roster.people) if view else 0,
            conversations=len(view.conversations) if view else 0,
            today=today,
            waiting=states.get("accepted", 0) + states.get("delivering", 0),
            held=states.get("held", 0),
            possibly=states.get("possibly", 0),
            dead=states.get("dead", 0),
        )

    async def checks(self) -> Sequence[Check]:
        """Checks that need the open home."""
        deals = (self._journal(deal) for deal in self._r.book.deals.values())
        live = self._r.live
        channels = (
            channel_check(channel, live=live) for channel in await self._channels.channel_list()
        )
        set_up = [check for c in self._r.channels.values() for check in await _set_up(c)]
        on_call = [await on_call_check(self._r, deal) for deal in self._r.book.deals.values()]
        notices = [notice_check(deal) for deal in self._r.book.deals.values()]
        people = [await self._approvers(deal) for deal in self._r.book.deals.values()]
        return [
            self._clock(),
            self._stated(),
            await self._r.store.read(restored_check),
            *deals,
            *people,
            *on_call,
            *notices,
            *channels,
            *set_up,
        ]

    async def _approvers(self, deal: DealView) -> Check:
        """Whether there are people enough who may agree to what gives access."""
        found = await self._r.store.read(lambda tx: standing(tx, deal.deal_id))
        return approvers_check(deal, found)

    def _stated(self) -> Check:
        """Whether what permits is as the audit states it; what is not permits nothing."""
        found = doubts_of(self._r.book, self._r.keyring)
        if not found:
            text = "keys, rooms, conversations and attestations are as the audit states them"
            return Check(name="records", state="ok", text=text)
        subject = min(subject for _, subject in found)
        return Check(
            name="records",
            state="fix",
            text=f"{len(found)} not as the audit states ({subject}); they permit nothing",
            then="wallcross audit verify --state; then restore the store",
        )

    def _clock(self) -> Check:
        if self._r.clock_trusted():
            return Check(name="clock", state="ok", text=self._agrees())
        return Check(
            name="clock",
            state="fix",
            text="earlier than the record or off its source; everything is held",
            then="set the machine's clock, then wallcross doctor clock",
        )

    def _agrees(self) -> str:
        """Only an open home has heard its sources."""
        if self._r.live:
            return "agrees with the record and its sources"
        return "not earlier than the record; no source is asked while no serve runs"

    def _journal(self, deal: DealView) -> Check:
        name = f"journal {deal.code}"
        at = self._r.now()
        if all(deal.journal.settled(JOINT, tier.value, at) for tier in Tier):
            text = "journal key adopted, or counsel's decision signed"
            return Check(name=name, state="ok", text=text, group="deal")
        return Check(
            name=name,
            state="fix",
            text="no journal key for joint conversations; no room opens that nobody exempted",
            then="wallcross journal keygen, then wallcross journal adopt",
            group="deal",
        )

    async def allowed(self, check: str, *, actor: str) -> None:
        """Records in every deal's audit that a red check was gone past."""
        at, named = self._r.now(), tuple(map(ConnectorName, self._r.settings.config.channels))

        def unit(tx: Tx) -> None:
            body: dict[str, Json] = {"allowed": check}
            for deal in list_deals(tx):
                append(tx, deal.deal_id, Kind.PROCESS_STARTED, body, at=at, actor=actor)
            if check == RESTORED:
                accept(tx, named, at=at, actor=actor)

        await self._r.store.write(unit)

    async def watch(self) -> AsyncIterator[views.Happening]:
        """What happens from now on, for ever: the audit's entries, in words."""
        last = await self._r.store.read(lambda tx: tx.one("SELECT MAX(rowid) FROM audit"))
        after = last[0] or 0 if last else 0
        while True:
            rows = await self._r.store.read(
                lambda tx: tx.all(
                    "SELECT rowid, deal_id, entry, body FROM audit WHERE rowid > ? ORDER BY rowid",
                    (after,),  # noqa: B023 - read at once
                )
            )
            for row in rows:
                after = row[0]
                found = happening(row)
                if found is not None:
                    yield found
            await asyncio.sleep(_LOOK_EVERY_S)


def midnight(at: int, zone: ZoneInfo) -> int:
    """When the day began that ``at`` (microseconds UTC) is in, there."""
    local = datetime.fromtimestamp(at // SECOND, UTC).astimezone(zone)
    return int(local.replace(hour=0, minute=0, second=0).timestamp()) * SECOND


def _needs(tx: Tx) -> list[views.Need]:
    rows = tx.all(
        "SELECT rule, subject, severity, reasons, remedy FROM finding WHERE closed_at IS NULL "
        "ORDER BY severity = 'high' DESC, last_seen DESC LIMIT 50"
    )
    return [
        views.Need(
            text="; ".join(json.loads(reasons)), then=remedy, severity=severity, subject=subject
        )
        for _, subject, severity, reasons, remedy in rows
    ]


def channel_check(channel: views.ChannelView, *, live: bool) -> Check:
    """How a channel stands, in the words that every page and command has."""
    if not live:
        text = "not open: no serve runs"
        return Check(
            name=channel.name, state="soon", text=text, then="wallcross serve", group="channel"
        )
    if channel.again_at is not None and channel.state == "closed":  # none of its settings is red
        when = iso(channel.again_at)[:19]
        text = f"closed ({channel.why}), trying again at {when}Z; messages wait here"
        return Check(name=channel.name, state="soon", text=text, then=channel.hint, group="channel")
    if channel.state == "up" and channel.why is not None:
        text = f"answers, but {channel.why}: messages may wait here; none is sent another way"
        return Check(name=channel.name, state="soon", text=text, then=channel.hint, group="channel")
    if channel.state == "up":
        return Check(
            name=channel.name, state="ok", text=f"answers; proven {channel.grade}", group="channel"
        )
    return Check(
        name=channel.name,
        state="fix",
        text=f"{channel.state} ({channel.why}); messages wait here, nothing is sent another way",
        then=f"wallcross channel test {channel.name}",
        group="channel",
    )


async def _set_up(channel: Channel) -> list[Check]:
    """What stands between a channel and its network, as checks."""
    return [
        Check(
            name=f"{channel.name} {found.code}",
            state="ok" if found.ok else "soon" if found.later else "fix",
            text=found.hint,
            then=found.remedy,
            group="channel",
        )
        for found in await inspected(channel)
    ]


def happening(row: Row) -> views.Happening | None:
    """An entry in words; None of what is not told. Args: row: rowid, deal, entry, body."""
    _, deal, entry, body = row
    head, facts = json.loads(entry), json.loads(body)
    shown = _SHOWN.get(Kind(head["kind"]))
    if shown is None:
        return None
    named = (facts.get(name) for name in ("message", "person", "room", "account"))
    subject = next((name for name in named if name), "")
    reasons = facts.get("rules") or [facts.get("reason") or facts.get("rule") or ""]
    return views.Happening(
        at=head["at"],
        kind=shown,
        deal=deal,
        subject=subject,
        tier=facts.get("tier") or facts.get("as_tier"),
        channel=facts.get("channel"),
        conversation=facts.get("conversation"),
        reason=", ".join(str(r) for r in reasons if r),
    )
