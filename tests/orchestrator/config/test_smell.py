"""Whatever looks like a secret fails, and is not repeated."""

import secrets
from collections.abc import Callable

import pytest

from orchestrator.config import Mistake

Find = Callable[[str], tuple[Mistake, ...]]

SECRETS = {
    "a name": 'password = "hunter2"',
    "a longer name": 'smtp_password = "hunter2"',
    "a private key": 'note = "-----BEGIN OPENSSH PRIVATE KEY-----"',
    "an age key": 'note = "AGE-SECRET-KEY-1QQQQQQQQ"',
    "a Matrix token": 'note = "syt_Ym90X25hbWU_abcdefghijkl_1a2b3c"',
    "a Slack token": 'note = "xoxb-1234567890-abcdefghijkl"',
    "a signed token": 'note = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2ln"',
    "a password in an address": 'server = "https://bot:hunter2@example.org"',
    "a secret in an address": f'at = "https://example.org:8643/x/{secrets.token_hex(32)}"',
    "random hexadecimal": f'note = "{secrets.token_hex(32)}"',
    "random base64": 'note = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="',
}
INNOCENT = {
    "an address": 'homeserver = "https://matrix.example.org:8448/path"',
    "an address of our API": 'at = "http://127.0.0.1:54321/api/v1/webhooks/signal-2"',
    "a Matrix id": 'user = "@wallcross:kestrel-and-partners.example.org"',
    "a path": 'folder = "/var/lib/wallcross/anchors/outside/storage/two"',
    "a path with a number": 'folder = "/srv/deal_of_the_northern_house_100/x2b4_ob80j6/anchor"',
    "a socket": 'address = "unix:/tmp/pytest-of-root/many_thousands_of_them_100/far.sock"',
    "a long name": 'note = "confirmatory-diligence-and-integration-planning"',
    "a reference in settings": 'password = "keyring:wallcross/matrix"',
    "a number": "port = 8448",
}


def _channel(line: str) -> str:
    return f'[channels.matrix]\nkind = "matrix"\n[channels.matrix.settings]\n{line}\n'


@pytest.mark.parametrize("line", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_is_found_and_not_repeated(mistakes: Find, line: str) -> None:
    (found,) = mistakes(_channel(line))
    value = line.split("=", 1)[1].strip().strip('"')
    assert found.wrong == "this looks like a secret"
    assert found.line == 4
    assert value not in str(found)


@pytest.mark.parametrize("line", INNOCENT.values(), ids=INNOCENT.keys())
def test_what_is_no_secret_passes(mistakes: Find, line: str) -> None:
    assert mistakes(_channel(line)) == ()


@pytest.mark.parametrize("value", ["hunter2", "keyring:nothing", "vault:x/y", "env:", "cmd:"])
def test_a_secret_is_named_by_reference_only(mistakes: Find, value: str) -> None:
    text = f'[channels.matrix]\nkind = "matrix"\nsecrets = {{ password = "{value}" }}'
    (found,) = mistakes(text)
    assert found.place == "channels.matrix.secrets.password"
    assert "hunter2" not in str(found)
