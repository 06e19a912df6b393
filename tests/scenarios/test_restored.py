"""A backup of a living home, and what becomes of the home that is made of it."""

import asyncio
import io
import os
import string
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyrage
import pytest

from connectors.memory.connector import MemoryConnector
from connectors.memory.network import Options
from connectors.port.errors import Rejected
from connectors.port.messages import Accepted
from orchestrator.backup import snapshot
from orchestrator.backup.check import verify
from orchestrator.backup.restore import restore
from orchestrator.client.problems import Unready
from orchestrator.clock import now
from orchestrator.command import restored
from orchestrator.command.home import OpenHome
from orchestrator.config.load import load
from orchestrator.wiring import open_runtime
from tiers.tier import Tier

from .canaries import Net
from .conftest import OURS, Hands, House, Opens, eventually
from .house import ACTOR, CHANNEL, PRICE, Talk, by_words
from .test_approvals import ADA, BO, CY, ask_release, found, hold, say, signed_but_not_done

FORGETTING = {"idempotent_for": "0"}
IDENTITY = pyrage.x25519.Identity.generate()
OPERATIONS = (Talk("supply", Tier.OPERATIONS, gate=True),)
GATES = (Talk("price", Tier.VALUATION, gate=True), *OPERATIONS)


def canary() -> str:
    letters = string.ascii_letters + string.digits
    return "".join(letters[byte % 62] for byte in os.urandom(32))


async def backed_up(house: House) -> bytes:
    """A backup of a living home."""
    pieces = house.home.backup_create([str(IDENTITY.to_public())], actor=ACTOR)
    return b"".join([piece async for piece in pieces])


@dataclass(slots=True)
class Again:
    """The home, made anew of a backup in the place of the one that was lost."""

    house: House
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    async def restored(self, backup: bytes) -> None:
        """Loses the home and restores a backup of it in its place."""
        home = self.folder / "home"
        home.rename(self.folder / "lost")
        assert restore(io.BytesIO(backup), [IDENTITY], home, at=now()).problems == ()

    @asynccontextmanager
    async def opened(self, *, live: bool) -> AsyncIterator[House]:
        """Opens the restored home over the same network."""
        flags = {
            f"channels.{CHANNEL}.kind": "memory",
            f"channels.{CHANNEL}.settings.network": f"{self.folder}/{CHANNEL}",
            f"channels.{CHANNEL}.settings.unsafe_trust_first_seen": "false",
            **{f"channels.{CHANNEL}.settings.{name}": v for name, v in self.settings.items()},
        }
        found = load(flags=flags, environ={}, state=self.folder / "home")
        async with open_runtime(found, by_words(), live=live, now=Hands()) as runtime:
            yield replace(self.house, home=OpenHome(runtime))


async def closed(opens: Opens) -> None:
    """Ends the living home; its network stays."""
    await opens.stack.aclose()


async def accepted(again: Again) -> None:
    async with again.opened(live=False) as house:
        await house.home.allowed("restored", actor="local:noor")


async def test_no_secret_and_no_text_is_in_a_backup(opens: Opens, tmp_path: Path) -> None:
    house = await opens(GATES)
    texts = {f"text {n}": f"{canary()} {PRICE if n % 2 else ''}" for n in range(12)}
    for text in texts.values():
        await house.send(text, to="supply")
    await house.home.watch_add(house.deal, [canary()], [], actor=ACTOR)
    plain = pyrage.decrypt(await backed_up(house), [IDENTITY])
    hits = list(Net(texts).data(plain, "backup"))
    assert hits == []
    secrets = [path.read_bytes() for path in (tmp_path / "secrets").rglob("*") if path.is_file()]
    assert len(secrets) >= 3  # the master key, the audit's, one of an epoch
    assert [n for n, secret in enumerate(secrets) if _half(secret) in plain] == []
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        tops = {name.partition("/")[0] for name in tar.getnames()}
    assert tops <= {"blobs", "channels", "home_id", "journal", "store.db", "manifest.json"}


def _half(secret: bytes) -> bytes:
    return secret[: max(16, len(secret) // 2)]


@pytest.mark.parametrize("what", ["secret", "text"])
async def test_planted_it_is_found(
    opens: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """What looks for secrets and texts finds them where somebody takes one along."""
    house = await opens(GATES)
    text = canary()
    await house.send(text, to="supply")
    spool = tmp_path / "home/channels" / CHANNEL / "spool"
    spool.mkdir(parents=True)
    secret = next(path for path in (tmp_path / "secrets").rglob("master*") if path.is_file())
    (spool / "mail").write_bytes(text.encode() if what == "text" else secret.read_bytes())
    monkeypatch.setattr(snapshot, "is_left", lambda *_, **__: False)
    plain = pyrage.decrypt(await backed_up(house), [IDENTITY])
    found = {hit.name for hit in Net({"text": text}).data(plain, "backup")}
    assert (found == {"text"}, secret.read_bytes() in plain) == (what == "text", what == "secret")


async def test_it_opens_no_channel_until_a_named_person_says_so(
    opens: Opens, tmp_path: Path
) -> None:
    house = await opens(OPERATIONS)
    backup = await backed_up(house)
    await closed(opens)
    again = Again(house, tmp_path)
    await again.restored(backup)
    for _ in range(2):
        with pytest.raises(Unready, match="nobody said"):
            async with again.opened(live=True):
                pytest.fail("it was opened")
    async with again.opened(live=False) as still:
        red = [c for c in await still.home.checks() if c.name == "restored"]
        assert [(c.state, c.group) for c in red] == [("fix", "home")]
        told = [e for e in await still.home.audit_tail(house.deal, 3) if e.kind == "home.restored"]
        assert [set(e.body) for e in told] == [{"backup_at", "restored_at", "manifest", "row"}]
    await accepted(again)
    async with again.opened(live=True) as living:
        [channel] = await living.home.channel_list()
        assert channel.state == "paused"
        said = await living.home.audit_tail(house.deal, 3)
        assert ("process.started", "local:noor") in {(e.kind, e.actor) for e in said}
        assert (await living.home.audit_verify(house.deal)).ok


@pytest.mark.parametrize("named", [False, True])
async def test_every_channel_is_paused_also_where_its_settings_came_later(
    opens: Opens, tmp_path: Path, *, named: bool
) -> None:
    """Whoever opened it first had no settings; who accepted it may have had none either."""
    house = await opens(OPERATIONS)
    backup = await backed_up(house)
    await closed(opens)
    again = Again(house, tmp_path)
    await again.restored(backup)
    bare = load(environ={}, state=tmp_path / "home")
    async with open_runtime(bare, by_words(), live=False, now=Hands()) as runtime:
        if not named:
            await OpenHome(runtime).allowed("restored", actor="local:noor")
    if named:
        await accepted(again)
    async with again.opened(live=True) as living:
        [channel] = await living.home.channel_list()
        assert channel.state == "paused"


async def test_a_channel_without_rooms_is_paused_by_whoever_accepts(
    opens: Opens, tmp_path: Path
) -> None:
    house = await opens(())
    backup = await backed_up(house)
    await closed(opens)
    again = Again(house, tmp_path)
    await again.restored(backup)
    bare = load(environ={}, state=tmp_path / "home")
    async with open_runtime(bare, by_words(), live=False, now=Hands()):
        pass
    await accepted(again)
    async with again.opened(live=True) as living:
        [channel] = await living.home.channel_list()
        assert channel.state == "paused"


async def test_what_waited_is_asked_of_the_network_before_it_goes_again(
    opens: Opens, tmp_path: Path
) -> None:
    """It had gone after the backup: it is not sent a second time, and nothing is lost."""
    house = await opens(OPERATIONS)
    await house.home.channel_pause(CHANNEL, "a look", actor=ACTOR)
    gone = await house.send("it goes", to="supply")

    async def queued() -> bool:
        return await house.state(gone) == "delivering"

    await eventually(queued)
    backup = await backed_up(house)
    await house.home.channel_resume(CHANNEL, actor=ACTOR)
    assert await house.ends(gone) == "delivered"
    await closed(opens)
    again = Again(house, tmp_path)
    await again.restored(backup)
    async with again.opened(live=False) as still:
        rows = await still.rows("SELECT state, attempts FROM delivery WHERE message_id = ?", gone)
        assert rows == [("started", 1)]
    await accepted(again)
    async with again.opened(live=True) as living:
        assert await living.state(gone) == "delivering"
        await living.home.channel_resume(CHANNEL, actor=ACTOR)
        assert await living.ends(gone) == "delivered"
        assert await living.seen("ada", "supply") == ["it goes"]


async def test_what_cannot_be_asked_for_is_left_to_the_policy(
    opens: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that neither finds nor recognises: VALUATION waits for a person's decision."""

    async def cannot(*_: object) -> Accepted | None:
        raise Rejected("not_there")

    monkeypatch.setattr(MemoryConnector, "find", cannot)
    house = await opens(GATES, options=Options(idempotent_for=0), settings=FORGETTING)
    await house.home.channel_pause(CHANNEL, "a look", actor=ACTOR)
    price = await house.send(f"{PRICE} it goes", to="price")

    async def queued() -> bool:
        return await house.state(price) == "delivering"

    await eventually(queued)
    backup = await backed_up(house)
    await house.home.channel_resume(CHANNEL, actor=ACTOR)
    assert await house.ends(price) == "delivered"
    await closed(opens)
    again = Again(house, tmp_path, FORGETTING)
    await again.restored(backup)
    await accepted(again)
    async with again.opened(live=True) as living:
        await living.home.channel_resume(CHANNEL, actor=ACTOR)
        assert await living.ends(price) == "possibly"
        assert len(await living.arrived(living.room("price"))) == 1


@pytest.mark.parametrize("planted", [False, True])
async def test_planted_what_waited_goes_a_second_time(
    opens: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, planted: bool
) -> None:
    """Without the rule that what waited counts as begun, its readers would have it twice."""
    house = await opens(OPERATIONS, options=Options(idempotent_for=0), settings=FORGETTING)
    await house.home.channel_pause(CHANNEL, "a look", actor=ACTOR)
    waits = await house.send("it goes", to="supply")

    async def queued() -> bool:
        return await house.state(waits) == "delivering"

    await eventually(queued)
    backup = await backed_up(house)
    await house.home.channel_resume(CHANNEL, actor=ACTOR)
    assert await house.ends(waits) == "delivered"
    await closed(opens)
    again = Again(house, tmp_path, FORGETTING)
    await again.restored(backup)
    if planted:
        monkeypatch.setattr(restored, "_begin", lambda *_: None)
    await accepted(again)
    async with again.opened(live=True) as living:
        await living.home.channel_resume(CHANNEL, actor=ACTOR)
        assert await living.ends(waits) == "delivered"
        assert len(await living.seen("ada", "supply")) == (2 if planted else 1)


async def test_what_the_network_says_a_second_time_goes_by_a_person_alone(
    opens: Opens, tmp_path: Path
) -> None:
    """Heard and passed on after the backup; the restored home hears it again, and holds it."""
    house = await opens(OPERATIONS)
    early = await house.send("early", to="supply")
    assert await house.ends(early) == "delivered"
    backup = await backed_up(house)
    _, remote = await house.far.direct("di", OURS, "#supply late")
    assert await house.ends(await house.taken(remote)) == "delivered"
    before = await house.seen("ada", "supply")
    assert before == ["early", "#supply late"]
    await closed(opens)
    again = Again(house, tmp_path)
    await again.restored(backup)
    await accepted(again)
    async with again.opened(live=True) as living:
        await living.home.channel_resume(CHANNEL, actor=ACTOR)
        late = await living.taken(remote)
        assert await living.ends(late) == "held"
        assert "restored home" in await living.reasons(late)
        assert await living.seen("ada", "supply") == before
        new = await living.send("and on it goes", to="supply")
        assert await living.ends(new) == "delivered"
        await living.home.held_move(late, "supply", actor=ACTOR)  # a person's decision
        assert await living.ends(late) == "possibly", "it shows that it may be there twice"


async def test_what_was_agreed_to_before_the_backup_is_not_done_by_itself(
    opens: Opens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens()
    await found(house, ADA, BO, CY)
    message = await hold(house)
    request = await ask_release(house, message)
    await signed_but_not_done(house, request, (BO, CY), monkeypatch)
    backup = await backed_up(house)
    await closed(opens)
    again = Again(house, tmp_path)
    await again.restored(backup)
    await accepted(again)
    async with again.opened(live=True) as living:
        assert (await living.home.approval_show(request)).state == "agreed"
        assert await living.state(message) == "held"
        await living.home.channel_resume(CHANNEL, actor=ACTOR)
        assert (await say(living, request, CY)).state == "done"
        assert await living.ends(message) == "possibly"


async def test_it_is_consistent_while_messages_come(opens: Opens, tmp_path: Path) -> None:
    house = await opens(OPERATIONS)
    sent = [await house.send(f"one {n}", to="supply") for n in range(10)]

    async def more() -> None:
        sent.extend([await house.send(f"more {n}", to="supply") for n in range(40)])

    backups, _ = await asyncio.gather(backed_up(house), more())
    (tmp_path / "checked").mkdir()
    found = verify(io.BytesIO(backups), [IDENTITY], tmp_path / "checked")
    assert found.problems == ()
    for message in sent:
        await house.ends(message)
    await closed(opens)
    again = Again(house, tmp_path)
    await again.restored(backups)
    async with again.opened(live=False) as still:
        assert (await still.home.audit_verify(house.deal)).ok
        assert (await still.home.audit_state(house.deal)).ok
