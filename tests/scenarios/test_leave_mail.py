"""An adviser on PGP mail leaves: no mail goes to him any more, and nobody waits for him."""

import pytest

from orchestrator.client.leave_words import step_line
from orchestrator.client.views import NewConversation
from orchestrator.clock import MINUTE, now
from tiers.ids import PersonId

from .conftest import eventually
from .house import ACTOR, CHANNEL
from .test_home_mail import MAIL, SAID, Firm, firm

__all__ = ["firm"]
EL = PersonId("el")


async def test_his_mailing_is_closed_and_the_others_go_on(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
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
    before = await house.send(SAID, to="opinion")
    assert await house.ends(before) == "delivered"

    async def there() -> bool:
        return len(el.mails()) == 1

    await eventually(there)
    await house.home.channel_pause(MAIL, "a test", actor=ACTOR)
    waiting = await house.send(f"{SAID} It waits.", to="opinion")

    async def in_the_room() -> bool:
        return len(await house.seen("bo", "opinion")) == 2

    await eventually(in_the_room)
    found = await house.home.leave(house.deal, EL, "left", actor=ACTOR)
    assert (found.state, found.withdrawn) == ("gone", 1)
    [mailing] = [s for s in found.steps if s.kind == "room"]
    assert "mailing for #opinion closed: nothing goes to it since" in step_line(mailing)
    await house.home.channel_resume(MAIL, actor=ACTOR)
    assert await house.ends(waiting) == "delivered"
    later = await house.send(f"{SAID} Later.", to="opinion")
    assert await house.ends(later) == "delivered"
    await house.quiet()
    assert len(await house.seen("bo", "opinion")) == 3
    assert len(el.mails()) == 1
    [held] = [h for h in found.holds if h.channel == MAIL]
    assert (held.delivered, held.how, held.until) == (1, "copies", None)

    later_on = now() + 31 * MINUTE
    monkeypatch.setattr(house.home.runtime.leaving, "_now", lambda: later_on)
    await house.home.runtime.leaving.turn()
    assert {k.state for k in await house.home.key_list(house.deal, EL)} == {"revoked"}
