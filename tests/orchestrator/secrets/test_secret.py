"""A secret shows itself by ``reveal`` alone."""

import copy
import json
import logging
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.secrets.secret import Secret, SecretError

CANARY = "kq7Zr2mVw9Xc4Tn1Lp6Yb3Hs8Gd5Fj0A"


@given(st.text("ABCDEFabcdef0123456789", min_size=12, max_size=40))
def test_nothing_that_prints_shows_the_value(text: str) -> None:
    secret = Secret(text.encode())
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>60}",
        f"{[secret]}",
        "%s" % secret,  # noqa: UP031 - each way of printing is tried
    ]
    assert not any(text in form for form in shown)
    assert secret.reveal() == text.encode()
    assert secret.reveal_text() == text


def test_it_is_written_nowhere_by_pickle_json_or_logging(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY.encode())
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        hash(secret)
    logging.getLogger("probe").warning("%s %r", secret, {"s": secret})
    assert CANARY not in caplog.text
    assert "Secret(…)" in caplog.text


def test_copies_and_comparison() -> None:
    secret = Secret(b"one")
    assert copy.deepcopy({"a": secret})["a"].reveal() == b"one"
    assert copy.copy(secret) == secret
    assert secret == Secret(b"one")
    assert secret != Secret(b"two")
    assert secret != b"one"
    assert not Secret(b"")


def test_bytes_that_are_no_text_are_refused_without_being_repeated() -> None:
    with pytest.raises(SecretError) as caught:
        Secret(b"\xff\xfe" + CANARY.encode()).reveal_text()
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
