"""What each page is given: who looks, at which deal, and how to ask.

Rules kept here:

1. Each question goes to the API with the session of whoever looks, and is decided there anew; what
   a page leaves out is a courtesy, never the control.
2. A session that is over empties the page at once. Whatever else goes wrong stops the part that
   asked, in words of what is wrong, what still holds and what to do; never in a traceback.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import streamlit as st

from dashboard.link import link
from dashboard.widgets import states
from orchestrator.client.api import Client
from orchestrator.client.problems import Problem, SignInFirst
from orchestrator.client.sign_in import MeView, MyDeal

T = TypeVar("T")
_TOLD = "desk.told"
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
def part() -> Iterator[None]:
    """A part of a page: what goes wrong in it is said in its place, and the rest goes on."""
    told()
    try:
        yield
    except SignInFirst:
        signed_out()
    except Problem as problem:
        states.failed(problem)


def told() -> None:
    """Says what became of the last act, once."""
    found = st.session_state.pop(_TOLD, None)
    if not isinstance(found, Told):
        return
    if found.problem is not None:
        states.failed(found.problem)
    else:
        states.done(found.words)


def live(every_s: float, show: Callable[[], None]) -> None:
    """Shows a part that makes itself anew.

    Args:
        every_s: seconds between.
        show: makes it; asks the API each time.
    """

    @st.fragment(run_every=every_s)
    def again() -> None:
        with part():
            show()

    again()


def signed_out() -> None:
    """Empties the page, says so, and stops. Raises: what stops a page."""
    st.session_state.clear()
    states.signed_out()
    st.stop()
