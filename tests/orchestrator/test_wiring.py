"""Opening a home: its own secrets are made once, and lost ones are never made anew."""

from pathlib import Path

import pytest

from orchestrator.clock import now
from orchestrator.config import load
from orchestrator.seal.errors import SealError
from orchestrator.secrets.secret import SecretError
from orchestrator.wiring import open_home, open_runtime
from orchestrator.wiring.home import Lazy


@pytest.mark.parametrize("name", ["master", "audit"])
async def test_a_lost_secret_is_never_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "secrets"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    found = load(state=tmp_path / "home")
    async with open_runtime(found, Lazy(), live=False, now=now) as runtime:
        before = runtime.head_key.public
        secrets = runtime.secrets
    async with open_runtime(found, Lazy(), live=False, now=now) as runtime:
        assert runtime.head_key.public == before
    assert secrets.delete(name)
    with pytest.raises((SecretError, SealError)):
        async with open_runtime(found, Lazy(), live=False, now=now):
            pytest.fail("a home without its secrets was opened")
    assert secrets.get(name) is None


async def test_an_anchor_that_cannot_be_built_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "secrets"))
    file = tmp_path / "wallcross.toml"
    file.write_text('[[anchors]]\nkind = "folder"\nname = "near"\npath = "home/heads"\n')
    file.chmod(0o600)
    with pytest.raises(Exception, match="near") as told:
        async with open_home(load(file=file, state=tmp_path / "home"), live=True, now=now):
            pytest.fail("a home was opened with an anchor inside it")
    assert "lies in the home" in str(told.value)
