"""Counsel and witness sign away from the host, and what they signed is taken on it."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from orchestrator.audit.anchors.folder import FolderAnchor, file_name
from orchestrator.audit.anchors.run import Anchoring
from orchestrator.audit.chain import append
from orchestrator.audit.export import export
from orchestrator.audit.heads import SignedHead, load_key, sign_heads
from orchestrator.audit.kinds import Kind
from orchestrator.clock import now
from orchestrator.config.policy import default_text
from orchestrator.journal.decision import check
from orchestrator.store.schema import migrate
from orchestrator.store.unit import Store

from .conftest import Wx

DEAL_ID = "deal_" + "0" * 32
DEAL = "deal_" + "a" * 32
HOST = load_key("home_" + "7" * 32, lambda: bytes(range(32)))


def counsel(wx: Wx, tmp_path: Path, *more: str, stdin: str = "") -> str:
    done = wx("journal", "counsel-key", str(tmp_path / "c.pem"), "--json", *more, stdin=stdin)
    assert done.code == 0, done.err
    public: str = done.json["public"]
    return public


def decide(wx: Wx, tmp_path: Path, deal: str, *more: str, stdin: str = "") -> int:
    line = ["journal", "decide", deal, "--scope", "joint", "--tier", "coordination"]
    files = ["--key", str(tmp_path / "c.pem"), "--to", str(tmp_path / "d.json"), "--yes"]
    return wx(*line, *files, *more, stdin=stdin).code


def test_counsels_decision_is_signed_offline_and_recorded_on_the_host(
    deal: Wx, tmp_path: Path
) -> None:
    public = counsel(deal, tmp_path)
    rules = default_text().replace("[counsel]", f'[counsel]\njoint = ["{public}"]', 1)
    (tmp_path / "policy.toml").write_text(rules)
    adopted = deal("deal", "adopt", "HALCYON", "--policy", str(tmp_path / "policy.toml"))
    assert adopted.code == 0, adopted.err
    deal_id = deal("deal", "show", "--json").json["deal_id"]
    assert decide(deal, tmp_path, deal_id) == 0
    recorded = deal("journal", "exempt", str(tmp_path / "d.json"), "--json")
    assert recorded.code == 0, recorded.err
    last = deal("audit", "tail", "--count", "1", "--json").json
    assert (last["kind"], last["body"]["tier"]) == ("journal.exempted", "coordination")
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    counsel(deal, stranger)
    assert decide(deal, stranger, deal_id) == 0
    assert deal("journal", "exempt", str(stranger / "d.json")).code == 5


def test_no_home_is_made_or_asked_for(wx: Wx, home: Path, tmp_path: Path) -> None:
    public = counsel(wx, tmp_path)
    assert (
        decide(wx, tmp_path, DEAL_ID, "--since", "2026-11-01", "--until", "2026-12-01T00:00Z") == 0
    )
    found = json.loads((tmp_path / "d.json").read_text())
    statement, signature = found["statement"].encode(), bytes.fromhex(found["signature"])
    said = check(statement, signature, public)
    assert (said.deal_id, said.scope, said.tier, said.journal) == (
        DEAL_ID, "joint", "coordination", False,
    )  # fmt: skip
    assert (said.at, said.until) == (1_793_491_200_000_000, 1_796_083_200_000_000)
    assert not home.exists()
    assert (tmp_path / "c.pem").stat().st_mode & 0o777 == 0o600


def test_what_is_signed_is_said_first_and_nobody_signs_unasked(wx: Wx, tmp_path: Path) -> None:
    counsel(wx, tmp_path)
    line = ["journal", "decide", DEAL_ID, "--scope", "joint", "--tier", "operations", "--journal"]
    done = wx(*line, "--key", str(tmp_path / "c.pem"), "--to", str(tmp_path / "d.json"))
    assert done.code == 2  # nobody can be asked here
    assert f"operations messages of scope joint in {DEAL_ID} are journaled again" in done.err
    assert not (tmp_path / "d.json").exists()


@pytest.mark.parametrize(
    ("deal", "more"),
    [
        ("HALCYON", ()),
        (DEAL_ID, ("--tier", "secret")),
        (DEAL_ID, ("--scope", "Both Sides")),
        (DEAL_ID, ("--since", "tomorrow")),
        (DEAL_ID, ("--since", "2026-12-01", "--until", "2026-11-01")),
        (DEAL_ID, ("--journal", "--until", "2099-01-01")),
    ],
)
def test_what_the_host_would_refuse_is_not_signed(
    wx: Wx, tmp_path: Path, deal: str, more: tuple[str, ...]
) -> None:
    counsel(wx, tmp_path)
    assert decide(wx, tmp_path, deal, *more) == 2
    assert not (tmp_path / "d.json").exists()


def test_a_passphrase_locks_a_key_and_files_are_never_written_over(wx: Wx, tmp_path: Path) -> None:
    counsel(wx, tmp_path, "--protect", stdin="open sesame\n")
    assert b"ENCRYPTED" in (tmp_path / "c.pem").read_bytes()
    assert decide(wx, tmp_path, DEAL_ID, stdin="wrong\n") == 2
    assert decide(wx, tmp_path, DEAL_ID, stdin="\n") == 2
    assert decide(wx, tmp_path, DEAL_ID, stdin="open sesame\n") == 0
    assert decide(wx, tmp_path, DEAL_ID, stdin="open sesame\n") == 5
    assert wx("journal", "counsel-key", str(tmp_path / "c.pem")).code == 5


def test_what_is_no_signing_key_signs_nothing(wx: Wx, tmp_path: Path) -> None:
    assert decide(wx, tmp_path, DEAL_ID) == 1
    other = generate_private_key(SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "c.pem").write_bytes(pem)
    (tmp_path / "c.pem").chmod(0o644)
    assert decide(wx, tmp_path, DEAL_ID) == 3  # others may read it
    (tmp_path / "c.pem").chmod(0o600)
    assert decide(wx, tmp_path, DEAL_ID) == 2


# --- the witness


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    migrate(tmp_path / "wallcross.db")
    opened = Store(tmp_path / "wallcross.db")
    yield opened
    await opened.close()


async def signed(store: Store) -> SignedHead:
    def unit(tx: object) -> SignedHead:
        append(tx, DEAL, Kind.MESSAGE_ACCEPTED, {"size": 1}, at=now(), actor="system")  # type: ignore[arg-type]  # a Tx
        return sign_heads(tx, HOST, at=now())  # type: ignore[arg-type]  # a Tx

    return await store.write(unit)


def witnessing(tmp_path: Path, *more: str) -> list[str]:
    folder, key = str(tmp_path / "heads"), str(tmp_path / "w.pem")
    return ["audit", "witness", folder, "--key", key, "--host-key", HOST.public.hex(), *more]


async def test_a_witness_counter_signs_and_the_export_verifies_by_his_key(
    wx: Wx, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "heads").mkdir()
    public = wx("audit", "witness-key", str(tmp_path / "w.pem"), "--json").json["public"]
    anchor = FolderAnchor(
        "share", tmp_path / "heads", tmp_path / "home", witness=bytes.fromhex(public)
    )
    running = Anchoring(store, [anchor], now)
    head = await signed(store)
    await running.turn()
    done = wx(*witnessing(tmp_path, "--json"))
    assert (done.code, done.json["signed"], done.json["refused"]) == (0, [file_name(head)], [])
    assert wx(*witnessing(tmp_path, "--json")).json["signed"] == []
    await running.turn()
    out = tmp_path / "out"
    await export(store, DEAL, out, HOST, at=now(), actor="local:root")
    trusting = ["--witness-key", public, "--host-key", HOST.public.hex()]
    report = wx(
        "audit", "verify", str(out), *trusting, "--anchor", str(tmp_path / "heads"), "--json"
    )
    assert (report.code, report.json["anchors"]) == (0, {"folder: verified": 1})
    assert wx("audit", "verify", str(out), "--host-key", "00" * 32).code == 1


async def test_a_head_that_is_not_the_hosts_is_refused_and_told(
    wx: Wx, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "heads").mkdir()
    wx("audit", "witness-key", str(tmp_path / "w.pem"))
    await FolderAnchor("share", tmp_path / "heads", tmp_path / "home").anchor(await signed(store))
    other = load_key(HOST.home, lambda: b"y" * 32)
    line = witnessing(tmp_path)
    line[line.index(HOST.public.hex())] = other.public.hex()
    done = wx(*line)
    assert (done.code, done.out.startswith("REFUSED  head-")) == (1, True)
    line[line.index(other.public.hex())] = "zz"
    assert wx(*line).code == 2
    assert wx("audit", "witness", str(tmp_path / "none"), *line[3:]).code == 1


async def test_a_running_witness_tells_each_head_once(
    wx: Wx, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "heads").mkdir()
    wx("audit", "witness-key", str(tmp_path / "w.pem"))
    anchor = FolderAnchor("share", tmp_path / "heads", tmp_path / "home")
    await anchor.anchor(await signed(store))
    (tmp_path / "heads" / "head-x.json").write_text("{}")
    looks: list[float] = []

    def passes(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", passes)
    done = wx(*witnessing(tmp_path, "--every", "60", "--json"))
    assert (done.code, looks) == (130, [60, 60, 60])
    (told,) = done.lines
    assert (len(told["signed"]), told["refused"]) == (1, ["head-x.json"])
