"""The demo's steps about the roster: whatever is broken in the world, the step sees it.

Nothing of a step is replaced: a phone lets somebody in again, a server answers and does nothing.
The tests use one stage, in their order; the last one leaves it for good.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from connectors.signal.standin.faults import FaultKind
from orchestrator.demo.mail_act import make_agreement, make_drafting
from orchestrator.demo.roster_act import added, leaves
from orchestrator.demo.signal_act import make_board
from orchestrator.demo.stage import user_of

from .theatre import Theatre, opened

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]
ROOM = "drafting on matrix"
LATE_S = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    async with opened(tmp_path_factory.mktemp("stage")) as found:
        found.stage.patience = LATE_S
        await make_board(found.stage)
        await make_agreement(found.stage)
        await make_drafting(found.stage)
        yield found


async def let_in_again(theatre: Theatre) -> None:
    owner, greta = theatre.stage.people["idris-costa"], theatre.stage.people["greta-bergmann"]
    await owner.invite(theatre.stage.rooms[ROOM], user_of("greta-bergmann"))
    await greta.join(theatre.stage.rooms[ROOM])


async def test_somebody_who_is_let_in_again_is_seen(theatre: Theatre) -> None:
    theatre.when("asked, and seen gone", partial(let_in_again, theatre))
    step = await theatre.sees(added)
    # either the room is seen to stop first, or what is sent there is held
    assert step.text in {
        "not seen: #drafting does not go on",
        "not seen: Idris Costa did not get it in #drafting",
    }
    greta = user_of("greta-bergmann")
    await theatre.stage.people["idris-costa"].kick(theatre.stage.rooms[ROOM], greta)


async def test_a_leave_that_a_network_only_says_it_did_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    await stage.signal.hand.fault(FaultKind.NOTHING, verb="changes", times=None)
    step = await theatre.sees(leaves)
    assert step.text == "not seen: she is not seen gone everywhere"
    await stage.signal.hand.clear_faults()
    for _ in range(1800):  # it is tried on by itself
        if (await stage.client.leave_show(stage.deal, "hana-ferri")).state == "gone":
            break
        await asyncio.sleep(0.1)
    assert "hana-ferri" not in (await stage.signal.hand.group(stage.rooms["board"])).members
