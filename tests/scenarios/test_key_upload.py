"""The adviser's key page: by a link alone, a proposal alone; what is hostile changes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.port.words import words_of
from orchestrator.client.problems import Missing, Problem, Refused
from orchestrator.command import key_upload
from orchestrator.command.documents_desk import MOST_KEYS
from orchestrator.demo.adviser import Adviser
from orchestrator.roster.document import to_document
from tiers.ids import AccountId, PersonId
from tiers.rights import DeskRole, Viewer

from .conftest import House
from .house import ACTOR
from .test_desk_approvals import OFFICER, OPERATOR, OWNER, PERSON, at_desk, seated
from .test_home_mail import MAIL, THEIRS, Firm, firm, people

__all__ = ["firm"]

ADVISER, EL = DeskRole.ADVISER, PersonId("el")


def stepped(house: House, person: str | None, *roles: DeskRole) -> Viewer:
    found = seated(house, person, *roles)
    return Viewer(found.actor, seats=found.seats, session="ses_1", stepped_up=True)


async def link_for(house: House, person: str) -> str:
    async with at_desk(house, stepped(house, "ada", PERSON, OFFICER)) as client:
        link = await client.key_link(str(house.deal), person)
    path, _, secret = link.path.partition("#")
    assert path == "/key/"
    return secret


async def test_an_adviser_hands_his_certificate_in_and_reads_its_words_back(firm: Firm) -> None:
    house, armour = firm.house, firm.el.certificate()
    secret = await link_for(house, "el")
    async with at_desk(house, None) as nobody:
        asked = await nobody.key_upload_look(secret)
        assert (asked.name, asked.code, asked.host) == ("El", "HERON", "Kestrel Industries")
        taken = await nobody.key_upload(secret, armour)
        assert taken.words == words_of(taken.fingerprint)
        assert taken.fingerprint == firm.el.key_of(THEIRS)
        with pytest.raises(Missing):
            await nobody.key_upload(secret, armour)
    async with at_desk(house, seated(house, "ada", PERSON, OFFICER)) as client:
        [key] = (await client.desk_documents(str(house.deal))).keys
    assert (key.name, key.state, key.words) == ("El", "proposed", taken.words)
    entries = await house.home.audit_tail(house.deal, 5)
    imported = [e for e in entries if e.kind == "certificate.imported"]
    assert [e.actor for e in imported] == ["key-link:el"]


async def test_once_two_compared_it_the_page_says_that_it_is_good(firm: Firm) -> None:
    await firm.exchange()
    house = firm.house
    async with at_desk(house, seated(house, "ada", PERSON, OWNER)) as client:
        [key] = (await client.desk_documents(str(house.deal))).keys
    assert key.state in {"good", "lapses"}
    assert key.words == (), "whoever keeps no keys reads none out"
    assert key.ends_at is None or key.ends_at > house.clock()


async def test_of_many_keys_the_first_are_shown_and_any_is_found_by_its_owners_name(
    firm: Firm,
) -> None:
    house, listed, many = firm.house, people(), MOST_KEYS + 10
    guests = (
        replace(
            listed.people[0],
            person_id=PersonId(f"guest-{n}"),
            name=f"Guest {n:02}",
            accounts={MAIL: AccountId(f"guest-{n}@lawfirm.test")},
        )
        for n in range(many)
    )
    larger = to_document(replace(listed, people=(*listed.people, *guests)))
    await house.home.adopt(house.deal, "roster", larger, actor=ACTOR)
    await house.home.key_add(house.deal, EL, MAIL, firm.el.certificate().encode(), actor=ACTOR)
    async with at_desk(house, seated(house, "ada", PERSON, OFFICER)) as client:
        view = await client.desk_documents(str(house.deal))
        assert (len(view.keys), view.keys_found) == (MOST_KEYS, many + 1)
        assert view.key_states == {"none": many, "proposed": 1}
        assert [k.name for k in view.compare] == ["El"], "whatever else is shown"
        [el] = (await client.desk_documents(str(house.deal), key="el")).keys
        assert el.state == "proposed"
        [last] = (await client.desk_documents(str(house.deal), key="GUEST 59")).keys
        assert last.person == "guest-59"
        found = await client.desk_documents(str(house.deal), key="nobody")
        assert (found.keys, found.keys_found) == ((), 0)
        assert found.key_states == view.key_states, "what needs somebody is told all the same"
    async with at_desk(house, seated(house, "el", ADVISER)) as client:
        own = await client.desk_documents(str(house.deal), key="guest")
        assert own.key_states == {"proposed": 1}, "nobody else's is counted to him"
        assert own.keys == ()


@pytest.mark.parametrize(
    "armour",
    [
        "",
        "no certificate at all",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----\n",
        "\x00" * 1000,
        "A" * 200_000,
    ],
    ids=["nothing", "words", "broken", "private", "zeros", "long"],
)
async def test_what_is_no_certificate_of_his_is_refused_and_told_without_it(
    firm: Firm, armour: str
) -> None:
    secret = await link_for(firm.house, "el")
    async with at_desk(firm.house, None) as nobody:
        with pytest.raises(Problem) as caught:
            await nobody.key_upload(secret, armour)
    told = f"{caught.value.wrong} {caught.value.details}"
    assert not armour or armour[:40] not in told
    assert await firm.house.home.key_list(firm.house.deal, None) is not None
    rows = await firm.house.rows("SELECT count(*) FROM peer_key WHERE connector = 'mail'")
    assert rows == [(0,)]


async def test_a_certificate_of_another_address_is_none_of_his(
    firm: Firm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    box: Path = firm.server.mailbox(THEIRS)
    other = Adviser("other", "mallory@evil.test", tmp_path_factory.mktemp("m"), box)
    try:
        other.make_key()
        secret = await link_for(firm.house, "el")
        async with at_desk(firm.house, None) as nobody:
            with pytest.raises(Problem):
                await nobody.key_upload(secret, other.certificate())
    finally:
        other.close()


async def test_a_link_ends_by_time_by_a_newer_one_and_by_five_tries(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = firm.house
    first, second = await link_for(house, "el"), await link_for(house, "el")
    async with at_desk(house, None) as nobody:
        with pytest.raises(Missing):
            await nobody.key_upload_look(first)
        for _ in range(key_upload.TRIES):
            with pytest.raises(Problem):
                await nobody.key_upload(second, "no certificate")
        with pytest.raises(Missing):
            await nobody.key_upload(second, firm.el.certificate())
        monkeypatch.setattr(key_upload, "LASTS", 0)
        third = await link_for(house, "el")
        with pytest.raises(Missing):
            await nobody.key_upload_look(third)


async def test_whoever_guesses_has_to_wait_and_whoever_holds_a_link_does_not(firm: Firm) -> None:
    secret = await link_for(firm.house, "el")
    told = set()
    async with at_desk(firm.house, None) as nobody:
        for n in range(key_upload.GUESSES + 5):
            with pytest.raises(Problem) as caught:
                await nobody.key_upload_look(f"guess-{n}")
            told.add(type(caught.value))
        assert told == {Missing, Refused}
        assert (await nobody.key_upload_look(secret)).name == "El"


@pytest.mark.parametrize("role", [PERSON, OWNER, DeskRole.ADVISER, DeskRole.APPROVER])
async def test_whoever_keeps_no_keys_makes_no_link(firm: Firm, role: DeskRole) -> None:
    house = firm.house
    async with at_desk(house, stepped(house, "bo", role)) as client:
        with pytest.raises(Refused):
            await client.key_link(str(house.deal), "el")


async def test_a_link_is_for_somebody_of_the_roster_and_takes_a_fresh_proof(firm: Firm) -> None:
    house = firm.house
    async with at_desk(house, stepped(house, None, OPERATOR)) as client:
        with pytest.raises(Missing):
            await client.key_link(str(house.deal), "mallory")
    async with at_desk(house, seated(house, "ada", OFFICER)) as client:
        with pytest.raises(Refused, match="Prove that it is you"):
            await client.key_link(str(house.deal), "el")
