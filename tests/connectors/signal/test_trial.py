"""`channel test` on a Signal account: a group with nobody else in it, and what it can prove."""

from orchestrator.command.trial import Trial, shows_running_timer
from tiers.guarantees import Evidence, Guarantee
from tiers.policy import Grade

from .conftest import Lab


async def test_a_group_with_ourselves_alone_shows_what_it_can(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.account("ann")
    trial = Trial("signal", bot)
    await trial.run()
    assert [(s.name, s.ok) for s in trial.steps] == [
        ("signed in", True),
        ("own room, settings read back", True),
        ("members read back", True),
        ("own message", True),
        ("taken back, asked", True),
        ("own room given up", True),
    ]
    assert await lab.ours("ann", None) == []
    groups = [o for o in await lab.hand.requests() if o.verb == "group_create"]
    assert [(g.body or {}).get("members") for g in groups] == [[]]


async def test_a_timer_that_was_only_asked_for_makes_it_field_and_no_more(lab: Lab) -> None:
    bot = await lab.bot()
    trial = Trial("signal", bot)
    await trial.run()
    assert trial.posture is not None
    (timer,) = [h for h in trial.posture.holdings if h.guarantee is Guarantee.TIMER]
    assert timer.evidence is Evidence.REQUESTED
    assert trial.grade(Grade.LAB, stated=True, timer_seen=False) is Grade.FIELD


async def test_without_a_persons_word_a_stand_in_earns_lab(lab: Lab) -> None:
    bot = await lab.bot()
    trial = Trial("signal", bot)
    await trial.run()
    assert trial.grade(Grade.LAB, stated=False, timer_seen=True) is Grade.LAB


async def test_a_timer_seen_in_a_rooms_traffic_makes_it_fit(lab: Lab) -> None:
    bot = await lab.bot()
    room = await lab.room(bot, "ann")
    assert shows_running_timer(await bot.posture(room))
    trial = Trial("signal", bot)
    await trial.run()
    assert trial.grade(Grade.LAB, stated=True, timer_seen=True) is Grade.FIT


async def test_a_server_that_does_not_answer_earns_nothing(lab: Lab) -> None:
    bot = await lab.bot()
    await lab.hand.lose_registration()
    trial = Trial("signal", bot)
    await trial.run()
    assert not trial.passed
    assert trial.grade(Grade.FIELD, stated=True, timer_seen=True) is Grade.NONE


async def test_through_the_daemon_any_room_of_ours_shows_its_timer(stream_lab: Lab) -> None:
    """Nobody has to write in it first."""
    bot = await stream_lab.bot()
    trial = Trial("signal", bot)
    await trial.run()
    assert [step.name for step in trial.steps if not step.ok] == []
    assert trial.posture is not None
    assert shows_running_timer(trial.posture)
    assert trial.grade(Grade.LAB, stated=True, timer_seen=True) is Grade.FIT
    assert trial.grade(Grade.LAB, stated=False, timer_seen=True) is Grade.LAB
