"""What a chain comes to, whoever wrote its entries: only signatures grant.

Entries are made here as somebody would who can write the whole database: no check stands between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.approvals import standing as standing_module
from orchestrator.approvals.credentials import Credential, Signed, credential_of, tie
from orchestrator.approvals.plan import Answer, Plan, statement
from orchestrator.approvals.rules import rule_body
from orchestrator.approvals.standing import (
    AGREE,
    ATTEST,
    ENROL,
    FOUND,
    PAPER,
    RESUME,
    RETURN,
    Request,
    Standing,
    listed_in,
    read_standing,
)
from orchestrator.audit.granted import Stated
from orchestrator.audit.kinds import Kind
from tests.orchestrator.approvals.signers import Signer
from tests.tiers.planted import counterexample
from tiers.approval import Rule
from tiers.ids import PersonId

DEAL = "deal_" + "d" * 32
LAPSES = 1_000
PLAN = Plan("roster.adopt", {"hash": "a" * 64})
ADA, BEN, CY, EVE = (Signer(name) for name in ("ada", "ben", "cy", "eve"))
TWIN = Signer("twin", ties=frozenset({tie("subject", "same")}))
OTHER = Signer("other", ties=frozenset({tie("subject", "same")}))


@dataclass
class Chain:
    """Entries as they would be read, written by hand."""

    entries: list[Stated] = field(default_factory=list)
    at: int = 0

    def add(self, kind: Kind, /, **body: Any) -> None:
        self.at += 1
        n = len(self.entries) + 1
        self.entries.append(Stated(DEAL, n, str(kind), {"row": "0" * 64, **body}, self.at))

    def enrol(self, person: Signer, request: str | None = None) -> None:
        credential = person.credential
        self.add(
            Kind.CREDENTIAL_ENROLLED,
            **credential.body(),
            credential=credential.hash,
            request=request,
        )

    def ask(
        self,
        request: str,
        plan: Plan,
        rule: Rule | None = None,
        by: str = "local:ops",
        over: dict[str, Any] | None = None,
    ) -> None:
        said = {
            "request": request,
            "verb": plan.verb,
            "plan": dict(plan.body),
            "plan_hash": plan.hash,
            "rule": rule_body(rule or Rule()),
            "by": by,
            "at": self.at + 1,
            "expires": LAPSES,
        }
        self.add(Kind.APPROVAL_ASKED, **(said | (over or {})))

    def say(
        self,
        request: str,
        plan: Plan,
        person: Signer,
        said: Answer = "yes",
        by: Signer | None = None,
        over: dict[str, Any] | None = None,
    ) -> None:
        """``by``: whose key signs it in truth."""
        message = statement(DEAL, plan.hash, LAPSES, said)
        body = {
            "request": request,
            "person": person.name,
            "credential": person.credential.hash,
            "at": self.at + 1,
            **(by or person).sign(message).body(),
        }
        kind = Kind.APPROVAL_GIVEN if said == "yes" else Kind.APPROVAL_REFUSED
        self.add(kind, **(body | (over or {})))

    def done(self, request: str) -> None:
        self.add(Kind.APPROVAL_DONE, request=request, at=self.at + 1)

    def found(self, *people: Signer) -> Plan:
        for person in people:
            self.enrol(person)
        plan = Plan(FOUND, {"credentials": sorted(p.credential.hash for p in people)})
        self.ask("apr_f", plan)
        for person in people:
            self.say("apr_f", plan, person)
        self.done("apr_f")
        return plan

    def read(self) -> Standing:
        return read_standing(DEAL, self.entries)


def founded() -> Chain:
    chain = Chain()
    chain.found(ADA, BEN, CY)
    assert chain.read().founded_at is not None
    assert chain.read().doubts == []
    return chain


def doubt(chain: Chain) -> str:
    [(subject, told)] = chain.read().doubts
    assert subject.startswith("entry:")
    return told


def test_done_without_signatures_is_not_done() -> None:
    chain = founded()
    chain.ask("apr_1", PLAN)
    chain.say("apr_1", PLAN, ADA)
    chain.done("apr_1")
    assert "not enough people" in doubt(chain)
    assert chain.read().requests["apr_1"].done_at is None


@pytest.mark.parametrize(
    "over",
    [
        {"signature": "00"},
        {"signature": EVE.sign(statement(DEAL, PLAN.hash, LAPSES, "yes")).signature.hex()},
        {"signature": ADA.sign(statement(DEAL, PLAN.hash, LAPSES, "no")).signature.hex()},
        {"signature": ADA.sign(statement("deal_x", PLAN.hash, LAPSES, "yes")).signature.hex()},
        {"signature": "not hexadecimal"},
        {"signature": None},
        {"credential": "0" * 64},
        {"credential": EVE.credential.hash},
        {"at": LAPSES},
        {"request": "apr_nowhere"},
    ],
)
def test_a_signature_that_is_not_his_is_not_counted(over: dict[str, Any]) -> None:
    chain = founded()
    chain.ask("apr_1", PLAN)
    chain.say("apr_1", PLAN, ADA, over=over)
    assert doubt(chain)
    assert chain.read().requests["apr_1"].yes == {}


def test_a_key_that_nobody_agreed_to_signs_nothing() -> None:
    chain = founded()
    chain.enrol(EVE)
    assert "nobody agreed to" in doubt(chain)
    assert EVE.credential.hash not in chain.read().credentials


def test_a_key_let_in_under_anothers_name_signs_nothing() -> None:
    chain = founded()
    plan = Plan(ENROL, {**CY.credential.body(), "credential": CY.credential.hash})
    chain.ask("apr_1", plan)
    chain.say("apr_1", plan, ADA)
    chain.say("apr_1", plan, BEN)
    chain.done("apr_1")
    chain.enrol(EVE, request="apr_1")
    assert "another credential" in doubt(chain)
    assert EVE.credential.hash not in chain.read().credentials


def test_a_key_that_two_let_in_signs() -> None:
    chain = founded()
    plan = Plan(ENROL, {**EVE.credential.body(), "credential": EVE.credential.hash})
    chain.ask("apr_1", plan)
    chain.say("apr_1", plan, ADA)
    chain.say("apr_1", plan, BEN)
    chain.done("apr_1")
    chain.enrol(EVE, request="apr_1")
    assert chain.read().doubts == []
    assert EVE.credential.hash in chain.read().credentials


def test_a_deal_is_not_founded_again_by_others() -> None:
    chain = founded()
    for person in (EVE, TWIN):
        chain.enrol(person)
    plan = Plan(FOUND, {"credentials": sorted(p.credential.hash for p in (EVE, TWIN))})
    chain.ask("apr_2", plan)
    for person in (EVE, TWIN):
        chain.say("apr_2", plan, person)
    chain.done("apr_2")
    found = chain.read()
    assert set(found.credentials) == {p.credential.hash for p in (ADA, BEN, CY)}
    assert len(found.doubts) == 5


def test_two_names_of_one_subject_found_nothing() -> None:
    chain = Chain()
    chain.found(TWIN, OTHER)
    assert "not enough people" in doubt(chain)
    assert chain.read().founded_at is None


def test_a_plan_that_is_not_what_its_hash_names_is_no_request() -> None:
    chain = founded()
    chain.ask("apr_1", PLAN, over={"plan": {"hash": "b" * 64}})
    assert "not the one that its hash names" in doubt(chain)
    assert "apr_1" not in chain.read().requests


def test_a_request_is_not_made_anew_under_the_same_name() -> None:
    chain = founded()
    chain.ask("apr_1", PLAN, Rule(barred=frozenset({PersonId("ada")})))
    chain.ask("apr_1", PLAN)
    assert "made before" in doubt(chain)
    assert chain.read().requests["apr_1"].rule.barred == {"ada"}


def test_a_rule_of_one_person_is_no_rule() -> None:
    chain = founded()
    chain.ask("apr_1", PLAN, over={"rule": rule_body(Rule()) | {"needed": 1}})
    assert doubt(chain)
    assert "apr_1" not in chain.read().requests


def test_somebody_elses_taking_back_is_none() -> None:
    chain = founded()
    chain.ask("apr_1", PLAN)
    chain.add(Kind.APPROVAL_REFUSED, request="apr_1", by="local:eve", at=5)
    assert "somebody else than its asker" in doubt(chain)
    assert chain.read().requests["apr_1"].no_by is None


@pytest.mark.parametrize("kind", [Kind.PERSON_LEFT, Kind.PERSON_PAUSED])
def test_who_left_or_is_paused_agrees_to_nothing_until_he_is_back(kind: Kind) -> None:
    chain = founded()
    chain.ask("apr_1", PLAN)
    chain.say("apr_1", PLAN, ADA)
    chain.say("apr_1", PLAN, BEN)
    chain.add(kind, person="ben")
    chain.done("apr_1")
    assert "not enough people" in doubt(chain)
    left = kind is Kind.PERSON_LEFT
    back, verb = (Kind.PERSON_RETURNED, RETURN) if left else (Kind.PERSON_RESUMED, RESUME)
    chain.add(back, person="ben")
    chain.done("apr_1")
    assert [told.partition(": ")[2] for _, told in chain.read().doubts] == [
        "something done to which not enough people agreed",
        "something given to a person to which nobody agreed",
        "something done to which not enough people agreed",
    ]
    plan = Plan(verb, {"person": "ben"})
    chain.ask("apr_2", plan)
    chain.say("apr_2", plan, ADA)
    chain.say("apr_2", plan, CY)
    chain.done("apr_2")
    chain.add(back, person="ben")
    chain.done("apr_1")
    assert chain.read().requests["apr_1"].done_at is not None
    chain.add(kind, person="ben")
    chain.add(back, person="ben")
    assert not chain.read().present(PersonId("ben")), "one agreement is for one time"


GIVEN: list[tuple[Kind, str, dict[str, Any]]] = [
    (Kind.PERSON_AGREED, AGREE, {"by": "cy"}),
    (Kind.PERSON_ACKNOWLEDGED, PAPER, {"by": "cy", "notice": "a" * 64}),
    (Kind.ACCOUNT_BOUND, ATTEST, {"graded": "attested", "channel": "m", "account": "@x:y"}),
]


@pytest.mark.parametrize(("kind", "verb", "body"), GIVEN)
def test_what_others_say_of_somebody_counts_only_behind_its_request(
    kind: Kind, verb: str, body: dict[str, Any]
) -> None:
    draft = Chain()
    draft.add(kind, person="eve", **body)
    assert draft.read().doubts == [], "before the founding it is recorded by name"
    chain = founded()
    chain.add(kind, person="eve", **body)
    assert "nobody agreed" in doubt(chain)
    assert chain.read().unbelieved == {len(chain.entries)}
    for person, believed in (("ben", False), ("eve", True)):
        plan = Plan(verb, {"person": person})
        chain.ask(f"apr_{person}", plan)
        chain.say(f"apr_{person}", plan, ADA)
        chain.say(f"apr_{person}", plan, CY)
        chain.done(f"apr_{person}")
        chain.add(kind, person="eve", **body)
        assert (len(chain.entries) not in chain.read().unbelieved) == believed
    chain.add(kind, person="eve", **body)
    assert len(chain.entries) in chain.read().unbelieved, "one agreement is for one entry"


def test_what_somebody_says_himself_takes_nobody() -> None:
    chain = founded()
    own = {"notice": "a" * 64, "by": "eve", "channel": "m", "account": "@x:y"}
    chain.add(Kind.PERSON_ACKNOWLEDGED, person="eve", **own)
    chain.add(Kind.ACCOUNT_BOUND, person="eve", channel="m", account="@x:y")
    assert chain.read().doubts == []


def test_what_was_agreed_to_stays_agreed_to_when_a_key_goes() -> None:
    chain = founded()
    chain.ask("apr_1", PLAN)
    chain.say("apr_1", PLAN, ADA)
    chain.say("apr_1", PLAN, BEN)
    chain.done("apr_1")
    chain.add(Kind.CREDENTIAL_WITHDRAWN, credential=BEN.credential.hash, person="ben")
    assert chain.read().requests["apr_1"].agreed_under(Rule())
    assert chain.read().doubts == []


def test_entries_of_other_kinds_and_shapes_are_no_matter() -> None:
    chain = founded()
    chain.add(Kind.ROOM_CREATED, room="!a:b")
    chain.add(Kind.APPROVAL_ASKED, message="msg_1")
    assert len(chain.read().doubts) == 1


PEOPLE = (ADA, BEN, CY, TWIN, OTHER, EVE)
INSIDE = PEOPLE[:5]
ACTS = ("yes", "forged", "no", "out", "back", "withdraw", "done", "enrol", "lapse")
Act = tuple[str, int]


def play(acts: list[Act], asker: str, barred: frozenset[PersonId]) -> Chain:
    chain = Chain()
    chain.found(*INSIDE)
    chain.ask("apr_1", PLAN, Rule(barred=barred), by=asker)
    for act, who in acts:
        person = PEOPLE[who % len(PEOPLE)]
        if act == "yes":
            chain.say("apr_1", PLAN, person)
        elif act == "forged":
            chain.say("apr_1", PLAN, person, by=PEOPLE[(who + 1) % len(PEOPLE)])
        elif act == "no":
            chain.say("apr_1", PLAN, person, "no")
        elif act in {"out", "back"}:
            kind = Kind.PERSON_LEFT if act == "out" else Kind.PERSON_RETURNED
            chain.add(kind, person=person.name)
        elif act == "withdraw":
            chain.add(
                Kind.CREDENTIAL_WITHDRAWN, credential=person.credential.hash, person=person.name
            )
        elif act == "done":
            chain.done("apr_1")
        elif act == "enrol":
            chain.enrol(person)
        else:
            chain.at += LAPSES
    return chain


def oracle(acts: list[Act], asker: str, barred: frozenset[PersonId]) -> bool:
    """Whether it was carried out: people and instants counted by hand, without any key."""
    able, out, yes = {p.name for p in INSIDE}, set[str](), set[str]()
    at, over = 0, False
    for act, who in acts:
        name = PEOPLE[who % len(PEOPLE)].name
        at += LAPSES if act == "lapse" else 0
        counts = name in able and name not in out and at < LAPSES
        if act == "yes" and counts:
            yes.add(name)
        elif act == "no" and counts:
            over = True
        elif act == "out":
            out.add(name)  # and by nobody's word alone is he back
        elif act == "withdraw":
            able.discard(name)
        elif act == "done" and not over and at < LAPSES:
            agreed = (yes & able) - out
            bad = set(barred) | {asker.removeprefix("person:")}
            twins = {"twin", "other"}
            if bad & twins:
                agreed -= twins
            people = {"twin" if n in twins else n for n in agreed - bad}
            if len(people) >= 2:
                return True
    return False


acts = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5)), max_size=12)
askers = st.sampled_from(["local:ops", "person:ada", "person:twin"])
bars = st.frozensets(st.sampled_from([PersonId(p.name) for p in INSIDE]), max_size=2)


@settings(max_examples=150, deadline=None)
@given(acts, askers, bars)
def test_it_is_carried_out_exactly_when_two_who_may_signed_in_time(
    played: list[Act], asker: str, barred: frozenset[PersonId]
) -> None:
    found = play(played, asker, barred).read()
    assert (found.requests["apr_1"].done_at is not None) == oracle(played, asker, barred)
    assert set(found.credentials) <= {p.credential.hash for p in INSIDE}


Case = tuple[list[Act], str, frozenset[PersonId]]


def draw(rng: Random) -> Case:
    weighted = (*["yes"] * 6, "forged", *["done"] * 3, "no", "lapse", *ACTS)
    played = [(rng.choice(weighted), rng.randrange(6)) for _ in range(rng.randint(3, 9))]
    asker = rng.choice(["local:ops", "person:ada", "person:twin"])
    barred = frozenset(PersonId(p.name) for p in rng.sample(INSIDE, rng.randint(0, 1)))
    return played, asker, barred


def check(case: Case) -> None:
    found = play(*case).read()
    assert (found.requests["apr_1"].done_at is not None) == oracle(*case)
    assert set(found.credentials) <= {p.credential.hash for p in INSIDE}


def _believes(_: Credential, __: bytes, ___: Signed, counted: int) -> int:
    return counted


def _enrols(found: Standing, _: Kind, body: Mapping[str, Any]) -> None:
    credential = credential_of(body)
    (found.drafts if found.founded_at is None else found.credentials)[credential.hash] = credential


def _always(*_: Any) -> bool:
    return True


def _takes(kind: Kind, take: Any) -> dict[Kind, Any]:
    return {**standing_module._TAKE, kind: take}


def _finishes(found: Standing, _: Kind, body: Mapping[str, Any]) -> None:
    request = found.requests[body["request"]]
    if request.plan.verb == FOUND:
        found.credentials = {h: found.drafts[h] for h in listed_in(request.plan)}
        found.founded_at = body["at"]
    request.done_at = body["at"]


PLANTED: dict[str, tuple[object, str, Any]] = {
    "no signature is checked": (Credential, "check", _believes),
    "who left still signs": (Standing, "present", _always),
    "a request never ends": (Request, "open", _always),
    "any key is let in": (standing_module, "_TAKE", _takes(Kind.CREDENTIAL_ENROLLED, _enrols)),
    "what is said to be done is": (
        standing_module,
        "_TAKE",
        _takes(Kind.APPROVAL_DONE, _finishes),
    ),
}


def test_the_product_keeps_it() -> None:
    assert counterexample(check, draw, 150) is None


@pytest.mark.parametrize("name", PLANTED)
def test_each_rule_taken_out_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, what, wrong = PLANTED[name]
    monkeypatch.setattr(where, what, wrong)
    assert counterexample(check, draw, 400) is not None
