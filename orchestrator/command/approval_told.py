"""What a plan means, in words for whoever is asked to agree to it.

Rules kept here:

1. What is told is worked out from the plan that is signed and from what is in force now, never
   from words that somebody handed in with it.
2. A plan that nobody wrote words for is told by its fields: ids, hashes and codes. None is shown
   as harmless.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.port.words import words_for
from orchestrator.approvals.credentials import Credential, credential_of, fingerprint
from orchestrator.approvals.requests import standing
from orchestrator.approvals.standing import (
    AGREE,
    ATTEST,
    ENROL,
    FOUND,
    PAPER,
    RESUME,
    RETURN,
    said_in,
)
from orchestrator.approvals.windows import WINDOW
from orchestrator.audit.granted import Stated, stated
from orchestrator.audit.kinds import Kind
from orchestrator.audit.paging import page
from orchestrator.clock import iso
from orchestrator.command.ceremony import CEREMONY
from orchestrator.command.closing import CLOSE
from orchestrator.command.directory_rows import folded, gone_names
from orchestrator.command.exports import EXPORT, told_export
from orchestrator.command.journal_keys import JOURNAL_KEY
from orchestrator.command.leaving import LEAVE
from orchestrator.command.revealing import REVEAL
from orchestrator.deals.agreed import VERBS
from orchestrator.deals.agreed_phase import PHASE, gained_by
from orchestrator.deals.legal_holds import RELEASE as HOLD_RELEASE
from orchestrator.deals.raising import RAISE
from orchestrator.deals.tokens import ISSUE, SCIM
from orchestrator.flow.agreed import DOCUMENT, RELEASE
from orchestrator.roster.adoption import (
    Adopted,
    AdoptionRefused,
    document_of,
    in_force,
    proposed,
)
from orchestrator.roster.changes import changes
from orchestrator.roster.document import from_document
from orchestrator.store.unit import Tx
from tiers.approval import Role
from tiers.ids import DealId, PersonId
from tiers.people import Person, Phase, Roster, Span
from tiers.roster_change import Gain, gains, losses

MOST = 40
"""Lines of one kind that are told; what is more is counted."""
LOOKED_AT = 500
"""Pauses of a deal, the newest first, among which somebody's is looked for."""
SHORT = 12
"""Digits of a hash that people are shown."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a plan means.

    Attributes:
        changes: what it changes.
        sees: who would see what that he does not see now.
        otherwise: what happens if nobody does anything.
        why: why it was asked for.
    """

    changes: tuple[str, ...]
    sees: tuple[str, ...] = ()
    otherwise: str = "Nothing happens; the request lapses."
    why: str = "somebody asked for it on the command line or in his line"


def told(tx: Tx, deal: DealId, verb: str, body: Mapping[str, Any]) -> Told:
    """What a plan means now."""
    tell = TELLS.get(verb)
    if tell is None:
        return Told(tuple(_fields(verb, body)))
    return tell(tx, deal, body)


def _founding(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    listed, known = body.get("credentials") or (), standing(tx, deal).ever
    roster = in_force(tx, deal, "roster")
    count = len(from_document(roster.document).people) if roster is not None else 0
    return Told(
        (
            "The deal is founded: from then on, what gives access takes two of those who signed",
            f"it begins with policy {str(body.get('policy'))[:SHORT]}",
            f"it begins with roster {str(body.get('roster'))[:SHORT]}, {count} people",
            f"it begins in {body.get('phase')}",
            *(_signs(known.get(str(name)), str(name)) for name in listed),
            *_most(_said_before(said_in(stated(tx, deal)))),
        ),
        otherwise="The deal stays a draft: no conversation of a real deal is made.",
        why="a real deal has rooms only once its people founded it",
    )


def _said_before(entries: Iterable[Stated]) -> Iterable[str]:
    """What one person said in the draft, and is believed once the deal is founded."""
    for body, kind in ((e.body, e.kind) for e in entries):
        person, by = body["person"], _by(body)
        if kind == Kind.ACCOUNT_BOUND:
            account = f"{_account(body['account'])} on {body['channel']}"
            yield f"{account} counts as the account of {person}, as {by} says"
        elif kind == Kind.PERSON_AGREED:
            yield f"the control room agreed that {person} is crossed, as {by} says"
        else:
            yield f"{person} acknowledged the notice on paper, as {by} says"


def _signs(credential: Credential | None, name: str) -> str:
    if credential is None:
        return f"a key {name[:SHORT]} that was withdrawn since may sign"
    roles = " and ".join(r.value.replace("_", " ") for r in Role if r in credential.roles)
    party = "" if credential.party is None else f", of the {credential.party.value}"
    return f"{credential.person} may sign as {roles}{party}, with the key {fingerprint(credential)}"


def _enrolment(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    return Told(
        (_signs(credential_of(body), ""),),
        otherwise="The key stays outside; whoever may sign now, may.",
        why="one more person, or one more key, is to sign approvals",
    )


def _documents(
    tx: Tx, deal: DealId, kind: Adopted, body: Mapping[str, Any]
) -> tuple[str | None, str]:
    """The document that is to be replaced, and the one that people are asked for.

    Raises:
        AdoptionRefused: one of them is not kept any more.
    """
    before, digest = body.get("before"), str(body.get("hash"))
    try:
        after = proposed(tx, deal, kind, digest)
    except AdoptionRefused:  # a long time after it was carried out
        after = document_of(tx, deal, kind, digest)
    return (None if before is None else document_of(tx, deal, kind, str(before))), after


def _roster(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    try:
        old, new = _documents(tx, deal, "roster", body)
    except AdoptionRefused as error:
        return Told((f"It cannot be shown: {error}",))
    before, after = None if old is None else from_document(old), from_document(new)
    gained, lost = gained_by(before, after), losses(before, after)
    gone = _gone(tx, after, {gain.person_id for gain in gained})
    return Told(
        (f"Roster {_arrow(body)}", *_most(_lists(before, after)), *_most(_said(lost, "no longer"))),
        (*_most(gone), *_most(_said(gained, "newly"))),
        "The roster in force stays in force.",
        "the list of who may see what was changed",
    )


def _gone(tx: Tx, roster: Roster, people: Collection[PersonId]) -> Iterable[str]:
    """Those of some people who do not work at their company, as its directory says."""
    names = gone_names(tx)
    for person_id in sorted(people):
        person = roster.person(person_id)
        accounts = () if person is None else person.accounts.values()
        if names & {folded(str(account)) for account in accounts}:
            yield f"{person_id} does not work there any more, as the company's directory says"


def _policy(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    try:
        old, new = _documents(tx, deal, "policy", body)
    except AdoptionRefused as error:
        return Told((f"It cannot be shown: {error}",))
    had = dict(_leaves("", json.loads(old))) if old is not None else {}
    have = dict(_leaves("", json.loads(new)))
    changed = (
        f"{name}: {had.get(name, 'nothing')} → {have.get(name, 'nothing')}"
        for name in sorted(had.keys() | have.keys())
        if had.get(name) != have.get(name)
    )
    return Told(
        (f"Policy {_arrow(body)}", *_most(changed)),
        ("A policy decides what each tier demands of its rooms, for everybody.",),
        "The policy in force stays in force.",
        "the rules of the tiers were changed",
    )


def _leaves(path: str, value: Any) -> Iterable[tuple[str, str]]:
    """Each value of a policy by its path, as its document has it."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, inner)
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def _phase(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    adopted = in_force(tx, deal, "roster")
    if adopted is None:
        return Told(("It cannot be shown: no roster is in force",))
    roster, (one, other) = from_document(adopted.document), (body.get("before"), body.get("phase"))
    before, after = roster.in_phase(Phase(one)), roster.in_phase(Phase(other))
    return Told(
        (
            f"The deal goes from {one} to {other}",
            *(
                f"the wall {w.one} | {w.other} stands no longer"
                for w in before.walls
                if w not in after.walls
            ),
            *_most(_said(losses(before, after), "no longer")),
        ),
        _most(_said(gains(before, after), "newly")),
        f"The deal stays in {one}.",
        "grants and walls of the roster depend on the phase",
    )


def _release(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    row = tx.one(
        "SELECT label, floor FROM conversation WHERE deal_id = ? AND conversation_id = ?",
        (deal, body.get("conversation")),
    )
    label, floor = row if row is not None else (None, "unknown")
    where = f"#{label}" if label is not None else str(body.get("conversation"))
    return Told(
        (
            f"Message {body.get('message')}, held as {body.get('tier')}, goes to {where} ({floor})",
            "It is treated as that tier from then on; its text is not shown here.",
        ),
        (f"Everybody in {where} who is cleared for {floor}; the guard decides again for each.",),
        "It stays held until its deadline; its author may move it to a stricter room or drop it.",
        "its author, or an owner of the deal, wants it in a less strict conversation",
    )


def _raise(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    where = str(body.get("conversation"))
    return Told(
        (f"The conversation {where} is used as a {body.get('floor')} one",),
        (f"Everybody in {where} who is cleared for {body.get('floor')}, and nobody besides",),
        "It counts as valuation all the same, and its rooms stand still.",
        "somebody raised it: what is said there from now on is stricter than it was",
    )


def _reveal(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    matter = body.get("matter")
    return Told(
        (f"{body.get('person')} reads message {body.get('message')}, held as {body.get('tier')}",),
        (f"{body.get('person')}: its text, once, for 60 seconds; its author is told",),
        "Nobody reads it; it stays held until its deadline.",
        "somebody who looks after the deal wants to read it before he settles it"
        if matter is None
        else f"counsel asks for it, for matter {matter}",
    )


def _document(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    readers = tuple(str(reader) for reader in body.get("members", ()))
    return Told(
        (f"The VALUATION document {body.get('message')} is sent, each reader his own copy",),
        tuple(f"{reader} has a copy that does not expire" for reader in readers),
        "It stays held until its deadline; nobody is sent it.",
        "its sender addressed it; a valuation document never goes at one person's word",
    )


def _resume(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    paused = page(tx, deal, limit=LOOKED_AT, kinds=(str(Kind.PERSON_PAUSED),)).entries
    last = next((e.body for e in paused if e.body.get("person") == body.get("person")), {})
    reason = last.get("reason")
    why = "" if reason is None else f" (he was paused: {_PAUSED.get(reason, reason)})"
    return Told(
        (f"{body.get('person')} is paused no longer{why}",),
        (f"{body.get('person')}: everything that the roster grants him",),
        "He stays paused; nothing is sent to rooms that he reads.",
        "somebody says that it is he who writes, from his own devices",
    )


_PAUSED = {
    "asked": "he asked for it",
    "directory": "the company's directory said that he does not work there",
    "doubt": "somebody doubted that it is he",
    "lost_phone": "he lost his phone",
    "phished": "his account was taken over",
    "travel": "he travels",
}


def _return(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    return Told(
        (f"The leave of {body.get('person')} is undone: he is on the list again",),
        (f"{body.get('person')}: everything that the roster grants him",),
        "He stays out; nothing is sent to him.",
        "he was taken out by mistake, less than half an hour ago",
    )


def _leave(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    return Told(
        (f"{body.get('person')} is taken out of every room, and his keys are withdrawn",),
        otherwise="He stays.",
        why="one person alone takes out no more people now, or not one of those who may agree",
    )


def _agree(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    return Told(
        (f"The control room of {body.get('person')} agrees that he becomes an insider",),
        (f"{body.get('person')}: what the roster grants him, once he acknowledged the notice",),
        "He is shown no notice, and has no seat.",
        "he is to be crossed, and his side asks its control room before",
    )


def _paper(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    notice = str(body.get("notice"))[:SHORT]
    return Told(
        (f"{body.get('person')} acknowledged the notice {notice} on paper, as {_by(body)} says",),
        (f"{body.get('person')}: everything that the roster grants him",),
        "He has no seat until he acknowledges it himself, in his line.",
        "he signed on paper instead of answering in his line",
    )


def _attest(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    account = f"{_account(body.get('account'))} on {body.get('channel')}"
    return Told(
        (f"{account} counts as the account of {body.get('person')}, as {_by(body)} says",),
        (f"Whoever holds {account}: everything that the roster grants {body.get('person')}",),
        "That account belongs to nobody, and has no seat.",
        "his counsel vouches for an account that he cannot prove here himself",
    )


def _ceremony(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    one, other = (str(person) for person in body["by"])
    return Told(
        (
            f"{one} and {other} compared these keys of {body.get('person')}, out of band:",
            *(_key(fact) for fact in body["keys"]),
            *(f"counts no more: {_key(fact)}" for fact in body["replaced"]),
        ),
        (f"{body.get('person')}, on these devices: what demands verified ones too",),
        "They stay as they are; rooms that demand verified devices go on holding.",
        "two people compare a key with its owner before it counts as verified",
    )


def _window(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    people, opens, closes = (body.get(name) for name in ("members", "opens", "closes"))
    names = ", ".join(map(str, people or ()))
    return Told(
        (
            f"A signing window opens at {_at(opens)} and closes at {_at(closes)}",
            f"In it one of {names} settles a release that another of them asked for",
            *_most(_where(tx, deal, str(name)) for name in body.get("conversations", ())),
            f"It is for the signing at {_at(body.get('signing'))}; it ends when that is moved",
        ),
        ("Nobody, by this alone: each release still takes two people, and is decided anew.",),
        "A release takes two signatures beside whoever asks, as ever.",
        "in the days before a signing two approvers are not always at hand at once",
    )


def _where(tx: Tx, deal: DealId, conversation: str) -> str:
    query = "SELECT label, floor FROM conversation WHERE deal_id = ? AND conversation_id = ?"
    label, floor = tx.one(query, (deal, conversation)) or (None, "unknown")
    return f"into {f'#{label}' if label is not None else conversation} ({floor})"


def _at(instant: object) -> str:
    return f"{iso(instant)[:16]}Z" if isinstance(instant, int) else "an unknown time"


def _export(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    what, why = told_export(body)
    return Told(
        (
            f"{_by(body)} is given {what}, once",
            "Names of people are in it; texts of messages are not",
        ),
        (f"{_by(body)}, and whoever he hands it to: what the record says of people",),
        "Nothing leaves; the record stays here.",
        why,
    )


def _key(fact: Mapping[str, Any]) -> str:
    words = " ".join(words_for(str(fact["key"])))
    return f"{fact['channel']} {fact['device']}, its words: {words}"


def _account(account: str | None) -> str:
    """An account; letters that look like others are told by their numbers too."""
    if account is None:
        return "none"
    plain = account.encode("ascii", "backslashreplace").decode()
    return account if account == plain else f"{account} ({plain})"


def _by(body: Mapping[str, Any]) -> str:
    return str(body.get("by"))


Tell = Callable[[Tx, DealId, Mapping[str, Any]], Told]


def _directory(body: Mapping[str, Any]) -> Told:
    until = iso(int(body.get("until", 0)))
    return Told(
        (
            f"A directory ({body.get('label')}) says who works at the company, until {until}",
            "Whoever it says does not is paused in every deal of this home, and signed out",
        ),
        (),
        "The token that was handed out opens nothing.",
        "somebody wants the company's directory to take people out; it lets nobody in",
    )


def _token(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    if body.get("scope") == SCIM:
        return _directory(body)
    sql = "SELECT label FROM conversation WHERE deal_id = ? AND conversation_id = ?"
    rows = [tx.one(sql, (deal, cid)) for cid in body.get("conversations", ())]
    into = ", ".join(str(row[0]) if row and row[0] else "a valuation conversation" for row in rows)
    people = ", ".join(map(str, body.get("members", ())))
    return Told(
        (f"A bot ({body.get('label')}) sends into {into}, {body.get('highest')} at most",),
        (f"It speaks for {people}, marked as a bot, until {iso(int(body.get('until', 0)))}",),
        "The token that was handed out opens nothing.",
        "somebody wants a program to hand messages in",
    )


def _journal_key(_: Tx, __: DealId, body: Mapping[str, Any]) -> Told:
    needed, shares, scope = body.get("needed"), body.get("shares"), body.get("scope")
    return Told(
        (f"From now on the journal of {scope} is sealed to the key {body.get('key_id')}",),
        (f"Whoever brings {needed} of its {shares} shares together opens what is sealed to it",),
        "The key in force stays in force; what waits for one waits on.",
        "a finding says that a journal key is missing, or was not renewed in time",
    )


def _close(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    talks = [_where(tx, deal, str(name)) for name in body.get("conversations", ())]
    waits = "dropped: held, possibly delivered and under way" if body.get("even_waiting") else None
    return Told(
        (
            "The deal is closed for good: nothing is taken or sent for it any more, by nobody",
            *_most(f"everybody is taken out of what goes {one}" for one in talks),
            *((f"What waits then is {waits}",) if waits else ("While something waits, it stays",)),
            "Tokens are taken back, signing windows close; record, journal, legal holds stay",
        ),
        (),
        "The deal stays open.",
        "it is over, and what is over is closed",
    )


def _hold_release(tx: Tx, deal: DealId, body: Mapping[str, Any]) -> Told:
    talks = [_where(tx, deal, str(name)) for name in body.get("conversations", ())]
    people = [f"said by {who}, or readable to him" for who in body.get("members", ())]
    return Told(
        (
            f"The legal hold for matter {body.get('matter')} ends ({body.get('legal_hold')})",
            *_most(f"it kept what was {one}" for one in (*talks, *people)),
            *(() if talks or people else ("it kept every sealed copy of the deal",)),
            "What is past its time by the policy is destroyed then, and cannot be brought back",
        ),
        (),
        "It stands: nothing that it covers is destroyed.",
        "the duty to preserve is said to be over",
    )


TELLS: dict[str, Tell] = {
    FOUND: _founding,
    ENROL: _enrolment,
    VERBS["roster"]: _roster,
    VERBS["policy"]: _policy,
    PHASE: _phase,
    RELEASE: _release,
    RAISE: _raise,
    DOCUMENT: _document,
    REVEAL: _reveal,
    RESUME: _resume,
    RETURN: _return,
    LEAVE: _leave,
    AGREE: _agree,
    PAPER: _paper,
    ATTEST: _attest,
    CEREMONY: _ceremony,
    EXPORT: _export,
    WINDOW: _window,
    ISSUE: _token,
    JOURNAL_KEY: _journal_key,
    HOLD_RELEASE: _hold_release,
    CLOSE: _close,
}
"""Words by verb."""


def _arrow(body: Mapping[str, Any]) -> str:
    before = str(body.get("before") or "none")[:SHORT]
    return f"{before} → {str(body.get('hash'))[:SHORT]}"


def _lists(before: Roster | None, after: Roster) -> Iterable[str]:
    """All that differs but what people gain and lose; first what protects everybody."""
    for change in changes(before, after) if before is not None else ():
        if change.change in {"host", "side", "wall", "delegate"}:
            yield f"{change.change} {change.subject}: {change.told}"
    had = {p.person_id: p for p in before.people} if before is not None else {}
    have = {p.person_id: p for p in after.people}
    for person_id, person in have.items():
        if person_id not in had:
            own = "".join(
                f", {name} account {_account(a)}" for name, a in sorted(person.accounts.items())
            )
            yield f"{person_id} ({person.name}, {person.side}{own}) is new on the list"
        elif had[person_id] != person:
            yield f"{person_id}: {'; '.join(_described(had[person_id], person))}"
    yield from (f"{person_id} is on the list no longer" for person_id in had.keys() - have.keys())


def _described(earlier: Person, person: Person) -> Iterable[str]:
    for name in ("name", "side", "role"):
        one, other = getattr(earlier, name), getattr(person, name)
        if one != other:
            yield f"{name} {one or 'none'} → {other or 'none'}"
    if earlier.profile is not person.profile:
        yield f"profile {earlier.profile.value} → {person.profile.value}"
    for channel in sorted({*earlier.accounts, *person.accounts}):
        had, has = earlier.accounts.get(channel), person.accounts.get(channel)
        if had != has:
            yield f"{channel} account {_account(had)} → {_account(has)}"


def _said(found: Iterable[Gain], verb: str) -> Iterable[str]:
    for gain in found:
        phases = ""
        if gain.phases is not None:
            phases = f" in {', '.join(sorted(p.value for p in gain.phases))}"
        what = f"{gain.tier.value} of {gain.compartment}"
        yield f"{gain.person_id} {verb} reads {what} {_span(gain.span)}{phases}"


def _span(span: Span) -> str:
    end = "" if span.end is None else f" until {iso(span.end)[:10]}"
    return f"from {iso(max(span.start, 0))[:10]}{end}"


def _most(lines: Iterable[str]) -> tuple[str, ...]:
    listed: Sequence[str] = list(lines)
    if len(listed) <= MOST:
        return tuple(listed)
    return (*listed[:MOST], f"and {len(listed) - MOST} more; wallcross roster diff shows all")


def _fields(verb: str, body: Mapping[str, Any]) -> Iterable[str]:
    yield verb
    for name, value in sorted(body.items()):
        shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        yield f"{name}: {shown}"
