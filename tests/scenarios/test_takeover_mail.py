"""A certificate handed over in an adviser's name: worth nothing until its words were compared."""

from pathlib import Path

import pytest

from connectors.port.words import words_of
from orchestrator.client.problems import Refused
from orchestrator.client.views import NewConversation
from orchestrator.demo.adviser import Adviser
from tiers.ids import PersonId

from .house import ACTOR, CHANNEL
from .test_home_mail import MAIL, SAID, THEIRS, Firm, firm

__all__ = ["firm"]
EL, ADA, BO = PersonId("el"), PersonId("ada"), PersonId("bo")


async def test_another_key_in_his_name_stops_the_mail_until_two_compared_it(
    firm: Firm,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
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
    own = el.key_of(THEIRS)
    assert await house.ends(await house.send(SAID, to="opinion")) == "delivered"
    before = len(el.mails())

    double = Adviser("double", THEIRS, _short(tmp_path_factory), firm.server.mailbox(THEIRS))
    try:
        double.make_key()
        armour = double.certificate().encode()
        key = await house.home.key_add(house.deal, EL, MAIL, armour, actor=ACTOR)
        assert (key.state, key.words) == ("seen", words_of(key.key))
        verify, genuine = house.home.key_verify, " ".join(words_of(own))
        held = await house.send(f"{SAID} Again.", to="opinion")
        assert await house.ends(held) == "held"
        assert len(el.mails()) == before
        found = await verify(house.deal, EL, ADA, BO, words=genuine, actor=ACTOR)
        assert {k.state for k in found if k.key == key.key} == {"seen"}, "nobody read that one out"
        with pytest.raises(Refused, match="reads so"):
            await verify(house.deal, EL, ADA, BO, words="aardvark adroitness", actor=ACTOR)
    finally:
        double.close()


def _short(factory: pytest.TempPathFactory) -> Path:
    """Sockets of gpg's agent have short paths."""
    return factory.mktemp("d")
