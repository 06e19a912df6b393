"""What each page is given: who looks, at which deal, and how to ask.

Rules kept here:

1. Each question goes to the API with the session of whoever looks, and is decided there anew; what
   a page leaves out is a courtesy, never the control.
2. A session that is over empties the page at once. Whatever else goes wrong stops the part that
   asked, in words of what is wrong, what still holds and what to do; never in a traceback.
3. What became of an act moves nothing on the page: a part has its place for it before there is
   anything to say. What moved would leave the next press beside what it was meant for, and give a
   live part another name than the one by which the browser hands in presses on it.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, TypeVar

import streamlit as st

from dashboard.link import link
from dashboard.widgets import states
from orchestrator.client.api import Client
from orchestrator.client.problems import Problem, SignInFirst
from orchestrator.client.sign_in import MeView, MyDeal

T = TypeVar("T")
_TOLD = "desk.told"
_KEPT = "desk.kept"
PLACE: Final = "told"
"""Key of the place where it is said what became of an act (``static/pages.css`` puts it there)."""
DONE_S: Final = 12.0
FAILED_S: Final = 60.0
"""How long a part that makes itself anew goes on saying it."""
NOTHING = ("nothing", "nothing")


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an act, to be said where the page goes on."""

    words: str = ""
    problem: Problem | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who looks, and at which deal.

    Attributes:
        me: whoever looks.
        deal: the deal that he chose.
    """

    me: MeView
    deal: MyDeal

    def may(self, right: str, *acts: str) -> bool:
        """Whether he sees anything in a row of the table of rights.

        Args:
            right: the row, such as ``findings``.
            acts: one of these must be what he may do there; none given: seeing is enough.
        """
        scope, act = self.power(right)
        return act in acts if acts else scope != "nothing"

    def power(self, right: str) -> tuple[str, str]:
        """How much he sees in a row, and what he may do about it, as words of the table."""
        rights: Mapping[str, tuple[str, str]] = self.deal.rights
        return rights.get(right, NOTHING)

    def ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """What the API answers.

        Raises:
            Problem: what it says instead; ``part`` shows it.
        """
        return link().ask(question)

    def act(self, question: Callable[[Client], Awaitable[object]], done: str) -> bool:
        """Asks from a button's ``on_click``; what became of it is said where the page goes on.

        Args:
            question: the act.
            done: words of ours for when it went well; names in it go through ``safe``.
        """
        try:
            self.ask(question)
        except SignInFirst:
            return False  # the page that follows finds out by itself
        except Problem as problem:
            st.session_state[_TOLD] = Told(problem=problem)
            return False
        st.session_state[_TOLD] = Told(done)
        return True


@contextmanager
def part(*, again: bool = False) -> Iterator[None]:
    """A part of a page: what goes wrong in it is said in its place, and the rest goes on.

    Args:
        again: it makes itself anew by itself, and says for a while what became of an act.
    """
    told(again=again)
    try:
        yield
    except SignInFirst:
        signed_out()
    except Problem as problem:
        states.failed(problem)


def told(*, again: bool = False) -> None:
    """Says what became of the last act; its place is there when there is nothing to say, too.

    Args:
        again: as of ``part``.
    """
    found = st.session_state.pop(_TOLD, None)
    if not isinstance(found, Told):
        found = _kept() if again else None
    elif again:
        stays = DONE_S if found.problem is None else FAILED_S
        st.session_state[_KEPT] = (found, monotonic() + stays)
    with st.container(key=None if found is None else PLACE):
        if found is not None and found.problem is not None:
            states.failed(found.problem)
        elif found is not None:
            states.done(found.words)


def _kept() -> Told | None:
    """What was said already, and not for long enough yet."""
    found, until = st.session_state.get(_KEPT, (None, 0.0))
    return found if monotonic() < until else None


def live(every_s: float, show: Callable[[], None]) -> None:
    """Shows a part that makes itself anew.

    Args:
        every_s: seconds between.
        show: makes it; asks the API each time.
    """
    st.session_state.pop(_KEPT, None)  # what was said before the whole page was made anew

    @st.fragment(run_every=every_s)
    def live_part() -> None:
        with part(again=True):
            show()

    live_part()


def signed_out() -> None:
    """Empties the page, says so, and stops. Raises: what stops a page."""
    st.session_state.clear()
    states.signed_out()
    st.stop()
