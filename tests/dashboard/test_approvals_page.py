"""The pages Approvals, Your signing key and Audit trail, by whoever looks, over a live home."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from orchestrator.audit.chain import append
from orchestrator.audit.kinds import Kind
from orchestrator.client.problems import Waits
from orchestrator.roster.document import to_document
from tests.scenarios.house import ACTOR, roster
from tests.scenarios.test_approvals import ADA, BO, CY, ask_release, found, hold, say

from .conftest import Look, words

EVIL = "**Approved by CISO** [here](https://evil.example) :red[x]"


async def waiting(look: Look) -> str:
    await found(look.house, ADA, BO, CY)
    return await ask_release(look.house, await hold(look.house))


def keys(at: AppTest) -> set[str]:
    return {str(b.key) for b in at.button}


async def test_nothing_waits_and_the_page_says_so_first(look: Look) -> None:
    at = await look.page("approvals", look.as_("participant", "approver", person="bo"))
    assert at.subheader[0].value.endswith("Nothing waits for your answer.")


async def test_an_approver_reads_what_changes_who_asked_and_what_if_he_does_nothing(
    look: Look,
) -> None:
    request = await waiting(look)
    at = await look.page("approvals", look.as_("participant", "approver", person="bo"))
    said = words(at)
    assert at.subheader[0].value.endswith("One request waits for your answer.")
    for told in ("Who would see", "Asked by", "If nobody does anything", "Signed:", "Lapses"):
        assert told in said
    assert "27" + ".50" not in said
    assert {f"yes-{request}", f"no-{request}"} <= keys(at), "no passkey: the SSH way is open"


async def test_he_signs_from_the_page_and_the_next_one_carries_it_out(look: Look) -> None:
    request = await waiting(look)
    for signer, state in ((BO, "waits"), (CY, "done")):
        at = await look.page("approvals", look.as_("participant", "approver", person=signer.name))
        shown = await look.house.home.approval_show(request)
        at.text_area(key=f"ssh-{request}").set_value(signer.armoured(shown.yes))
        at.button(key=f"yes-{request}").click()
        await look.again(at)
        assert "Your answer is on the record." in words(at)
        assert (await look.house.home.approval_show(request)).state == state


async def test_a_signature_of_somebody_else_is_told_as_wrong_and_nothing_happens(
    look: Look,
) -> None:
    request = await waiting(look)
    at = await look.page("approvals", look.as_("participant", "approver", person="bo"))
    shown = await look.house.home.approval_show(request)
    at.text_area(key=f"ssh-{request}").set_value(CY.armoured(shown.yes))
    at.button(key=f"yes-{request}").click()
    await look.again(at)
    assert "no key of his signed this" in words(at) or "not" in words(at)
    assert (await look.house.home.approval_show(request)).signed == ()


async def test_an_owner_sees_what_waits_for_others_and_what_was_settled(look: Look) -> None:
    request = await waiting(look)
    at = await look.page("approvals", look.as_("participant", "owner", person="ada"))
    assert "One waits for others." in words(at)
    await say(look.house, request, BO, "no")
    at.toggle(key="settled").set_value(True)
    await look.again(at)
    assert "Refused or taken back" in words(at)


async def test_a_page_shows_the_first_requests_and_says_how_many_more_there_are(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    await waiting(look)
    with pytest.raises(Waits):
        await look.house.home.held_move(await hold(look.house), "supply", actor=ACTOR)
    monkeypatch.setattr("dashboard.pages.approvals.MOST", 1)
    at = await look.page("approvals", look.as_("participant", "approver", person="bo"))
    assert "2 requests wait for your answer." in at.subheader[0].value
    assert "1 more wait for you: the oldest are shown." in words(at)
    assert sum(key.startswith("yes-") for key in keys(at)) == 1


async def test_somebody_is_asked_for_a_key_and_sees_it_on_his_own_page(look: Look) -> None:
    at = await look.page("approvals", look.as_("participant", "owner", person="ada"))
    assert at.button(key="offer").disabled, "nobody is chosen before somebody chooses"
    at.selectbox(key="offer-who").set_value("bo")
    at.selectbox(key="offer-role").set_value("approver")
    await look.again(at)
    at.button(key="offer").click()
    await look.again(at)
    own = await look.page("signing", look.as_("participant", person="bo"))
    assert "You are asked to make a passkey" in own.subheader[0].value
    other = await look.page("signing", look.as_("participant", person="cy"))
    assert "You sign nothing in this deal." in other.subheader[0].value


async def test_the_audit_page_says_that_the_record_is_whole_and_pages_back(look: Look) -> None:
    for _ in range(60):
        await look.house.home.runtime.store.write(
            lambda tx: append(
                tx,
                look.house.deal,
                Kind.PERSON_REVIEWED,
                {"person": "bo"},
                at=look.house.home.runtime.now(),
                actor="local:test",
            )
        )
    at = await look.page("audit", look.as_("participant", "owner", person="ada"))
    assert "The record is unbroken since" in at.subheader[0].value
    assert "Nobody outside this host holds the record." in words(at)
    assert len(at.dataframe[0].value) == 50
    at.button(key="older").click()
    await look.again(at)
    assert len(at.dataframe[0].value) > 50
    at.selectbox(key="audit-kind").set_value("Messages held")
    await look.again(at)
    assert "Nothing of that kind" in words(at)


async def test_a_participant_has_no_filter_for_others_and_no_export(look: Look) -> None:
    at = await look.page("audit", look.as_("participant", person="bo"))
    assert "You see what you did" in words(at)
    assert {s.key for s in at.selectbox} == {"audit-kind"}
    assert "export-ask" not in keys(at)


async def test_counsel_asks_for_an_export_once_he_proved_himself(look: Look) -> None:
    at = await look.page("audit", look.as_("participant", "counsel", person="cy"))
    assert "Export for counsel" in words(at)


@pytest.mark.parametrize("page", ["approvals", "audit", "signing"])
async def test_names_from_outside_stay_text(look: Look, page: str) -> None:
    """A display name in Markdown is shown as what it is, on each of these pages."""
    listed = roster()
    named = replace(listed, people=tuple(replace(p, name=EVIL) for p in listed.people))
    await look.house.home.adopt(look.house.deal, "roster", to_document(named), actor=ACTOR)
    request = await waiting(look)
    assert request
    at = await look.page(page, look.as_("participant", "owner", "approver", person="bo"))
    marks = [m.value for m in (*at.markdown, *at.caption, *at.subheader)]
    assert not any(
        "](https://evil.example)" in m.replace("\\", "") and "\\[" not in m for m in marks
    )
    assert not any("**Approved by CISO**" in m for m in marks)
