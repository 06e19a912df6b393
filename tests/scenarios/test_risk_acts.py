"""Remedies about journal keys and insider notices do what their button says, from the card.

Each begins with the real trouble, is pressed through the API, and ends by the fact.
"""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestrator.client.problems import Refused, Waits, Wrong
from orchestrator.clock import DAY, MINUTE
from orchestrator.command.crossing_look import CrossingLook
from orchestrator.command.risk_look import RiskLook
from orchestrator.config.policy import default_text, read_policy
from orchestrator.journal.decision import Decision, sign
from orchestrator.journal.keygen import Group, generate
from orchestrator.roster.document import to_document
from tiers.ids import DealId, MessageId
from tiers.rights import DeskRole, Viewer
from tiers.tier import Tier

from .conftest import House, Opens
from .house import ACTOR, CHANNEL, roster
from .test_approvals import ADA, BO, CY, DI, asked, found, say
from .test_crossing import CY as CYRIL
from .test_crossing import NEWER, NOTICE, acknowledged, adopt, with_notice
from .test_crossing import answers as line
from .test_crossing import asked as shown_line
from .test_risk import desk, viewer
from .test_risk_answers import audited, raised

pytestmark = pytest.mark.usefixtures("untold")
POLICY = read_policy(default_text())
ROTATION = "rotation_overdue"


def public(scope: str) -> str:
    """The public file of a key that was made just now."""
    return json.dumps(generate(scope, [Group("counsel", 1, 1)]).public)


async def open_one(house: House, rule: str) -> str:
    """The one open finding of a rule."""
    sql = "SELECT finding_id FROM finding WHERE rule = ? AND closed_at IS NULL"
    [(finding,)] = await house.rows(sql, rule)
    return str(finding)


async def overdue(house: House) -> str:
    """A year and more goes by, in which nobody renewed a key but that of one scope."""
    house.clock.ahead += 400 * DAY
    await house.home.journal_key_add(house.deal, "kestrel", public("kestrel"), actor=ACTOR)
    await RiskLook(house.home.runtime).look()
    return await open_one(house, ROTATION)


async def test_a_journal_key_that_is_overdue_is_renewed_from_the_card(house: House) -> None:
    """In a deal that is made up and not founded one person may."""
    finding = await overdue(house)
    newer = public("joint")
    async with desk(house, DeskRole.COUNSEL, DeskRole.OWNER, person="bo") as client:
        with pytest.raises(Wrong):
            await client.finding_answer(house.deal, finding, "adopt_key", {"public": "{}"})
        other = {"public": public("nobody")}
        with pytest.raises(Wrong):
            await client.finding_answer(house.deal, finding, "adopt_key", other)
        came = await client.finding_answer(house.deal, finding, "adopt_key", {"public": newer})
    assert came.closed
    assert ROTATION not in await house.findings()
    assert await audited(house, finding) == 1


async def test_in_a_founded_deal_two_people_agree_to_the_key(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await found(house, ADA, BO, CY, DI)
    finding = await overdue(house)
    monkeypatch.setattr(house.home.runtime, "clock_trusted", lambda: True)  # a year in a moment
    async with desk(house, DeskRole.COUNSEL, DeskRole.OWNER, person="bo") as client:
        newer = {"public": public("joint")}
        with pytest.raises(Waits):
            await client.finding_answer(house.deal, finding, "adopt_key", newer)
    before = await house.rows("SELECT count(*) FROM journal_key")
    request = await asked(house)
    assert "sealed to the key jkey_" in (await house.home.approval_show(request)).changes[0]
    assert (await say(house, request, ADA)).state == "waits"
    assert await house.rows("SELECT count(*) FROM journal_key") == before
    assert (await say(house, request, CY)).state == "done"
    await RiskLook(house.home.runtime).look()
    assert ROTATION not in await house.findings()


async def test_whoever_may_not_change_rules_adopts_no_key(house: House) -> None:
    finding = await overdue(house)
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        with pytest.raises(Refused):
            await client.finding_answer(
                house.deal, finding, "adopt_key", {"public": public("joint")}
            )


async def test_who_did_not_prove_himself_lately_is_asked_to(house: House) -> None:
    finding = await overdue(house)
    seated = replace(viewer(house, DeskRole.COUNSEL, DeskRole.OWNER, person="bo"), stepped_up=False)
    card = await house.home.finding_show(house.deal, finding, seated)
    [adopt_it] = [a for a in card.answers if a.answer == "adopt_key"]
    assert (adopt_it.may, adopt_it.prove) == (False, True)
    with pytest.raises(Refused, match="Prove that it is you"):
        await house.home.finding_answer(
            house.deal, finding, "adopt_key", {"public": public("joint")}, seated
        )


async def waiting(opens: Opens, policy: str | None = None) -> tuple[House, str, MessageId]:
    """A message that nobody may be sent yet, as no copy of it can be made for counsel."""
    house = await opens((), journal=False)
    if policy is not None:
        await house.home.adopt(house.deal, "policy", policy, actor=ACTOR)
    message = await house.send("Noon in room four.")
    await house.quiet()
    assert await house.state(message) == "accepted"
    await RiskLook(house.home.runtime).look()
    return house, await open_one(house, "journal"), message


async def gone_on(house: House, message: MessageId) -> None:
    await house.ends(message)
    await RiskLook(house.home.runtime).look()
    assert "journal" not in await house.findings()


async def test_of_a_channels_secret_that_is_overdue_the_channel_is_paused(house: House) -> None:
    """No journal key is adopted there: what renews it is told with the reason."""
    finding = await raised(house, ROTATION, f"{CHANNEL}:password")
    whole = Viewer("test", whole=True)
    card = await house.home.finding_show(house.deal, finding, whole)
    assert [a.answer for a in card.answers if a.primary] == ["pause_channel"]
    assert "adopt_key" not in {a.answer for a in card.answers}
    await house.home.finding_answer(house.deal, finding, "pause_channel", {}, whole)
    assert house.home.runtime.channels[CHANNEL].paused == "finding rotation_overdue"


async def test_what_waits_for_a_journal_goes_on_once_a_key_is_adopted_from_the_card(
    opens: Opens,
) -> None:
    house, finding, message = await waiting(opens)
    async with desk(house, DeskRole.COUNSEL, DeskRole.OWNER, person="bo") as client:
        newer = {"public": public("kestrel")}
        await client.finding_answer(house.deal, finding, "adopt_key", newer)
    await gone_on(house, message)
    assert len(await house.rows("SELECT 1 FROM journal")) == 1


async def test_what_waits_goes_on_once_counsels_decision_is_handed_in(opens: Opens) -> None:
    own = Ed25519PrivateKey.generate()
    name = own.public_key().public_bytes_raw().hex()
    rules = default_text().replace("[counsel]", f'[counsel]\nkestrel = ["{name}"]', 1)
    house, finding, message = await waiting(opens, read_policy(rules))
    tiers = [tier.value for tier in Tier]
    async with desk(house, DeskRole.COUNSEL, DeskRole.OWNER, person="bo") as client:
        stranger = {"decision": decided(house, tiers[0], Ed25519PrivateKey.generate())}
        with pytest.raises(Refused):
            await client.finding_answer(house.deal, finding, "exempt", stranger)
        for tier in tiers:
            signed = {"decision": decided(house, tier, own)}
            came = await client.finding_answer(house.deal, finding, "exempt", signed)
            if came.closed:
                break
    await gone_on(house, message)
    assert await house.rows("SELECT 1 FROM journal WHERE envelope IS NOT NULL") == []


def decided(house: House, tier: str, key: Ed25519PrivateKey) -> str:
    """That nothing of a tier is journaled, as counsel signs it."""
    said = Decision(house.deal, "kestrel", tier, journal=False, at=house.clock() - MINUTE)
    statement, signature, signer = sign(said, key)
    return json.dumps(
        {"statement": statement.decode(), "signature": signature.hex(), "signer": signer}
    )


async def real_deal(house: House) -> House:
    """A real deal beside the made-up one, a draft yet, whose sides have no notice."""
    made = await house.home.deal_new("GULL", made_up=False, policy=POLICY, actor=ACTOR)
    deal = DealId(made.deal_id)
    await house.home.adopt(deal, "roster", to_document(roster()), actor=ACTOR)
    return replace(house, deal=deal)


async def test_a_side_without_a_notice_is_found_until_it_has_one_from_the_card(
    opens: Opens,
) -> None:
    """The rule ``no_notice``, on and off."""
    house = await real_deal(await opens((), journal=False, host="kestrel"))
    look = CrossingLook(house.home.runtime).look
    await look()
    sql = "SELECT finding_id, subject FROM finding WHERE rule = 'no_notice' AND closed_at IS NULL"
    open_now = {side: finding for finding, side in await house.rows(sql)}
    assert open_now.keys() == {"kestrel", "marlow"}
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        blank = {"notice": " "}
        with pytest.raises(Wrong):
            await client.finding_answer(house.deal, open_now["marlow"], "set_notice", blank)
        said = {"notice": f"{NOTICE}\n"}
        came = await client.finding_answer(house.deal, open_now["marlow"], "set_notice", said)
    assert came.closed
    assert "acknowledge" in came.then
    await look()
    assert {side for _, side in await house.rows(sql)} == {"kestrel"}
    assert (await house.home.person_show(house.deal, CYRIL)).notice.stands == "to_cross"
    assert await audited(house, open_now["marlow"]) == 1


async def test_a_changed_notice_is_shown_again_from_the_card_until_it_is_acknowledged(
    opens: Opens,
) -> None:
    house = await opens(people=with_notice())
    look = CrossingLook(house.home.runtime).look
    await house.home.person_cross(house.deal, CYRIL, ADA.person, "needed", actor=ACTOR)
    await line(house, CYRIL, await shown_line(house, CYRIL))
    await acknowledged(house, CYRIL)
    await adopt(house, with_notice(NEWER))
    await look()
    finding = await open_one(house, "notice_changed")
    before = len(await house.told(CYRIL, 3))
    async with desk(house, DeskRole.OWNER, person="ada") as client:
        came = await client.finding_answer(house.deal, finding, "show_notice")
    assert came.done == ("shown to 1 in lines of their own",)
    assert not came.closed, "it is he who acknowledges"
    shown = (await house.told(CYRIL, before + 1))[-1].text
    assert NEWER in shown
    await line(house, CYRIL, shown.split("this line alone: ")[1].splitlines()[0])
    await house.told(CYRIL, before + 2)
    await look()
    assert "notice_changed" not in await house.findings()
