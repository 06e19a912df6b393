"""Where people stand, read from entries; and the roster that it leaves."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, stated
from orchestrator.audit.kinds import Kind
from orchestrator.deals.crossing import NEVER, Stand, demands_of, stand
from orchestrator.deals.persons import Persons, effective, read_persons, state_person
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store, Tx
from tiers.ids import AccountId, CompartmentId, ConnectorName, DealId, PersonId, SideId
from tiers.people import DEAL, Delegation, Grant, Party, Person, Profile, Roster, Side, Span, Wall
from tiers.tier import Tier

PEOPLE = tuple(PersonId(name) for name in ("ada", "bo", "cy", "di"))
CHANNELS = tuple(ConnectorName(name) for name in ("matrix", "signal"))
ACCOUNTS = tuple(AccountId(f"account-{n}") for n in range(6))
OWN = SideId("own")
CLEAN = CompartmentId("clean")
AT = 1_000

people = st.sampled_from(PEOPLE)
says = st.sampled_from(
    [
        Kind.PERSON_LEFT,
        Kind.PERSON_RETURNED,
        Kind.PERSON_PAUSED,
        Kind.PERSON_RESUMED,
        Kind.PERSON_CLEANSED,
        Kind.PERSON_CROSSED,
    ]
)


def entry(kind: Kind, person: PersonId, **more: Any) -> Stated:
    said = {"by": "el", "notice": "aa", "reason": "over", **more}
    return Stated("dl", 1, str(kind), {"person": person, "row": "00", "at": 1, **said})


words = st.one_of(
    st.builds(entry, says, people),
    st.builds(
        lambda person, notice: entry(Kind.PERSON_ACKNOWLEDGED, person, notice=notice),
        people,
        st.sampled_from(["aa", "bb"]),
    ),
    st.builds(
        lambda person, channel, account: entry(
            Kind.ACCOUNT_BOUND, person, channel=channel, account=account
        ),
        people,
        st.sampled_from(CHANNELS),
        st.sampled_from(ACCOUNTS),
    ),
)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """Rosters whose accounts are nobody's twice."""
    free = draw(st.permutations([(c, a) for c in CHANNELS for a in ACCOUNTS]))
    named = draw(st.lists(st.sampled_from([None, *PEOPLE]), min_size=8, max_size=8))
    held: dict[PersonId, dict[ConnectorName, AccountId]] = {p: {} for p in PEOPLE}
    for (channel, account), person in zip(free, named, strict=False):
        if person is not None:
            held[person].setdefault(channel, account)
    grants = draw(
        st.lists(st.builds(Grant, people, st.sampled_from([DEAL, CLEAN]), st.sampled_from(Tier),
                           st.just(Span(0))), max_size=8)
    )  # fmt: skip
    listed = tuple(
        Person(p, p.title(), OWN, "member", Profile.ORGANISATIONAL, held[p]) for p in PEOPLE
    )
    walls = (Wall(DEAL, CLEAN, Span(0)),) if draw(st.booleans()) else ()
    return Roster(OWN, (Side(OWN, "Own", Party.ACQUIRER),), listed, tuple(grants), walls)


def newest(entries: list[Stated], person: PersonId, kinds: set[Kind]) -> Mapping[str, Any] | None:
    """The newest of an entry's kinds about somebody, found by going back from the end."""
    about = [e for e in entries if e.body["person"] == person and Kind(e.kind) in kinds]
    return {"kind": about[-1].kind, **about[-1].body} if about else None


@given(st.lists(words, max_size=30))
def test_the_last_word_about_a_person_counts(entries: list[Stated]) -> None:
    found = read_persons(entries)
    for person in PEOPLE:
        left = newest(entries, person, {Kind.PERSON_LEFT, Kind.PERSON_RETURNED})
        assert (person in found.left) == (left is not None and left["kind"] == Kind.PERSON_LEFT)
        still = newest(entries, person, {Kind.PERSON_PAUSED, Kind.PERSON_RESUMED})
        paused = still is not None and still["kind"] == Kind.PERSON_PAUSED
        assert (person in found.paused) == paused
        said = newest(entries, person, {Kind.PERSON_CROSSED, Kind.PERSON_CLEANSED})
        crossed = said is not None and said["kind"] == Kind.PERSON_CROSSED
        known = found.crossings.get(person, NEVER)
        assert (known.crossed_at is not None) == crossed
        assert crossed or not known.acknowledged
        for channel in CHANNELS:
            bound = [
                e.body["account"]
                for e in entries
                if e.kind == Kind.ACCOUNT_BOUND
                and (e.body["person"], e.body["channel"]) == (person, channel)
            ]
            kept = found.bound.get(person, {}).get(channel)
            assert kept == (bound[-1] if bound else None)


@given(rosters(), st.lists(words, max_size=20))
def test_who_left_or_is_paused_is_listed_and_cleared_for_nothing(
    adopted: Roster, entries: list[Stated]
) -> None:
    persons = read_persons(entries)
    found = effective(adopted, persons)
    assert [p.person_id for p in found.people] == [p.person_id for p in adopted.people]
    for person in PEOPLE:
        cleansed = stand(persons.crossings.get(person, NEVER), demands_of(adopted)[OWN])
        out = person in persons.left | persons.paused or cleansed is Stand.CLEANSED
        assert found.grants_of(person, AT) == (() if out else adopted.grants_of(person, AT))
        for compartment in (DEAL, CLEAN):
            for tier in Tier:
                may = found.may_see(person, compartment, tier, AT)
                assert may == (not out and adopted.may_see(person, compartment, tier, AT))
                cleared = {p.person_id for p in found.cleared(compartment, tier, None, AT)}
                assert not (out and person in cleared)


@given(rosters(), st.lists(words, max_size=20))
def test_a_bound_account_takes_nobodys_place(adopted: Roster, entries: list[Stated]) -> None:
    persons = read_persons(entries)
    found = effective(adopted, persons)  # it would refuse an account of two people
    for before, after in zip(adopted.people, found.people, strict=True):
        proven = persons.bound.get(before.person_id, {})
        for channel, account in after.accounts.items():
            named = before.accounts.get(channel)
            assert account == (named if named is not None else proven.get(channel))
    for channel in CHANNELS:
        for account in ACCOUNTS:
            owner = adopted.owner(channel, account)
            if owner is not None:
                kept = found.owner(channel, account)
                assert kept is not None
                assert kept.person_id == owner.person_id


@given(rosters())
def test_where_nobody_said_anything_the_roster_is_as_it_was_adopted(adopted: Roster) -> None:
    found = effective(adopted, Persons())
    assert (found.people, found.grants, found.walls) == (
        adopted.people, adopted.grants, adopted.walls,
    )  # fmt: skip


async def test_a_statement_is_read_back_from_the_chain_and_from_no_row(tmp_path: Any) -> None:
    migrate(tmp_path / "store.db")
    store = Store(tmp_path / "store.db")
    deal = DealId("dl_1")
    try:
        await store.write(
            lambda tx: state_person(
                tx, deal, Kind.PERSON_LEFT, PEOPLE[0], at=5, actor="local:x", reason="phished"
            )
        )
        (said,) = await store.read(lambda tx: stated(tx, deal))
        assert (said.kind, said.body["reason"]) == ("person.left", "phished")
        assert (await store.read(lambda tx: read_persons(stated(tx, deal)))).left == {PEOPLE[0]}
    finally:
        await store.close()


@pytest.mark.parametrize("kind", [Kind.PERSON_LEFT, Kind.PERSON_PAUSED])
async def test_an_entry_changed_on_disk_brings_nobody_back(tmp_path: Any, kind: Kind) -> None:
    migrate(tmp_path / "store.db")
    store = Store(tmp_path / "store.db")
    deal = DealId("dl_1")
    back = Kind.PERSON_RETURNED if kind is Kind.PERSON_LEFT else Kind.PERSON_RESUMED

    def unit(tx: Tx) -> None:
        for n, said in enumerate((kind, back)):
            state_person(tx, deal, said, PEOPLE[0], at=n, actor="local:x")
        more: dict[str, Json] = {"deal": deal}
        append(tx, deal, Kind.AUDIT_KEY, more, at=3, actor="local:x")
        tx.run("UPDATE audit SET salt = zeroblob(32) WHERE n = 2")

    try:
        await store.write(unit)
        persons = await store.read(lambda tx: read_persons(stated(tx, deal)))
        assert PEOPLE[0] in persons.left | persons.paused
    finally:
        await store.close()


@pytest.mark.parametrize("kind", [Kind.PERSON_PAUSED, Kind.PERSON_LEFT, Kind.PERSON_CLEANSED])
def test_nobody_reads_behind_a_wall_because_whom_he_reads_for_reads_no_more(kind: Kind) -> None:
    """One person pauses somebody at once: nobody may gain by it."""
    ada, bo, *_ = PEOPLE
    always, third = Span(0), CompartmentId("third")
    listed = tuple(Person(p, p, OWN, "", Profile.ORGANISATIONAL, {}) for p in (ada, bo))
    adopted = Roster(
        OWN,
        (Side(OWN, "Own", Party.ACQUIRER),),
        listed,
        (
            Grant(ada, CLEAN, Tier.VALUATION, always),
            Grant(bo, DEAL, Tier.VALUATION, always),
            Grant(bo, third, Tier.VALUATION, always),
        ),
        (Wall(DEAL, CLEAN, always),),
        (Delegation(ada, bo, Tier.VALUATION, always),),
    )
    found = effective(adopted, read_persons([entry(kind, ada)]))
    assert bo not in {p.person_id for p in adopted.cleared(DEAL, Tier.COORDINATION, None, AT)}
    assert bo not in {p.person_id for p in found.cleared(DEAL, Tier.COORDINATION, None, AT)}
    assert [p.person_id for p in found.cleared(third, Tier.VALUATION, None, AT)] == [bo]
