"""When a key ends is what gpg says can be sealed to: its subkeys, not the primary alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.pgpmail.gate import ends
from connectors.pgpmail.listing import Certificate, read_listing
from orchestrator import clock

from .conftest import Adviser
from .smith import Smith, subkey_expired

DAY = 24 * 3600 * 1_000_000
LISTING = ("--with-colons", "--check-sigs")


@pytest.fixture
def adviser(tmp_path: Path) -> Iterator[Adviser]:
    found = Adviser.at(tmp_path / "home")
    yield found
    found.end()


def listed(adviser: Adviser, fingerprint: str) -> Certificate:
    (found,) = read_listing(adviser.run(*LISTING, fingerprint).decode())
    return found


def test_a_renewed_primary_alone_seals_nothing(adviser: Adviser) -> None:
    key = subkey_expired(Smith(adviser))
    adviser.run("--quick-set-expire", key, "3y")
    assert ends(listed(adviser, key), clock.now()) == 0
    [subkey] = listed(adviser, key).subkeys
    adviser.run("--quick-set-expire", key, "2y", subkey.fingerprint)
    renewed = ends(listed(adviser, key), clock.now())
    assert renewed is not None
    assert 700 * DAY < renewed - clock.now() < 731 * DAY


def test_a_subkey_that_was_revoked_lengthens_nothing(adviser: Adviser) -> None:
    smith = Smith(adviser)
    key = smith.primary("ed25519")
    smith.subkey(key, "cv25519")
    smith.edit(key, "key 1", "revkey", "y", "0", "", "y")
    assert ends(listed(adviser, key), clock.now()) == 0
    smith.subkey(key, "cv25519", life="10d")
    left = ends(listed(adviser, key), clock.now())
    assert left is not None
    assert 9 * DAY < left - clock.now() <= 10 * DAY
    smith.subkey(key, "cv25519")
    assert ends(listed(adviser, key), clock.now()) is None
