"""Crossed and enrolled by command lines against a `serve` of its own, on the memory network."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.memory import process
from connectors.memory.farside import FarSide

from .conftest import Ended, Serve, Wx

pytestmark = pytest.mark.long
PATIENCE_S = 30.0
NOTICE = "You will be told inside information. Dealing and tipping are offences.\n"


@pytest.fixture
def address() -> Iterator[str]:
    with process.start() as running:
        yield running.address


def settled(wx: Wx, home: Path, tmp_path: Path, address: str) -> tuple[str, str]:
    """A deal whose sides have notices, on one channel; two of its people."""
    folder = tmp_path / "roster"
    home.mkdir(mode=0o700)
    settings = home / "wallcross.toml"
    settings.write_text(
        f'[channels.memory]\nkind = "memory"\n[channels.memory.settings]\naddress = "{address}"\n'
    )
    settings.chmod(0o600)
    assert wx("roster", "template", "--to", str(folder)).code == 0
    (folder / "notices").mkdir(exist_ok=True)
    sides = [line.split(",")[0] for line in (folder / "sides.csv").read_text().splitlines()[1:]]
    for side in sides:
        (folder / "notices" / f"{side}.txt").write_text(NOTICE)
    assert wx("deal", "new", "HERON", "--made-up").code == 0
    done = wx("roster", "import", str(folder))
    assert done.code == 0, done.err
    one, other, *_ = [row["person"] for row in wx("person", "show", "--json").lines]
    return one, other


def until(look: Callable[[], Any]) -> Any:
    ends = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < ends, "it did not come to be"
        time.sleep(0.1)
    return found


def far(address: str, work: Callable[[FarSide], Awaitable[Any]]) -> Any:
    async def do() -> Any:
        side = FarSide.at(address)
        try:
            return await work(side)
        finally:
            await side.close()

    return asyncio.run(do())


def test_a_person_is_enrolled_crossed_listed_and_cleansed_by_command_lines_alone(
    wx: Wx, home: Path, tmp_path: Path, address: str, serve: Serve
) -> None:
    person, by = settled(wx, home, tmp_path, address)
    serve("--allow", "adoption")

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = wx("person", "show", person, "--json").json
        return found

    began = time.monotonic()
    handed = ok(wx("person", "enrol", person, "--channel", "memory", "--by", by, "--json"))
    [code] = json.loads(handed.out)["codes"]
    far(address, lambda side: side.direct("his-phone", code["to"], " ".join(code["words"])))
    until(lambda: "his-phone" in {a["account"] for a in shown()["accounts"]})
    print(f"enrolled through serve in {time.monotonic() - began:.1f} s")  # noqa: T201 - the figure
    assert shown()["notice"]["stands"] == "to_cross"
    assert ok(wx("person", "cross", person, "--by", by, "--json")).json["told"]

    async def asked(side: FarSide) -> tuple[str, str] | None:
        directory = await side.directory()
        for room in directory["rooms"]:
            for seen in await side.inbox("his-phone", str(room)):
                if "this line alone: " in seen.text:
                    return str(room), seen.text.split("this line alone: ")[1].splitlines()[0]
        return None

    room, words = until(lambda: far(address, asked))
    far(address, lambda side: side.write("his-phone", room, words))
    until(lambda: shown()["notice"]["stands"] == "acknowledged")
    assert shown()["barred"] == []
    ok(wx("person", "cleanse", person, "--by", by, "--reason", "deal-public"))
    assert shown()["barred"] == ["he was cleansed"]
    kinds = [line["kind"] for line in wx("audit", "tail", "--count", "60", "--json").lines]
    told = [k for k in kinds if k.startswith(("person.", "enrolment.", "account."))]
    assert told == [
        "enrolment.opened",
        "account.bound",
        "enrolment.closed",
        "person.crossed",
        "person.acknowledged",
        "person.cleansed",
    ]


def ok(ended: Ended) -> Ended:
    assert ended.code == 0, ended.err
    return ended
