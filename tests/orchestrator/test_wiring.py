"""Opening a home: its own secrets are made once, and lost ones are never made anew."""

from pathlib import Path
from typing import Any

import pytest

from connectors.memory.farside import FarSide
from connectors.memory.network import shared
from connectors.registry import SHIPPED, find
from orchestrator.audit.anchors.folder import FolderAnchor
from orchestrator.clock import SECOND, now
from orchestrator.command.trust import ClockTrust
from orchestrator.config import load
from orchestrator.demo import sample
from orchestrator.seal.errors import SealError
from orchestrator.secrets.files import FileStore
from orchestrator.secrets.secret import SecretError
from orchestrator.wiring import assemble, open_home, open_runtime
from orchestrator.wiring.anchors import anchors_of
from orchestrator.wiring.home import Lazy
from orchestrator.wiring.settings import channel_mistakes


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


async def test_a_home_without_its_old_epoch_keys_opens_and_says_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "secrets"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    found = load(flags={"channels.sample.kind": "memory"}, state=tmp_path / "home")
    async with open_home(found, live=True, now=now) as home:
        deal = await sample.ensure_sample(home, FarSide.of(shared("memory")).register)
        await home.watch_add(deal, ["Kingfisher"], [], actor="local:me")
        vault = home.runtime.secrets
    for name in vault.names("epoch"):
        assert vault.delete(name)
    async with open_home(found, live=False, now=now) as home:
        labels = [c.label or "" for c in await home.conv_list(deal)]
        assert [label.startswith("lost-") for label in labels] == [True, False, False]
        assert home.runtime.book.deals[deal].watch is None
        needs = [need.subject for need in (await home.status()).needs]
        assert f"{deal}.watch" in needs
        assert (await home.audit_verify(deal)).ok


async def test_how_far_the_clock_may_be_off_is_taken_from_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WALLCROSS_SECRETS", str(tmp_path / "secrets"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    given: list[int] = []

    class Trust(ClockTrust):
        def __init__(self, *args: Any) -> None:
            given.append(args[-1])
            super().__init__(*args)

    monkeypatch.setattr(assemble, "ClockTrust", Trust)
    found = load(state=tmp_path / "home", flags={"clock.max_off_s": "7"})
    async with open_runtime(found, Lazy(), live=False, now=now):
        assert given == [7 * SECOND]


def test_a_folder_anchor_knows_the_witness_that_its_settings_name(tmp_path: Path) -> None:
    text = f'[[anchors]]\nkind = "folder"\nname = "a"\npath = "heads"\nwitness = "{"ab" * 32}"\n'
    (tmp_path / "wallcross.toml").write_text(text)
    (tmp_path / "wallcross.toml").chmod(0o600)
    found = load(state=tmp_path / "home", file=tmp_path / "wallcross.toml")
    [anchor] = anchors_of(found, FileStore(tmp_path / "secrets"))
    assert isinstance(anchor, FolderAnchor)
    assert anchor._witness == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize("kind", sorted(SHIPPED.keys() - {"memory"}))
def test_every_connector_with_secrets_is_asked_for_them(kind: str) -> None:
    model = find(kind).secrets()
    assert model is not None
    channel = {"kind": kind, "settings": {}, "secrets": {"no_such": "env:NOT_SET_ANYWHERE_AT_ALL"}}
    places = {mistake.place for mistake in channel_mistakes({"c": channel})}
    assert "channels.c.secrets.no_such" in places
