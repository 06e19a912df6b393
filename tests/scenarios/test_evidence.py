"""What is proven of each room: graded, named, aged; and a pack of it that a stranger checks."""

import asyncio
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.audit.body import canonical_of
from orchestrator.audit.heads import load_key
from orchestrator.audit.offline.command import main as check
from orchestrator.audit.offline.pack import EVIDENCE, MANIFEST, PACK_DOMAIN
from orchestrator.client.evidence import ControlView, EvidenceView
from orchestrator.clock import DAY
from orchestrator.command.evidence import PAGE
from orchestrator.command.evidence_page import MADE_UP, page
from orchestrator.deals.attested import OVER, SOON
from tiers.ids import PersonId
from tiers.tier import Tier

from .conftest import House, Opens, eventually
from .house import ACTOR, Talk
from .test_flow_provision import Requested

SECRET = "xyzzyplugh"
TALKS = (Talk("price", Tier.VALUATION), Talk("lunch", Tier.COORDINATION))


@pytest.fixture
async def attested(opens: Opens, monkeypatch: pytest.MonkeyPatch) -> House:
    """The timer of #price is only asked for by the network, and ada saw it."""
    house = await opens(TALKS)
    Requested(house, monkeypatch)
    timer = int((await house.far.state(house.room("price")))["timer"])
    await house.home.conv_attest(
        house.deal, "price", "timer", timer, by=PersonId("ada"), actor=ACTOR
    )
    await house.ends(await house.send(f"lunch with {SECRET}", to="lunch"))
    return house


def control(found: EvidenceView, label: str, guarantee: str) -> ControlView:
    (one,) = [c for c in found.conversations if c.label == label]
    return next(c for c in one.rooms[0].controls if c.guarantee == guarantee)


async def test_each_control_has_its_grade_and_whoever_says_so(attested: House) -> None:
    found = await attested.home.evidence_show(attested.deal, None)
    timer = control(found, "price", "timer")
    assert (timer.evidence, timer.by, timer.met) == ("attested", "ada", True)
    assert timer.lapses_at is not None
    assert timer.at is not None
    assert timer.lapses_at - timer.at == 30 * DAY
    sealed = control(found, "price", "end_to_end_encrypted")
    assert (sealed.evidence, sealed.met, sealed.demanded) == ("verified", True, "verified")
    assert sealed.lapses_at is not None
    compared = control(found, "price", "devices_verified")
    assert (compared.evidence, compared.met, compared.demanded) == ("verified", True, "verified")
    assert found.made_up
    assert found.founded_at is None
    (price, lunch) = found.conversations
    assert {k.state for k in price.rooms[0].keys} == {"verified"}
    assert {len(k.by) for k in price.rooms[0].keys} == {2}
    assert price.journal is not None
    assert price.rooms[0].read_at is not None
    assert lunch.rooms[0].complete
    assert await only(attested, "lunch") == ["lunch"]


async def test_one_device_that_was_shut_out_ends_the_word_that_all_are_compared(
    attested: House,
) -> None:
    home, deal, ada = attested.home, attested.deal, PersonId("ada")
    [key] = await home.key_list(deal, ada)
    await home.key_mark(deal, ada, key.device, "revoke", actor=ACTOR)
    compared = control(await home.evidence_show(deal, None), "price", "devices_verified")
    assert (compared.evidence, compared.met) == (None, False)


async def test_one_that_was_shut_out_counts_no_more_once_its_owner_withdrew_it(
    attested: House,
) -> None:
    home, deal, ada = attested.home, attested.deal, PersonId("ada")
    [key] = await home.key_list(deal, ada)
    await attested.far.add_device("ada", "SECOND", "f" * 64)

    async def known() -> bool:
        return len(await home.key_list(deal, ada)) > 1

    await eventually(known)
    await home.key_verify(deal, ada, PersonId("bo"), PersonId("cy"), actor=ACTOR)
    compared = control(await home.evidence_show(deal, None), "price", "devices_verified")
    assert compared.met
    await home.key_mark(deal, ada, key.device, "revoke", actor=ACTOR)
    compared = control(await home.evidence_show(deal, None), "price", "devices_verified")
    assert not compared.met, "it stands on her list still"
    await attested.far.remove_device("ada", key.device)

    async def met() -> bool:
        found = await home.evidence_show(deal, None)
        return control(found, "price", "devices_verified").met

    await eventually(met)


async def only(house: House, label: str) -> list[str | None]:
    found = await house.home.evidence_show(house.deal, label)
    return [c.label for c in found.conversations]


async def test_what_was_only_asked_for_meets_no_demand(
    opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await opens(TALKS)
    Requested(house, monkeypatch)
    found = await house.home.evidence_show(house.deal, None)
    timer = control(found, "price", "timer")
    assert (timer.evidence, timer.met, timer.lapses_at) == ("requested", False, None)


async def test_an_attestation_lapses_into_a_finding_and_a_hold_with_a_warning_before(
    attested: House,
) -> None:
    watcher = attested.home.runtime.watcher

    async def seen(days: int) -> set[str]:
        attested.clock.ahead = days * DAY
        await watcher.look_at_all()
        return await attested.findings() & {SOON, OVER}

    assert await seen(22) == set()
    assert await seen(24) == {SOON}
    assert control(await attested.home.evidence_show(attested.deal, None), "price", "timer").met
    assert await seen(31) == {OVER}
    late = control(await attested.home.evidence_show(attested.deal, None), "price", "timer")
    assert (late.evidence, late.met) == ("requested", False)
    held = await attested.send("is it 12?", to="price")
    assert await attested.ends(held) == "held"
    timer = int((await attested.far.state(attested.room("price")))["timer"])
    await attested.home.conv_attest(
        attested.deal, "price", "timer", timer, by=PersonId("bo"), actor=ACTOR
    )
    assert await seen(31) == set()


# --- the pack -------------------------------------------------------------------------------------


async def packed(house: House, to: Path) -> Path:
    pieces = [p async for p in house.home.evidence_export(house.deal, actor=ACTOR)]
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
        archive.extractall(to, filter="data")
    return to


@pytest.fixture
async def pack(attested: House, tmp_path: Path) -> Path:
    return await packed(attested, tmp_path / "pack")


def problems(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> set[str]:
    capsys.readouterr()
    code = check([str(folder), "--json", *more])
    report = json.loads(capsys.readouterr().out)
    assert code == (0 if report["ok"] else 1)
    return {p["code"] for p in report["problems"]}


async def test_a_stranger_checks_it_with_the_program_in_it(attested: House, pack: Path) -> None:
    key = attested.home.runtime.head_key.public.hex()
    line = [sys.executable, "-I", "verify_audit.py", ".", "--host-key", key]
    done = await asyncio.to_thread(subprocess.run, line, cwd=pack, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("VERIFIED")
    assert "A pack of evidence of " in done.stdout
    assert "This is a made-up deal." in done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_it_holds_no_text_no_sealed_name_and_says_that_it_is_made_up(
    attested: House, pack: Path
) -> None:
    files = contents(pack)
    assert {EVIDENCE, PAGE, MANIFEST, "audit.jsonl", "verify_audit.py"} <= files.keys()
    for name, content in files.items():
        assert SECRET.encode() not in content, name
        assert b"age1" not in content, name
    evidence = json.loads(files[EVIDENCE])
    assert [c["label"] for c in evidence["conversations"]] == [None, "lunch"]
    assert "#price" not in files[PAGE].decode()
    assert files[PAGE].decode().count(MADE_UP) > 5
    assert "<script" not in files[PAGE].decode()
    kinds = [e.kind for e in await attested.home.audit_tail(attested.deal, 2)]
    assert kinds == ["evidence.exported", "audit.exported"]


def changed(folder: Path) -> None:
    (folder / PAGE).write_text("All is well.")


def another_evidence(folder: Path) -> None:
    text = (folder / EVIDENCE).read_text()
    (folder / EVIDENCE).write_text(text.replace('"met":false', '"met":true', 1) + " ")


def taken_out(folder: Path) -> None:
    (folder / PAGE).unlink()


def added(folder: Path) -> None:
    (folder / "opinion.txt").write_text("Counsel agrees.")


def relisted(folder: Path) -> None:
    """The manifest names what was changed, and keeps its signature."""
    another_evidence(folder)
    outer = json.loads((folder / MANIFEST).read_text())
    outer["manifest"] = outer["manifest"].replace('"bytes":', '"bytes": ', 1)
    (folder / MANIFEST).write_text(json.dumps(outer))


def signed_by_another(folder: Path) -> None:
    outer = json.loads((folder / MANIFEST).read_text())
    key = load_key("home_" + "7" * 32, lambda: bytes(range(32)))
    signature = key.sign(PACK_DOMAIN + outer["manifest"].encode()).hex()
    outer |= {"key_id": key.key_id, "signature": signature}
    (folder / MANIFEST).write_bytes(canonical_of(outer))


def no_manifest_to_speak_of(folder: Path) -> None:
    (folder / MANIFEST).write_text("{}")


BREAKS: dict[Callable[[Path], None], str] = {
    changed: "pack.changed",
    another_evidence: "pack.changed",
    taken_out: "pack.missing",
    added: "pack.extra",
    relisted: "signature",
    signed_by_another: "key.unknown",
    no_manifest_to_speak_of: "unreadable",
}


async def test_whatever_is_done_to_it_is_found(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert problems(pack, capsys) == set()
    for n, (act, code) in enumerate(BREAKS.items()):
        folder = Path(shutil.copytree(pack, tmp_path / f"broken{n}"))
        act(folder)
        assert code in problems(folder, capsys), act.__name__


async def test_a_pack_that_the_host_signed_and_never_wrote_down_is_found(
    attested: House, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own key signs it; the chain, which it may have to show elsewhere, does not state it."""
    better = (pack / EVIDENCE).read_bytes().replace(b'"attested"', b'"verified"')
    (pack / MANIFEST).unlink()
    found = await attested.home.evidence_show(attested.deal, None)
    attested.home._finish(pack, {EVIDENCE: better}, found)
    assert problems(pack, capsys) == {"pack.unstated"}


async def test_names_from_outside_cannot_act_in_the_page(attested: House) -> None:
    found = await attested.home.evidence_show(attested.deal, None)
    (price, *rest) = found.conversations
    nasty = replace(price, label="</h2><script>alert(1)</script>\u202e")
    shown = page(replace(found, conversations=(nasty, *rest)))
    assert "<script>" not in shown
    assert "\u202e" not in shown
    assert "&lt;script&gt;" in shown
