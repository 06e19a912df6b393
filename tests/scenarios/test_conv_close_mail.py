"""A conversation with mailings is closed: each ends with its reader, who is mailed no more."""

import pytest

from orchestrator.client.problems import Refused
from orchestrator.client.views import NewConversation

from .house import ACTOR, CHANNEL
from .test_home_mail import MAIL, SAID, Firm, firm

__all__ = ["firm"]


async def test_its_mailing_ends_with_its_reader(firm: Firm) -> None:
    house, el = firm.house, firm.el
    new = NewConversation(
        label="opinion",
        floor="coordination",
        channel=CHANNEL,
        also=(MAIL,),
        owner="ada",
        owners=("el",),
    )
    await house.home.conv_new(house.deal, new, actor=ACTOR)
    await firm.exchange()
    done = await house.home.conv_close(
        house.deal, "opinion", even_waiting=False, only_look=False, actor=ACTOR
    )
    assert done.state == "closed"
    how = {room.connector: (room.how, room.still) for room in done.rooms}
    assert how == {CHANNEL: ("alone", 0), MAIL: ("mailing", 0)}
    with pytest.raises(Refused, match="was closed"):
        await house.send(SAID, to="opinion")
    await house.quiet()
    assert [mail for mail in el.open_all() if SAID in mail.text] == []
