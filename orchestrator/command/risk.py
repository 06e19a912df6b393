"""What people do about findings: each answer is an operation of the product, done for the finding.

Rules kept here:

1. Only what the finding's card offers is done, and only by whom the table lets; the operation
   itself decides again.
2. A click closes nothing. After the act the facts are looked at anew, and what they show closes it.
3. What is put right is the plan that was shown, by its hash.
4. To accept a finding for a time silences it: it costs what it cost. A security officer says so,
   with a reason, for 90 days at most, and it is on the record.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.plans import DoneLine
from orchestrator.client.problems import Missing, Refused, Unready, Wrong
from orchestrator.client.risk import FindingAnsweredView
from orchestrator.clock import DAY
from orchestrator.command.channels import Channels
from orchestrator.command.conversations import Conversations
from orchestrator.command.crossing_look import CrossingLook
from orchestrator.command.messages import Messages
from orchestrator.command.persons import Persons
from orchestrator.command.planning import Plans
from orchestrator.command.risk_acts import (
    adopt_journal_key,
    end_own_device,
    hand_in_decision,
    set_notice,
    show_notice_again,
)
from orchestrator.command.risk_case import STILL, Came, Case
from orchestrator.command.risk_look import RiskLook
from orchestrator.command.rosters import Rosters
from orchestrator.command.runtime import Runtime, must_live
from orchestrator.command.strangers import Strangers
from orchestrator.deals.findings import close_findings
from orchestrator.flow.notices import Notice, code_of
from orchestrator.flow.stopped import told_in_line
from orchestrator.query.risk import Risks, Shown, finding_view, is_officer, read_one
from orchestrator.risk.answers import OF_A_SIDE, Offer, offers
from orchestrator.risk.record import Found
from orchestrator.store.rehearsal import rehearsing
from orchestrator.store.unit import Tx
from tiers.exposure import Remedy
from tiers.ids import ConnectorName, DealId, MessageId, PersonId
from tiers.rights import Viewer

LONGEST: Final = 90 * DAY


class RiskDesk(Risks):
    """Implements ``orchestrator.api.port_risk.RiskAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._risk_look = RiskLook(runtime)

    async def finding_answer(
        self, deal: DealId, finding: str, answer: str, arguments: Mapping[str, str], viewer: Viewer
    ) -> FindingAnsweredView:
        """Does one of its answers."""
        shown, found = await read_one(self._r, deal, finding, viewer)
        offer = _offered(shown, found, deal, answer)
        if rehearsing() and offer.remedy in _IN_MEMORY:
            then = "leave out --dry-run"
            raise Refused("There is no dry run of this answer", still=STILL, then=then)
        case = Case(shown.cut.deal, shown, found, offer, arguments, viewer)
        came = await ACTS[offer.remedy](self._r, case)
        await self._risk_note(case)
        if self._r.live and offer.remedy not in _LOOKS_NOT:
            await self._risk_see(case)
        return await self._risk_answered(deal, finding, answer, came, viewer)

    async def _risk_note(self, case: Case) -> None:
        body: dict[str, Json] = {
            "finding": case.found.finding_id,
            "rule": case.found.named,
            "answer": case.offer.remedy.value,
        }
        at, chain = self._r.now(), case.deal.deal_id
        await self._r.store.write(
            lambda tx: append(tx, chain, Kind.FINDING_ANSWERED, body, at=at, actor=case.actor)
        )

    async def _risk_see(self, case: Case) -> None:
        """Reads anew what the finding is about, and runs the rules."""
        await look_again(self._r, case.found)
        if case.found.of_home:
            await self._risk_look.look_at_home()
        if case.found.named in OF_A_SIDE:
            await CrossingLook(self._r).look()
        await self._risk_look.look_at(case.deal.deal_id, anew=True)

    async def _risk_answered(
        self, deal: DealId, finding: str, answer: str, came: Came, viewer: Viewer
    ) -> FindingAnsweredView:
        shown, found = await read_one(self._r, deal, finding, viewer)
        closed = found.closed_at is not None
        then = came.then or ("" if closed else f"It closes when {found.rule.closes}.")
        return FindingAnsweredView(
            answer=answer,
            done=came.done,
            closed=closed,
            finding=finding_view(shown, found),
            shown=came.shown,
            plan=came.plan,
            then=then,
        )

    async def finding_accept(
        self, deal: DealId, finding: str, until: int, because: str, viewer: Viewer
    ) -> FindingAnsweredView:
        """Says that it is known and accepted until then."""
        _, found = await read_one(self._r, deal, finding, viewer)
        at = self._r.now()
        if not is_officer(deal, viewer):
            raise Refused("Only a security officer accepts a finding", still=STILL)
        if found.closed_at is not None:
            raise Refused("It is closed by now", still=STILL)
        if not at < until <= at + LONGEST:
            raise Wrong("It is accepted for up to 90 days from now", still=STILL)
        words = " ".join(because.split())
        if not words or not words.isprintable():
            raise Wrong("Say in a line why it is accepted", still=STILL)
        await self._r.store.write(lambda tx: _accept(tx, deal, found, until, words, at, viewer))
        came = Came(("accepted for a time: it costs as before, and asks nobody",))
        return await self._risk_answered(deal, finding, "accept", came, viewer)


def _accept(
    tx: Tx, deal: DealId, found: Found, until: int, because: str, at: int, viewer: Viewer
) -> None:
    tx.run(
        "INSERT INTO finding_accepted (finding_id, until, at, actor, because)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (finding_id) DO UPDATE SET until = excluded.until,"
        " at = excluded.at, actor = excluded.actor, because = excluded.because",
        (found.finding_id, until, at, viewer.actor, because),
    )
    body: dict[str, Json] = {"finding": found.finding_id, "rule": found.named, "until": until}
    append(tx, deal, Kind.FINDING_ACCEPTED, body, at=at, actor=viewer.actor)


def _offered(shown: Shown, found: Found, deal: DealId, answer: str) -> Offer:
    """The answer as it is offered now. Raises: Refused, Wrong."""
    if found.closed_at is not None:
        raise Refused("It is closed by now: nothing is left to do", still=STILL)
    owner = shown.owner_of(found)
    held = shown.held.__contains__
    given = offers(
        found, deal, shown.cut.viewer, held=held, owner=owner, ends_devices=shown.ends_devices
    )
    offer = next((one for one in given if one.remedy.value == answer), None)
    if offer is None:
        said = ", ".join(one.remedy.value for one in given)
        raise Wrong("This finding does not offer that", still=STILL, then=f"one of: {said}")
    if offer.prove:
        raise Refused("Prove that it is you first", still=STILL, then="sign in again")
    if not offer.may:
        raise Refused("Your part in this deal does not include this", still=STILL)
    return offer


async def look_again(runtime: Runtime, found: Found) -> None:
    """Reads the finding's room anew; without one, every room of its deal."""
    for deal, binding in runtime.book.rooms():
        about = found.about
        here = about.binding is None or about.binding.place == binding.place
        if here and deal.deal_id == found.deal_id:
            await runtime.watcher.look(deal, binding, not_before=runtime.now())
            current = runtime.book.room(*binding.place)
            if current is not None:
                await runtime.reconciler.look_at(*current)


async def _look(runtime: Runtime, case: Case) -> Came:
    must_live(runtime)
    del case  # looking is what follows every answer
    return Came(("looked again",))


async def _put_right(runtime: Runtime, case: Case) -> Came:
    """Shows the plan; does it once its hash is given."""
    plans, deal, plan = Plans(runtime), case.deal.deal_id, case.given.get("plan")
    if plan is None:
        shown = await plans.plan(deal)
        acts = tuple(f"{a.kind} {a.name or a.account or ''}".strip() for a in shown.acts)
        if not acts:
            return Came(("nothing differs that can be put right from here",))
        return Came((), acts, shown.hash, "Send this answer again with the plan's hash.")
    lines = [_line(line) async for line in plans.plan_apply(deal, plan, None, actor=case.actor)]
    return Came(tuple(lines), plan=plan)


def _line(line: DoneLine) -> str:
    return f"{line.act.kind} {line.act.name or line.act.account or ''}: {line.outcome}"


async def _pause_room(runtime: Runtime, case: Case) -> Came:
    name, reason = case.named("conversation"), f"finding {case.found.named}"
    await Conversations(runtime).conv_pause(case.deal.deal_id, name, reason, actor=case.actor)
    return Came(("paused: nothing of ours goes out there",))


async def _resume_room(runtime: Runtime, case: Case) -> Came:
    name = case.named("conversation")
    await Conversations(runtime).conv_resume(case.deal.deal_id, name, actor=case.actor)
    return Came(("it goes on",))


async def _attest(runtime: Runtime, case: Case) -> Came:
    value = case.given.get("value")
    number = int(value) if value is not None and value.isdigit() else None
    await Conversations(runtime).conv_attest(
        case.deal.deal_id,
        case.named("room"),
        case.named("guarantee"),
        number,
        by=case.by(),
        actor=case.actor,
    )
    return Came(("attested, by name, for 30 days",))


async def _resume_person(runtime: Runtime, case: Case) -> Came:
    person = PersonId(case.named("person"))
    await Persons(runtime).person_resume(case.deal.deal_id, person, actor=case.actor)
    return Came(("he goes on",))


async def _new_phone(runtime: Runtime, case: Case) -> Came:
    person = PersonId(case.named("person"))
    await Persons(runtime).person_new_phone(case.deal.deal_id, person, actor=case.actor)
    return Came(("a new key of his is expected",))


async def _pause_person(runtime: Runtime, case: Case) -> Came:
    person = PersonId(case.named("person"))
    await Persons(runtime).person_pause(case.deal.deal_id, person, "doubt", actor=case.actor)
    return Came(("paused: nothing is sent to rooms that he reads",))


async def _call_back(runtime: Runtime, case: Case) -> Came:
    person = PersonId(case.named("person"))
    told = await Persons(runtime).person_call_back(case.deal.deal_id, person)
    then = f"wallcross person verify {person} --by A --by B"
    return Came((), (f"a number from {told.where}", *told.ask), then=then)


async def _review(runtime: Runtime, case: Case) -> Came:
    by = case.by()
    await Rosters(runtime).roster_review(case.deal.deal_id, by, actor=case.actor)
    return Came(("looked through, and recorded",))


async def _anchor(runtime: Runtime, case: Case) -> Came:
    del case
    if runtime.sign_and_anchor is None:
        raise Unready("The channels are not open here", still=STILL, then="wallcross serve")
    await runtime.sign_and_anchor()
    return Came(("the anchors were asked",))


async def _move(runtime: Runtime, case: Case) -> Came:
    message = MessageId(case.named("message"))
    await Messages(runtime).held_move(message, case.named("to"), actor=case.actor)
    return Came(("it goes to the stricter conversation",))


async def _drop(runtime: Runtime, case: Case) -> Came:
    message = MessageId(case.named("message"))
    await Messages(runtime).held_drop(message, actor=case.actor)
    return Came(("dropped: nobody gets it",))


async def _ask_author(runtime: Runtime, case: Case) -> Came:
    message = case.named("message")
    text = (
        f"A message of yours ({code_of(message)}) stands where it should not. "
        "Please delete it there, and write it where it belongs."
    )
    return await _tell(runtime, case, case.named("person"), Notice(message, text))


async def _tell_owner(runtime: Runtime, case: Case) -> Came:
    about = case.found.about.message or case.found.finding_id
    text = (
        f"Something of deal {case.deal.code} waits for you: {case.found.rule.title}. "
        f"It closes when {case.found.rule.closes}."
    )
    return await _tell(runtime, case, case.named("owner"), Notice(about, text))


async def _tell(runtime: Runtime, case: Case, person: str, notice: Notice) -> Came:
    """Tells somebody in his own line. Raises: Missing where he has none that can be used."""
    must_live(runtime)
    who = case.deal.roster.person(PersonId(person))
    if who is None or case.deal.has_left(who.person_id):
        raise Missing("He is nobody of this deal now", still=STILL)
    channel = case.found.about.channel
    first = [a for a in who.accounts.items() if a[0] == channel]
    rest = sorted(
        (a for a in who.accounts.items() if a[0] != channel), key=lambda a: runtime.lines.rank(*a)
    )
    for door in (*first, *rest):
        told = await told_in_line(runtime.lines, door, who, case.deal.deal_id, notice)
        if told is not None:
            deal, at = case.deal.deal_id, runtime.now()
            await runtime.store.write(lambda tx: runtime.writer.tell(tx, deal, told, at))  # noqa: B023 - at once
            return Came((f"{who.name} is told in a line of his own",))
    raise Missing(f"No line to {who.name} can be opened now", still=STILL)


async def _test_channel(runtime: Runtime, case: Case) -> Came:
    name = ConnectorName(case.named("channel"))
    tried = await Channels(runtime).channel_test(name, actor=case.actor)
    passed = sum(step.ok for step in tried.steps)
    return Came((f"{passed} of {len(tried.steps)} steps seen",))


async def _pause_channel(runtime: Runtime, case: Case) -> Came:
    name, why = ConnectorName(case.named("channel")), f"finding {case.found.named}"
    await Channels(runtime).channel_pause(name, why, actor=case.actor)
    return Came(("paused: nothing of ours goes out there",))


async def _resume_channel(runtime: Runtime, case: Case) -> Came:
    name = ConnectorName(case.named("channel"))
    await Channels(runtime).channel_resume(name, actor=case.actor)
    return Came(("it goes on",))


async def _drop_stranger(runtime: Runtime, case: Case) -> Came:
    strangers, who = Strangers(runtime), case.found.subject.partition(":")[2]
    channel = case.named("channel")
    kept = [
        one
        for one in await strangers.quarantine_list(every=False)
        if one.kept and one.channel == channel and who in {one.account, one.verdict}
    ]
    for one in kept:
        await strangers.quarantine_drop(one.kept_id, actor=case.actor)
    return Came((f"{len(kept)} dropped",))


async def _heard(runtime: Runtime, case: Case) -> Came:
    """A named person asked in the rooms what was written: his statement is the new fact."""
    found, by, at = case.found, case.by(), runtime.now()
    if case.deal.roster.person(by) is None:
        raise Missing(f"{by} is nobody of this deal now", still=STILL)

    def unit(tx: Tx) -> None:
        tx.run(
            "INSERT OR REPLACE INTO finding_stated (finding_id, what, person_id, at, actor)"
            " VALUES (?, 'asked_in_rooms', ?, ?, ?)",
            (found.finding_id, by, at, case.actor),
        )
        body: dict[str, Json] = {
            "finding": found.finding_id,
            "rule": found.named,
            "answer": "asked_in_rooms",
            "person": by,
        }
        append(tx, found.deal_id, Kind.FINDING_ANSWERED, body, at=at, actor=case.actor)
        close_findings(tx, found.deal_id, found.named, found.subject, at)

    await runtime.store.write(unit)
    return Came(("stated, by name: the rooms were asked",))


Act = Callable[[Runtime, Case], Awaitable[Came]]
ACTS: Final[Mapping[Remedy, Act]] = {
    Remedy.LOOK: _look,
    Remedy.PUT_RIGHT: _put_right,
    Remedy.PAUSE_ROOM: _pause_room,
    Remedy.RESUME_ROOM: _resume_room,
    Remedy.PAUSE_PERSON: _pause_person,
    Remedy.RESUME_PERSON: _resume_person,
    Remedy.CALL_BACK: _call_back,
    Remedy.NEW_PHONE: _new_phone,
    Remedy.ATTEST: _attest,
    Remedy.REVIEW: _review,
    Remedy.ANCHOR: _anchor,
    Remedy.MOVE: _move,
    Remedy.DROP: _drop,
    Remedy.ASK_AUTHOR: _ask_author,
    Remedy.TEST_CHANNEL: _test_channel,
    Remedy.PAUSE_CHANNEL: _pause_channel,
    Remedy.RESUME_CHANNEL: _resume_channel,
    Remedy.DROP_STRANGER: _drop_stranger,
    Remedy.TELL_PERSON: _tell_owner,
    Remedy.HEARD: _heard,
    Remedy.ADOPT_KEY: adopt_journal_key,
    Remedy.EXEMPT: hand_in_decision,
    Remedy.SET_NOTICE: set_notice,
    Remedy.SHOW_NOTICE: show_notice_again,
    Remedy.SHUT_OUT: end_own_device,
}
_IN_MEMORY: Final = frozenset({Remedy.PUT_RIGHT, Remedy.TEST_CHANNEL})
"""What begins by changing what this process remembers: a rehearsal could not undo it."""
_LOOKS_NOT: Final = frozenset({Remedy.CALL_BACK, Remedy.TELL_PERSON, Remedy.ASK_AUTHOR})
"""After which nothing can be different yet."""
