"""Anchors on loopback: what they take is found again, what goes wrong is a fact."""

import asyncio
import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.audit.anchors.folder import WITNESSED, FolderAnchor, file_name
from orchestrator.audit.anchors.mail import MailAnchor, MailServer
from orchestrator.audit.anchors.port import AnchorFailed, checked_name, kept
from orchestrator.audit.anchors.run import Anchoring, failing, pause_after, unanchored
from orchestrator.audit.anchors.timestamp import MOST_BYTES, TimestampAnchor
from orchestrator.audit.anchors.witness import countersign
from orchestrator.audit.chain import HOME
from orchestrator.audit.export import export, lines
from orchestrator.audit.heads import HeadKey, SignedHead
from orchestrator.audit.offline.check import verify
from orchestrator.audit.offline.receipts import judge, read_outside
from orchestrator.audit.offline.report import Report, Trust
from orchestrator.audit.offline.values import Unreadable
from orchestrator.audit.verify import tail
from orchestrator.clock import HOUR, MINUTE, now
from orchestrator.store.unit import Store
from tests.orchestrator.audit.conftest import AT, SECOND, Fill, Sign

DEAL = "deal_" + "0" * 32


@pytest.fixture
async def head(fill: Fill, sign: Sign) -> SignedHead:
    await fill(DEAL, 3, 0)
    return await sign(10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    return tmp_path / "outside"


async def report_on(store: Store, key: HeadKey, trust: Trust, *kept_files: Path) -> Report:
    outside = [item for path in kept_files for item in read_outside(path, trust)]
    rows = await store.read(lambda tx: list(lines(tx, DEAL, key.home)))
    return verify(rows, trust=trust, outside=outside, sealed=False)


async def test_what_an_anchor_skipped_goes_with_the_next_so_that_an_old_export_holds(
    store: Store, tmp_path: Path, folder: Path, fill: Fill, key: HeadKey, sign: Sign
) -> None:
    await fill(DEAL, 3, 0)
    await sign(10)
    anchor = FolderAnchor("share", folder, tmp_path / "home", every=5 * MINUTE)
    clock = Clock()
    running = Anchoring(store, [anchor], clock)
    await running.turn()
    await export(store, DEAL, tmp_path / "old", key, at=AT + 20 * SECOND, actor="local:root")
    for second in (30, 40):
        await sign(second)
    newest = await sign(50)
    clock.at = AT + 600 * SECOND
    await running.turn()
    row = json.loads((folder / file_name(newest)).read_bytes())
    assert [json.loads(link)["n"] for link in row["links"]] == [2, 3, 4]
    (later,) = read_outside(folder / file_name(newest), Trust())
    rows = (tmp_path / "old" / "audit.jsonl").read_bytes().splitlines(keepends=True)
    report = verify(rows, outside=[later])
    assert (report.problems, report.newer_statements) == ([], 3)
    (folder / file_name(newest)).write_text(json.dumps(row | {"links": row["links"][:-1]}))
    with pytest.raises(Unreadable, match="do not lead"):
        read_outside(folder / file_name(newest), Trust())


# --- folder and witness

WITNESS_SEED = b"w" * 32


def witness(folder: Path, key: HeadKey, at: int = AT + 12 * SECOND) -> Any:
    return countersign(folder, lambda: WITNESS_SEED, [key.public], lambda: at)


def witness_key() -> bytes:
    return Ed25519PrivateKey.from_private_bytes(WITNESS_SEED).public_key().public_bytes_raw()


async def test_a_folder_keeps_what_was_signed(
    store: Store, tmp_path: Path, folder: Path, head: SignedHead, key: HeadKey
) -> None:
    anchor = FolderAnchor("share", folder, tmp_path / "home")
    receipt = await anchor.anchor(head)
    assert await anchor.anchor(head) == receipt  # a repeat changes nothing
    assert (folder / file_name(head)).read_bytes() == kept(head) + b"\n"
    assert judge("folder", receipt, head.digest, Trust()) == ("claimed", None)
    assert judge("folder", receipt, b"x" * 32, Trust()) == ("failed", None)
    report = await report_on(store, key, Trust(), folder)
    assert report.ok
    assert report.outside == [{"name": file_name(head), "statement": 1, "newer": False}]


async def test_a_file_cut_off_by_a_crash_is_completed(
    tmp_path: Path, folder: Path, head: SignedHead
) -> None:
    (folder / file_name(head)).write_bytes(kept(head)[:50])
    await FolderAnchor("share", folder, tmp_path / "home").anchor(head)
    assert (folder / file_name(head)).read_bytes() == kept(head) + b"\n"


async def test_a_home_set_back_to_an_older_copy_is_told(
    tmp_path: Path, folder: Path, head: SignedHead
) -> None:
    anchor = FolderAnchor("share", folder, tmp_path / "home")
    other = SignedHead(head.n, b"{}", b"", head.key_id, head.public, head.at)
    (folder / file_name(other)).write_bytes(kept(other) + b"\n")
    with pytest.raises(AnchorFailed, match=r"folder\.contradicted"):
        await anchor.anchor(head)
    (folder / file_name(other)).rename(folder / file_name(head))
    with pytest.raises(AnchorFailed, match=r"folder\.contradicted"):
        await anchor.anchor(head)


async def test_a_folder_that_is_gone_or_inside_the_home_is_refused(
    tmp_path: Path, folder: Path, head: SignedHead
) -> None:
    with pytest.raises(AnchorFailed, match=r"folder\.unwritable"):
        await FolderAnchor("share", tmp_path / "gone", tmp_path / "home").anchor(head)
    with pytest.raises(ValueError, match="outside"):
        FolderAnchor("share", folder, tmp_path)


async def test_a_witness_vouches_with_his_own_time_and_key(
    store: Store, tmp_path: Path, folder: Path, head: SignedHead, key: HeadKey
) -> None:
    anchor = FolderAnchor("share", folder, tmp_path / "home", witness=witness_key())
    running = Anchoring(store, [anchor], lambda: AT + 11 * SECOND)
    await running.turn()
    assert witness(folder, key).done == [file_name(head)]
    assert witness(folder, key).done == []
    await running.turn()
    knowing = await report_on(store, key, Trust(witness_keys={witness_key()}))
    assert knowing.anchors == {"folder: verified": 1}
    assert knowing.longest_unanchored_seconds == 12.0
    trusting = await report_on(store, key, Trust())
    assert trusting.anchors == {"folder: claimed": 1}
    assert trusting.longest_unanchored_seconds == 10.0  # to the last signature: nothing counts
    assert trusting.longest_unanchored.until is not None
    assert (await report_on(store, key, Trust(), folder)).ok


async def test_a_witness_signs_nothing_that_goes_back_or_comes_twice(
    folder: Path, fill: Fill, sign: Sign, key: HeadKey
) -> None:
    await fill(DEAL, 1, 0)
    heads = [await sign(second) for second in (10, 20, 15, 30)]
    for one in heads:
        (folder / file_name(one)).write_bytes(kept(one))
    turn = witness(folder, key)
    assert turn.done == [file_name(heads[k]) for k in (0, 1, 3)]
    assert turn.refused == [file_name(heads[2])]
    twin = folder / (file_name(heads[3])[:18] + "0" * 16 + ".json")
    twin.write_bytes(kept(heads[3]))
    foreign = folder / "head-000000000099-0000000000000000.json"
    foreign.write_bytes(kept(heads[0]).replace(heads[0].signature.hex().encode(), b"00" * 64))
    (folder / "head-000000000098-0000000000000000.json").write_bytes(b"no json")
    again = witness(folder, key)
    assert again.done == []
    assert len(again.refused) == 4
    assert not (folder / (twin.name + WITNESSED)).exists()


async def test_a_witness_mark_that_is_forged_is_found(
    tmp_path: Path, folder: Path, head: SignedHead, key: HeadKey
) -> None:
    anchor = FolderAnchor("share", folder, tmp_path / "home", witness=witness_key())
    receipt = await anchor.anchor(head)
    countersign(folder, lambda: b"f" * 32, [key.public], lambda: AT)
    with pytest.raises(AnchorFailed, match=r"folder\.witness_not_valid"):
        await anchor.collect([(head, receipt)])
    mark = folder / (file_name(head) + WITNESSED)
    row = json.loads(mark.read_bytes())
    mark.write_text(json.dumps(row | {"signature": "00" * 64}))
    with pytest.raises(Unreadable):
        read_outside(mark, Trust())


# --- mail


@dataclass
class Mailbox:
    answer: str = "250 2.0.0 taken as 4711"
    mails: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.mails.append(envelope.content)
        return self.answer


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def mail_anchor(port: int) -> MailAnchor:
    server = MailServer("127.0.0.1", port, tls="none")
    return MailAnchor("counsel", server, "host@bank.example", "audit@counsel.example")


async def test_a_mail_carries_the_head_and_is_known_again(
    store: Store,
    tmp_path: Path,
    mailbox: tuple[Mailbox, int],
    head: SignedHead,
    key: HeadKey,
) -> None:
    box, port = mailbox
    receipt = json.loads(await mail_anchor(port).anchor(head))
    (raw,) = box.mails
    mail = message_from_bytes(raw)
    assert receipt == {
        "message_id": mail["Message-ID"],
        "response": "2.0.0 taken as 4711",
        "to": "audit@counsel.example",
    }
    assert DEAL.encode() not in raw
    (tmp_path / "kept.eml").write_bytes(raw)
    report = await report_on(store, key, Trust(), tmp_path / "kept.eml")
    assert report.outside == [{"name": "kept.eml", "statement": 1, "newer": False}]
    (tmp_path / "other.eml").write_bytes(b"Subject: hello\n\nnothing attached\n")
    with pytest.raises(Unreadable):
        read_outside(tmp_path / "other.eml", Trust())


async def test_mail_that_is_not_taken_is_a_failure_with_a_code(
    mailbox: tuple[Mailbox, int], head: SignedHead
) -> None:
    box, port = mailbox
    box.answer = "552 mailbox full of secrets"
    with pytest.raises(AnchorFailed) as failure:
        await mail_anchor(port).anchor(head)
    assert failure.value.code == "mail.not_taken"
    assert "secrets" not in str(failure.value)
    with pytest.raises(AnchorFailed):
        await mail_anchor(1).anchor(head)


def test_mail_without_tls_stays_on_this_machine() -> None:
    with pytest.raises(ValueError, match="TLS"):
        MailServer("mail.example", 25, tls="none")
    assert "hunter2" not in repr(MailServer("mail.example", 465, "tls", "a", lambda: "hunter2"))


# --- timestamp authority

TSA_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/chain.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = {ess}
"""


@dataclass
class Authority:
    folder: Path
    root: x509.Certificate
    url: str = ""
    fault: str = ""

    def answer(self, query: bytes) -> tuple[int, bytes]:
        if self.fault == "down":
            return 503, b""
        if self.fault == "moved":
            return 302, b""
        if self.fault == "huge":
            return 200, bytes(MOST_BYTES + 1)
        if self.fault == "nonsense":
            return 200, b"<html>"
        if self.fault == "replay" and (self.folder / "reply").exists():
            return 200, (self.folder / "reply").read_bytes()
        (self.folder / "query").write_bytes(query)
        self.openssl("-reply", "-queryfile", "query", "-out", "reply", "-config", "tsa.cnf",
                     "-section", "one")  # fmt: skip
        return 200, (self.folder / "reply").read_bytes()

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", "ts", *arguments], cwd=self.folder, check=True,
                       capture_output=True)  # fmt: skip


def certificate(
    name: str, public: Any, issuer: Any, signer: Any, *extensions: tuple[Any, bool]
) -> x509.Certificate:
    today = datetime.fromtimestamp(now() // SECOND, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=30))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


def make_authority(folder: Path, kind: str = "rsa", ess: str = "sha256") -> Authority:
    folder.mkdir(parents=True, exist_ok=True)
    root_key = ec.generate_private_key(ec.SECP256R1())
    tsa_key: Any = (
        rsa.generate_private_key(65537, 2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root of time")])
    constraint = x509.BasicConstraints(ca=True, path_length=None)
    usage = x509.KeyUsage(
        digital_signature=False, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ski = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = certificate("Root of time", root_key.public_key(), subject, root_key,
                       (constraint, True), (usage, True), (ski, False))  # fmt: skip
    use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    tsa = certificate("Clock", tsa_key.public_key(), root.subject, root_key,
                      (use, True), (aki, False))  # fmt: skip
    (folder / "tsa.pem").write_bytes(tsa.public_bytes(Encoding.PEM))
    (folder / "chain.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(
        tsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(TSA_CONFIG.format(folder=folder, ess=ess))
    return Authority(folder, root)


@pytest.fixture(params=["rsa", "ec", "sha1"])
def authority(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Authority]:
    made = make_authority(
        tmp_path / "tsa",
        "ec" if request.param == "ec" else "rsa",
        "sha1" if request.param == "sha1" else "sha256",
    )

    said: list[tuple[Any, ...]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            status, content = made.answer(query)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words: Any) -> None:
            """Keeps what the authority says beside the test's output."""
            said.append(words)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_token_of_a_trusted_authority_is_verified_with_nothing_else(
    store: Store, authority: Authority, fill: Fill, sign: Sign, key: HeadKey, tmp_path: Path
) -> None:
    await fill(DEAL, 3, 0)
    head = await sign(10)
    anchor = TimestampAnchor("tsa", authority.url, [authority.root])
    await Anchoring(store, [anchor], now).turn()
    trust = Trust(authorities=[authority.root])
    report = await report_on(store, key, trust)
    assert report.problems == []
    assert report.anchors == {"rfc3161: verified": 1}
    assert abs(report.longest_unanchored_seconds - (now() - AT) / SECOND) < 60
    assert (await report_on(store, key, Trust())).anchors == {"rfc3161: claimed": 1}
    (row,) = await store.read(lambda tx: tx.all("SELECT receipt FROM anchor"))
    assert judge("rfc3161", row[0], head.digest[::-1], trust) == ("failed", None)
    (tmp_path / "kept.tsr").write_bytes(row[0])
    outside = await report_on(store, key, trust, tmp_path / "kept.tsr")
    assert outside.outside == [{"name": "kept.tsr", "statement": 1, "newer": False}]


async def test_an_authority_that_nobody_trusts_vouches_for_nothing(
    authority: Authority, head: SignedHead, tmp_path: Path
) -> None:
    stranger = make_authority(tmp_path / "stranger").root
    with pytest.raises(AnchorFailed, match=r"rfc3161\.token_not_valid"):
        await TimestampAnchor("tsa", authority.url, [stranger]).anchor(head)
    receipt = await TimestampAnchor("tsa", authority.url, [authority.root]).anchor(head)
    state, _ = judge("rfc3161", receipt, head.digest, Trust(authorities=[stranger]))
    assert state == "claimed"
    with pytest.raises(ValueError, match="certificate"):
        TimestampAnchor("tsa", authority.url, [])


@pytest.mark.parametrize("authority", ["rsa"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("down", "rfc3161.status_503"),
        ("moved", "rfc3161.status_302"),
        ("huge", "rfc3161.too_large"),
        ("nonsense", "rfc3161.token_not_valid"),
        ("replay", "rfc3161.token_not_valid"),
    ],
)
async def test_what_is_no_token_for_this_statement_is_refused(
    authority: Authority, head: SignedHead, fault: str, code: str
) -> None:
    anchor = TimestampAnchor("tsa", authority.url, [authority.root])
    await anchor.anchor(head)
    authority.fault = fault
    another = replace(head, statement=head.statement + b" ")
    with pytest.raises(AnchorFailed, match=code):
        await anchor.anchor(another)


async def test_an_authority_that_is_not_there_is_a_failure_with_a_code(head: SignedHead) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    anchor = TimestampAnchor("tsa", url, [TOKEN[1].root])
    with pytest.raises(AnchorFailed, match=r"rfc3161\.no_answer"):
        await anchor.anchor(head)


def make_token() -> tuple[bytes, Authority]:
    """A token over 32 bytes of zero, from an authority of its own."""
    with TemporaryDirectory() as folder:
        authority = make_authority(Path(folder))
        authority.openssl("-query", "-digest", "00" * 32, "-sha256", "-cert", "-out", "asked")
        _, token = authority.answer((Path(folder) / "asked").read_bytes())
    return token, authority


TOKEN = make_token()


def test_a_certificate_of_a_version_that_there_is_none_of_is_no_proof() -> None:
    token, authority = TOKEN
    version = bytes.fromhex("a003020102")  # RFC 5280, section 4.1.2.1: v3
    assert version in token
    changed = token.replace(version, bytes.fromhex("a003020103"))
    found = judge("rfc3161", changed, bytes(32), Trust(authorities=[authority.root]))
    assert found[0] != "verified"


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(data=st.data())
def test_no_changed_byte_of_a_token_leaves_it_verified_for_another_time_or_hash(
    data: st.DataObject,
) -> None:
    token, authority = TOKEN
    trust = Trust(authorities=[authority.root])
    good = judge("rfc3161", token, bytes(32), trust)
    assert good[0] == "verified"
    place = data.draw(st.integers(0, len(token) - 1))
    changed = bytearray(token)
    changed[place] ^= data.draw(st.integers(1, 255))
    found = judge("rfc3161", bytes(changed), bytes(32), trust)
    assert found[0] != "verified" or found == good


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader_of_tokens(data: bytes) -> None:
    assert judge("rfc3161", data, bytes(32), Trust())[0] == "failed"


# --- all of them


@dataclass
class Fake:
    """An anchor that fails as it is told; the runner is what these tests are about."""

    name: str = "fake"
    kind: str = "folder"
    every: int = MINUTE
    faults: list[Exception] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    async def anchor(self, head: SignedHead) -> bytes:
        if self.faults:
            raise self.faults.pop(0)
        self.taken.append(head.n)
        return b'{"file":"x","sha256":"' + head.digest.hex().encode() + b'","witness":null}'


class Clock:
    def __init__(self) -> None:
        self.at = AT + 10 * SECOND

    def __call__(self) -> int:
        return self.at


async def test_each_anchor_gets_the_newest_head_in_its_own_rhythm(
    store: Store, fill: Fill, sign: Sign
) -> None:
    clock, quick, slow = Clock(), Fake("quick"), Fake("slow", every=5 * MINUTE)
    running = Anchoring(store, [quick, slow], clock)
    await running.turn()
    assert quick.taken == []  # nothing is signed yet
    await fill(DEAL, 1, 0)
    for _ in range(6):
        await sign(clock.at // SECOND - AT // SECOND)
        await running.turn()
        await running.turn()
        clock.at += MINUTE
    assert quick.taken == [1, 2, 3, 4, 5, 6]
    assert slow.taken == [1, 6]


async def test_before_an_export_the_newest_head_goes_early(
    store: Store, fill: Fill, sign: Sign
) -> None:
    clock, slow = Clock(), Fake("slow", every=5 * MINUTE)
    running = Anchoring(store, [slow], clock)
    await fill(DEAL, 2, 0)
    for _ in range(2):
        await sign(10)
        await running.turn()
    assert slow.taken == [1]
    await running.turn(early=True)
    await running.turn(early=True)
    assert slow.taken == [1, 2]  # and none of them twice


async def test_a_failure_is_recorded_once_tried_again_and_its_end_recorded(
    store: Store, fill: Fill, sign: Sign
) -> None:
    clock, good = Clock(), Fake("good")
    bad = Fake("bad", faults=[AnchorFailed("folder.unwritable"), OSError("price"), KeyError("x")])
    running = Anchoring(store, [bad, good], clock)
    await fill(DEAL, 1, 0)
    await sign(1)
    await running.turn()
    await running.turn()  # too early to try again
    assert good.taken == [1]
    (row,) = await store.read(failing)
    assert row == {
        "name": "bad", "kind": "folder", "since": clock.at, "attempts": 1,
        "code": "folder.unwritable",
    }  # fmt: skip
    for attempt in (1, 2, 3):
        clock.at += pause_after(attempt)
        await running.turn()
    assert bad.taken == [1]
    assert await store.read(failing) == []
    told = await store.read(lambda tx: [(r["kind"], r["body"]) for r in tail(tx, HOME)])
    assert told[1:] == [
        ("anchor.failed", {"anchor": "bad", "kind": "folder", "code": "folder.unwritable"}),
        ("anchor.recovered", {"anchor": "bad", "kind": "folder"}),
    ]
    assert pause_after(100) == HOUR


async def test_what_no_anchor_has_seen_grows_and_is_shown(
    store: Store, fill: Fill, sign: Sign, key: HeadKey
) -> None:
    clock, anchor = Clock(), Fake()
    running = Anchoring(store, [anchor], clock)

    async def span() -> float:
        return await store.read(lambda tx: unanchored(tx, clock.at)) / SECOND

    assert await span() == 0
    await fill(DEAL, 1, 0)
    assert await span() == 10
    await sign(9)
    clock.at += MINUTE
    assert await span() == 70
    await running.turn()
    assert await span() == 0
    await fill(DEAL, 2, 65)
    assert await span() == 5
    anchor.faults = [AnchorFailed("folder.unwritable")] * 9
    clock.at += HOUR
    await sign(3600)
    await running.turn()
    assert await span() == 3605
    report = await report_on(store, key, Trust())
    assert report.failing == [
        {"name": "fake", "kind": "folder", "since": clock.at, "code": "folder.unwritable"}
    ]


def test_two_anchors_of_one_name_and_names_that_are_no_words_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="same name"):
        Anchoring(store, [Fake("a"), Fake("a")], now)
    for name in ("", "Share", "a b", "../x"):
        with pytest.raises(ValueError, match="letters"):
            checked_name(name)


async def test_anchors_do_not_wait_for_one_another(store: Store, fill: Fill, sign: Sign) -> None:
    gate, quick = asyncio.Event(), Fake("quick")

    class Slow(Fake):
        async def anchor(self, head: SignedHead) -> bytes:
            await gate.wait()
            return await super().anchor(head)

    slow = Slow("slow")
    await fill(DEAL, 1, 0)
    await sign(1)
    turn = asyncio.create_task(Anchoring(store, [slow, quick], Clock()).turn())
    while not await store.read(lambda tx: tx.all("SELECT name FROM anchor")):  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(0)
    assert (quick.taken, slow.taken) == ([1], [])
    gate.set()
    await turn
    assert slow.taken == [1]
