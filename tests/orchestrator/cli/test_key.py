"""`key show`, `add`, `replace`, `expire-soon`: what is told, what is asked, and how each ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import session
from orchestrator.client.keys_desk import KeyCard, Lapse
from orchestrator.client.problems import Missing, Refused
from orchestrator.client.views import KeyView
from orchestrator.config.policy import default_text, read_policy
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store
from tests.orchestrator.api.conftest import MemoryHome

from .conftest import Wx

PRINT = "ab" * 20
KEY = KeyView(
    person="el",
    connector="mail",
    account="el@lawfirm.test",
    device="openpgp",
    key=PRINT,
    state="verified",
    at=1_767_225_600_000_000,
    vouchers=("ada", "bo"),
    words=("aardvark", "adroitness", "absurd", "adviser", "afflict"),
    lapses_at=None,
)
CARD = KeyCard(key=KEY, name="El", ends_at=None, seats=("opinion",), standing=True)
LAPSE = Lapse(
    kind="certificate",
    person="el",
    name="El",
    what="certificate on mail",
    ends_at=0,
    then="ask for the prolonged certificate: wallcross key add el FILE",
)


@pytest.fixture
def answers(wx: Wx, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the home behind `wallcross` answers, by the name of what is asked."""
    migrate(tmp_path / "store.db")
    home.mkdir(mode=0o700)
    (tmp_path / "el.asc").write_text("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    given: dict[str, Any] = {}

    @asynccontextmanager
    async def opened(*_: Any, **__: Any) -> AsyncIterator[MemoryHome]:
        store = Store(tmp_path / "store.db")
        there = MemoryHome(store)
        there.answers, there.calls = given, given.setdefault("calls", [])
        if not await there.deal_list():
            rules = read_policy(default_text())
            await there.deal_new("HALCYON", made_up=True, policy=rules, actor="local:1")
        yield there
        await store.close()

    monkeypatch.setattr(session, "opened", opened)
    del wx
    return given


def asked(answers: dict[str, Any], name: str) -> list[tuple[Any, ...]]:
    return [args[1:] for called, args, _ in answers["calls"] if called == name]


def test_a_key_is_shown_with_words_vouchers_and_seats(wx: Wx, answers: dict[str, Any]) -> None:
    answers["key_show"] = [CARD]
    done = wx("key", "show", "el", "--deal", "HALCYON")
    assert done.code == 0, done.err
    for part in (PRINT, "aardvark adroitness absurd adviser", "afflict", "ada, bo", "opinion"):
        assert part in done.out
    assert "nothing is sealed to it" not in done.out
    answers["key_show"] = [replace(CARD, standing=False, ends_at=0)]
    done = wx("key", "show", "el", "--deal", "HALCYON")
    assert "nothing is sealed to it" in done.out
    assert "cannot be used now" in done.out
    assert wx("key", "show", "el", "--deal", "HALCYON", "--json").json["seats"] == ["opinion"]
    answers["key_show"] = Missing("there is no such person or key")
    assert wx("key", "show", "zz", "--deal", "HALCYON").code == 1


def test_a_replacement_says_what_is_compared_and_which_key_it_ends(
    wx: Wx, answers: dict[str, Any], tmp_path: Path
) -> None:
    answers["key_replace"] = replace(KEY, state="seen", device="openpgp-1")
    line = ("key", "replace", "el", "openpgp", str(tmp_path / "el.asc"), "--deal", "HALCYON")
    done = wx(*line, "--yes")
    assert done.code == 0, done.err
    assert "wallcross person verify el --by A --by B --words WORDS --replaces openpgp" in done.out
    [(person, old, channel, armour)] = asked(answers, "key_replace")
    assert (person, old, channel) == ("el", "openpgp", None)
    assert armour.startswith(b"-----BEGIN")

    answers["key_replace"] = Refused("that is the same key")
    assert wx(*line, "--yes").code == 5
    assert wx(*line).code == 2, "nobody can be asked: --yes"
    (tmp_path / "el.asc").unlink()
    done = wx(*line, "--yes")
    assert (done.code, "No key was changed" in done.err) == (1, True)


def test_a_renewed_certificate_is_not_compared_again(
    wx: Wx, answers: dict[str, Any], tmp_path: Path
) -> None:
    answers["key_add"] = KEY
    done = wx("key", "add", "el", str(tmp_path / "el.asc"), "--deal", "HALCYON")
    assert done.code == 0, done.err
    assert "compared already" in done.out
    answers["key_add"] = replace(KEY, state="seen")
    done = wx("key", "add", "el", str(tmp_path / "el.asc"), "--deal", "HALCYON")
    assert "wallcross person verify el --by A --by B --words WORDS" in done.out
    assert wx("key", "import", "el", str(tmp_path / "el.asc")).code == 2, "one name, not two"


def test_what_lapses_has_an_exit_code_only_where_it_is_asked_for(
    wx: Wx, answers: dict[str, Any]
) -> None:
    answers["key_lapsing"] = [LAPSE]
    done = wx("key", "expire-soon", "--deal", "HALCYON")
    assert done.code == 0, done.err
    assert "wallcross key add el FILE" in done.out
    assert "cannot be used now" in done.out
    done = wx("key", "expire-soon", "--days", "7", "--exit-code", "--deal", "HALCYON", "--json")
    assert (done.code, done.lines[0]["kind"]) == (10, "certificate")
    assert [args[0] for args in asked(answers, "key_lapsing")] == [30, 7]
    answers["key_lapsing"] = []
    done = wx("key", "expire-soon", "--exit-code", "--deal", "HALCYON")
    assert (done.code, "Nothing lapses within 30 days." in done.out) == (0, True)
    assert wx("key", "expire-soon", "--days", "0", "--deal", "HALCYON").code == 2
