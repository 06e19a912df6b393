"""What is not believed is kept sealed, stands on the record, and enters no room."""

from collections.abc import AsyncIterator

import pytest

from connectors.port.events import Batch, InboundMessage, Quarantined
from connectors.port.messages import Attachment, Content
from orchestrator.clock import DAY, now
from orchestrator.flow import quarantine
from orchestrator.flow.listen import Listener
from orchestrator.flow.quarantine import KEPT_FOR, Quarantine
from orchestrator.rooms.linked import LinkedDevices
from orchestrator.store.unit import StoreError
from tiers.ids import AccountId, ConnectorName, RemoteId

from .conftest import House, Opens
from .house import CHANNEL

CANARY = b"the-number-nobody-may-read-9b7e21"
LONG = CANARY * 20_000
"""So long that it lies in a file."""


def refused(name: str = "m-1", verdict: str = "mismatch", raw: bytes = CANARY) -> Quarantined:
    async def pieces() -> AsyncIterator[bytes]:
        yield raw

    file = Attachment("mail.eml", "message/rfc822", len(raw), pieces)
    who = AccountId("alice@lawfirm.test")
    found = (verdict, "message", ("signer_not_pinned",), who)
    return Quarantined(RemoteId(name), *found, received_at=now(), raw=file)


def listener(house: House) -> Listener:
    runtime = house.home.runtime
    name = ConnectorName(CHANNEL)
    return Listener(
        name,
        runtime.connectors[name],
        runtime.store,
        runtime.accepter,
        runtime.observer.forget,
        runtime.observer.forget_account,
        runtime.engine.wake,
        Quarantine(runtime.sealer, runtime.now),
        lambda *_: None,
        runtime.enrolling,
        LinkedDevices(runtime.store, runtime.book, runtime.watcher, runtime.now).hear,
    )


async def kept(house: House) -> list[tuple[str, int]]:
    found = await house.rows("SELECT quarantine_id, kept FROM quarantine ORDER BY received_at")
    return [(name, flag) for name, flag in found]


async def test_it_is_sealed_and_stands_on_the_record(opens: Opens) -> None:
    house = await opens()
    await listener(house).take(Batch((refused(raw=LONG),), "1"))
    ((owner, flag),) = await kept(house)
    assert flag == 1
    sealer, store = house.home.runtime.sealer, house.home.runtime.store
    assert await store.read(lambda tx: sealer.open(tx, owner)) == LONG
    assert "mail_quarantined" in await house.findings()
    ((entries,),) = await house.rows(
        "SELECT count(*) FROM audit WHERE instr(entry, 'message.quarantined')"
    )
    assert entries == 1
    assert await house.rows("SELECT 1 FROM message WHERE connector = ?", CHANNEL) == []
    home = house.home.runtime.settings.state
    files = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in files if CANARY in path.read_bytes()] == []


async def test_offered_again_it_is_kept_once(opens: Opens) -> None:
    house = await opens()
    for cursor in ("1", "2"):
        await listener(house).take(Batch((refused(raw=LONG),), cursor))
    ((owner, _),) = await kept(house)
    blobs = house.home.runtime.settings.state / "blobs"
    assert [path.name for path in blobs.glob("qua_*")] == [owner]


async def test_a_batch_that_is_not_stored_leaves_nothing(opens: Opens) -> None:
    house = await opens()

    async def broken() -> AsyncIterator[bytes]:
        yield b"a piece"
        raise StoreError("lost")

    bad = Attachment("x", "text/plain", 1, broken)
    said = InboundMessage(None, RemoteId("m-2"), AccountId("ada"), Content("x", None, (bad,)), 1)
    with pytest.raises(StoreError):
        await listener(house).take(Batch((refused(raw=LONG), said), "1"))
    assert await kept(house) == []
    assert list((house.home.runtime.settings.state / "blobs").glob("qua_*")) == []


async def test_a_flood_fills_no_disk_and_stands_on_the_record(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MOST", 2)
    house = await opens()
    mails = tuple(refused(f"m-{n}", "unsigned", LONG) for n in range(4))
    await listener(house).take(Batch(mails, "1"))
    assert [flag for _, flag in await kept(house)] == [1, 1, 0, 0]
    assert len(list((house.home.runtime.settings.state / "blobs").glob("qua_*"))) == 2


async def test_few_large_mails_fill_no_disk_either(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MOST_BYTES", 2 * len(LONG))
    house = await opens()
    sizes = (LONG, LONG, CANARY, LONG)
    mails = tuple(refused(f"m-{n}", "unsigned", raw) for n, raw in enumerate(sizes))
    await listener(house).take(Batch(mails, "1"))
    flags = [flag for _, flag in await kept(house)]
    assert (len(flags), sum(flags)) == (4, 2), "each is on the record, two are kept"


async def test_it_is_destroyed_when_its_time_is_over(opens: Opens) -> None:
    house = await opens()
    await listener(house).take(Batch((refused(raw=LONG),), "1"))
    runtime = house.home.runtime
    keeper = Quarantine(runtime.sealer, runtime.now)
    assert await keeper.expire(runtime.store) == 0
    house.clock.ahead = KEPT_FOR + DAY
    assert await keeper.expire(runtime.store) == 1
    assert [flag for _, flag in await kept(house)] == [0]
    assert list((runtime.settings.state / "blobs").glob("qua_*")) == []
