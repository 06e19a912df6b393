"""What records answer of the past is what a replay of them on paper comes to."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.config.policy import default_text, read_policy
from orchestrator.deals.past import Past, read_past
from orchestrator.deals.persons import state_person
from orchestrator.deals.stated import conversation_body
from orchestrator.roster.adoption import adopt
from orchestrator.roster.deals import create_deal
from orchestrator.roster.document import to_document
from orchestrator.roster.form import in_order
from orchestrator.roster.phase import state_phase
from orchestrator.roster.walls import breaches
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx
from tests.tiers.deals import COMPARTMENTS, DAY, START
from tests.tiers.rosters import LAST, NOTICES, random_roster, reads
from tiers.conversation import Conversation
from tiers.ids import ConversationId, DealId, PersonId, SideId
from tiers.people import DEAL, Delegation, Grant, Phase, Roster, Span, Wall
from tiers.tier import Tier

ME = "local:ada"
GRACE = DAY
POLICY = read_policy(default_text().replace("version = 1", 'version = 1\nnotice_grace = "1 d"', 1))
STEP = DAY // 4
OF_PEOPLE = (
    Kind.PERSON_LEFT,
    Kind.PERSON_RETURNED,
    Kind.PERSON_PAUSED,
    Kind.PERSON_RESUMED,
    Kind.PERSON_CROSSED,
    Kind.PERSON_CROSSED,
    Kind.PERSON_ACKNOWLEDGED,
    Kind.PERSON_ACKNOWLEDGED,
    Kind.PERSON_CLEANSED,
)
OPPOSITE = {
    Kind.PERSON_RETURNED: (Kind.PERSON_LEFT,),
    Kind.PERSON_RESUMED: (Kind.PERSON_PAUSED,),
    Kind.PERSON_CROSSED: (Kind.PERSON_CLEANSED,),
    Kind.PERSON_CLEANSED: (Kind.PERSON_CROSSED,),
}


def named(count: int) -> tuple[PersonId, ...]:
    return tuple(PersonId(f"person-{n}") for n in range(count))


PEOPLE = named(4)


@dataclass
class Written:
    """A history as somebody noted it down, beside the records."""

    names: tuple[PersonId, ...] = PEOPLE
    rosters: list[tuple[int, Roster]] = field(default_factory=list)
    phases: list[tuple[int, Phase]] = field(default_factory=list)
    people: list[tuple[int, Kind, PersonId, str]] = field(default_factory=list)
    made: list[tuple[int, Conversation]] = field(default_factory=list)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    migrate(tmp_path / "wallcross.db")
    opened = Store(tmp_path / "wallcross.db")
    yield opened
    await opened.close()


def hashed(notice: str) -> str:
    return sha256(notice.encode()).hexdigest()


async def play(store: Store, rng: Random, code: str, people: int = 4) -> tuple[DealId, Written]:
    """Writes a random history through the product, and notes it down."""
    deal = await store.write(
        lambda tx: create_deal(tx, code, made_up=False, policy=POLICY, at=START, actor=ME)
    )
    noted = Written(named(people))

    def unit(tx: Tx) -> None:
        for n in range(rng.randint(6, 24)):
            happen(tx, deal.deal_id, noted, rng, START + (n + 1) * STEP + rng.randint(0, 1))

    await store.write(unit)
    return deal.deal_id, noted


def happen(tx: Tx, deal: DealId, noted: Written, rng: Random, at: int) -> None:
    what = rng.random()
    if what < 0.25 or not noted.rosters:
        roster = sound_roster(rng, noted.names)
        adopt(tx, deal, "roster", to_document(roster), at=at, actor=ME)
        noted.rosters.append((at, roster))
    elif what < 0.45 or not noted.made:
        made = conversation(rng, deal, len(noted.made))
        body = conversation_body(made, sealed=False)
        append(tx, deal, Kind.CONVERSATION_CREATED, body, at=at, actor=ME)
        noted.made.append((at, made))
    elif what < 0.6:
        phase = rng.choice(list(Phase))
        before = noted.phases[-1][1] if noted.phases else Phase.PLANNING
        state_phase(tx, deal, before, phase, at=at, actor=ME)
        noted.phases.append((at, phase))
    else:
        kind, person, notice = rng.choice(OF_PEOPLE), rng.choice(noted.names), rng.choice(NOTICES)
        more = {"notice": hashed(notice), "reason": "over", "by": "person-9"}
        state_person(tx, deal, kind, person, at=at, actor=ME, **more)
        noted.people.append((at, kind, person, notice))


def sound_roster(rng: Random, names: tuple[PersonId, ...]) -> Roster:
    """A random roster, without the walls that somebody on it would read across."""
    drawn = random_roster(rng, len(names))
    wide = [Grant(p, DEAL, Tier.VALUATION, Span(START)) for p in names if rng.random() < 0.5]
    roster = in_order(replace(drawn, grants=(*drawn.grants, *wide)))
    breached = {breach.wall for breach in breaches(roster)}
    return replace(roster, walls=tuple(w for w in roster.walls if w not in breached))


def conversation(rng: Random, deal: DealId, n: int) -> Conversation:
    side = rng.choice((None, None, SideId(f"side-{rng.randint(0, 2)}")))
    floor, place = rng.choice(list(Tier)), rng.choice((DEAL, *COMPARTMENTS[:3]))
    return Conversation(ConversationId(f"conv-{n}"), deal, f"c{n}", floor, place, side)


def on_paper(noted: Written, at: int, known: int) -> Callable[[PersonId, Conversation], bool]:
    """The same question, answered by going through the notes."""
    lists = [(t, r) for t, r in noted.rosters if t <= known]
    events = min(at, known)
    if not lists:
        return lambda _, __: False
    roster = lists[-1][1]
    phase = next((p for t, p in reversed(noted.phases) if t <= events), Phase.PLANNING)
    sides = {p.person_id: p.side for p in roster.people}
    fine = {p for p, side in sides.items() if _reads_at_all(noted, lists, p, side, at, events)}
    fewer = replace(
        roster,
        grants=tuple(g for g in roster.grants if g.person_id in fine),
        delegations=tuple(d for d in roster.delegations if {d.principal, d.delegate} <= fine),
    )

    def answer(person: PersonId, made: Conversation) -> bool:
        return (
            any(c == made and t <= events for t, c in noted.made)
            and made.side in {None, sides[person]}
            and reads(fewer, phase, person, made.compartment, made.floor, at)
        )

    return answer


def _reads_at_all(
    noted: Written,
    lists: list[tuple[int, Roster]],
    person: PersonId,
    side: SideId,
    at: int,
    events: int,
) -> bool:
    gone, crossed, said = _stands(noted, person, events)
    wordings = [_wording(roster, side) for _, roster in lists]
    asked = wordings[-1]
    if gone or asked is None:
        return not gone
    if asked in said:
        return crossed
    since = lists[-1][0]
    for (t, _), wording in zip(reversed(lists), reversed(wordings), strict=True):
        if wording != asked:
            break
        since = t
    return crossed and bool(said) and at < since + GRACE


def _stands(noted: Written, person: PersonId, events: int) -> tuple[bool, bool, set[str]]:
    """Whether somebody is gone in one way or another, was crossed, and what he acknowledged."""
    flags: dict[Kind, bool] = {}
    said: set[str] = set()
    for t, kind, who, notice in noted.people:
        if who != person or t > events:
            continue
        flags[kind] = True
        for opposite in OPPOSITE.get(kind, ()):
            flags[opposite] = False
        if kind is Kind.PERSON_CLEANSED:
            said = set()
        elif kind is Kind.PERSON_ACKNOWLEDGED and flags.get(Kind.PERSON_CROSSED):
            said.add(notice)
    ways = (Kind.PERSON_LEFT, Kind.PERSON_PAUSED, Kind.PERSON_CLEANSED)
    return any(flags.get(k) for k in ways), bool(flags.get(Kind.PERSON_CROSSED)), said


def _wording(roster: Roster, side: SideId) -> str | None:
    return next(s.notice for s in roster.sides if s.side_id == side)


async def test_records_answer_as_a_replay_on_paper_does(store: Store) -> None:
    rng = Random(11)  # noqa: S311 - examples, not secrets
    told = Counter[bool]()
    for n in range(25):
        deal, noted = await play(store, rng, f"DEAL{n}")
        told += await compared(store, rng, deal, noted, times=30)
    assert told[True] > 300
    assert told[False] > 300


@pytest.mark.parametrize("people", [50, 500, pytest.param(5_000, marks=pytest.mark.long)])
async def test_the_same_of_deals_of_any_size(store: Store, people: int) -> None:
    rng = Random(people)  # noqa: S311 - examples, not secrets
    deal, noted = await play(store, rng, "LARGE", people)
    told = await compared(store, rng, deal, noted, times=6)
    assert told[True]
    assert told[False]


async def compared(
    store: Store, rng: Random, deal: DealId, noted: Written, times: int
) -> Counter[bool]:
    """Asks both of random instants, and of at most twenty people; counts the answers."""
    told = Counter[bool]()
    for _ in range(times):
        at, known = (START + rng.randint(0, 6 * LAST) * STEP + rng.randint(0, 1) for _ in "ab")
        known = rng.choice((at, known))
        past = await _then(store, deal, at, known)
        answer = on_paper(noted, at, known)
        names = rng.sample(noted.names, min(20, len(noted.names)))
        for person, made in ((p, c) for p in names for _, c in noted.made):
            expected = answer(person, made)
            assert (past is not None and past.might(person, made)) == expected
            assert past is None or past.why(person, made)
            told[expected] += 1
    return told


async def _then(store: Store, deal: DealId, at: int, known: int) -> Past | None:
    return await store.read(lambda tx: read_past(tx, deal, at, known))


ONE, TWO = PEOPLE[:2]
MADE = Conversation(ConversationId("conv-1"), DealId("d"), "deal room", Tier.OPERATIONS, DEAL)


async def asked(store: Store, roster: Roster, *events: Kind) -> Past:
    def unit(tx: Tx) -> Past:
        deal = create_deal(tx, "X", made_up=False, policy=POLICY, at=START, actor=ME).deal_id
        adopt(tx, deal, "roster", to_document(roster), at=START + 1, actor=ME)
        body = conversation_body(MADE, sealed=False)
        append(tx, deal, Kind.CONVERSATION_CREATED, body, at=START + 1, actor=ME)
        for n, kind in enumerate(events):
            state_person(tx, deal, kind, ONE, at=START + 2 + n, actor=ME, reason="over")
        found = read_past(tx, deal, START + 9, START + 9)
        assert found is not None
        return found

    return await store.write(unit)


def listed(
    *grants: Grant, walls: tuple[Wall, ...] = (), lent: tuple[Delegation, ...] = ()
) -> Roster:
    plain = random_roster(Random(1), 2)  # noqa: S311 - an example, not a secret
    sides = tuple(replace(s, notice=None) for s in plain.sides)
    return replace(plain, sides=sides, grants=grants, walls=walls, delegations=lent)


def grant(person: PersonId = ONE, tier: Tier = Tier.VALUATION, **more: object) -> Grant:
    span = Span(START)
    phases = frozenset({Phase.SIGNING}) if "signing" in more else None
    return Grant(person, DEAL, tier, Span(START, START + 5) if "over" in more else span, phases)


WHY = {
    "a direct grant": (listed(grant()), (), True, "direct grant: deal up to valuation"),
    "a delegate": (
        listed(grant(TWO), lent=(Delegation(TWO, ONE, Tier.OPERATIONS, Span(START)),)),
        (),
        True,
        "as delegate of person-1: deal up to operations",
    ),
    "no grant": (listed(grant(TWO)), (), False, "no grant of the list covers it"),
    "too low": (listed(grant(tier=Tier.COORDINATION)), (), False, "not up to operations"),
    "over": (listed(grant(over=1)), (), False, "not at that instant"),
    "another phase": (listed(grant(signing=1)), (), False, "only in signing"),
    "left": (listed(grant()), (Kind.PERSON_LEFT,), False, "had left the deal"),
    "paused": (listed(grant()), (Kind.PERSON_PAUSED,), False, "was paused"),
    "cleansed": (listed(grant()), (Kind.PERSON_CLEANSED,), False, "had been cleansed"),
    "back": (
        listed(grant()),
        (Kind.PERSON_LEFT, Kind.PERSON_RETURNED),
        True,
        "direct grant: deal",
    ),
}


@pytest.mark.parametrize(("roster", "events", "might", "told"), WHY.values(), ids=WHY.keys())
async def test_each_answer_says_why(
    store: Store, roster: Roster, events: tuple[Kind, ...], might: bool, told: str
) -> None:
    past = await asked(store, roster, *events)
    assert past.might(ONE, MADE) == might
    assert any(told in reason for reason in past.why(ONE, MADE))


BARS: dict[str, tuple[Roster, tuple[Kind, ...], str | None]] = {
    "it counts": (listed(grant()), (), None),
    "another phase": (listed(grant(signing=1)), (), "phase"),
    "he is paused": (listed(grant()), (Kind.PERSON_PAUSED,), "standing"),
}


@pytest.mark.parametrize(("roster", "events", "bar"), BARS.values(), ids=BARS.keys())
async def test_each_line_says_what_bars_it(
    store: Store, roster: Roster, events: tuple[Kind, ...], bar: str | None
) -> None:
    past = await asked(store, roster, *events)
    ((held, found, _),) = past.holding(ONE)
    assert (held.by, found) == (roster.grants[0], bar)


async def test_who_is_not_listed_and_what_is_not_there_is_said(store: Store) -> None:
    past = await asked(store, listed(grant()))
    assert past.why(PersonId("nobody"), MADE) == ("was not on the list",)
    other = replace(MADE, conversation_id=ConversationId("conv-2"))
    assert past.why(ONE, other) == ("the conversation was not there",)
    assert not past.might(ONE, other)


async def test_nothing_is_known_before_anything_was_adopted(store: Store) -> None:
    deal = await store.write(
        lambda tx: create_deal(tx, "X", made_up=False, policy=POLICY, at=START, actor=ME)
    )
    assert await store.read(lambda tx: read_past(tx, deal.deal_id, START + 1, START + 1)) is None
