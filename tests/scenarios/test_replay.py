"""Real or made-up mail through the whole path, judged by what the far side recorded.

The far side is a memory network in a process of its own; its record holds hashes. Labels are read
here, never by the program.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from connectors.memory import process
from tiers.measure import judge, report
from tiers.model.load import load_classifier
from tiers.tier import Tier
from tiers.winnowing import passages, runs

DEV = Path(__file__).parents[2].parent / "shared" / "tiers" / "dev.jsonl"
SEEDS = Path(__file__).parents[2] / "tiers" / "model" / "seeds.jsonl"


class Place:
    """A home of its own, with the sample's network in another process."""

    def __init__(self, folder: Path, far: process.FarProcess, record: Path) -> None:
        self.folder = folder
        self.far = far
        self.record = record

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        settings = {
            "channels.sample.kind": "memory",
            "channels.sample.settings.address": self.far.address,
            "channels.sample.settings.unsafe_trust_first_seen": "true",
        }
        given = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        return subprocess.run(
            [Path(sys.executable).with_name("wallcross"), *words, *given, "--json"],
            env={
                **os.environ,
                "WALLCROSS_HOME": str(self.folder / "home"),
                "WALLCROSS_SECRETS": str(self.folder / "secrets"),
                "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def replay(self, file: Path) -> dict[str, object]:
        done = self.run("replay", str(file), "--sample")
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    def floors(self) -> dict[str, Tier]:
        done = self.run("conv", "list", "--deal", "SAMPLE")
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return {room["room"]: Tier(row["floor"]) for row in rows for room in row["rooms"]}

    def arrived(self) -> list[dict[str, str]]:
        """What people wrote, as it arrived: what we tell a room ourselves has no author."""
        lines = [json.loads(line) for line in self.record.read_text().splitlines()]
        return [line for line in lines if line["kind"] == "arrived" and line["author_line"]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    record = tmp_path / "record.jsonl"
    with process.start(record=record) as far:
        yield Place(tmp_path, far, record)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def check(place: Place, file: Path, least_delivered: int) -> None:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    first = place.replay(file)
    assert first["accepted"] == len(rows)
    ends = [first[name] for name in ("delivered", "possibly", "held", "dead")]
    assert sum(int(str(n)) for n in ends) == len(rows)
    assert first["lost"] == 0
    assert int(str(first["delivered"])) >= least_delivered
    judge_far_side(place, rows, int(str(first["delivered"])))
    for what in ("audit", "journal"):
        done = place.run(what, "verify", "--deal", "SAMPLE")
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)["ok"]
    again = place.replay(file)
    assert (again["accepted"], again["duplicate"]) == (0, len(rows))


def judge_far_side(place: Place, rows: list[dict[str, str]], delivered: int) -> None:
    """What arrived is what was sent, each in the room of its tier, and rates as measured.

    Its tier is what its own words say, or that of a stricter mail of which it repeats a passage.
    """
    floors = place.floors()
    arrived = [line for line in place.arrived() if line["room"] in floors]
    assert len(arrived) == delivered
    texts = Counter(sha(row["text"]) for row in rows)
    assert Counter(line["sha256"] for line in arrived) <= texts
    if delivered == len(rows):
        assert Counter(line["sha256"] for line in arrived) == texts
    classifier = load_classifier()
    landed: dict[str, set[Tier]] = {}
    for line in arrived:
        landed.setdefault(line["sha256"], set()).add(floors[line["room"]])
    judged = []
    for row in rows:
        found = judge(classifier, row)
        if found.tier not in landed[sha(row["text"])]:
            (tier,) = landed[sha(row["text"])]
            assert tier > found.tier, row["id"]
            assert repeats(row, [r for r in rows if tier in landed[sha(r["text"])]]), row["id"]
            found = replace(found, tier=tier)
        if found.tier is Tier.VALUATION:
            assert landed[sha(row["text"])] <= {Tier.VALUATION, *others(rows, row)}
        judged.append(found)
    figures = report(judged, 1.0)
    by_label = [(row, max(landed[sha(row["text"])])) for row in rows]
    under = sum(found < Tier(row["tier"]) for row, found in by_label) / len(rows)
    over = sum(found > Tier(row["tier"]) for row, found in by_label) / len(rows)
    assert (under, over) == pytest.approx((figures["under"], figures["over"]), abs=1e-4)


def repeats(row: dict[str, str], strict: list[dict[str, str]]) -> bool:
    """Whether a passage of the mail stands in one of the stricter ones."""
    found = runs(row["text"])
    sources: dict[int, list[str]] = {run.at: [] for run in found}
    for other in strict:
        if other["id"] == row["id"]:
            continue
        words = words_of(other["text"])
        for run in found:
            if run.words in words:
                sources[run.at].append(other["id"])
    return bool(passages(found, sources))


@cache
def words_of(text: str) -> frozenset[tuple[str, ...]]:
    """The words of each of its runs; a mail is looked at anew for each that may repeat it."""
    return frozenset(run.words for run in runs(text))


def others(rows: list[dict[str, str]], row: dict[str, str]) -> set[Tier]:
    """Tiers of other mails with the very same text under another subject."""
    same = [r for r in rows if r["text"] == row["text"] and r["id"] != row["id"]]
    return set(Tier) if same else set()


@pytest.mark.long
def test_seed_phrases_arrive_where_their_tier_says(place: Place, tmp_path: Path) -> None:
    seeds = [json.loads(line) for line in SEEDS.read_text().splitlines()][::40]
    file = tmp_path / "mail.jsonl"
    rows = [
        {"id": f"s{n}", "subject": "", "text": s["text"], "tier": s["tier"], "unknown": n}
        for n, s in enumerate(seeds)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    check(place, file, least_delivered=len(rows))


@pytest.mark.long
@pytest.mark.skipif(not DEV.exists(), reason="the labelled mail is not beside this checkout")
def test_689_real_mails_are_all_accounted_for(place: Place) -> None:
    check(place, DEV, least_delivered=660)
