"""Mails made by other engines than gpg come back verified."""

import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import Judges
from .mails import CANARY, encrypted, mail, payload
from .people import People

pytestmark = pytest.mark.long


def _secret(people: People, name: str) -> bytes:
    words = ["--pinentry-mode", "loopback", "--export-secret-keys", people.prints[name]]
    return people.gpg(name, *words)


def _needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def test_a_mail_made_by_sq_is_verified(people: People, judge: Judges, tmp_path: Path) -> None:
    _needs("sq")
    secret, certificate = tmp_path / "alice.sec", tmp_path / "bot.pub"
    secret.write_bytes(_secret(people, "alice"))
    certificate.write_bytes(people.gpg("bot", "--export", people.prints["bot"]))
    words = ["--signer-key", str(secret), "--recipient-cert", str(certificate)]
    done = subprocess.run(
        ["sq", "encrypt", *words], input=payload(), check=True, capture_output=True
    )
    found = judge(mail(encrypted(done.stdout)))
    assert found.letter is not None, found
    assert CANARY in found.letter.content.text


def test_a_mail_made_by_rnp_is_verified(people: People, judge: Judges, tmp_path: Path) -> None:
    _needs("rnp")
    home = tmp_path / "rnp"
    home.mkdir(mode=0o700)
    for name, key in (("a", _secret(people, "alice")), ("b", people.gpg("bot", "--export"))):
        (tmp_path / name).write_bytes(key)
        command = ["rnpkeys", "--homedir", str(home), "--import", str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True)
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(payload())
    words = ["--encrypt", "--sign", "--armor", "--password", ""]
    who = ["-r", people.prints["bot"], "-u", people.prints["alice"]]
    files = [str(plain), "--output", str(sealed)]
    subprocess.run(
        ["rnp", "--homedir", str(home), *words, *who, *files], check=True, capture_output=True
    )
    found = judge(mail(encrypted(sealed.read_bytes())))
    assert found.letter is not None, found
    assert CANARY in found.letter.content.text
