"""What became of an act is said without moving anything, and for long enough to be read."""

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from dashboard import desk
from dashboard.desk import Told, live, part
from orchestrator.client.problems import Unready

clock = st.session_state.setdefault("clock", [0.0])
desk.monotonic = lambda: clock[0]
kind = st.session_state.pop("act", None)
if kind is not None:
    why = Unready("It was not taken", still="Nothing was changed") if kind == "failed" else None
    st.session_state[desk._TOLD] = Told("Done." if why is None else "", why)
if st.session_state.get("again"):
    desk.told(again=True)
else:
    with part():
        st.text("figures")
    live(5.0, lambda: st.text("live figures"))
"""


def places(at: AppTest) -> list[str]:
    """What stands on the page, place by place."""
    return [type(one).__name__ for one in at.main.children.values()]


def test_a_page_has_the_same_places_with_and_without_something_to_say() -> None:
    at = AppTest.from_string(SCRIPT).run()
    before = places(at)
    for act, words in (("done", "Done."), ("failed", "It was not taken")):
        at.session_state["act"] = act
        at.run()
        assert not at.exception
        assert words in " ".join(one.value for one in (*at.success, *at.markdown))
        assert places(at) == before
    at.run()
    assert not at.success, "it is said once"
    assert not at.markdown
    assert places(at) == before


def test_a_live_part_says_it_for_a_while_and_what_failed_for_longer() -> None:
    at = AppTest.from_string(SCRIPT)
    at.session_state["again"] = True
    for act, stays, shown in (("done", 11.0, "success"), ("failed", 59.0, "markdown")):
        at.session_state["act"] = act
        at.run()
        assert len(at.get(shown))
        at.session_state["clock"][0] += stays
        at.run()
        assert len(at.get(shown))
        at.session_state["clock"][0] += 2.0
        at.run()
        assert not len(at.get(shown))
