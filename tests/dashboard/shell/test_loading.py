"""The shape stands while a page is asked for the first time, and never over what is shown."""

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from dashboard.widgets.loading import LINE, loading

def ask():
    held = st.session_state.setdefault("held", [])
    held.append(sum(m.startswith("&nbsp;") for m in shown))
    return "the figures"

shown = []
drawn = st.markdown
st.markdown = lambda text: (shown.append(text), drawn(text))[1]
try:
    st.text(loading(st.session_state.get("page", "people"), 3, ask))
finally:
    st.markdown = drawn
"""


def test_it_is_drawn_once_for_a_page_and_gone_when_the_answer_is_there() -> None:
    at = AppTest.from_string(SCRIPT).run()
    assert not at.exception
    assert at.session_state["held"] == [3]
    assert [t.value for t in at.text] == ["the figures"]
    assert not at.markdown, "nothing of the shape is left"
    at.run()
    assert at.session_state["held"] == [3, 0], "figures that are shown are drawn over by nothing"
    at.session_state["page"] = "own"
    at.run()
    assert at.session_state["held"] == [3, 0, 3]


def test_it_is_gone_where_the_answer_is_a_refusal() -> None:
    script = SCRIPT.replace('return "the figures"', 'raise ValueError("no")').replace(
        "finally:", 'except ValueError:\n    st.text("refused")\nfinally:'
    )
    at = AppTest.from_string(script).run()
    assert [t.value for t in at.text] == ["refused"]
    assert not at.markdown


def test_cards_are_drawn_where_cards_will_stand() -> None:
    at = AppTest.from_string(SCRIPT.replace("3, ask)", "1, ask, cards=2)")).run()
    assert at.session_state["held"] == [1 + 2 * 4]
    assert not at.markdown


def test_what_follows_stays_where_it_is_once_the_shape_is_gone() -> None:
    at = AppTest.from_string(SCRIPT).run()
    first = list(at.main.children)
    at.run()
    assert list(at.main.children) == first
