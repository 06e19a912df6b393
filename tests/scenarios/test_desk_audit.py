"""The audit trail at the desk: rows cut to the viewer, the chain's state, exports given once."""

import csv
import io
import tarfile

import httpx
import pytest

from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.api import Client
from orchestrator.client.audit_desk import AuditRow
from orchestrator.client.problems import Missing, Problem, Refused, Wrong
from orchestrator.client.wire import app_transport
from orchestrator.command.audit_words import WORDS, facts, sentence
from orchestrator.command.exports import WHAT, Wanted
from tiers.rights import DeskRole, Viewer

from .conftest import House
from .house import CHANNEL
from .test_approvals import ADA, BO, CY, found, hold, say
from .test_desk_approvals import COUNSEL, OFFICER, OPERATOR, OWNER, PERSON, at_desk, seated

URL = "http://wallcross"


async def every(client: Client, house: House, **asked: str) -> list[AuditRow]:
    rows: list[AuditRow] = []
    cursor: str | None = None
    while True:
        page = await client.audit_rows(str(house.deal), limit=7, cursor=cursor, **asked)
        rows.extend(page.items)
        cursor = page.next
        if cursor is None:
            return rows


async def state(house: House, kind: Kind, person: str, **more: str) -> None:
    body = {"person": person, **more}
    at = house.home.runtime.now()
    await house.home.runtime.store.write(
        lambda tx: append(tx, house.deal, kind, body, at=at, actor="local:test")
    )


async def test_an_owner_pages_through_all_of_it_newest_first_and_without_a_name_of_a_room(
    house: House,
) -> None:
    await hold(house)
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        rows = await every(client, house)
    tail = await house.home.audit_tail(house.deal, 10_000)
    assert [r.n for r in rows] == [e.n for e in reversed(tail)][-len(rows) :]
    assert {r.kind for r in rows} >= {"deal.created", "message.held", "room.created"}
    told = " ".join(f"{r.words} {r.facts}" for r in rows)
    rooms = {str(b.room) for _, b in house.home.runtime.book.rooms()}
    assert not any(room in told for room in rooms), "rooms are for the signed export"
    assert "27.50" not in told
    assert all(r.sound for r in rows)


async def test_a_participant_sees_what_he_did_and_what_was_done_about_him_alone(
    house: House,
) -> None:
    await state(house, Kind.PERSON_REVIEWED, "bo")
    await state(house, Kind.PERSON_REVIEWED, "cy")
    async with at_desk(house, seated(house, "bo", PERSON)) as client:
        rows = await every(client, house)
        assert "person.reviewed" in {r.kind for r in rows}
        assert all("Cy" not in r.words for r in rows)
        assert await every(client, house, person="cy") == []
        own = await every(client, house, person="bo")
    assert [r.n for r in own] == [r.n for r in rows]
    async with at_desk(house, seated(house, "cy", DeskRole.ADVISER)) as client:
        assert all("Bo" not in r.words for r in await every(client, house))


@pytest.mark.tampers("a finding is stated that is in no table")
async def test_nobody_learns_from_his_own_rows_what_is_asked_or_found_about_him(
    house: House,
) -> None:
    """A leave that others are being asked about, a finding: told to those who act on it."""
    await state(house, Kind.FINDING_OPENED, "bo", rule="unknown_member")
    async with at_desk(house, seated(house, "bo", PERSON)) as client:
        assert "finding.opened" not in {r.kind for r in await every(client, house)}
    async with at_desk(house, seated(house, "ada", PERSON, OFFICER)) as client:
        assert "finding.opened" in {r.kind for r in await every(client, house, person="bo")}


async def test_whoever_runs_the_home_sees_his_own_acts_alone(house: House) -> None:
    async with at_desk(house, seated(house, None, OPERATOR)) as client:
        assert await every(client, house) == [], "local:test did them all, and he is the operator"


@pytest.mark.parametrize("kind", ["message.held", "message.accepted", "person.reviewed"])
async def test_one_kind_is_shown_alone(house: House, kind: str) -> None:
    await hold(house)
    await state(house, Kind.PERSON_REVIEWED, "bo")
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        assert {r.kind for r in await every(client, house, kind=kind)} == {kind}


async def test_a_cursor_of_somebody_else_is_none(house: House) -> None:
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        cursor = (await client.audit_rows(str(house.deal), limit=3)).next
    async with at_desk(house, seated(house, "bo", PERSON, OWNER)) as client:
        with pytest.raises(Wrong):
            await client.audit_rows(str(house.deal), limit=3, cursor=cursor)


async def test_the_chain_says_since_when_it_is_whole_and_what_no_anchor_has_seen(
    house: House,
) -> None:
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        chain = await client.audit_chain(str(house.deal))
    first = (await house.home.audit_tail(house.deal, 10_000))[0]
    assert (chain.unbroken, chain.since, chain.flaws) == (True, first.at, ())
    assert chain.unanchored_since == first.at, "nobody outside has seen any of it"
    assert chain.longest > 0


@pytest.mark.tampers("an entry is altered on purpose")
async def test_an_altered_entry_is_named_on_the_page(house: House) -> None:
    store = house.home.runtime.store
    await store.write(
        lambda tx: tx.run(
            "UPDATE audit SET body = CAST(replace(body, 'HERON', 'OTHER') AS BLOB) "
            "WHERE deal_id = ? AND n = 1",
            (house.deal,),
        )
    )
    book = house.home.runtime.book
    await store.read(lambda tx: book.look(tx, anew=True))
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        chain = await client.audit_chain(str(house.deal))
        rows = await every(client, house)
    assert not chain.unbroken
    assert "entry 1" in chain.flaws[0]
    assert [r.n for r in rows if not r.sound] == [1]


def counsel(house: House, *, stepped_up: bool = True, session: str = "ses_c") -> Viewer:
    seat = seated(house, "cy", PERSON, COUNSEL).seats
    return Viewer("person:cy", seats=seat, session=session, stepped_up=stepped_up)


async def fetch(house: House, viewer: Viewer | None, path: str) -> httpx.Response:
    transport = app_transport(make_desk(house.home, viewer), here())
    async with httpx.AsyncClient(transport=transport) as http:
        return await http.get(URL + path)


async def test_an_export_with_names_waits_for_two_and_is_given_once(house: House) -> None:
    await found(house, ADA, BO, CY)
    deal = str(house.deal)
    async with at_desk(house, counsel(house)) as client:
        asked = await client.export_ask(deal, "audit", "regulator", matter="m-117")
        assert (asked.state, asked.mine) == ("waits", True)
        with pytest.raises(Refused, match="waits"):
            await client.export_link(deal, asked.export_id)
    shown = await house.home.approval_show(asked.export_id)
    assert "m-117" in shown.why
    assert shown.may_agree == ("ada", "bo")
    for signer in (ADA, BO):
        await say(house, asked.export_id, signer)
    async with at_desk(house, counsel(house)) as client:
        link = await client.export_link(deal, asked.export_id)
    answer = await fetch(house, counsel(house), link.path)
    assert answer.status_code == 200
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        names = {name.removeprefix("./") for name in tar.getnames()}
        first = tar.extractfile("./EXPORT.txt")
        assert first is not None
        told = first.read().decode()
    assert {"audit.jsonl", "verify_audit.py", "EXPORT.txt"} <= names
    assert "asked for by: Cy" in told
    assert "matter: m-117" in told
    assert (await fetch(house, counsel(house), link.path)).status_code == 404, "once"
    async with at_desk(house, counsel(house)) as client:
        [listed] = await client.export_list(deal)
        assert listed.state == "given"
        with pytest.raises(Refused, match="given"):
            await client.export_link(deal, asked.export_id)
    stated = [e for e in await house.home.audit_tail(house.deal, 50) if "request" in e.body]
    assert stated[-1].body["what"] == "audit"
    assert stated[-1].actor == "person:cy"


async def test_a_link_is_good_for_its_own_session_and_for_minutes_only(house: House) -> None:
    deal = str(house.deal)
    async with at_desk(house, counsel(house)) as client:
        asked = await client.export_ask(deal, "audit_csv", "litigation")
        first = await client.export_link(deal, asked.export_id)
        link = await client.export_link(deal, asked.export_id)
    others = [
        None,
        counsel(house, session="ses_other"),
        seated(house, "bo", PERSON, COUNSEL),
        seated(house, "cy", PERSON),
    ]
    for other in others:
        assert (await fetch(house, other, link.path)).status_code in {401, 403, 404}
    assert (await fetch(house, counsel(house), first.path)).status_code == 404, "a newer one counts"
    house.clock.ahead += 6 * 60_000_000
    assert (await fetch(house, counsel(house), link.path)).status_code == 404
    house.clock.ahead -= 6 * 60_000_000
    assert (await fetch(house, counsel(house), link.path)).status_code == 200


async def test_only_who_asked_is_given_it_and_only_after_proving_himself(house: House) -> None:
    deal = str(house.deal)
    async with at_desk(house, counsel(house, stepped_up=False)) as client:
        with pytest.raises(Refused, match="Prove that it is you"):
            await client.export_ask(deal, "insiders", "insider-list")
    async with at_desk(house, counsel(house)) as client:
        asked = await client.export_ask(deal, "insiders", "insider-list")
    async with at_desk(house, seated(house, "bo", PERSON, COUNSEL)) as client:
        with pytest.raises(Refused, match="Only whoever asked"):
            await client.export_link(deal, asked.export_id)
    for role in (OWNER, PERSON, OPERATOR, DeskRole.APPROVER):
        async with at_desk(house, seated(house, "ada", role)) as client:
            with pytest.raises(Refused):
                await client.export_list(deal)


async def test_a_table_says_who_and_why_and_runs_no_formula(house: House) -> None:
    await state(house, Kind.PERSON_REVIEWED, "bo")
    deal = str(house.deal)
    async with at_desk(house, counsel(house)) as client:
        asked = await client.export_ask(deal, "audit_csv", "closing", person="bo")
        link = await client.export_link(deal, asked.export_id)
    answer = await fetch(house, counsel(house), link.path)
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    page = dict(row for row in rows if len(row) == 2)
    assert (page["asked for by"], page["chosen"]) == ("Cy", "about bo")
    assert page["made up"].startswith("yes")
    table = rows[rows.index([]) + 2 :]
    assert table
    assert all(row[2].startswith(("person.", "key.", "member.", "account.")) for row in table)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


async def test_insiders_and_findings_come_as_tables(house: House) -> None:
    deal = str(house.deal)
    for what, head in (("insiders", "person"), ("findings", "rule")):
        async with at_desk(house, counsel(house)) as client:
            asked = await client.export_ask(deal, what, "internal-review")  # type: ignore[arg-type]  # one of the list
            link = await client.export_link(deal, asked.export_id)
        answer = await fetch(house, counsel(house), link.path)
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[rows.index([]) + 1][0] == head
        assert WHAT[what] in rows[0][1]


async def test_findings_without_names_take_one_person_also_in_a_founded_deal(house: House) -> None:
    await found(house, ADA, BO, CY)
    async with at_desk(house, counsel(house)) as client:
        asked = await client.export_ask(str(house.deal), "findings", "closing")
    assert asked.state == "ready"


async def test_what_was_agreed_to_for_one_export_gives_no_other(house: House) -> None:
    """Planted: a claim of an export that nobody agreed to, or by somebody else."""
    await found(house, ADA, BO, CY)
    async with at_desk(house, counsel(house)) as client:
        asked = await client.export_ask(str(house.deal), "insiders", "closing")
    home = house.home
    for actor in ("person:cy", "person:bo"):
        with pytest.raises(Missing):
            await home._export_claimed(house.deal, asked.export_id, actor)
    bad = Wanted(house.deal, "everything", "closing", None, None, None, "person:cy")
    with pytest.raises(Problem):
        await home.export_ask(bad, counsel(house))


def test_every_kind_has_a_sentence_of_its_own_or_its_name() -> None:
    for kind in Kind:
        told = sentence(kind, {}, str)
        assert told.endswith(".")
        assert "{" not in told
    assert sentence("new.kind_of", {}, str) == "New kind of."
    assert set(WORDS) <= {str(kind) for kind in Kind}


def test_no_account_room_or_key_is_told_beside_a_sentence() -> None:
    body = {
        "account": "+491701234567",
        "room": "!r:x",
        "key": "AB",
        "rule": "r",
        "channel": CHANNEL,
    }
    assert facts(body) == (("rule", "r"), ("channel", CHANNEL))
