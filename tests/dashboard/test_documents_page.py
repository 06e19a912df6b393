"""The pages Adviser documents and Connections, by whoever looks, over a live home."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.pages.audit import span
from dashboard.pages.connections import age
from dashboard.public import find
from tests.scenarios.conftest import Opens
from tests.scenarios.house import CHANNEL
from tests.scenarios.test_documents import parties, send

from .conftest import Look, words


def keys(at: AppTest) -> set[str]:
    return {str(b.key) for b in at.button}


async def test_nothing_was_sent_and_the_page_says_so(look: Look) -> None:
    at = await look.page("documents", look.as_("participant", "owner", person="ada"))
    assert at.subheader[0].value.endswith("Nothing is on its way.")
    assert "No document was sent yet." in words(at)


async def test_each_copy_is_a_line_and_what_was_refused_says_why(opens: Opens) -> None:
    house = await parties(opens)
    await house.far.add_device("cy", "second", "another-key")
    house.home.runtime.observer.forget(CHANNEL)
    await send(house)
    look = Look(house)
    at = await look.page("documents", look.as_("participant", "owner", person="ada"))
    said = words(at)
    assert "One copy did not arrive." in at.subheader[0].value
    lines = {m.value for m in at.markdown if m.value.startswith("Copy ")}
    assert sum("delivered]" in line for line in lines) == 2
    assert sum("refused]" in line for line in lines) == 1
    assert "agreement.txt" not in said
    own = await look.page("documents", look.as_("participant", person="di"))
    assert "Every copy reached its reader." in own.subheader[0].value
    assert "Cy" not in words(own)


async def test_a_document_is_sent_from_the_page_and_not_through_streamlit(look: Look) -> None:
    at = await look.page("documents", look.as_("participant", person="ada"))
    assert {s.key for s in at.selectbox} == {"document-into"}
    assert not at.get("file_uploader")
    adviser = await look.page("documents", look.as_("adviser", person="el"))
    assert not adviser.selectbox


async def test_every_channel_is_up_and_the_operator_alone_may_act(look: Look) -> None:
    at = await look.page("connections", look.as_("operator", person=None))
    assert at.subheader[0].value.endswith("The one channel is up.")
    at.button(key=f"pause-{CHANNEL}").click()
    await look.again(at)
    assert "memory is not up." in at.subheader[0].value
    assert "paused by us" in words(at)
    owner = await look.page("connections", look.as_("participant", "owner", person="ada"))
    assert "is not up" in owner.subheader[0].value
    assert keys(owner) == set(), "an owner sees and does not act"
    look.viewer = look.as_("operator", person=None)
    at.button(key=f"again-{CHANNEL}").click()
    await look.again(at)
    assert "The one channel is up." in at.subheader[0].value


@pytest.mark.parametrize(
    ("microseconds", "told"),
    [(0, "a minute"), (90 * 60_000_000, "90 minutes"), (49 * 3_600_000_000, "2 days")],
)
def test_spans_are_told_in_words(microseconds: int, told: str) -> None:
    assert span(microseconds) == told
    assert "less" in age(0)


@pytest.mark.parametrize("path", ["/key", "/key/", "/key/key.js", "/key/key.css"])
def test_the_key_page_and_what_it_needs_are_given_without_a_session(path: str) -> None:
    found = find(path)
    assert found is not None
    text = found.body.decode()
    assert "http://" not in text
    assert "https://" not in text
    assert not any(
        handler in text for handler in ("innerHTML", "eval(", "localStorage", "onclick=")
    )
