"""Our mails are opened and verified by programs of others: gpg, Sequoia's sq, and rnp."""

import asyncio
import secrets
import shutil
import subprocess
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path

import pytest

from connectors.pgpmail.connector import MailConnector
from connectors.port.messages import Content
from connectors.testing.rig import attachment

from .conftest import MEMBER, Adviser, Lab, files_of, payload, sent_by, spec
from .smith import GOOD, Smith
from .test_mail import delivery

pytestmark = pytest.mark.long

Opener = Callable[[Path, Path, Path, Path], bytes]


def run(
    *command: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(list(map(str, command)), capture_output=True, check=False, env=env)
    assert done.returncode == 0, done.stderr.decode()
    return done


def by_gpg(folder: Path, secret: Path, ours: Path, armour: Path) -> bytes:
    reader = Adviser.at(folder / "gpg")
    try:
        for path in (secret, ours):
            reader.run("--import", data=path.read_bytes())
        done = reader.library.decrypt(armour.read_bytes())
        assert (done.ok, done.valid) == (True, True), done.stderr
        return bytes(done.data)
    finally:
        reader.end()


def by_sq(folder: Path, secret: Path, ours: Path, armour: Path) -> bytes:
    out = folder / "sq.out"
    keys = ("--recipient-key", secret, "--signer-cert", ours, "--signatures", "1")
    done = run("sq", "decrypt", *keys, "--output", out, armour)
    assert b"Good signature" in done.stderr
    return out.read_bytes()


def by_rnp(folder: Path, secret: Path, ours: Path, armour: Path) -> bytes:
    home, out = folder / "rnp", folder / "rnp.out"
    home.mkdir(mode=0o700)
    for path in (secret, ours):
        run("rnpkeys", "--homedir", home, "--import", path)
    words = ("--password", "", "--decrypt", armour, "--output", out, "--overwrite")
    done = run("rnp", "--homedir", home, *words)
    assert b"verified successfully" in done.stderr + done.stdout
    return out.read_bytes()


READERS: dict[str, Opener] = {"gpg": by_gpg, "sq": by_sq, "rnp": by_rnp}


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program}: run `make env`")


async def mail_to(lab: Lab, bot: MailConnector, data: bytes) -> bytes:
    content = Content("Please find the draft.", "Draft SPA v7", (attachment("SPA-v7.pdf", data),))
    room = await bot.create(spec(MEMBER))
    await bot.send(delivery(room, content, author_line="Ann Example (Alder)"))
    return lab.mails()[-1]


def opened(reader: str, folder: Path, secret: bytes, ours: bytes, mail: bytes) -> EmailMessage:
    """The inner mail, opened with a secret key by one program."""
    _, body = message_from_bytes(mail, policy=policy.default).iter_parts()
    paths = []
    for name, data in (("secret", secret), ("ours", ours), ("armour", payload(body))):
        (folder / name).write_bytes(data)
        paths.append(folder / name)
    plain = READERS[reader](folder, *paths)
    found = message_from_bytes(plain, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("reader", READERS)
async def test_a_mail_to_a_key_of_each_kind_is_opened_and_verified(
    lab: Lab, tmp_path: Path, reader: str, kind: str
) -> None:
    needs(reader)
    fingerprint = await asyncio.to_thread(GOOD[kind], Smith(lab.adviser))
    bot = await lab.bot()
    device = await bot.take_key(MEMBER, lab.adviser.certificate(fingerprint))
    await bot.trust(MEMBER, device)
    data = secrets.token_bytes(300_000)
    mail = await mail_to(lab, bot, data)
    secret = lab.adviser.run("--armor", "--export-secret-keys", fingerprint)
    folder = tmp_path / "reader"
    await asyncio.to_thread(folder.mkdir)
    inner = await asyncio.to_thread(
        opened, reader, folder, secret, await bot.own_certificate(), mail
    )
    assert (inner["Subject"], inner["To"]) == ("Draft SPA v7", MEMBER)
    assert sent_by(inner) == ("Ann Example (Alder)", "Please find the draft.", False)
    assert files_of(inner) == (("SPA-v7.pdf", sha256(data).hexdigest()),)


async def test_a_key_that_sq_made_is_taken_and_opens_what_we_send(lab: Lab, tmp_path: Path) -> None:
    needs("sq")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    await asyncio.to_thread(
        run, "sq", "key", "generate", "--userid", f"Anna <{MEMBER}>", "--export", key
    )
    await asyncio.to_thread(run, "sq", "key", "extract-cert", "--output", certificate, key)
    bot = await lab.bot()
    device = await bot.take_key(MEMBER, certificate.read_bytes())
    await bot.trust(MEMBER, device)
    mail = await mail_to(lab, bot, b"x" * 5000)
    folder = tmp_path / "reader"
    await asyncio.to_thread(folder.mkdir)
    own = await bot.own_certificate()
    inner = await asyncio.to_thread(opened, "sq", folder, key.read_bytes(), own, mail)
    assert inner["Subject"] == "Draft SPA v7"


async def test_a_key_that_rnp_made_is_taken_and_opens_what_we_send(
    lab: Lab, tmp_path: Path
) -> None:
    needs("rnp")
    home = tmp_path / "made"
    await asyncio.to_thread(home.mkdir, 0o700)
    base = ("rnpkeys", "--homedir", home, "--password", "", "--userid", f"Anna <{MEMBER}>")
    await asyncio.to_thread(run, *base, "--generate-key", "--numbits", "3072")
    certificate = (await asyncio.to_thread(run, *base, "--export-key", MEMBER)).stdout
    key = (await asyncio.to_thread(run, *base, "--export-key", "--secret", MEMBER)).stdout
    bot = await lab.bot()
    device = await bot.take_key(MEMBER, certificate)
    await bot.trust(MEMBER, device)
    mail = await mail_to(lab, bot, b"x" * 5000)
    folder = tmp_path / "reader"
    await asyncio.to_thread(folder.mkdir)
    own = await bot.own_certificate()
    inner = await asyncio.to_thread(opened, "rnp", folder, key, own, mail)
    assert inner["Subject"] == "Draft SPA v7"
