"""Remedies about journal keys, insider notices and devices of our own, done from a finding's card.

Rules kept here:

1. A notice only takes away: whoever did not acknowledge it reads nothing. It stands in the roster,
   so that what a change of the roster takes is taken here, too.
2. A device is signed out only while a finding says that nobody knows it, and never the one that
   speaks for us; a later list shows whether it is gone.
3. What people acknowledge, counsel signs or two people agree to is theirs: here it is only asked
   for, or handed in.
"""

from dataclasses import replace

from connectors.port.connector import EndsOwnDevices
from connectors.port.errors import ConnectorError, Rejected
from orchestrator.client.problems import Missing, Refused, Unready, Wrong
from orchestrator.command.crossing import show_notice
from orchestrator.command.deals import Deals
from orchestrator.command.journal_keys import adopt_key
from orchestrator.command.people import where
from orchestrator.command.records import Records
from orchestrator.command.risk_case import STILL, Came, Case
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.deals.crossing import Stand
from orchestrator.risk.answers import own_device
from orchestrator.roster.adoption import in_force
from orchestrator.roster.document import from_document, to_document
from orchestrator.roster.form import is_notice
from tiers.ids import ConnectorName, DeviceId
from tiers.people import Roster

_ASKED = frozenset({Stand.CROSSED, Stand.ASKED_AGAIN})


async def adopt_journal_key(runtime: Runtime, case: Case) -> Came:
    """Puts a journal key in force, or asks two people to agree to it."""
    deal, public = case.deal.deal_id, case.named("public")
    key = await adopt_key(runtime, deal, public, actor=case.actor)
    return Came((f"journal key {key} is in force",))


async def hand_in_decision(runtime: Runtime, case: Case) -> Came:
    """Records what counsel signed."""
    deal, decision = case.deal.deal_id, case.named("decision")
    n = await Records(runtime).journal_exempt(deal, decision, actor=case.actor)
    return Came((f"counsel's decision is recorded as number {n}",))


async def set_notice(runtime: Runtime, case: Case) -> Came:
    """Gives a side the notice that its people acknowledge before they read anything."""
    deal, side, text = case.deal.deal_id, case.named("side"), case.named("notice").strip()
    if not is_notice(text):
        raise Wrong("A notice is plain text of 20,000 characters at most", still=STILL)
    before = await runtime.store.read(lambda tx: in_force(tx, deal, "roster"))
    if before is None:
        raise Missing("No roster is in force", still=STILL, then="wallcross roster import FOLDER")
    after = to_document(_noticed(from_document(before.document), side, text))
    await Deals(runtime).adopt(deal, "roster", after, actor=case.actor, in_place_of=before.hash)
    then = "Its people read nothing before they acknowledge it: wallcross person cross PERSON."
    return Came(("the side has a notice",), then=then)


def _noticed(roster: Roster, side_id: str, text: str) -> Roster:
    sides = (replace(s, notice=text) if s.side_id == side_id else s for s in roster.sides)
    return replace(roster, sides=tuple(sides))


async def show_notice_again(runtime: Runtime, case: Case) -> Came:
    """Shows the wording in force to everybody of a side who has not acknowledged it."""
    must_live(runtime)
    side, deal = case.named("side"), case.deal
    waiting = [
        person
        for person in deal.roster.people
        if person.side == side
        and where(deal, person) in _ASKED
        and not deal.has_left(person.person_id)
    ]
    told = [p.name for p in waiting if await show_notice(runtime, deal, p.person_id)]
    if len(told) < len(waiting):
        missed = f"{len(waiting) - len(told)} of them have no line of their own"
        return Came((f"shown to {len(told)}", missed), then="wallcross person ack PERSON --by A")
    return Came((f"shown to {len(told)} in lines of their own",))


async def end_own_device(runtime: Runtime, case: Case) -> Came:
    """Signs a device of our own account out that nobody knows."""
    must_live(runtime)
    name, device = ConnectorName(case.named("channel")), own_device(case.found)
    connector: object = runtime.connectors.get(name)
    if device is None or not isinstance(connector, EndsOwnDevices):
        raise Missing("No device can be signed out from here on this channel", still=STILL)
    try:
        await connector.end_own_device(DeviceId(device))
    except Rejected as error:
        then = "sign it out in a client of the account, and give the account another password"
        raise Refused(f"The network refused it: {error.hint}", still=STILL, then=then) from None
    except ConnectorError as error:
        still = "Whether it is signed out is not known yet"
        raise Unready(f"{name}: {error.hint}", still=still, then="look again") from None
    return Came(("asked the network to sign it out",))
