"""Whatever is broken in the world, the step of the demo that looks sees it.

Nothing of a step is replaced: a test changes what the step is to observe (a room's settings, who
is in, our process, the store, what was kept outside) and has the step look for itself.
"""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from orchestrator.cli.main import run
from orchestrator.client.sign_in import NewLink
from orchestrator.demo import halcyon, play
from orchestrator.demo.audit_act import audit
from orchestrator.demo.crash_act import BURST_SIZE, crash
from orchestrator.demo.messages_act import flow, held, intake, send, withdrawn
from orchestrator.demo.people_act import new_device, stranger
from orchestrator.demo.rooms_act import make, read_back
from orchestrator.demo.script import BURST, MISPLACED, TO_INTAKE, TYPED
from orchestrator.demo.stage import Stage, user_of
from orchestrator.demo.synapse import ENVIRONMENT
from orchestrator.roster.document import to_document
from tiers.people import Grant, Roster
from tiers.tier import Tier

from .theatre import PATIENT_S, Theatre, goes_on, opened, with_synapse

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theatre(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    async with opened(tmp_path_factory.mktemp("stage")) as found:
        yield found


def store(stage: Stage) -> sqlite3.Connection:
    return sqlite3.connect(stage.served.home / "store.db", isolation_level=None, timeout=10)


# --- step by step: broken in the world, seen by the step ----------------------------------------


@pytest.mark.long
async def test_rooms_that_are_as_promised_are_seen_as_such(theatre: Theatre) -> None:
    assert (await theatre.sees(read_back)).ok


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "worse", "before", "found"),
    [
        (
            "m.room.history_visibility",
            {"history_visibility": "shared"},
            {"history_visibility": "joined"},
            "m.room.history_visibility is shared",
        ),
        ("m.room.topic", {"topic": "Offer for Marlow"}, {"topic": ""}, "m.room.topic"),
        ("m.room.name", {"name": "Halcyon van"}, {"name": "Room 0"}, "halcyon"),
        (
            "m.room.guest_access",
            {"guest_access": "can_join"},
            {"guest_access": "forbidden"},
            "m.room.guest_access is can_join",
        ),
    ],
)
async def test_a_room_that_its_owner_loosened_is_seen(
    theatre: Theatre, kind: str, worse: dict[str, str], before: dict[str, str], found: str
) -> None:
    stage = theatre.stage
    owner, room = stage.people[halcyon.OWNER], stage.rooms["logistics"]
    await owner.weaken(room, kind, worse)
    step = await theatre.sees(read_back)
    await owner.weaken(room, kind, before)
    assert not step.ok
    assert step.text == f"not seen: #logistics: {found}"
    assert (await theatre.sees(read_back)).ok


@pytest.mark.long
async def test_one_more_in_a_room_than_on_the_list_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    owner, room = stage.people[halcyon.OWNER], stage.rooms["price"]
    await owner.invite(room, user_of("idris-costa"))
    step = await theatre.sees(read_back)
    await stage.told("viktor-sand", "#price is paused")
    await owner.kick(room, user_of("idris-costa"))
    await goes_on(stage, "price")
    assert not step.ok
    assert "#price: 1 members differ" in step.text


@pytest.mark.long
async def test_a_message_that_its_reader_never_gets_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    owner, room = stage.people[halcyon.OWNER], stage.rooms["logistics"]
    await owner.kick(room, user_of("noor-ivanova"))
    step = await theatre.sees(flow)
    await owner.invite(room, user_of("noor-ivanova"))
    await stage.people["noor-ivanova"].join(room)
    assert not step.ok
    assert "Noor Ivanova did not get it" in step.text


@pytest.mark.long
async def test_a_held_price_that_leaks_into_logistics_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    leak = partial(stage.people["hana-ferri"].say, stage.rooms["logistics"], MISPLACED.text)
    theatre.when("sends to #logistics", leak)
    step = await theatre.sees(held)
    assert not step.ok
    assert "has it" in step.text


@pytest.mark.long
async def test_a_price_that_nobody_withdraws_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    await stage.served.kill()
    step = await theatre.sees(withdrawn)
    await stage.served.start()
    assert not step.ok
    assert "still there" in step.text
    reader, room = stage.people[TYPED.reader], stage.rooms["logistics"]
    event = next(s.event_id for s in reader.seen if s.body == TYPED.text)
    assert await reader.until(lambda: event in reader.redacted, 30.0)  # late, when we are back
    assert not (await reader.held_by_server(room, event))["content"]


@pytest.mark.long
async def test_an_intake_that_leads_nowhere_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    if TO_INTAKE[0].author not in stage.lines:
        await send(stage, MISPLACED, "logistics")
        await stage.told(MISPLACED.author, "Held. Nobody has seen it.")
    await stage.client.conv_pause(stage.deal, "diligence", "a test")
    step = await theatre.sees(intake)
    await stage.client.conv_resume(stage.deal, "diligence")
    assert not step.ok
    assert "Idris Costa did not get it in #diligence" in step.text


@pytest.mark.long
async def test_a_room_that_does_not_stop_for_somebody_added_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    listed = halcyon.roster(stage.accounts, apart=True)
    old = next(g for g in listed.grants if g.person_id == "idris-costa")
    cleared = Grant(old.person_id, old.compartment, Tier.VALUATION, old.span)
    more = Roster(listed.host, listed.sides, listed.people, (*listed.grants, cleared))
    await stage.client.adopt(stage.deal, "roster", to_document(more))
    step = await theatre.sees(stranger)
    await stage.client.adopt(stage.deal, "roster", to_document(listed))
    await stage.people[halcyon.OWNER].kick(stage.rooms["price"], user_of("idris-costa"))
    await goes_on(stage, "price")
    assert not step.ok
    assert "was told nothing" in step.text


@pytest.mark.long
async def test_a_device_that_is_never_verified_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage

    async def compromised() -> None:
        device, _ = stage.people["ximena-park-second"].device
        await stage.client.key_mark(stage.deal, "ximena-park", device, "compromise")

    theatre.when("nobody has compared", compromised)
    step = await theatre.sees(new_device)
    phone = stage.people.pop("ximena-park-second")
    await phone.sign_out()
    await phone.close()
    await goes_on(stage, "price")
    assert not step.ok
    assert "does not go on" in step.text or "not seen" in step.text


@pytest.mark.long
async def test_a_message_lost_in_a_crash_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage

    async def lose() -> None:
        with closing(store(stage)) as opened:
            (lost,) = opened.execute(
                "SELECT delivery_id FROM delivery WHERE state = 'queued' AND room = ? "
                "ORDER BY seq LIMIT 1",
                (stage.rooms["logistics"],),
            ).fetchone()
            opened.execute("DELETE FROM delivery WHERE delivery_id = ?", (lost,))

    theatre.when("The process is killed", lose)
    step = await theatre.sees(crash, PATIENT_S)
    assert not step.ok
    assert f"{BURST_SIZE - 1} of {BURST_SIZE}" in step.text


@pytest.mark.long
async def test_a_message_that_is_there_twice_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    author, label, _, text = BURST[0]
    again = partial(stage.people[author].say, stage.rooms[label], text.format(n=stage.handed_in))
    theatre.when("The process is killed", again)
    step = await theatre.sees(crash, PATIENT_S)
    assert not step.ok
    assert f"{BURST_SIZE + 1} of {BURST_SIZE}" in step.text


@pytest.mark.long
async def test_an_entry_changed_in_the_store_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    pick = "SELECT rowid, body FROM audit WHERE deal_id = ? ORDER BY n LIMIT 1 OFFSET 5"
    with closing(store(stage)) as opened:
        row, body = opened.execute(pick, (stage.deal,)).fetchone()
        opened.execute("UPDATE audit SET body = ? WHERE rowid = ?", (body[:-1] + b" }", row))
        step = await theatre.sees(audit)
        opened.execute("UPDATE audit SET body = ? WHERE rowid = ?", (body, row))
    assert not step.ok


@pytest.mark.long
async def test_an_audit_that_nobody_outside_kept_a_part_of_is_seen(theatre: Theatre) -> None:
    stage = theatre.stage
    kept = stage.folder / "anchor"

    async def emptied() -> None:
        for file in kept.iterdir():
            file.unlink()

    theatre.when("The longest span", emptied)
    step = await theatre.sees(audit)
    assert not step.ok
    assert "a rewritten chain passes" in step.text


# --- the whole -----------------------------------------------------------------------------------


def program(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | environ,
    )


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


@pytest.mark.long
async def test_the_demo_ends_non_zero_when_its_homeserver_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_synapse()

    async def without_homeserver(stage: Stage) -> str:
        await make(stage)
        await asyncio.to_thread(stage.server.stop)
        return await read_back(stage)

    steps = [("rooms", "a phone", without_homeserver), ("flow", "a phone", flow)]
    monkeypatch.setattr(play, "play", partial(play.play, steps=steps))
    kept = tmp_path / "kept"
    command = ["demo", "--fast", "--json", "--keep", str(kept)]
    assert await asyncio.to_thread(run, command) == 1
    told = json.loads(capsys.readouterr().out)
    assert [step["ok"] for step in told["steps"]] == [False, False]
    assert told["steps"][1]["text"] == "not tried"
    assert (kept / "home" / "store.db").exists()


async def test_without_synapse_the_demo_says_what_to_do(tmp_path: Path) -> None:
    nowhere = {ENVIRONMENT: str(tmp_path / "none")}
    done = await asyncio.to_thread(program, "demo", "--fast", "--json", **nowhere)
    assert done.returncode == 3
    assert not done.stdout
    assert "make env" in json.loads(done.stderr.splitlines()[-1])["then"]


async def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    python = {ENVIRONMENT: sys.executable}
    done = await asyncio.to_thread(program, "demo", "--keep", str(tmp_path), **python)
    assert done.returncode == 5
    assert names(tmp_path) == ["mine"]


class _Watched:
    """What a stage is asked for while its dashboard stays open."""

    def __init__(self) -> None:
        self.client = self
        self.said: list[str] = []

    async def desk_home_link(self) -> NewLink:
        return NewLink(url="http://localhost:8642/in#once", until=0)

    async def say(self, text: str) -> None:
        self.said.append(text)


async def test_the_dashboard_stays_open_until_people_end_it() -> None:
    stage = _Watched()
    watching = asyncio.create_task(play.stays(cast("Stage", stage), 3600.0))
    while len(stage.said) < 2:  # noqa: ASYNC110 - two sentences, at once
        await asyncio.sleep(0)
    watching.cancel()
    await watching
    assert watching.cancelling() == 0
    assert "60 minutes" in stage.said[0]
    assert "/in#once" in stage.said[1]
