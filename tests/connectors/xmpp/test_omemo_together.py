"""What several wait to have sealed at once is one act: all of it is kept, or each by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

pytest.importorskip("slixmpp_omemo", reason="needs the extra omemo: run .venv-omemo/bin/pytest")

from connectors.port.errors import Unavailable
from connectors.xmpp.omemo.store import Unit
from connectors.xmpp.sealing import Sealed

from .omemo_lab import OmemoLab, served
from .omemo_people import Bot, Person, until
from .prosody import Prosody

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:Accessing plugins through:DeprecationWarning"),
]
TEXTS = [f"the figure of week {n}" for n in range(8)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prosody]:
    yield from served(tmp_path_factory.mktemp("prosody"))


@pytest.fixture
async def lab(server: Prosody, tmp_path: Path) -> AsyncIterator[OmemoLab]:
    made = OmemoLab(server, tmp_path)
    yield made
    for one in made.opened:
        await one.close()


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[Unit]:
    """Each time that what the keys became is written."""
    found: list[Unit] = []
    commit = Unit.commit

    def noted(unit: Unit) -> None:
        found.append(unit)
        commit(unit)

    monkeypatch.setattr(Unit, "commit", noted)
    return found


async def sealed(bot: Bot, text: str, *people: Person) -> Sealed:
    return await bot.sealer.seal(text, await bot.readers(*people))


async def shows(bot: Bot, person: Person, *made: Sealed) -> list[str]:
    """What a person's client makes of them, in this order."""
    for one in made:
        stanza = bot.client.make_message(mto=person.client.boundjid.bare, mtype="chat")
        for part in one.payload:
            stanza.append(part)
        stanza.send()
    await until(lambda: len(person.came) >= len(made))
    await until(lambda: all(task.done() for task in person._tasks))
    return person.texts


async def test_eight_at_once_are_written_once_and_each_has_a_key_of_its_own(
    lab: OmemoLab, kept: list[Unit]
) -> None:
    bot, anna, ben = await lab.bot(), await lab.person("anna"), await lab.person("ben")
    readers = await bot.readers(anna, ben)
    await bot.sealer.seal("before", readers)
    kept.clear()
    made = await asyncio.gather(*(bot.sealer.seal(text, readers) for text in TEXTS))
    assert len(kept) == 1
    for person in (anna, ben):
        assert await shows(bot, person, *reversed(made)) == [*reversed(TEXTS)]


async def test_one_that_cannot_be_sealed_takes_nothing_from_the_others(lab: OmemoLab) -> None:
    bot, anna, ben = await lab.bot(), await lab.person("anna"), await lab.person("ben")
    await sealed(bot, "before", anna)
    readers, both = await bot.readers(anna), await bot.readers(anna, ben)
    [device] = both[ben.account]
    place, bundles = (ben.account, int(device.device)), bot.sealer._engine.published.bundles
    bundle = bundles.pop(place)
    asked = [bot.sealer.seal(text, both if n == 3 else readers) for n, text in enumerate(TEXTS)]
    made = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(made[3], Unavailable)
    assert made[3].code == "keys_missing"
    rest = [one for one in made if isinstance(one, Sealed)]
    assert await shows(bot, anna, *rest) == TEXTS[:3] + TEXTS[4:]
    bundles[place] = bundle
    assert await shows(bot, ben, await sealed(bot, "and ben", anna, ben)) == ["and ben"]


async def test_a_disk_that_takes_nothing_lets_none_of_them_leave(
    lab: OmemoLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    await sealed(bot, "before", anna)
    readers = await bot.readers(anna)

    def full(_unit: Unit) -> None:
        raise Unavailable("state_unwritten", "the disk did not take our keys")

    with monkeypatch.context() as broken:
        broken.setattr(Unit, "commit", full)
        asked = (bot.sealer.seal(text, readers) for text in TEXTS)
        made = await asyncio.gather(*asked, return_exceptions=True)
    assert [str(one) for one in made] == [str(made[0])] * len(TEXTS)
    assert all(isinstance(one, Unavailable) for one in made)
    after = await asyncio.gather(*(bot.sealer.seal(text, readers) for text in TEXTS))
    assert await shows(bot, anna, *after) == TEXTS


async def test_one_that_is_given_up_is_not_sealed_and_the_others_are(
    lab: OmemoLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, anna = await lab.bot(), await lab.person("anna")
    await sealed(bot, "before", anna)
    readers, engine = await bot.readers(anna), bot.sealer._engine
    bodies: list[str] = []
    seal = engine.seal

    async def noted(body: str, targets: object) -> object:
        bodies.append(body)
        return await seal(body, targets)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "seal", noted)
    async with bot.sealer._turn:  # somebody opens what came
        tasks = [asyncio.ensure_future(bot.sealer.seal(text, readers)) for text in TEXTS]
        await until(lambda: len(bot.sealer._asked) == len(TEXTS))
        tasks[0].cancel()
        tasks[5].cancel()
        await asyncio.sleep(0)
    made = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in made].count(True) == 2
    left = [text for n, text in enumerate(TEXTS) if n not in {0, 5}]
    assert bodies == left
    rest = [one for one in made if isinstance(one, Sealed)]
    assert await shows(bot, anna, *rest) == left
