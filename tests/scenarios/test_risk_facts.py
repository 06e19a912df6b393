"""Rules that a fact turns on and another one off, each through the parts that see them."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from connectors.memory.farside import Upload
from connectors.port.events import Batch
from orchestrator.clock import DAY
from orchestrator.command.risk_look import RiskLook
from orchestrator.flow.overdue import hand_on
from orchestrator.flow.quarantine import KEPT_FOR, Quarantine
from tiers.classify import Classification, Context, Part
from tiers.ids import MessageId, PersonId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, Talk, by_words
from .test_flow_legs import SAID, mirrored
from .test_flow_rooms import PRICE
from .test_mirrored import SECOND
from .test_quarantine import listener, refused
from .test_risk_answers import answers
from .test_risk_remedies import home_answers
from .test_risk_rooms import over, reads

pytestmark = pytest.mark.usefixtures("untold")
LUNCH = Talk("lunch", Tier.COORDINATION)
STANDBY = "wallcross-b"


def isopen(house: House, rule: str) -> Callable[[], Awaitable[bool]]:
    """Whether a finding of a rule is open after a look."""

    async def found() -> bool:
        await RiskLook(house.home.runtime).look()
        return rule in await house.findings()

    return found


def isover(house: House, rule: str) -> Callable[[], Awaitable[bool]]:
    still = isopen(house, rule)

    async def found() -> bool:
        return not await still()

    return found


async def the(house: House, rule: str) -> str:
    """The one open finding of a rule."""
    sql = "SELECT finding_id FROM finding WHERE rule = ? AND closed_at IS NULL"
    [(finding,)] = await house.rows(sql, rule)
    return str(finding)


# --- who is in --------------------------------------------------------------------------------


async def test_who_is_cleared_and_has_no_seat_is_found_until_he_is_out(opens: Opens) -> None:
    house = await opens((Talk("lunch", Tier.COORDINATION, members=("ada", "di")),))
    room = house.room("lunch")
    assert not await reads(house, "member_without_seat")()
    await house.far.add_member(room, "cy", by="ada")
    await eventually(reads(house, "member_without_seat"))
    await house.far.remove_member(room, "cy")
    await eventually(over(house, "member_without_seat"))
    assert "unknown_member" not in await house.findings()


async def test_the_account_that_stands_by_is_missed_until_it_is_back(opens: Opens) -> None:
    house = await opens((LUNCH,), settings={"standby": STANDBY})
    room = house.room("lunch")
    assert not await reads(house, "standby_missing")()
    await house.far.remove_member(room, STANDBY)
    await eventually(reads(house, "standby_missing"))
    finding = await the(house, "standby_missing")
    shown = await answers(house, finding, "put_right")
    assert shown.plan is not None
    await answers(house, finding, "put_right", plan=shown.plan)
    await eventually(over(house, "standby_missing"))


async def test_who_was_taken_over_is_found_until_a_person_lets_him_go_on(house: House) -> None:
    assert not await isopen(house, "phished")()
    await house.home.person_phished(house.deal, PersonId("di"), actor=ACTOR)
    assert await isopen(house, "phished")()
    came = await answers(house, await the(house, "phished"), "resume_person")
    assert came.closed
    assert {k.state for k in await house.home.key_list(house.deal, PersonId("di"))} == {
        "superseded"
    }, "what he read with stays out"


# --- what is written --------------------------------------------------------------------------


async def test_what_did_not_go_to_the_other_rooms_is_found_until_it_is_released(
    opens: Opens,
) -> None:
    house = await mirrored(opens)
    room = house.room("lunch", SECOND)
    await house.others[SECOND].change(room, invite_only=False)
    await house.quiet()
    house.home.runtime.observer.forget(SECOND)
    message = await house.taken(await house.far.write("ada", house.room("lunch"), SAID))
    assert await house.ends(message) == "held"
    assert await isopen(house, "not_carried")(), "it is held still"
    await house.others[SECOND].change(room, invite_only=True)
    await house.quiet()
    house.home.runtime.observer.forget(SECOND)
    await house.home.held_release(message, actor=ACTOR)
    assert await house.ends(message) == "delivered"
    assert await isover(house, "not_carried")()


async def test_what_was_taken_back_above_its_room_is_found_until_it_is_settled(
    house: House,
) -> None:
    message = await house.taken(await house.far.write("ada", house.room("lunch"), PRICE))
    assert await house.ends(message) == "held"

    async def undone() -> bool:
        sql = "SELECT 1 FROM delivery WHERE message_id = ? AND kind = 'undo' AND state = 'done'"
        return bool(await house.rows(sql, message))

    await eventually(undone)
    runtime = house.home.runtime
    await hand_on(runtime.store, house.clock())
    assert await isopen(house, "withdrawn")(), "it is gone there, and nobody settled it yet"
    await answers(house, await the(house, "withdrawn"), "drop")
    await hand_on(runtime.store, house.clock())
    assert await isover(house, "withdrawn")()


async def test_what_we_cannot_read_is_found_until_its_author_deletes_it(house: House) -> None:
    room, image = house.room("lunch"), Upload("plan.png", b"\x89PNG....", "image/png")
    remote = await house.far.write("ada", room, SAID, files=[image])
    assert await house.ends(await house.taken(remote)) == "delivered"
    await house.quiet()
    assert await isopen(house, "unread_content")()
    await house.far.delete("ada", room, remote)
    await eventually(isover(house, "unread_content"))


class Fails:
    """Cannot look at a word."""

    def classify(self, parts: Sequence[Part], context: Context) -> Classification:
        if any("zfails" in part.text for part in parts):
            raise ValueError
        return by_words().classify(parts, context)


async def in_a_room(house: House) -> MessageId:
    return await house.taken(await house.far.write("ada", house.room("lunch"), "zfails"))


async def at_our_door(house: House) -> MessageId:
    return await house.send("zfails", to="lunch")


@pytest.mark.parametrize("write", [in_a_room, at_our_door])
async def test_what_could_not_be_looked_at_is_found_until_it_is_settled(
    opens: Opens, write: Callable[[House], Awaitable[MessageId]]
) -> None:
    house = await opens((LUNCH,), classifier=Fails())
    message = await write(house)
    assert await house.ends(message) == "held"
    assert await isopen(house, "unjudged")()
    await answers(house, await the(house, "unjudged"), "drop")
    assert await house.state(message) == "dropped"
    assert await isover(house, "unjudged")()


@pytest.mark.parametrize("verdict", ["mismatch", "unsigned"])
async def test_a_mail_that_is_not_believed_is_found_until_it_is_dropped_from_the_card(
    house: House, verdict: str
) -> None:
    """What is alarming is a finding about whoever claims to have sent it; else about its kind."""
    await listener(house).take(Batch((refused(verdict=verdict),), "1"))
    assert await isopen(house, "mail_quarantined")()
    came = await home_answers(house, await the(house, "mail_quarantined"), "drop_stranger")
    assert came.done == ("1 dropped",)
    assert came.closed
    assert await house.rows("SELECT kept FROM quarantine") == [(0,)]


async def test_a_mail_that_is_not_believed_is_over_once_its_bytes_expire(house: House) -> None:
    await listener(house).take(Batch((refused(),), "1"))
    runtime = house.home.runtime
    house.clock.ahead = KEPT_FOR - DAY
    await Quarantine(runtime.sealer, runtime.now).expire(runtime.store)
    assert await isopen(house, "mail_quarantined")()
    house.clock.ahead = KEPT_FOR + DAY
    await Quarantine(runtime.sealer, runtime.now).expire(runtime.store)
    assert await isover(house, "mail_quarantined")()
