from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.config import ConfigInvalid, Mistake, Settings, load

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes `wallcross.toml` into a home of its own."""

    def put(text: str) -> Path:
        path = tmp_path / "wallcross.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return put


@pytest.fixture
def mistakes(write: Write) -> Callable[[str], tuple[Mistake, ...]]:
    """What is wrong with a text."""

    def find(text: str) -> tuple[Mistake, ...]:
        path = write(text)
        try:
            load(file=path, state=path.parent)
        except ConfigInvalid as invalid:
            return invalid.mistakes
        return ()

    return find


@pytest.fixture
def loaded(write: Write) -> Callable[..., Settings]:
    """Reads a text together with variables and flags."""

    def read(
        text: str, environ: dict[str, str] | None = None, flags: dict[str, str] | None = None
    ) -> Settings:
        path = write(text)
        return load(file=path, state=path.parent, environ=environ or {}, flags=flags or {})

    return read
