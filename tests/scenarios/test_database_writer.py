"""Somebody who can write every row of the database, and has not the home's secrets.

What he adds, changes or takes out is named by `audit verify --state`, is a finding, and nothing is
sent on its strength: the network itself says what arrived.
"""

import json
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from orchestrator.audit.body import Json
from orchestrator.audit.chain import HOME, append
from orchestrator.audit.kinds import Kind
from orchestrator.audit.state import Findings
from orchestrator.client.problems import Missing, Refused, Waits
from orchestrator.command.proving import RULE, Proving
from orchestrator.command.stating import compare_state
from orchestrator.deals import doubts
from orchestrator.deals.persons import state_person
from orchestrator.journal.keygen import Group, generate
from orchestrator.rooms.linked import RULE as LINKED
from orchestrator.rooms.linked import LinkedDevices
from orchestrator.roster.document import document_hash, to_document
from orchestrator.store.unit import Tx, connect
from tiers.ids import AccountId, ConnectorName, DealId, PersonId
from tiers.people import DEAL, Grant, Span
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, BEGINS, CHANNEL, PRICE, Talk, make_talk, roster, without
from .tampering import tampered, tamperings
from .test_leave_agreed import Founded, asked

pytestmark = pytest.mark.tampers("somebody else writes into the store")

TALKS = (
    Talk("price", Tier.VALUATION),
    Talk("lunch", Tier.COORDINATION, members=("ada", "bo", "el")),
    Talk("garden", Tier.COORDINATION, members=("ada", "bo", "el")),
)
CELLS = 100
"""Of all changes of single cells: those of a fast run."""
Attack = Callable[[sqlite3.Connection, str], None]


@pytest.fixture
async def lived(opens: Opens) -> House:
    """A home in which much happened: somebody left, a room and the channel stand still."""
    house = await opens(TALKS)
    home, deal = house.home, house.deal
    timer = int((await house.far.state(house.room("price")))["timer"])
    await home.conv_attest(deal, "price", "timer", timer, by=PersonId("ada"), actor=ACTOR)
    await house.send(f"the {PRICE}", to="price")
    raised = f"{PRICE}: we raise our offer to 27.50 per share."
    held = await house.send(raised, "el", to="lunch")
    assert await house.ends(held) == "held"
    await house.told("el")
    await home.conv_pause(deal, "garden", "somebody left", actor=ACTOR)
    await home.runtime.store.write(
        lambda tx: state_person(
            tx, deal, Kind.PERSON_LEFT, PersonId("di"), at=house.clock(), actor=ACTOR
        )
    )
    await home.runtime.book.reload(home.runtime.store, deal)
    await house.quiet()
    await home.channel_pause(ConnectorName(CHANNEL), "its server was taken", actor=ACTOR)
    await house.send("waits", to="lunch")
    await house.quiet()
    return house


def report(house: House, path: Path, deal: str | None = None) -> Findings:
    """What the check says of a copy of the store."""
    runtime = house.home.runtime
    deal = deal or house.deal
    kinds = {str(name): c.kind for name, c in runtime.channels.items()}
    with closing(connect(path, readonly=True)) as connection:
        tx = Tx(connection, pen=runtime.store.pen)
        view = runtime.book.deals.get(house.deal) if deal == house.deal else None
        return compare_state(tx, deal, view, kinds, runtime.head_key.public)[1]


def copied(house: House, to: Path) -> Path:
    with (
        closing(sqlite3.connect(house.home.runtime.store.path)) as ours,
        closing(sqlite3.connect(to)) as copy,
    ):
        ours.backup(copy)
    return to


def forge(connection: sqlite3.Connection, deal: str, kind: str, **body: Any) -> None:
    """Appends an entry in perfect form, hashes and all."""
    sql = "SELECT n, hash FROM audit WHERE deal_id = ? ORDER BY n DESC LIMIT 1"
    (n, prev), salt = connection.execute(sql, (deal,)).fetchone(), bytes(range(32))
    text = json.dumps({"row": "0" * 64, **body}, sort_keys=True, separators=(",", ":")).encode()
    said = {
        "actor": "local:ada", "at": BEGINS, "commitment": sha256(salt + text).hexdigest(),
        "deal": deal, "kind": kind, "n": n + 1, "prev": prev.hex(), "v": 1,
    }  # fmt: skip
    entry = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    row = (deal, n + 1, entry, salt, text, sha256(entry).digest())
    connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", row)


def generous() -> str:
    """A roster in which everybody may see everything."""
    grants = tuple(Grant(p.person_id, DEAL, Tier.VALUATION, Span(BEGINS)) for p in roster().people)
    return to_document(replace(roster(), grants=grants))


def a_grant(store: sqlite3.Connection, deal: str) -> None:
    document = generous()
    sql = (
        "INSERT INTO adoption (deal_id, kind, hash, document, at, actor) VALUES (?, ?, ?, ?, ?, ?)"
    )
    store.execute(sql, (deal, "roster", document_hash(document), document, 2**60, "local:ada"))


def a_grant_with_its_entry(store: sqlite3.Connection, deal: str) -> None:
    a_grant(store, deal)
    forge(store, deal, "roster.adopted", hash=document_hash(generous()), before=None)


def an_approval(store: sqlite3.Connection, deal: str) -> None:
    row = ("f" * 64, deal, 2, "[]", 2**60, '["ada","bo"]', BEGINS)
    store.execute("INSERT INTO approval VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def an_approval_in_the_chain(store: sqlite3.Connection, deal: str) -> None:
    forge(store, deal, "approval.done", request="apr_" + "0" * 32, at=BEGINS)


def a_credential(store: sqlite3.Connection, deal: str) -> None:
    forge(store, deal, "credential.enrolled", person="el", way="ssh", public="00")


def a_verified_key(store: sqlite3.Connection, _: str) -> None:
    columns = "connector, account, device, key, state, at, vouchers"
    sql = f"INSERT INTO peer_key ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - ours
    store.execute(sql, (CHANNEL, "cy", "MINE", "my key", "verified", BEGINS, '["ada", "bo"]'))


def a_key_that_was_verified(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE peer_key SET key = 'my key' WHERE account = 'bo' AND state = 'verified'")


def a_pause_lifted(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE room SET paused = NULL")


def a_channels_pause_lifted(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE channel SET paused = NULL")


def a_seat(store: sqlite3.Connection, _: str) -> None:
    sql = (
        "SELECT conversation_id, connector, room FROM room JOIN conversation "
        "USING (conversation_id) WHERE floor = 'valuation'"
    )
    conversation, connector, room = store.execute(sql).fetchone()
    row = (conversation, "el", connector, room, BEGINS)
    store.execute("INSERT INTO seat VALUES (?, ?, ?, ?, ?)", row)


def an_act_in_progress(store: sqlite3.Connection, _: str) -> None:
    """What was said in #price is to go into #lunch."""
    store.execute(
        "INSERT INTO delivery SELECT 'dlv_mine', kind, (SELECT message_id FROM held), deal_id,"
        " conversation_id, connector, room, lane, 99, 'wx_mine', 'queued', 0, 0, NULL, 0,"
        " as_tier, 0, NULL, NULL, NULL, NULL, NULL, mark FROM delivery "
        "WHERE state = 'queued' AND conversation_id IS NOT NULL"
    )


def an_authors_room(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE message SET room = (SELECT room FROM room) WHERE state = 'held'")


def a_leave_taken_back(store: sqlite3.Connection, deal: str) -> None:
    forge(store, deal, "person.returned", person="di")


def a_leave_struck_out(store: sqlite3.Connection, _: str) -> None:
    store.execute("DELETE FROM audit WHERE instr(entry, 'person.left') > 0")


def a_leave_made_unreadable(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE audit SET body = X'7b7d' WHERE instr(entry, 'person.left') > 0")


def a_leave_undone(store: sqlite3.Connection, deal: str) -> None:
    row = ("lv_mine", deal, "di", "left", "local:ada", BEGINS, "undone", BEGINS, "{}")
    store.execute("INSERT INTO leaving VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def a_bound_account(store: sqlite3.Connection, deal: str) -> None:
    forge(store, deal, "account.bound", person="ada", channel="signal", account="mine")


def a_phase(store: sqlite3.Connection, deal: str) -> None:
    forge(store, deal, "deal.phase", phase="closed", by="ada")


def a_floor(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE conversation SET floor = 'coordination'")


def a_room(store: sqlite3.Connection, deal: str) -> None:
    (conversation,) = store.execute("SELECT conversation_id FROM conversation").fetchone()
    columns = "connector, room, conversation_id, deal_id, host, created_at"
    sql = f"INSERT INTO room ({columns}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - ours
    store.execute(sql, (CHANNEL, "!mine", conversation, deal, "kestrel", BEGINS))


def an_attestation(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE attestation SET at = at + 1")


def a_private_line(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE line SET room = '!mine' WHERE account = 'el'")


def a_journal_key(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE journal_key SET recipient = 'age1mine'")


def a_decision_of_counsel(store: sqlite3.Connection, deal: str) -> None:
    store.execute(
        "INSERT INTO journal_exemption (deal_id, scope, tier, statement, signature, signer, at) "
        "VALUES (?, 'joint', 'valuation', X'7b7d', X'00', '00', 0)",
        (deal,),
    )


def a_deal_made_up(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE deal SET made_up = 1 - made_up")


def a_finding_closed(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE finding SET closed_at = 1 WHERE closed_at IS NULL")


def a_head_key(store: sqlite3.Connection, _: str) -> None:
    store.execute("INSERT INTO home VALUES ('audit_key:' || ?, ?)", ("0" * 16, "00" * 32))


def a_last_reading(store: sqlite3.Connection, _: str) -> None:
    row = (CHANNEL, "!mine", "[]", "[]", BEGINS, b"0" * 32)
    store.execute("INSERT INTO known VALUES (?, ?, ?, ?, ?, ?)", row)


def a_device_written_on(store: sqlite3.Connection, _: str) -> None:
    row = (CHANNEL, "bo", "MINE", BEGINS)
    store.execute("INSERT INTO wrote_on (connector, account, device, at) VALUES (?, ?, ?, ?)", row)


NAMED: dict[Attack, tuple[str, str]] = {
    a_grant: ("adopted", "extra"),
    a_grant_with_its_entry: ("entry", "extra"),
    an_approval: ("approval", "extra"),
    an_approval_in_the_chain: ("entry", "extra"),
    a_credential: ("entry", "extra"),
    a_verified_key: ("key", "extra"),
    a_key_that_was_verified: ("key", "changed"),
    a_pause_lifted: ("pause", "changed"),
    a_channels_pause_lifted: ("channel", "changed"),
    a_seat: ("seat", "extra"),
    an_act_in_progress: ("delivery", "extra"),
    an_authors_room: ("message", "changed"),
    a_leave_taken_back: ("entry", "extra"),
    a_leave_struck_out: ("entry", "missing"),
    a_leave_made_unreadable: ("entry", "changed"),
    a_leave_undone: ("leave", "changed"),
    a_bound_account: ("entry", "extra"),
    a_phase: ("entry", "extra"),
    a_floor: ("conversation", "changed"),
    a_room: ("room", "extra"),
    an_attestation: ("attestation", "changed"),
    a_private_line: ("line", "changed"),
    a_journal_key: ("journal key", "changed"),
    a_decision_of_counsel: ("decision", "unsigned"),
    a_deal_made_up: ("deal", "changed"),
    a_finding_closed: ("finding", "missing"),
    a_head_key: ("head key", "extra"),
    a_last_reading: ("last reading", "changed"),
    a_device_written_on: ("written on", "extra"),
}


async def test_each_row_and_entry_is_named(lived: House, tmp_path: Path) -> None:
    honest = report(lived, copied(lived, tmp_path / "honest.db"))
    assert honest.differs == []
    assert {"key", "room", "line", "delivery", "finding"} <= {
        k for k, n in honest.compared.items() if n
    }
    assert report(lived, tmp_path / "honest.db", HOME).differs == []
    for n, (attack, expected) in enumerate(NAMED.items()):
        path = copied(lived, tmp_path / f"{n}.db")
        with closing(sqlite3.connect(path, isolation_level=None)) as store:
            attack(store, lived.deal)
        found = {(d.what, d.how) for d in report(lived, path).differs}
        assert expected in found, (attack.__name__, found)


async def test_an_honest_life_differs_nowhere(lived: House) -> None:
    """Every verb that writes what permits states it: what people did is named by nobody."""
    home, deal = lived.home, lived.deal
    await home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    await home.conv_resume(deal, "garden", actor=ACTOR)
    await lived.far.add_device("cy", "SECOND", "another key")
    await lived.quiet()
    for binding in home.runtime.book.rooms():
        await home.runtime.watcher.look(*binding, not_before=lived.clock())
    await home.key_mark(deal, PersonId("cy"), "SECOND", "revoke", actor=ACTOR)
    key = generate("joint", [Group("somebody", 1, 1)])
    await home.journal_key_add(deal, "joint", json.dumps(key.public), actor=ACTOR)
    await home.adopt(deal, "roster", to_document(without(roster(), "cy")), actor=ACTOR)
    await home.leave(deal, PersonId("el"), "left", actor=ACTOR)
    (message,) = (await lived.rows("SELECT message_id FROM held"))[0]
    await home.held_drop(message, actor=ACTOR)
    await make_talk(home, deal, Talk("late", Tier.COORDINATION, members=("ada", "bo")))
    await lived.send("still there", to="late")
    await lived.restart()
    await lived.quiet()
    for chain in (deal, DealId(HOME)):
        found = await lived.home.audit_state(chain)
        assert found.differs == ()
    assert not {RULE, doubts.RULE} & await told(lived)


async def test_each_row_is_a_finding_in_a_home_that_runs_until_it_is_as_stated_again(
    lived: House, tmp_path: Path
) -> None:
    kept = copied(lived, tmp_path / "kept.db")
    apart = {a_grant, a_finding_closed}  # the one ends the deal; the other would be seen anew
    rows = {a: what for a, (what, _) in NAMED.items() if what != "entry" and a not in apart}
    attacked(lived, *rows)
    assert {RULE} <= await told(lived)
    sql = "SELECT subject FROM finding WHERE rule = ? AND closed_at IS NULL"
    subjects = [subject for (subject,) in await lived.rows(sql, RULE)]
    for attack, what in rows.items():
        assert any(subject.startswith(f"{what} ") for subject in subjects), attack.__name__
    attacked(lived, lambda store, _: put_back(store, kept))
    assert RULE not in await told(lived)


def put_back(store: sqlite3.Connection, kept: Path) -> None:
    """Restores every table that was written to, as an operator does the whole store."""
    store.execute("ATTACH ? AS kept", (str(kept),))
    for table in (
        *("approval", "peer_key", "room", "channel", "seat", "delivery", "message", "leaving"),
        *("conversation", "attestation", "line", "journal_key", "journal_exemption", "deal"),
        *("home", "known", "wrote_on"),
    ):
        store.execute(f"DELETE FROM main.{table}")  # noqa: S608 - ours
        store.execute(f"INSERT INTO main.{table} SELECT * FROM kept.{table}")  # noqa: S608 - ours


async def test_a_register_that_is_not_compared_is_missed(
    lived: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: what each comparison is for."""
    path = copied(lived, tmp_path / "keys.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        a_verified_key(store, lived.deal)
    monkeypatch.setattr("orchestrator.command.stating._OF_HOME", ())
    assert report(lived, path).differs == []


def attacked(house: House, *attacks: Attack) -> None:
    """Writes into the store of a home that runs, as another process can."""
    path = house.home.runtime.store.path
    with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as store:
        for attack in attacks:
            attack(store, house.deal)


async def told(house: House) -> set[str]:
    """The findings after a turn of what looks at the record."""
    proving = Proving(house.home.runtime)
    await proving.look()
    await proving.turn()
    return await house.findings()


async def leaked(house: House) -> bool:
    """Whether the price stands on the screen of somebody who may not see it."""
    room = house.home.runtime.book.line_room(ConnectorName(CHANNEL), AccountId("el"))
    lines = await house.far.inbox("el", room) if room is not None else ()
    screens = [await house.seen("el", "lunch"), await house.seen("el", "garden")]
    return any(PRICE in text for text in [*(m.text for m in lines), *screens[0], *screens[1]])


async def test_no_planted_delivery_is_sent(lived: House) -> None:
    """A held message of a price is put into the lane of #lunch, below whose tier it is."""
    attacked(lived, an_act_in_progress, _delivering)
    await lived.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    sql = "SELECT state, reason FROM delivery WHERE delivery_id = 'dlv_mine'"

    async def over() -> bool:
        return bool((await lived.rows(sql))[0][0] != "queued")

    await eventually(over)
    assert await lived.rows(sql) == [("dead", "not_as_stated")]
    assert not await leaked(lived)
    assert RULE in await told(lived)


async def test_without_its_mark_the_planted_delivery_would_have_gone(
    lived: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: the guard alone finds #lunch fit for what a row calls coordination."""
    monkeypatch.setattr("orchestrator.outbox.rows.is_planted", lambda *_: False)
    attacked(lived, an_act_in_progress, _delivering)
    await lived.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    await eventually(lambda: leaked(lived))


def _delivering(store: sqlite3.Connection, _: str) -> None:
    store.execute("UPDATE message SET state = 'delivering' WHERE state = 'held'")


def a_notice(store: sqlite3.Connection, _: str) -> None:
    """The held message becomes a notice of ours into a private line."""
    _delivering(store, "")
    store.execute(
        "UPDATE message SET connector = 'wallcross' WHERE message_id IN "
        "(SELECT message_id FROM held)"
    )
    (room,) = store.execute("SELECT room FROM line WHERE account = 'el'").fetchone()
    store.execute(
        "INSERT INTO delivery SELECT 'dlv_mine', kind, (SELECT message_id FROM held), deal_id,"
        " NULL, connector, ?1, connector || '/' || ?1, 99, 'wx_mine', 'queued', 0, 0, NULL, 0,"
        " as_tier, 0, NULL, NULL, NULL, NULL, NULL, mark FROM delivery "
        "WHERE state = 'queued' AND conversation_id IS NOT NULL",
        (room,),
    )


def again(store: sqlite3.Connection, _: str) -> None:
    """The held message is routed anew, as if its author had put it into #garden."""
    store.execute(
        "UPDATE message SET state = 'accepted', named = NULL, connector = ?, person_id = 'ada', "
        "room = (SELECT room FROM room JOIN conversation USING (conversation_id) "
        "WHERE floor <> 'valuation') WHERE state = 'held'",
        (CHANNEL,),
    )


def again_and_unwritten(store: sqlite3.Connection, deal: str) -> None:
    """The same, and every trace of how it was routed before is gone."""
    again(store, deal)
    store.execute("DELETE FROM held")
    store.execute("DELETE FROM journal")


WAYS = [a_notice, again, again_and_unwritten]


@pytest.mark.parametrize("attack", WAYS, ids=lambda a: a.__name__)
async def test_no_message_becomes_another(lived: House, attack: Attack) -> None:
    (message,) = (await lived.rows("SELECT message_id FROM held"))[0]
    attacked(lived, attack)
    await lived.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    await lived.restart()
    after = await lived.send("and what comes after goes on", to="lunch")
    assert await lived.ends(after) == "delivered"
    assert not await leaked(lived)
    sql = "SELECT state FROM message WHERE message_id = ?"
    assert (await lived.rows(sql, message))[0][0] != "delivered"
    assert RULE in await told(lived)


@pytest.mark.parametrize(
    "attack",
    [a_leave_taken_back, a_leave_struck_out, a_leave_made_unreadable, a_credential, a_phase],
    ids=lambda a: a.__name__,
)
async def test_while_the_record_is_not_whole_every_room_stands_still(
    lived: House, attack: Attack
) -> None:
    attacked(lived, attack)
    assert doubts.RULE in await told(lived)
    await lived.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    message = await lived.send("is anybody there", to="lunch")
    assert await lived.ends(message) == "held"
    assert "record is not whole" in await lived.reasons(message)
    await lived.restart()
    assert doubts.RULE in await told(lived)
    view = lived.home.runtime.book.deals[lived.deal]
    assert all(b.paused for rooms in view.rooms.values() for b in rooms)
    again = await lived.send("is anybody there now", to="lunch")
    assert await lived.ends(again) == "held"


@pytest.mark.parametrize("attack", [a_grant, a_grant_with_its_entry], ids=lambda a: a.__name__)
async def test_a_planted_roster_is_not_in_force(lived: House, attack: Attack) -> None:
    attacked(lived, attack)
    await lived.restart()
    await lived.quiet()
    assert lived.deal not in lived.home.runtime.book.deals
    assert {doubts.RULE, RULE} <= await told(lived)
    report = await lived.home.audit_state(lived.deal)
    assert {"adopted"} <= {d.what for d in report.differs}


async def test_a_home_says_so_when_asked(lived: House) -> None:
    attacked(lived, a_verified_key, a_seat, a_pause_lifted)
    found = await lived.home.audit_state(lived.deal)
    assert not found.ok
    assert {d.what for d in found.differs} == {"key", "seat", "pause"}
    assert RULE in await told(lived)
    checks = {check.name: check.state for check in await lived.home.checks()}
    assert checks["records"] == "ok"  # nothing of it was believed: memory is as it was
    await lived.restart()
    checks = {check.name: check.state for check in await lived.home.checks()}
    assert checks["records"] == "fix"


async def test_an_approval_whose_signature_does_not_verify_is_named_and_counts_for_nothing(
    opens: Opens,
) -> None:
    """Not even an entry of our own program's counts for more than the signature in it."""
    founded = Founded(await opens(TALKS), "ada", "bo", "cy")
    house = founded.house
    await founded.found()
    await founded.leave("di")
    with pytest.raises(Waits) as waits:
        await house.home.leave_undo(house.deal, PersonId("di"), actor=ACTOR)
    request = asked(waits.value)
    clean = await house.home.audit_state(house.deal)
    assert clean.ok, clean.differs
    assert (clean.compared["credential"], clean.compared["approval"]) == (3, 3)
    given: dict[str, Json] = {
        "request": request,
        "credential": founded.signers["bo"].credential.hash,
        "at": house.clock(),
        "signature": "00" * 64,
        "row": "0" * 64,
    }
    await house.home.runtime.store.write(
        lambda tx: append(tx, house.deal, Kind.APPROVAL_GIVEN, given, at=house.clock(), actor=ACTOR)
    )
    found = await house.home.audit_state(house.deal)
    assert [(d.what, d.how) for d in found.differs] == [("approval", "unsigned")]
    await founded.sign(request, "ada")
    assert founded.out() == {"di"}
    assert RULE in await told(house)
    evidence = await house.home.evidence_show(house.deal, None)
    assert evidence.approvers == ("ada", "bo", "cy")
    assert [(a.state, a.signed) for a in evidence.approvals] == [
        ("done", ("ada", "bo", "cy")),
        ("open", ("ada",)),
    ]


def cells(house: House, path: Path, most: int | None) -> list[str]:
    """Changes of single cells, rows added and rows removed, that the check does not name."""
    missed = []
    found = tamperings(path)
    random.Random(20261122).shuffle(found)  # noqa: S311 - the same ones in each run
    for act in found[:most]:
        with tampered(path, act) as taken:
            if taken and not report(house, path).differs:
                missed.append(f"{act.table}.{act.column} = {act.value!r} copied={act.copied}")
    return missed


async def test_whatever_one_cell_becomes_is_named(lived: House, tmp_path: Path) -> None:
    assert cells(lived, copied(lived, tmp_path / "copy.db"), CELLS) == []


@pytest.mark.long
async def test_whatever_any_cell_becomes_is_named(lived: House, tmp_path: Path) -> None:
    assert cells(lived, copied(lived, tmp_path / "copy.db"), None) == []


async def test_a_linked_device_is_told_though_somebody_put_it_on_the_list(lived: House) -> None:
    runtime, bo = lived.home.runtime, AccountId("bo")
    linked = LinkedDevices(runtime.store, runtime.book, runtime.watcher, lived.clock)

    async def writes(device: str) -> set[str]:
        put, _ = linked.hear(ConnectorName(CHANNEL), [(bo, device)])
        await runtime.store.write(put)
        return await lived.findings() & {LINKED}

    assert await writes("1") == set()
    attacked(lived, a_device_written_on)
    assert await writes("MINE") == {LINKED}
    assert (await lived.home.audit_state(lived.deal)).ok


async def test_nobody_moves_or_releases_a_message_that_was_changed(lived: House) -> None:
    (message,) = (await lived.rows("SELECT message_id FROM held"))[0]
    attacked(lived, an_authors_room)
    for verb in (
        lived.home.held_move(message, "price", actor=ACTOR),
        lived.home.held_release(message, actor=ACTOR),
    ):
        with pytest.raises((Refused, Missing, Waits)):
            await verb
    assert await lived.state(message) == "held"
    assert not await leaked(lived)


async def test_a_line_that_was_pointed_elsewhere_is_nobodys_and_a_new_one_takes_its_place(
    lived: House,
) -> None:
    book, el = lived.home.runtime.book, AccountId("el")
    before = book.line_room(ConnectorName(CHANNEL), el)
    attacked(lived, a_private_line)
    await lived.home.channel_resume(ConnectorName(CHANNEL), actor=ACTOR)
    await lived.restart()
    assert lived.home.runtime.book.line_room(ConnectorName(CHANNEL), el) is None
    assert doubts.RULE in await told(lived)
    held = await lived.send(f"{PRICE}: we raise our offer to 28.50 per share.", "el", to="lunch")
    assert await lived.ends(held) == "held"

    async def healed() -> bool:
        now = lived.home.runtime.book.line_room(ConnectorName(CHANNEL), el)
        return now is not None and now != before

    await eventually(healed)
    found = await lived.home.audit_state(lived.deal)
    assert "line" not in {d.what for d in found.differs}
