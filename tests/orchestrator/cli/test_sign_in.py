"""Signed in to a server by a code, as a person is; links and tokens by command lines."""

import re
import socket
import threading
from pathlib import Path

import httpx
import pytest

from orchestrator.cli.servers import address
from orchestrator.client.problems import Wrong
from orchestrator.signin.secret import COOKIE

from .conftest import Ended, Serve, Wx

ORIGIN = "http://localhost:8642"


@pytest.mark.parametrize(
    "wrong", ["http://wallcross.example", "ftp://x", "https://", "https://a/b", "https://a?b=c"]
)
def test_a_server_is_reached_over_tls_or_on_this_machine(wrong: str) -> None:
    with pytest.raises(Wrong):
        address(wrong)
    assert address("wallcross.example") == "https://wallcross.example"
    assert address("http://localhost:8643/") == "http://localhost:8643"


def test_whoever_is_not_signed_in_is_told_so(wx: Wx) -> None:
    for command in ("whoami", "logout"):
        ended = wx(command)
        assert (ended.code, "wallcross login" in ended.err) == (4, True)


def test_a_link_needs_a_serve(deal: Wx) -> None:
    assert deal("desk", "link").code == 3
    assert deal("desk", "sign-out").code == 2


def test_a_token_is_shown_once(deal: Wx) -> None:
    ended = deal("token", "new", "feed", "--conversation", "nowhere", "--person", "x")
    assert ended.code == 1
    assert "not on the roster" in ended.err
    assert "no token" in deal("token", "list").out


def confirm(api: str, link: str, shown: str) -> int:
    """At the desk: opens the link, then confirms what a program shows."""
    with httpx.Client(base_url=api, headers={"origin": ORIGIN}, trust_env=False) as http:
        opened = http.post(
            "/api/v1/session/link", json={"secret": link.partition("#")[2], "sure": True}
        )
        told = opened.headers["set-cookie"].partition(";")[0]
        assert told.startswith(COOKIE)
        done = http.post(
            "/api/v1/session/device", json={"shown": shown, "sure": True}, headers={"cookie": told}
        )
        return done.status_code


@pytest.mark.long
def test_a_person_signs_his_command_line_in(
    deal: Wx, serve: Serve, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{probe.getsockname()[1]}"
    settings = home / "wallcross.toml"
    settings.write_text(f'[web]\napi = "{api.removeprefix("http://")}"\n')
    settings.chmod(0o600)
    serve()
    person = deal("person", "show", "--json").lines[0]["person"]
    made = deal("desk", "link", "HALCYON", person)
    assert made.code == 0, made.err
    link = made.out.splitlines()[0]
    codes: list[int] = []
    shown = threading.Event()
    said: list[str] = []

    def note(self: object, text: str) -> None:
        del self
        said.append(text)
        shown.set()

    def at_the_desk() -> None:
        assert shown.wait(20)
        found = re.search(r"type in (\S+)", said[0])
        assert found is not None
        codes.append(confirm(api, link, found[1]))

    monkeypatch.setattr("orchestrator.cli.out.Out.note", note)
    beside = threading.Thread(target=at_the_desk)
    beside.start()
    ended = deal("login", api)
    beside.join(20)
    assert codes == [200]
    assert ended.code == 0, ended.err
    me: Ended = deal("whoami", "--json")
    assert (me.json["way"], me.json["deals"][0]["person"]) == ("device", person)
    elsewhere = ("--server", "last", "--deal", "HALCYON")
    assert deal(*elsewhere, "deal", "show", "--json").json["code"] == "HALCYON"
    assert deal(*elsewhere, "approver", "list").code == 5  # no part of his in this deal
    assert deal(*elsewhere, "channel", "list").code == 5  # for whoever runs the home
    assert deal("logout").code == 0
    assert deal(*elsewhere, "deal", "show").code == 4
    assert deal("whoami").code == 4
