"""Killed (SIGKILL) before every act on the disk, a turn loses nothing and revives nothing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("crash_driver.py")


def drive(house: Any, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(DRIVER), str(house.base), *arguments],
        capture_output=True,
        check=True,
        timeout=280,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def nested(house: Any, tmp_path: Path) -> Any:
    """The house one folder deeper, so that the driver's working copy stays in ``tmp_path``."""
    base = tmp_path / "house"
    base.mkdir()
    for part in ("home", "secrets", "secrets.in-keyring"):
        (tmp_path / part).rename(base / part)
    house.base = base
    return house


def test_killed_at_every_step_of_a_turn(nested: Any) -> None:
    found = drive(nested)
    assert found["broken"] == []
    assert found["steps"] > 15, "the turn touches the disk many times; each was a crash"


def test_a_key_destroyed_too_early_is_noticed(nested: Any) -> None:
    assert drive(nested, "--early")["broken"]
