"""OMEMO's keys through kill -9, and what its store costs beside one file that is rewritten."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("oldmemo", reason="needs the extra omemo: run .venv-omemo/bin/pytest")

from connectors.port import AccountId
from connectors.xmpp.omemo.store import Name, Store

from .omemo_child import BOT, KEY, PEER, Offline

CHILD = Path(__file__).with_name("omemo_child.py")
KILLS = 25


class Child:
    """The other process."""

    def __init__(self, folder: Path, met: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(CHILD), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.says = self.read()
        assert self.says is not None
        self.ask(met)

    def ask(self, what: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def read(self) -> dict[str, Any] | None:
        """What it says; None when it was killed before it said it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line.endswith("\n") else None

    def kill(self, after: float = 0.0) -> None:
        time.sleep(after)  # the moment of the crash is what the test is about
        os.kill(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()


def the_rest(child: Child) -> Iterator[dict[str, Any]]:
    while (answer := child.read()) is not None:
        yield answer


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_killed_at_any_moment_it_uses_no_key_twice_and_loses_no_message(
    tmp_path: Path,
) -> None:
    peer = await Offline(PEER, Store(tmp_path / "peer", KEY)).start()
    met = {"number": peer.own.number, "bundle": await peer.shown()}
    first = Child(tmp_path, met)
    assert first.says is not None
    bot = peer.meet(BOT, first.says["number"], first.says["bundle"])
    first.end()
    chance = random.Random(20)  # noqa: S311 (when to kill)
    waiting: list[tuple[str, str]] = []
    written, opened_of_bot = 0, 0
    for turn in range(KILLS):
        child = Child(tmp_path, met)
        assert child.says is not None
        assert child.says["number"] == bot.number
        for _ in range(3):
            waiting.append((f"peer {written}", await peer.seal(f"peer {written}", bot)))
            written += 1
        asked = [{"seal": f"bot {turn}.{n}"} for n in range(6)]
        asked += [{"open": sealed} for _, sealed in waiting]
        chance.shuffle(asked)
        for each in asked:
            child.ask(each)
        child.kill(chance.uniform(0.0, 0.25))
        for answer in the_rest(child):
            if "sealed" in answer:
                text, unreadable = await peer.open(answer["sealed"], BOT)
                peer.engine.commit()
                assert (unreadable, text is not None) == (None, True)
                opened_of_bot += 1
        child.end()
        stored = taken_in(tmp_path)
        waiting = [(text, sealed) for text, sealed in waiting if text not in stored]
    last = Child(tmp_path, met)
    for text, sealed in waiting:
        last.ask({"open": sealed})
        said = last.read()
        assert said is not None
        assert (said["opened"], said["unreadable"]) == (text, None)
    last.end()
    stored = taken_in(tmp_path)
    assert sorted(set(stored)) == sorted(f"peer {n}" for n in range(written))
    assert opened_of_bot > KILLS


def taken_in(folder: Path) -> list[str]:
    """What the child had stored before it moved its keys on."""
    found = folder / "taken_in"
    return found.read_text().splitlines() if found.exists() else []


class OneFile:
    """All keys in one JSON file, written anew each time, as the library's examples do it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: dict[str, str] = {}

    def get(self, name: Name) -> str | None:
        return self._held.get("/".join(name))

    def all(self, kind: str) -> list[str]:
        return [v for k, v in self._held.items() if k.startswith(f"{kind}/")]

    def write(self, changes: dict[Name, str | None]) -> None:
        for name, value in changes.items():
            if value is None:
                self._held.pop("/".join(name), None)
            else:
                self._held["/".join(name)] = value
            fresh = self._path.with_suffix(".new")  # a key at a time, as the library stores them
            with fresh.open("w") as file:
                json.dump(self._held, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(300)
async def test_the_store_costs_less_than_one_file_that_is_rewritten(tmp_path: Path) -> None:
    rows = await _rate(tmp_path / "rows", Store(tmp_path / "rows" / "omemo", KEY))
    (tmp_path / "file").mkdir()
    one = await _rate(tmp_path / "file", OneFile(tmp_path / "file" / "omemo.json"))
    assert rows > 3 * one, (rows, one)


async def _rate(folder: Path, store: Any, seconds: float = 5.0, people: int = 10) -> float:
    """Seals a second to some people."""
    bot = await Offline(BOT, store).start()
    targets = []
    for n in range(people):
        account = AccountId(f"p{n}@deal.test")
        person = await Offline(account, Store(folder / f"p{n}", KEY)).start()
        targets.append(bot.meet(account, person.own.number, await person.shown()))
    await bot.seal("the first", *targets)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        await bot.seal("EV/EBITDA 11.2x", *targets)
        count += 1
    return count / (time.perf_counter() - began)
