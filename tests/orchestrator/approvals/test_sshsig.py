"""Signatures of SSH: those that ssh-keygen makes, and those of keys in hardware."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256, sha512
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orchestrator.approvals.errors import BadSignature, NoKey
from orchestrator.approvals.sshsig import check_public, read_public, unarmoured, verify
from tests.orchestrator.approvals.signers import Signer, packed

YES = b'{"answer":"yes"}'
APPLICATION = b"ssh:"
needs_openssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
Sign = Callable[..., str]


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    def make(kind: str, bits: str | None = None) -> Path:
        file = tmp_path / f"{kind}{bits or ''}"
        more = ["-b", bits] if bits else []
        line = ["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", "a b", "-f", str(file)]
        subprocess.run(line, check=True, stdin=subprocess.DEVNULL)
        return file

    return make


@needs_openssh
@pytest.mark.parametrize(
    ("kind", "bits", "code"),
    [
        ("ed25519", None, "ed"),
        ("ecdsa", "256", "ecdsa"),
        ("ecdsa", "384", "ecdsa"),
        ("ecdsa", "521", "ecdsa"),
        ("rsa", "3072", "rsa"),
    ],
)
def test_what_ssh_keygen_signs_is_believed(
    made: Callable[..., Path], ssh_sign: Sign, kind: str, bits: str | None, code: str
) -> None:
    file = made(kind, bits)
    key = read_public(file.with_name(file.name + ".pub").read_text("ascii"))
    assert key.kind == code
    signature = unarmoured(ssh_sign(file, YES))
    assert verify(key.blob, YES, signature) == 0
    for message in (YES + b" ", b"", YES[:-1]):
        with pytest.raises(BadSignature):
            verify(key.blob, message, signature)
    with pytest.raises(BadSignature):
        verify(key.blob, YES, unarmoured(ssh_sign(file, YES, "file")))


@needs_openssh
@pytest.mark.parametrize(("kind", "bits"), [("rsa", "2048"), ("rsa", "1024")])
def test_a_short_key_does_not_count(made: Callable[..., Path], kind: str, bits: str) -> None:
    file = made(kind, bits)
    with pytest.raises(NoKey, match="3072 bits"):
        read_public(file.with_name(file.name + ".pub").read_text("ascii"))


@needs_openssh
def test_what_we_write_ssh_keygen_believes(tmp_path: Path) -> None:
    """The software key of other tests signs as OpenSSH does, by OpenSSH's own word."""
    ada = Signer("ada")
    allowed, signature = tmp_path / "allowed", tmp_path / "sig"
    allowed.write_text(f"ada {ada.public}\n", "ascii")
    signature.write_text(ada.armoured(YES.decode()), "ascii")
    line = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", "ada", "-n", "wallcross"]
    done = subprocess.run(
        [*line, "-s", str(signature)], input=YES, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@dataclass
class Token:
    """A key in hardware, as OpenSSH's agent hands its signatures over."""

    kind: str
    flags: int = 0x01
    count: int = 7
    application: bytes = APPLICATION

    def __post_init__(self) -> None:
        self.ed = ed25519.Ed25519PrivateKey.generate()
        self.ec = ec.generate_private_key(ec.SECP256R1())

    @property
    def blob(self) -> bytes:
        if self.kind.startswith("sk-ssh"):
            own = packed(self.ed.public_key().public_bytes_raw())
        else:
            point = self.ec.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            own = packed(b"nistp256") + packed(point)
        return packed(self.kind.encode()) + own + packed(APPLICATION)

    def sign(self, message: bytes, namespace: bytes = b"wallcross") -> bytes:
        parts = (namespace, b"", b"sha512", sha512(message).digest())
        over = b"SSHSIG" + b"".join(map(packed, parts))
        tail = bytes([self.flags]) + self.count.to_bytes(4, "big")
        raw = sha256(self.application).digest() + tail + sha256(over).digest()
        made = packed(self.kind.encode()) + packed(self._raw(raw)) + tail
        head = b"SSHSIG" + (1).to_bytes(4, "big") + packed(self.blob)
        return head + b"".join(map(packed, parts[:3])) + packed(made)

    def _raw(self, data: bytes) -> bytes:
        if self.kind.startswith("sk-ssh"):
            return self.ed.sign(data)
        r, s = decode_dss_signature(self.ec.sign(data, ec.ECDSA(SHA256())))
        return b"".join(packed(_mpint(n)) for n in (r, s))


def _mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


KINDS = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_in_hardware_that_was_touched_is_believed(kind: str) -> None:
    token = Token(kind)
    key = check_public(kind, token.blob)
    assert key.kind == ("sk-ed" if "ed25519" in kind else "sk-ecdsa")
    assert verify(key.blob, YES, token.sign(YES)) == 7
    with pytest.raises(BadSignature):
        verify(key.blob, YES + b".", token.sign(YES))
    token.flags = 0
    with pytest.raises(BadSignature):
        verify(key.blob, YES, token.sign(YES))
    token.flags, token.application = 0x01, b"ssh:other"
    with pytest.raises(BadSignature):
        verify(key.blob, YES, token.sign(YES))


def test_every_byte_of_a_signature_counts() -> None:
    ada = Signer("ada")
    blob, signature = read_public(ada.public).blob, bytearray(ada.sign(YES).signature)
    assert verify(blob, YES, bytes(signature)) == 0
    for place in range(len(signature)):
        signature[place] ^= 1
        with pytest.raises(BadSignature):
            verify(blob, YES, bytes(signature))
        signature[place] ^= 1
    for size in range(len(signature)):
        with pytest.raises(BadSignature):
            verify(blob, YES, bytes(signature[:size]))
    with pytest.raises(BadSignature):
        verify(blob, YES, bytes(signature) + b"\0")


def test_another_key_does_not_sign_for_an_enrolled_one() -> None:
    ada, eve = Signer("ada"), Signer("eve")
    with pytest.raises(BadSignature):
        verify(read_public(ada.public).blob, YES, eve.sign(YES).signature)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-dss AAAAB3NzaC1kc3MAAAAA",
        "ssh-ed25519 !!!!",
        "ssh-rsa " + Signer("ada").public.split(" ")[1],
    ],
    ids=["nothing", "kind alone", "cut", "DSA", "no base64", "another kind's"],
)
def test_what_is_no_key_is_refused_in_words(line: str) -> None:
    with pytest.raises(NoKey):
        read_public(line)


@pytest.mark.parametrize("text", ["", "-----BEGIN SSH SIGNATURE-----", "AAAA", "{}"])
def test_what_is_no_signature_is_refused_in_words(text: str) -> None:
    with pytest.raises(BadSignature):
        unarmoured(text)
