"""The pages Prevented and Who reads what, by whoever looks, over a live home."""

import httpx
import pytest

from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.client.wire import app_transport
from orchestrator.command.home import OpenHome
from tests.scenarios.conftest import eventually
from tests.scenarios.test_approvals import TEXT, hold
from tiers.rights import Viewer

from .conftest import Look, words


async def test_nothing_had_to_be_stopped(look: Look) -> None:
    at = await look.page("prevented", look.as_("owner"))
    assert "Nothing had to be stopped." in at.subheader[0].value


async def test_held_and_withdrawn_in_their_own_words(look: Look) -> None:
    house = look.house
    await hold(house)
    await house.far.write("bo", house.room("lunch"), TEXT)

    async def gone() -> bool:
        found = await house.home.prevented_show(house.deal, None, None)
        return found.counts["withdrawn"] == 1

    await eventually(gone)
    at = await look.page("prevented", look.as_("security_officer", person="bo"))
    said = words(at)
    assert "Held. Nobody has seen it." in said
    assert "Up to 4 people may have seen it." in said
    assert "27.50" not in said
    for name in ("Ada", "Bo ", "#lunch", "Kestrel Industries"):
        assert name not in said


@pytest.mark.parametrize("role", ["participant", "adviser"])
async def test_who_may_not_see_the_record_sees_no_ledger(look: Look, role: str) -> None:
    await hold(look.house)
    at = await look.page("prevented", look.as_(role, person="el"))
    assert "Held. Nobody has seen it." not in words(at)


async def test_who_reads_what_is_said_with_why(look: Look) -> None:
    at = await look.page("reads", look.as_("security_officer", person="bo"))
    said = words(at)
    assert "No network can read what it carries." in at.subheader[0].value
    assert "Whoever has root on this machine can read messages while they pass." in said
    assert "The server of memory" in said
    assert "Whoever copies this disk" in said


async def test_a_network_that_was_not_read_back_is_named(look: Look) -> None:
    runtime = look.house.home.runtime
    for _, binding in runtime.book.rooms():
        runtime.observer.forget(binding.connector, binding.room)
    at = await look.page("reads", look.as_("owner"))
    assert "Messages can be read by" in at.subheader[0].value


async def test_the_report_is_fetched_from_the_page_once_and_by_nobody_else(look: Look) -> None:
    owner, other = look.as_("owner"), look.as_("security_officer", person="bo")
    at = await look.page("prevented", owner)
    at.button(key="prevented.link").click()
    at = await look.again(at)
    assert "The link works once" in words(at)
    path = str(at.session_state["prevented.link.path"])
    home = look.house.home
    async with at_desk(home, other) as asked:
        assert (await asked.get(path)).status_code == 404
    async with at_desk(home, owner) as asked:
        found = await asked.get(path)
        assert found.status_code == 200
        assert found.headers["content-type"].startswith("text/html")
        assert "attachment" in found.headers["content-disposition"]
        assert "sandbox" in found.headers["content-security-policy"] or (
            "default-src 'none'" in found.headers["content-security-policy"]
        )
        assert (await asked.get(path)).status_code == 404
    tail = [entry.kind for entry in await home.audit_tail(look.house.deal, 20)]
    assert tail.count("prevented.reported") == 1


def at_desk(home: OpenHome, viewer: Viewer) -> httpx.AsyncClient:
    transport = app_transport(make_desk(home, viewer), here())
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8642")
