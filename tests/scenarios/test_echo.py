"""No loops: two networks that we mirror, and somebody else's bridge that posts all that it reads.

The bridge holds the accounts of a person in each room and posts whatever it has not posted yet,
into the other room or back into the same: bare, quoted as we quote, or with more to it each time.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestrator.flow.echo import DEEPEST, OFTEN, Echoes, Heard
from tiers.ids import ConnectorName

from .conftest import House, opening
from .test_flow_legs import BOTH, mirrored

FIRST, SECOND = BOTH
SAID = "The list of documents was read again before noon."
ACCOUNT = {FIRST: "di", SECOND: "el"}
ROUNDS = 3 * OFTEN
WAYS: dict[str, Callable[[str, str | None, int], str]] = {
    "bare": lambda text, _author, _n: text,
    "as we lay it out": lambda text, author, _n: f"{author}\n> {text}",
    "with more each time": lambda text, author, n: f"{author} wrote: {text} [{n}]",
}


class Bridge:
    """Posts what it reads.

    Args:
        way: how.
        back: into the room that it read it in, too.
    """

    def __init__(self, house: House, way: str, *, back: bool) -> None:
        self._house = house
        self._way = WAYS[way]
        self._back = back
        self._seen: set[str] = set()
        self.posts = 0

    async def turn(self) -> int:
        """Posts all that is new; returns how much that was."""
        before = self.posts
        for channel, other in ((FIRST, SECOND), (SECOND, FIRST)):
            room = self._house.room("lunch", channel)
            for message in await self._house.others[channel].inbox(ACCOUNT[channel], room):
                if message.id in self._seen or "hosted by" in message.text:
                    continue
                self._seen.add(message.id)
                text = self._way(message.text, message.author_line, self.posts)
                for where in (other, channel) if self._back else (other,):
                    await self._post(where, text)
        return self.posts - before

    async def _post(self, channel: str, text: str) -> None:
        room = self._house.room("lunch", channel)
        remote = await self._house.others[channel].write(ACCOUNT[channel], room, text)
        self._seen.add(remote)  # its own posts, it knows
        self.posts += 1
        message = await self._house.taken(remote, ConnectorName(channel))
        await self._house.ends(message)


async def no_loop(house: House, way: str, back: bool, texts: list[str]) -> None:
    bridge = Bridge(house, way, back=back)
    for text in texts:
        remote = await house.far.write("ada", house.room("lunch"), text)
        assert await house.ends(await house.taken(remote)) == "delivered"
    for _ in range(ROUNDS):
        if not await bridge.turn():
            break
    else:
        raise AssertionError("it went round for ever")
    inbox = await house.others[SECOND].inbox("cy", house.room("lunch", SECOND))
    relayed = Counter(m.text for m in inbox if m.key is not None)
    assert all(relayed[text] >= 1 for text in texts)


@pytest.fixture
def folders(tmp_path: Path, secrets_apart: None) -> Iterator[Path]:  # noqa: ARG001 - for its effect
    """A folder for each example."""
    return (tmp_path / f"example{n}" for n in itertools.count())


def live(folders: Iterator[Path], way: str, *, back: bool, texts: list[str]) -> None:
    async def run() -> None:
        async with opening(next(folders)) as opens:
            await no_loop(await mirrored(opens), way, back, texts)

    asyncio.run(run())


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(way="as we lay it out", back=True, texts=["Yes."])
@given(
    st.sampled_from(sorted(WAYS)),
    st.booleans(),
    st.lists(st.sampled_from((SAID, "Yes.", "Noon is fine for all of us, is it not?")), max_size=3),
)
def test_no_bridge_makes_a_loop(
    folders: Iterator[Path], way: str, back: bool, texts: list[str]
) -> None:
    live(folders, way, back=back, texts=texts)


def test_without_the_ear_there_is_a_loop(
    folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Echoes, "hears", lambda *_: Heard.NEWS)
    monkeypatch.setitem(globals(), "ROUNDS", 3 * DEEPEST)
    with pytest.raises(AssertionError, match="for ever"):
        live(folders, "bare", back=False, texts=[SAID])


async def test_an_echo_is_a_finding_and_goes_nowhere(folders: Iterator[Path]) -> None:
    async with opening(next(folders)) as opens:
        house = await mirrored(opens)
        remote = await house.far.write("ada", house.room("lunch"), SAID)
        assert await house.ends(await house.taken(remote)) == "delivered"
        room = house.room("lunch", SECOND)
        again = await house.others[SECOND].write("el", room, f"Ada\n> {SAID}")
        assert await house.ends(await house.taken(again, ConnectorName(SECOND))) == "delivered"
        inbox = await house.far.inbox("ada", house.room("lunch"))
        assert [m.text for m in inbox if SAID in m.text] == [SAID]
        assert "echo" in await house.findings()
