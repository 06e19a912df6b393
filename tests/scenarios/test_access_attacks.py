"""What somebody tries who may ask something, to be counted among those who agree to it too."""

from dataclasses import replace

import httpx
import pytest

from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.client.problems import Refused
from tiers.rights import DeskRole, Viewer

from .conftest import House
from .test_approvals import ADA, BO, CY, DI, found, hold
from .test_desk_approvals import OFFICER, PERSON, at_desk, seated


@pytest.mark.parametrize("actor", ["login:0123456789abcdef", "operator:f3b1c0de"])
@pytest.mark.parametrize("path", ["/held/{message}/release", "/deals/HERON/held/{message}/ask"])
async def test_whoever_has_another_name_elsewhere_does_not_agree_to_what_he_asked_for(
    house: House, actor: str, path: str
) -> None:
    await found(house, ADA, BO, CY, DI)
    message = await hold(house)
    seat = seated(house, "bo", DeskRole.PARTICIPANT, DeskRole.OWNER).seats[house.deal]
    viewer = Viewer(actor, seats={house.deal: seat}, session="ses_1")
    transport = httpx.ASGITransport(make_desk(house.home, viewer), client=here())
    async with httpx.AsyncClient(transport=transport, base_url="http://x/api/v1") as http:
        answer = await http.post(path.format(message=message))
    assert answer.status_code in {200, 409}, answer.text
    [request] = await house.home.approval_list(house.deal, every=False)
    assert request.asked_by == "person:bo"
    assert "bo" not in request.may_agree


@pytest.mark.parametrize("linked", [True, False])
async def test_an_export_that_one_asked_for_in_the_draft_is_not_given_once_two_must_agree(
    house: House, *, linked: bool
) -> None:
    """Asked for before the founding and fetched behind it, it would hold all that came since."""
    officer = replace(seated(house, "bo", PERSON, OFFICER), stepped_up=True)
    deal = str(house.deal)
    async with at_desk(house, officer) as client:
        asked = await client.export_ask(deal, what="insiders", why="insider-list")
        link = await client.export_link(deal, asked.export_id) if linked else None
        await found(house, ADA, BO, CY)
        if link is None:
            with pytest.raises(Refused):
                await client.export_link(deal, asked.export_id)
            return
    transport = httpx.ASGITransport(make_desk(house.home, officer), client=here())
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        assert (await http.get(link.path)).status_code == 404
