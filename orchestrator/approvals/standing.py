"""What a deal's chain comes to: who may sign, what waits, what was agreed to.

Rules kept here:

1. There is no table. Everything is read from entries, in their order, and each signature is checked
   again, against the credential that stood when it was given: a row grants nothing, and an entry
   that says more than its signatures grants nothing either.
2. A deal is founded by all whose credentials its founding plan lists, each with his own signature.
   From then on a credential counts only if a request was agreed to that names exactly it.
3. Who left or is paused agrees to nothing meanwhile, and still bars whoever counts as one with
   him. What was agreed to stays agreed to.
4. What takes away counts without any signature. What others say that gives a person something (a
   leave undone, a pause ended, a control room's agreement, a notice acknowledged on paper, an
   account attested) counts in a founded deal only right behind the request that was agreed to.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.approvals.credentials import Credential, credential_of, login_tie, signed_of
from orchestrator.approvals.errors import ApprovalError
from orchestrator.approvals.plan import Answer, Plan, statement
from orchestrator.approvals.rules import rule_of
from orchestrator.approvals.windows import RELEASE, WINDOW, window_of
from orchestrator.audit.granted import Stated
from orchestrator.audit.kinds import Kind
from tiers.approval import (
    FOUNDERS,
    Approver,
    Rule,
    counted,
    missing,
    one_person,
)
from tiers.ids import ConversationId, PersonId
from tiers.signing import Asked, Window, against

FOUND = "deal.found"
"""The verb by which a deal is founded."""
ENROL = "approver.enrol"
"""The verb by which one more credential is let in."""
RETURN, RESUME = "person.return", "person.resume"
"""The verbs by which somebody is let back in: his leave is undone, his pause ends."""
AGREE, PAPER, ATTEST = "person.agree", "person.acknowledge", "account.attest"
"""The verbs by which others vouch for somebody."""
PERSON = "person:"


@dataclass(slots=True)
class Request:
    """A plan that waits, or waited, for people.

    Attributes:
        asked_by: the actor who asked.
        expires_at: microseconds UTC; at and after it nobody agrees any more.
        yes: who signed for it, with the hash of the credential.
        no_by: who signed against it, or took it back.
        no_why: why, as he signed; None where it was taken back.
        known: everybody who ever could sign, when it was carried out; nobody before that.
        done_n: number of the entry that says so.
        in_window: one signature was enough when it was carried out, in a signing window.
    """

    request_id: str
    plan: Plan
    rule: Rule
    asked_by: str
    asked_at: int
    expires_at: int
    yes: dict[PersonId, str] = field(default_factory=dict)
    no_by: str | None = None
    no_why: str | None = None
    known: tuple[Approver, ...] = ()
    done_at: int | None = None
    done_n: int = 0
    in_window: bool = False

    @property
    def asker(self) -> PersonId | None:
        """The person who asked, where it was one."""
        return PersonId(self.asked_by[len(PERSON) :]) if self.asked_by.startswith(PERSON) else None

    def agreed_under(self, rule: Rule) -> bool:
        """Whether those who agreed when it was carried out are enough by a rule."""
        asker, ties = self.asker, frozenset({login_tie(self.asked_by)})
        yes = frozenset(self.yes)
        found = counted(rule, self.known, yes, asker=asker, asker_ties=ties)
        return self.done_at is not None and not missing(rule, found)

    def open(self, at: int) -> bool:
        """Whether anybody may still sign at ``at``."""
        return self.done_at is None and self.no_by is None and at < self.expires_at


@dataclass(slots=True)
class Standing:
    """Where a deal's approvals stand.

    Attributes:
        drafts: credentials enrolled before the founding, by their hashes; they count for it alone.
        credentials: those that count now, by their hashes.
        ever: those that ever counted, drafts too: who shared what with whom is not forgotten.
        founded_at: microseconds UTC; None: it is not founded.
        requests: by id.
        counts: what each credential counted last.
        out: who left or is paused.
        signing_at: when the deal is to be signed, microseconds UTC; None: nobody said.
        windows: signing windows that were agreed to and not withdrawn, by their requests.
        doubts: what an entry says and its signatures do not, in words for people, by subject.
    """

    deal_id: str
    drafts: dict[str, Credential] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    ever: dict[str, Credential] = field(default_factory=dict)
    founded_at: int | None = None
    founding: Request | None = None
    requests: dict[str, Request] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    out: dict[Kind, set[PersonId]] = field(default_factory=dict)
    signing_at: int | None = None
    windows: dict[str, Window] = field(default_factory=dict)
    doubts: list[tuple[str, str]] = field(default_factory=list)
    unbelieved: set[int] = field(default_factory=set)
    """Numbers of the entries that are doubted: they state nothing."""
    n: int = 0
    """Number of the entry that was read last."""

    @property
    def signing(self) -> Mapping[str, Credential]:
        """The credentials that may sign now: drafts until the deal is founded."""
        return self.drafts if self.founded_at is None else self.credentials

    def approvers(self) -> tuple[Approver, ...]:
        """Everybody who may sign now, one value for each person."""
        return _people(c for c in self.signing.values() if self.present(c.person))

    def present(self, person: PersonId) -> bool:
        """Whether somebody neither left nor is paused."""
        return not any(person in those for those in self.out.values())

    def everybody(self) -> tuple[Approver, ...]:
        """Everybody who ever could sign, with all that he shared, and the roles that he has now."""
        now = {a.person: a.roles for a in _people(self.signing.values())}
        return tuple(
            replace(a, roles=now.get(a.person, frozenset())) for a in _people(self.ever.values())
        )

    def counting(self, request: Request) -> tuple[Approver, ...]:
        """Those whose signature under a request counts now."""
        signed = (p for p, by in request.yes.items() if by in self.signing and self.present(p))
        return self._counted(request, frozenset(signed))

    def may_sign(self, request: Request, person: PersonId) -> bool:
        """Whether a person's yes to a request would count, be it with another's as one."""
        here = any(a.person == person for a in self.approvers())
        if request.plan.verb == FOUND or not here:
            return here
        return bool(self._counted(request, frozenset({person})))

    def could_agree(self, request: Request) -> tuple[Approver, ...]:
        """Those who may agree to a request at all, one for each person."""
        return self._counted(request, frozenset(a.person for a in self.approvers()))

    def _counted(self, request: Request, yes: frozenset[PersonId]) -> tuple[Approver, ...]:
        asker, ties = request.asker, frozenset({login_tie(request.asked_by)})
        return counted(request.rule, self.everybody(), yes, asker=asker, asker_ties=ties)

    def missing(self, request: Request) -> tuple[str, ...]:
        """What a request still misses, in words; nothing once it is agreed to."""
        if request.plan.verb == FOUND:
            return self._unfounded(request)
        return (*self._outside(request), *missing(request.rule, self.counting(request)))

    def _outside(self, request: Request) -> tuple[str, ...]:
        """Why no signing window makes one signature enough, where its rule names one."""
        rule, body = request.rule, request.plan.body
        if rule.window is None:
            return ()
        if request.plan.verb != RELEASE:
            return ("a signing window is for the release of a held message alone",)
        where = ConversationId(str(body.get("conversation")))
        asked = Asked(request.asker, where, request.asked_at, request.expires_at, rule)
        window, known = self.windows.get(rule.window), self.approvers()
        return against(window, asked, signing=self.signing_at, known=known)

    def _unfounded(self, request: Request) -> tuple[str, ...]:
        """Everybody on the list signs, and they are two people at least."""
        listed = [self.drafts.get(h) for h in listed_in(request.plan)]
        if None in listed or self.founded_at is not None:
            return ("the list of credentials is not the one that was enrolled",)
        people = _people(c for c in listed if c is not None)
        if len(set(one_person(people).values())) < FOUNDERS:
            return (f"{FOUNDERS} different people found a deal",)
        late = [p.person for p in people if p.person not in request.yes]
        return (f"everybody who is enrolled signs; not yet: {', '.join(late)}",) if late else ()


def listed_in(plan: Plan) -> tuple[str, ...]:
    """The hashes of the credentials that a founding plan lists."""
    listed = plan.body.get("credentials")
    return tuple(map(str, listed)) if isinstance(listed, list | tuple) else ()


def said_in(entries: Iterable[Stated]) -> tuple[Stated, ...]:
    """What gives people something and was said in a draft, which a founding makes believed.

    Whose accounts are whose, and what others vouched for; what somebody acknowledged from his own
    account takes nobody.
    """
    kinds = {Kind.ACCOUNT_BOUND, Kind.PERSON_AGREED, Kind.PERSON_ACKNOWLEDGED}
    given = (e for e in entries if e.kind in kinds)
    return tuple(
        e for e in given if e.kind == Kind.ACCOUNT_BOUND or _by_others(Kind(e.kind), e.body)
    )


def read_standing(deal_id: str, entries: Iterable[Stated]) -> Standing:
    """What a deal's entries, in their order, come to."""
    found = Standing(deal_id)
    for entry in entries:
        take = _TAKE.get(Kind(entry.kind))
        if take is None:
            continue
        found.n = entry.n
        try:
            take(found, Kind(entry.kind), entry.body)
        except (ApprovalError, KeyError, TypeError, ValueError, AttributeError) as error:
            told = str(error) if isinstance(error, ApprovalError) else "it is not well formed"
            found.doubts.append((f"entry:{entry.n}", f"{entry.kind}: {told}"))
            found.unbelieved.add(entry.n)
    return found


def _people(credentials: Iterable[Credential]) -> tuple[Approver, ...]:
    found: dict[PersonId, Approver] = {}
    for one in (c.approver() for c in credentials):
        old = found.get(one.person)
        if old is not None:
            roles, ties = old.roles | one.roles, old.ties | one.ties
            one = Approver(one.person, roles, one.party, ties)  # noqa: PLW2901 - both keys are his
        found[one.person] = one
    return tuple(found[person] for person in sorted(found))


def _enrolled(found: Standing, _: Kind, body: Mapping[str, Any]) -> None:
    credential = credential_of(body)
    name = credential.hash
    if found.founded_at is None:
        found.drafts[name] = found.ever[name] = credential
        return
    request = found.requests.get(body.get("request") or "")
    if request is None or request.done_at is None or request.plan.verb != ENROL:
        raise ApprovalError("a credential that nobody agreed to")
    if request.plan.body.get("credential") != name:
        raise ApprovalError("another credential than the one that was agreed to")
    found.credentials[name] = found.ever[name] = credential


def _withdrawn(found: Standing, _: Kind, body: Mapping[str, Any]) -> None:
    found.drafts.pop(body["credential"], None)
    found.credentials.pop(body["credential"], None)


def _asked(found: Standing, _: Kind, body: Mapping[str, Any]) -> None:
    plan = Plan(body["verb"], body["plan"])
    if plan.hash != body["plan_hash"]:
        raise ApprovalError("a request whose plan is not the one that its hash names")
    if body["request"] in found.requests:
        raise ApprovalError("a request that was made before")
    found.requests[body["request"]] = Request(
        body["request"], plan, rule_of(body["rule"]), body["by"], body["at"], body["expires"]
    )


def _answered(found: Standing, kind: Kind, body: Mapping[str, Any]) -> None:
    request = found.requests[body["request"]]
    if kind is Kind.APPROVAL_REFUSED and "signature" not in body:
        if body["by"] != request.asked_by:
            raise ApprovalError("a request taken back by somebody else than its asker")
        request.no_by = request.no_by or body["by"]
        return
    answer: Answer = "yes" if kind is Kind.APPROVAL_GIVEN else "no"
    name = body["credential"]
    credential = found.signing.get(name)
    if credential is None or not found.present(credential.person):
        raise ApprovalError("a signature by a credential that does not count")
    if body["at"] >= request.expires_at:
        raise ApprovalError("a signature after the request had lapsed")
    reason = body.get("reason")
    message = statement(found.deal_id, request.plan.hash, request.expires_at, answer, reason)
    count = credential.check(message, signed_of(body), found.counts.get(name, 0))
    found.counts[name] = count
    if answer == "yes":
        request.yes[credential.person] = name
    elif request.no_by is None:
        request.no_by, request.no_why = credential.person, reason


def _done(found: Standing, _: Kind, body: Mapping[str, Any]) -> None:
    request = found.requests[body["request"]]
    if not request.open(body["at"]):
        raise ApprovalError("something done that was refused, had lapsed or was done before")
    if found.founded_at is None and request.plan.verb != FOUND:
        raise ApprovalError("something done in a deal that is not founded")
    if found.missing(request):
        raise ApprovalError("something done to which not enough people agreed")
    request.yes = {
        p: by for p, by in request.yes.items() if by in found.signing and found.present(p)
    }
    opened = window_of(request.plan.body) if request.plan.verb == WINDOW else None
    request.known = found.everybody()
    request.done_at, request.done_n = body["at"], found.n
    request.in_window = request.rule.window is not None
    if opened is not None:
        found.windows[request.request_id] = opened
    if request.plan.verb == FOUND:
        found.credentials = {h: found.drafts[h] for h in listed_in(request.plan)}
        found.founded_at, found.founding = body["at"], request


def _signing(found: Standing, _: Kind, body: Mapping[str, Any]) -> None:
    found.signing_at = None if body["signing"] is None else int(body["signing"])


def _window_closed(found: Standing, _: Kind, body: Mapping[str, Any]) -> None:
    found.windows.pop(body["request"], None)


def _person(found: Standing, kind: Kind, body: Mapping[str, Any]) -> None:
    person = PersonId(body["person"])
    why = _BACK.get(kind, kind)
    if kind in _BACK:
        _check_agreed(found, _VERBS[kind], person)
    those = found.out.setdefault(why, set())
    (those.add if kind is why else those.discard)(person)


def _vouched(found: Standing, kind: Kind, body: Mapping[str, Any]) -> None:
    """What others say of a person; what he says himself, from his own account, takes nobody."""
    if _by_others(kind, body):
        _check_agreed(found, _VERBS[kind], PersonId(body["person"]))


def _by_others(kind: Kind, body: Mapping[str, Any]) -> bool:
    if kind is Kind.PERSON_ACKNOWLEDGED:
        return "channel" not in body
    return kind is Kind.PERSON_AGREED or body.get("graded") == "attested"


def _check_agreed(found: Standing, verb: str, person: PersonId) -> None:
    """Whether the entry before says that people agreed to exactly this."""
    done = (r for r in found.requests.values() if r.done_n == found.n - 1)
    about = [(r.plan.verb, r.plan.body.get("person")) for r in done]
    if found.founded_at is not None and about != [(verb, person)]:
        raise ApprovalError("something given to a person to which nobody agreed")


_VERBS = {
    Kind.PERSON_RETURNED: RETURN,
    Kind.PERSON_RESUMED: RESUME,
    Kind.PERSON_AGREED: AGREE,
    Kind.PERSON_ACKNOWLEDGED: PAPER,
    Kind.ACCOUNT_BOUND: ATTEST,
}
_BACK = {Kind.PERSON_RETURNED: Kind.PERSON_LEFT, Kind.PERSON_RESUMED: Kind.PERSON_PAUSED}
_TAKE: Mapping[Kind, Callable[[Standing, Kind, Mapping[str, Any]], None]] = {
    Kind.CREDENTIAL_ENROLLED: _enrolled,
    Kind.CREDENTIAL_WITHDRAWN: _withdrawn,
    Kind.APPROVAL_ASKED: _asked,
    Kind.APPROVAL_GIVEN: _answered,
    Kind.APPROVAL_REFUSED: _answered,
    Kind.APPROVAL_DONE: _done,
    Kind.DEAL_SIGNING: _signing,
    Kind.WINDOW_CLOSED: _window_closed,
    Kind.PERSON_LEFT: _person,
    Kind.PERSON_RETURNED: _person,
    Kind.PERSON_PAUSED: _person,
    Kind.PERSON_RESUMED: _person,
    Kind.PERSON_AGREED: _vouched,
    Kind.PERSON_ACKNOWLEDGED: _vouched,
    Kind.ACCOUNT_BOUND: _vouched,
}
