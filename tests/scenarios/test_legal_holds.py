"""Legal holds keep what they cover, expiry takes the rest, and nothing else lets anything go."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestrator.approvals.errors import NotAllowed
from orchestrator.audit.body import Json
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.legal_holds import LegalHoldView, NewLegalHold
from orchestrator.client.problems import Missing, Refused, Waits, Wrong
from orchestrator.clock import DAY
from orchestrator.command import preserving
from orchestrator.command.preserving import Preserving
from orchestrator.config.policy import default_text, read_policy
from orchestrator.deals.book import Book
from orchestrator.deals.legal_holds import released_body
from orchestrator.journal.decision import Decision, Signed
from orchestrator.journal.writer import JournalWriter
from orchestrator.roster.document import to_document
from tiers.ids import HoldId
from tiers.tier import Tier

from .conftest import House
from .house import ACTOR, roster, without
from .test_approvals import ADA, BO, CY, DI, asked, found, say

YEARS = 7 * 366 * DAY


async def place(
    house: House, conversations: Iterable[str] = (), persons: Iterable[str] = ()
) -> LegalHoldView:
    new = NewLegalHold(
        matter="m-117", by="cy", conversations=tuple(conversations), persons=tuple(persons)
    )
    return await house.home.legal_hold_new(house.deal, new, actor=ACTOR)


async def said(house: House) -> dict[str, str]:
    """A message in two conversations, delivered; by the conversation's name."""
    told: dict[str, str] = {}
    for name in ("lunch", "supply"):
        text = "zoperations: the list." if name == "supply" else "Lunch is at one."
        told[name] = await house.send(text, "bo", name)
        assert await house.ends(told[name]) == "delivered"
    return told


async def later(house: House, patch: pytest.MonkeyPatch, by: int) -> int:
    """One turn of the housekeeping as if so much time had gone by; how many copies it took."""
    runtime = house.home.runtime
    ahead = runtime.now() + by
    patch.setattr(runtime, "now", lambda: ahead)
    patch.setattr(runtime, "clock_trusted", lambda: True)
    try:
        return await Preserving(runtime).turn()
    finally:
        patch.undo()


async def copies(house: House) -> set[str]:
    return {m for (m,) in await house.rows("SELECT message_id FROM journal")}


async def test_what_is_past_its_time_is_destroyed_and_the_journal_balances(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await said(house)
    assert await later(house, monkeypatch, 89 * DAY) == 0
    assert await later(house, monkeypatch, 91 * DAY) == 1
    assert await copies(house) == {told["supply"]}
    report = await house.home.journal_verify(house.deal)
    assert (report.ok, report.journaled, report.expired) == (True, 1, 1)
    [entry] = [
        e for e in await house.home.audit_tail(house.deal, 99) if e.kind == "journal.expired"
    ]
    assert (entry.body["messages"], entry.body["count"]) == ([told["lunch"]], 1)
    assert await later(house, monkeypatch, YEARS) == 1
    assert await copies(house) == set()
    assert (await house.home.journal_verify(house.deal)).ok


@pytest.mark.parametrize(
    ("conversations", "persons", "kept"),
    [
        ((), (), {"lunch", "supply"}),
        (("lunch",), (), {"lunch"}),
        ((), ("bo",), {"lunch", "supply"}),
        ((), ("el",), {"lunch"}),  # he reads lunch, and was never cleared for supply
    ],
)
async def test_what_a_hold_covers_stays_and_the_rest_goes(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    conversations: tuple[str, ...],
    persons: tuple[str, ...],
    kept: set[str],
) -> None:
    told = await said(house)
    placed = await place(house, conversations, persons)
    assert (placed.state, placed.copies, placed.overdue) == ("stands", len(kept), 0)
    await later(house, monkeypatch, YEARS)
    assert await copies(house) == {told[name] for name in kept}
    assert (await house.home.journal_verify(house.deal)).ok
    await house.home.legal_hold_release(house.deal, HoldId(placed.legal_hold), actor=ACTOR)
    await later(house, monkeypatch, YEARS)
    assert await copies(house) == set()


async def test_in_a_founded_deal_one_places_it_at_once_and_two_release_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await said(house)
    await found(house, ADA, BO, CY, DI)
    placed = await place(house, ["supply"])
    with pytest.raises(Waits):
        await house.home.legal_hold_release(house.deal, HoldId(placed.legal_hold), actor=ACTOR)
    request = await asked(house)
    [listed] = await house.home.legal_hold_list(house.deal, every=False)
    assert (listed.state, listed.request) == ("release asked", request)
    shown = await house.home.approval_show(request)
    assert "m-117" in " ".join(shown.changes)
    assert (await say(house, request, BO)).state == "waits"
    await later(house, monkeypatch, YEARS)
    assert await copies(house) == {told["supply"]}, "one releases nothing"
    assert (await say(house, request, CY)).state == "done"
    [over] = await house.home.legal_hold_list(house.deal, every=True)
    assert over.state == "released"
    assert await house.home.legal_hold_list(house.deal, every=False) == []
    await later(house, monkeypatch, YEARS)
    assert await copies(house) == set()
    with pytest.raises(Refused, match="before"):
        await house.home.legal_hold_release(house.deal, HoldId(placed.legal_hold), actor=ACTOR)


async def test_whose_messages_it_keeps_agrees_to_no_end_of_it(house: House) -> None:
    await found(house, ADA, BO, CY, DI)
    placed = await place(house, persons=["bo"])
    with pytest.raises(Waits):
        await house.home.legal_hold_release(house.deal, HoldId(placed.legal_hold), actor=ACTOR)
    request = await asked(house)
    with pytest.raises(NotAllowed, match="bo may not agree"):
        await say(house, request, BO)
    assert "bo" not in (await house.home.approval_show(request)).may_agree


async def test_a_release_that_nobody_agreed_to_releases_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await said(house)
    await found(house, ADA, BO, CY, DI)
    placed = await place(house)
    runtime = house.home.runtime
    body = released_body(HoldId(placed.legal_hold), runtime.now(), None)
    kind = Kind.LEGAL_HOLD_RELEASED
    await runtime.store.write(
        lambda tx: append(tx, house.deal, kind, body, at=runtime.now(), actor=ACTOR)
    )
    [listed] = await house.home.legal_hold_list(house.deal, every=False)
    assert listed.state == "stands"
    await later(house, monkeypatch, YEARS)
    assert await copies(house) == set(told.values())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET body = CAST(replace(body, 'm-117', 'm-118') AS BLOB) WHERE n = ?",
        "DELETE FROM audit WHERE n >= ?",
    ],
    ids=["altered", "cut"],
)
@pytest.mark.tampers("an entry is altered, or taken out")
async def test_nothing_goes_while_a_holds_entry_is_not_as_it_was_written(
    house: House, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    told = await said(house)
    await place(house)
    runtime = house.home.runtime
    assert runtime.sign_and_anchor is not None
    await runtime.sign_and_anchor()
    tail = await house.home.audit_tail(house.deal, 9)
    at = next(e.n for e in tail if e.kind == "legalhold.placed")
    await runtime.store.write(lambda tx: tx.run(f"{sql} AND deal_id = ?", (at, house.deal)))
    assert await later(house, monkeypatch, YEARS) == 0
    assert await copies(house) == set(told.values())


async def test_nothing_goes_while_a_hold_cannot_be_understood(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that a later build wrote, with words that this one does not know."""
    told = await said(house)
    runtime, kind = house.home.runtime, Kind.LEGAL_HOLD_PLACED
    body: dict[str, Json] = {"legal_hold": "hold_" + "1" * 32, "row": "0" * 64}
    await runtime.store.write(
        lambda tx: append(tx, house.deal, kind, body, at=runtime.now(), actor=ACTOR)
    )
    assert await later(house, monkeypatch, YEARS) == 0
    assert await copies(house) == set(told.values())
    with pytest.raises(Refused, match="cannot be read"):
        await house.home.legal_hold_list(house.deal, every=False)


@pytest.mark.tampers("a message's row is moved out of a hold")
async def test_a_row_that_was_moved_out_of_a_hold_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await said(house)
    await place(house, ["lunch"])
    [(other,)] = await house.rows(
        "SELECT conversation_id FROM message WHERE message_id = ?", told["supply"]
    )
    sql = "UPDATE message SET conversation_id = ? WHERE message_id = ?"
    await house.home.runtime.store.write(lambda tx: tx.run(sql, (other, told["lunch"])))
    await later(house, monkeypatch, YEARS)
    assert await copies(house) == {told["lunch"]}


async def test_a_longer_time_counts_from_its_entry_on_and_not_once_it_is_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open deal may be a moment behind its record: what that keeps is not destroyed."""
    told = await said(house)
    longer = read_policy(default_text().replace('keep_for = "90 d"', 'keep_for = "1 y"'))
    behind: list[str] = []

    async def reload(_: Book, __: object, deal: str) -> None:
        behind.append(deal)

    with monkeypatch.context() as patch:
        patch.setattr(Book, "reload", reload)
        await house.home.adopt(house.deal, "policy", longer, actor=ACTOR)
        assert await later(house, patch, 91 * DAY) == 0
    assert set(behind) == {house.deal}
    assert await copies(house) == set(told.values())


async def test_who_is_cleared_meanwhile_is_seen_before_anything_goes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A roster between two units lets somebody read, and a hold on him keeps what he could."""
    told = await said(house)
    listed, real = roster(), Preserving._unit
    grants = [replace(g, highest=Tier.OPERATIONS) for g in listed.grants if g.person_id == "el"]
    more = replace(listed, grants=(*without(listed, "el").grants, *grants))

    async def unit(self: Preserving, *given: Any) -> Any:
        await house.home.adopt(house.deal, "roster", to_document(more), actor=ACTOR)
        await place(house, persons=["el"])
        return await real(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Preserving, "_unit", unit)
        await later(house, patch, YEARS)
    assert await copies(house) == set(told.values())


async def test_a_clock_that_is_not_trusted_destroys_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await said(house)
    runtime = house.home.runtime
    ahead = runtime.now() + YEARS
    monkeypatch.setattr(runtime, "now", lambda: ahead)
    monkeypatch.setattr(runtime, "clock_trusted", lambda: False)
    assert await Preserving(runtime).turn() == 0
    assert await copies(house) == set(told.values())


async def test_housekeeping_that_asks_for_no_holds_is_caught(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: without the holds everything goes, and the tests above would say so."""
    await said(house)
    await place(house)
    with monkeypatch.context() as planted:
        planted.setattr(preserving, "holds_of", lambda *_: ())
        assert await later(house, planted, YEARS) == 2
    assert await copies(house) == set()


async def in_a_file(house: House, message: str) -> Path:
    """A message's copy as a file, as of what is large."""
    runtime = house.home.runtime
    path = runtime.journal.files.path(message)
    [(envelope,)] = await house.rows("SELECT envelope FROM journal WHERE message_id = ?", message)
    path.write_bytes(envelope)
    sql = "UPDATE journal SET envelope = NULL WHERE message_id = ?"
    await runtime.store.write(lambda tx: tx.run(sql, (message,)))
    return path


async def test_a_copy_that_is_a_file_goes_behind_its_row(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await said(house)
    [gone, kept] = [await in_a_file(house, told[name]) for name in ("lunch", "supply")]
    assert await later(house, monkeypatch, 91 * DAY) == 1
    assert (gone.exists(), kept.exists()) == (False, True)


async def test_what_a_crash_leaves_of_a_copy_goes_at_the_next_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await said(house)
    runtime = house.home.runtime
    path = await in_a_file(house, told["lunch"])
    with monkeypatch.context() as patch:
        patch.setattr(JournalWriter, "forget", lambda *_: None)  # the crash, behind the unit
        assert await later(house, patch, 91 * DAY) == 1
    assert path.exists()
    assert (await house.home.journal_verify(house.deal)).ok
    await runtime.journal.recover(runtime.store)
    assert not path.exists()


async def test_what_was_closed_since_is_held_like_what_is_open(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await said(house)
    await house.home.deal_close(house.deal, "HERON", even_waiting=False, actor=ACTOR)
    placed = await place(house, ["lunch"])
    assert (placed.conversations, placed.copies) == (("lunch",), 1)
    assert (await place(house, persons=["el"])).copies == 1
    await later(house, monkeypatch, YEARS)
    assert await copies(house) == {told["lunch"]}


async def test_what_a_hold_wants_kept_and_counsel_exempted_is_told(house: House) -> None:
    runtime = house.home.runtime
    view = runtime.book.deals[house.deal]
    key = Ed25519PrivateKey.generate()
    signer = key.public_key().public_bytes_raw().hex()
    said_so = Decision(house.deal, "joint", "valuation", journal=False, at=1)
    duties = replace(
        view.journal, decisions=(Signed(1, said_so, signer),), counsel={"joint": (signer,)}
    )
    runtime.book.deals[house.deal] = replace(view, journal=duties)
    placed = await place(house)
    [told] = placed.unkept
    assert (told.label, told.floor, told.scope) == ("price", "valuation", "joint")
    assert told.forgets_after == 7 * DAY
    assert (await place(house, ["lunch"])).unkept == ()


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (NewLegalHold(matter="About the Price", by="cy"), Wrong),
        (NewLegalHold(matter="m-1", by="nobody"), Missing),
        (NewLegalHold(matter="m-1", by="cy", persons=("nobody",)), Missing),
        (NewLegalHold(matter="m-1", by="cy", conversations=("nowhere",)), Missing),
    ],
)
async def test_what_means_nothing_is_not_placed(
    house: House, new: NewLegalHold, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        await house.home.legal_hold_new(house.deal, new, actor=ACTOR)
    assert await house.home.legal_hold_list(house.deal, every=True) == []
