"""What an operator may set, and what is refused, with its place and without its value."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import registry
from connectors.port import ConnectorName, Guarantee
from connectors.port.connector import Setup
from connectors.port.errors import Rejected
from connectors.wickr.connector import open_connector
from connectors.wickr.settings import WickrSecrets, WickrSettings, read_setup

GOOD = {"api": "https://wickr.example:4001", "user": "wallcross_bot"}
SECRETS = {"api_key": "key-of-the-bot", "auth_token": "token-of-the-bot", "state_key": "00" * 32}


def setup(
    settings: Mapping[str, Any] | None = None, secrets: Mapping[str, str] | None = None
) -> Setup:
    return Setup(
        ConnectorName("wickr"), settings or GOOD, secrets or SECRETS, Path("/nowhere"), lambda: 1
    )


def test_where_we_are_reached_without_a_port_is_our_api() -> None:
    at = {"reached_at": "https://wallcross.example/api/v1/webhooks/wickr"}
    assert read_setup(setup(GOOD | at))[0].through_api
    assert not read_setup(setup(GOOD | at | {"listen_port": 9440}))[0].through_api
    assert not read_setup(setup(GOOD | at | {"receive": "poll"}))[0].through_api
    assert not read_setup(setup())[0].through_api


def test_the_least_that_is_needed_is_enough() -> None:
    settings, secrets = read_setup(setup())
    assert (settings.receive, settings.listen_port, settings.burn_on_read) == ("callback", 0, None)
    assert secrets.key == bytes(32)


@pytest.mark.parametrize(
    "more",
    [
        {"api": "http://wickr.example:4001"},
        {"api": "http://10.0.0.7:4001"},
        {"api": "https://wickr.example/WickrIO/V1/Apps/secret-key"},
        {"api": "wickr.example"},
        {"reached_at": "http://wallcross.example", "listen_port": 9440},
        {"listen": "0.0.0.0"},  # noqa: S104 - that it is refused is what is tested
        {"listen": "wallcross.example"},
        {"listen_port": 70000},
        {"user": ""},
        {"user": "a b"},
        {"standby": "wallcross_bot"},
        {"receive": "both"},
        {"poll_every": 60},
        {"burn_on_read": 0},
        {"attachments": "attachments"},
        {"uploads": "../x"},
        {"novelty": 1},
        {"addressing": "v1"},
    ],
    ids=lambda more: f"{next(iter(more))}",
)
def test_what_opens_another_door_is_refused_without_its_value(more: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        open_connector(setup(GOOD | more))
    told = str(caught.value)
    assert next(iter(more)) in told
    assert "secret-key" not in told


@pytest.mark.parametrize(
    "more",
    [
        {"api_key": "short"},
        {"auth_token": "with a space in it"},
        {"auth_token": "line\r\nX-Header: 1234567"},
        {"state_key": "not 32 bytes of anything"},
    ],
    ids=range(4),
)
def test_a_secret_that_cannot_be_used_is_refused_and_not_quoted(more: dict[str, str]) -> None:
    with pytest.raises(Rejected) as caught:
        read_setup(setup(secrets=SECRETS | more))
    ((name, value),) = more.items()
    assert name in str(caught.value)
    assert value not in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Rejected) as caught:
        read_setup(setup({"listen": "8.8.8.8"}, {"state_key": "x"}))
    told = str(caught.value)
    assert all(word in told for word in ("api", "user", "listen", "api_key", "auth_token"))


def test_nothing_shows_a_secret() -> None:
    settings, secrets = read_setup(setup())
    connector = open_connector(setup())
    shown = f"{secrets!r} {settings!r} {connector!r} {setup()!r} {vars(connector)!r}"
    assert not [value for value in SECRETS.values() if value in shown]
    with pytest.raises(ValidationError) as caught:
        WickrSecrets.model_validate({"api_key": "canary-of-a-key", "auth_token": 5})
    assert "canary" not in str(caught.value)


def test_the_registry_knows_it_and_its_grade_is_lab() -> None:
    assert registry.SHIPPED["wickr"] == "connectors.wickr.connector:open_connector"
    found = registry.find("wickr")
    assert (found.settings(), found.secrets()) == (WickrSettings, WickrSecrets)
    graded = found.graded()
    assert graded is not None
    assert graded.grade is registry.Grade.LAB


def test_capabilities_promise_no_more_than_is_known() -> None:
    most = open_connector(setup(GOOD | {"standby": "second_bot"})).capabilities
    assert (most.idempotent_send, most.idempotent_for, most.re_offers) == (False, 0, False)
    assert not most.can & {
        Guarantee.DEVICES_VERIFIED,
        Guarantee.NO_PUBLIC_LINK,
        Guarantee.HISTORY_HIDDEN,
    }
    assert most.standby == "second_bot"
