"""What somebody tries who may ask something, to be counted among those who agree to it too."""

import httpx
import pytest

from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from tiers.rights import DeskRole, Viewer

from .conftest import House
from .test_approvals import ADA, BO, CY, DI, found, hold
from .test_desk_approvals import seated


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
