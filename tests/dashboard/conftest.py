"""How a page is tested: a real home in this process, a viewer of your choice, the page by AppTest.

    async def test_overview_says_that_nothing_needs_you(look: Look) -> None:
        at = await look.page("overview", look.as_("owner"))
        assert "Nothing needs you" in words(at)
        at.button(key="leaving").click()
        await look.again(at)

- ``look.house`` is the live home of ``tests/scenarios/conftest.py`` (deal HERON; ada, bo and el of
  Kestrel, cy and di of Marlow; the conversations price, supply and lunch): write, hold and leave
  with it as scenarios do.
- ``look.as_(*roles, person=…)`` is a viewer; ``person=None`` is nobody of the roster (an operator).
- ``look.page(key, viewer)`` runs one page of ``dashboard.nav.PAGES`` without its navigation;
  ``look.whole(viewer)`` runs the whole script, with it.
- ``look.again(at)`` runs it again after a click. AppTest itself is not async: always await these,
  or the home, which lives in the test's own loop, cannot answer.
- ``words(at)`` is all the text that is shown; ``at.exception`` must be empty (``look`` sees to it).
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import link
from orchestrator.api.app import make_desk
from orchestrator.api.who import here
from orchestrator.client.wire import app_transport
from tests.scenarios.conftest import House, Opens, house, opens, secrets_apart, untold
from tiers.ids import PersonId, SideId
from tiers.people import Party
from tiers.rights import DeskRole, Seat, Viewer

__all__ = ["House", "Look", "Opens", "house", "look", "opens", "secrets_apart", "untold", "words"]

SECRET = "a-session-of-this-test"
RUN_S = 20.0
ORIGIN = "http://localhost:8642"
SIDES = {"ada": "kestrel", "bo": "kestrel", "el": "kestrel", "cy": "marlow", "di": "marlow"}
PARTIES = {"kestrel": Party.ACQUIRER, "marlow": Party.TARGET}


@dataclass(slots=True)
class Look:
    """Looks at pages of a live home.

    Attributes:
        house: the home.
        viewer: who looks; None is nobody who is signed in.
    """

    house: House
    viewer: Viewer | None = None
    secret: Callable[[], str | None] = field(default=lambda: SECRET)

    def as_(self, *roles: str, person: str | None = "ada", stepped_up: bool = False) -> Viewer:
        """A viewer with these roles in the deal of the house."""
        side = None if person is None else SideId(SIDES[person])
        seat = Seat(
            deal=self.house.deal,
            person=None if person is None else PersonId(person),
            roles=frozenset(DeskRole(r) for r in roles),
            side=side,
            party=None if side is None else PARTIES[side],
        )
        actor = "local:test" if person is None else f"person:{person}"
        return Viewer(actor, seats={self.house.deal: seat}, stepped_up=stepped_up)

    async def page(self, key: str, viewer: Viewer | None, **query: str) -> AppTest:
        """Runs one page, as somebody."""
        script = f"from dashboard.nav import alone\nalone({key!r})\n"
        return await self._begun(AppTest.from_string(script), viewer, query)

    async def whole(self, viewer: Viewer | None, **query: str) -> AppTest:
        """Runs the whole script, with its navigation, as somebody."""
        script = Path(link.__file__).parent / "start" / "script.py"
        return await self._begun(AppTest.from_file(str(script)), viewer, query)

    async def again(self, at: AppTest) -> AppTest:
        """Runs it once more, after a click or when the world has changed."""
        loop = asyncio.get_running_loop()
        desk = make_desk(self.house.home, self.viewer)
        link.put(link.Link(loop, app_transport(desk, here()), ORIGIN, secret=self.secret))
        try:
            await asyncio.to_thread(at.run, timeout=RUN_S)
        finally:
            link.put(None)
        assert not at.exception, [e.value for e in at.exception]
        return at

    async def _begun(self, at: AppTest, viewer: Viewer | None, query: dict[str, str]) -> AppTest:
        self.viewer = viewer
        at.query_params.update(query)
        return await self.again(at)


def words(at: AppTest) -> str:
    """Everything that a page says, in order."""
    return "\n".join(_said(at))


def _said(at: AppTest) -> Iterator[str]:
    for block in (at.main, at.sidebar):
        for element in block:
            for name in ("value", "label", "body"):
                text = getattr(element, name, None)
                if isinstance(text, str):
                    yield text


@pytest.fixture
async def look(house: House) -> Look:
    return Look(house)
