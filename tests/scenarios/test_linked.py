"""On which devices people write: each new one stops what demands verified ones."""

from collections.abc import Callable

from orchestrator.rooms.linked import MOST, LinkedDevices
from orchestrator.store.unit import Tx
from tiers.ids import AccountId, ConnectorName

from .conftest import House
from .house import CHANNEL

BO = AccountId("bo")


async def hear(house: House, linked: LinkedDevices, device: str) -> None:
    put, told = linked.hear(ConnectorName(CHANNEL), [(BO, device)])
    write: Callable[[Tx], None] = put
    await house.home.runtime.store.write(write)
    await told()


async def paused(house: House) -> bool:
    rows = await house.rows(
        "SELECT paused IS NOT NULL FROM room WHERE room = ?", house.room("price")
    )
    return bool(rows[0][0])


async def test_however_many_devices_he_wrote_on_the_next_one_is_new(house: House) -> None:
    """Whoever links and links again does not become known by it, nor fills the store."""
    runtime = house.home.runtime
    linked = LinkedDevices(runtime.store, runtime.book, runtime.watcher, runtime.now)
    for n in range(MOST + 3):
        house.clock.ahead += 1
        await hear(house, linked, str(n + 1))
        if n:
            assert await paused(house), n
            await house.home.conv_resume(house.deal, "price", actor="local:test")
    await hear(house, linked, str(MOST + 3))
    assert not await paused(house), "asked once, it is his"
    assert len(await house.rows("SELECT 1 FROM wrote_on")) == MOST
