"""The rules of the judge that need more than one mail: keys, repetitions, classes, traces."""

import dataclasses
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.pgpmail.judge import keyring as keyring_module
from connectors.pgpmail.judge.engine import Cap
from connectors.pgpmail.judge.judge import Court
from connectors.pgpmail.judge.keyring import Keyring, NoEngine
from connectors.pgpmail.judge.sender import Known
from connectors.pgpmail.judge.words import MailClass, Verdict

from .conftest import Judges
from .mails import (
    CANARY,
    OUTER,
    Post,
    armoured,
    dearmoured,
    enclosed,
    encrypted,
    having,
    inner,
    mail,
    multi,
    packet,
    part,
    payload,
    split,
)
from .people import People


def test_sealed_to_somebody_else(post: Post, judge: Judges) -> None:
    found = judge(mail(encrypted(post.people.seal(payload(), to=["eve"]))))
    assert (found.verdict, found.reasons) == (Verdict.UNDECRYPTABLE, ("no_key",))


def test_sealed_to_a_hidden_somebody_else(post: Post, judge: Judges) -> None:
    eve = ["--armor", "--hidden-recipient", post.people.prints["eve"], "--encrypt"]
    found = judge(mail(encrypted(post.people.gpg("alice", *eve, data=payload()))))
    assert (found.verdict, found.reasons) == (Verdict.UNDECRYPTABLE, ("no_key",))


def test_sealed_by_a_password(post: Post, judge: Judges) -> None:
    words = ["--armor", "--symmetric", "--pinentry-mode", "loopback", "--passphrase", "one"]
    found = judge(mail(encrypted(post.people.gpg("alice", *words, data=payload()))))
    assert (found.verdict, found.reasons) == (Verdict.UNDECRYPTABLE, ("password_encrypted",))


def test_sealed_in_a_form_to_come(post: Post, judge: Judges) -> None:
    keys, body = split(dearmoured(post.sealed()))
    found = judge(mail(encrypted(armoured(keys + packet(18, b"\x02" + body[1:])))))
    assert (found.verdict, found.reasons) == (Verdict.UNDECRYPTABLE, ("unsupported_encryption",))


def test_sealed_by_s_mime(judge: Judges) -> None:
    found = judge(mail(part("application/pkcs7-mime; smime-type=enveloped-data", b"MIAG")))
    assert (found.verdict, found.reasons) == (Verdict.UNDECRYPTABLE, ("smime_encrypted",))


@pytest.fixture
def locked(people: People, tmp_path: Path) -> Path:
    """A home whose key needs a pass-phrase."""
    home = people.base / f"locked-{tmp_path.name[-8:]}"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
    gpg += ["--passphrase", "twelve letters"]
    done = [[*gpg, "--quick-gen-key", "bot@deal.test", "future-default", "default", "1y"]]
    for command in done:
        subprocess.run(command, check=True, capture_output=True)
    exported = subprocess.run([*gpg, "--export"], check=True, capture_output=True).stdout
    alice = people.gpg("alice", "--export", people.prints["alice"])
    subprocess.run([*gpg, "--import"], input=alice, check=True, capture_output=True)
    people.gpg("alice", "--import", data=exported)
    listed = subprocess.run([*gpg, "-K", "--with-colons"], check=True, capture_output=True).stdout
    people.prints["locked"] = next(
        line.split(":")[9] for line in listed.decode().splitlines() if line.startswith("fpr")
    )
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    return home


def test_a_locked_key_opens_with_its_pass_phrase_alone(
    locked: Path, people: People, court: Court
) -> None:
    raw = mail(encrypted(people.seal(payload(), to=["locked"])))
    del people.prints["locked"]
    known = Known(people.contacts("alice"), frozenset({"bot@deal.test"}))
    said = []
    for phrase in (None, "wrong", "twelve letters"):
        with Keyring(locked, passphrase=phrase) as keyring:
            found = Court(keyring, known, court.now).judge(raw)
            said.append((found.verdict.value, found.reasons))
    refused = ("undecryptable", ("key_locked",))
    assert said == [refused, refused, ("verified", ())]


def test_the_same_signature_again_is_a_repetition(post: Post, court: Court) -> None:
    signed = post.signed()
    first = court.judge(mail(encrypted(post.packets(signed))))
    again = mail(encrypted(post.packets(signed)), having(OUTER, Message_ID="<new@lawfirm.test>"))
    remembering = dataclasses.replace(court, seen={first.digest}.__contains__)
    found = remembering.judge(again)
    assert first.released
    assert (found.verdict, found.reasons) == (Verdict.MISMATCH, ("repetition",))
    assert found.digest == first.digest


def test_nobody_is_known(post: Post, keyring: Keyring, court: Court) -> None:
    found = Court(keyring, Known({}, court.known.ours), court.now).judge(post.good())
    assert (found.verdict, found.reasons) == (Verdict.MISMATCH, ("sender_not_pinned",))
    assert found.signer == post.people.prints["alice"]


def test_a_signer_whom_nobody_has_a_key_of(post: Post, court: Court, people: People) -> None:
    with Keyring(people.home("bot")) as keyring:
        gpg = ["gpg", "--homedir", str(keyring._home), "--batch", "--yes", "--delete-keys"]
        subprocess.run([*gpg, people.prints["alice"]], check=True, capture_output=True)
        found = dataclasses.replace(court, keyring=keyring).judge(post.good())
    assert (found.verdict, found.reasons) == (Verdict.MISMATCH, ("signer_unknown",))


# classes

NULL = having(OUTER, Return_Path="<>")
BOUNCE = multi(
    "report",
    part("text/plain", b"could not be delivered"),
    part("message/delivery-status", b"Action: failed\r\n"),
    part("text/rfc822-headers", b"Message-ID: <x@deal.test>\r\n"),
    more="; report-type=delivery-status",
)


def test_a_report_is_a_bounce(judge: Judges) -> None:
    found = judge(mail(BOUNCE, having(NULL, From="MAILER-DAEMON@mx.test")))
    assert (found.mail_class, found.released) == (MailClass.BOUNCE, False)


def test_a_returned_body_is_not_opened(post: Post, judge: Judges) -> None:
    whole = BOUNCE.replace(
        part("text/rfc822-headers", b"Message-ID: <x@deal.test>\r\n"),
        enclosed(encrypted(post.sealed())),
    )
    found = judge(mail(whole, having(NULL, From="MAILER-DAEMON@mx.test")))
    assert (found.verdict, found.mail_class) == (Verdict.ORACLE, MailClass.BOUNCE)


def test_an_automatic_reply_stays_out_though_it_is_verified(post: Post, judge: Judges) -> None:
    outside = judge(post.good(headers=having(OUTER, Auto_Submitted="auto-replied")))
    inside = judge(post.good(payload(headers=inner(Auto_Submitted="auto-replied"))))
    for found in (outside, inside):
        assert (found.verdict, found.mail_class) == (Verdict.VERIFIED, MailClass.AUTO_REPLY)
        assert (found.released, found.letter) == (False, None)


def test_a_mail_of_nothing_but_a_key(judge: Judges, post: Post, people: People) -> None:
    key = people.gpg("alice", "--armor", "--export", people.prints["alice"])
    alone = mail(part("application/pgp-keys", key))
    beside = mail(multi("mixed", part("text/plain", b"\r\n"), part("application/pgp-keys", key)))
    text = mail(part("text/plain", key))
    sealed = post.good(payload(key.decode(), kind="text/plain"))
    for raw in (alone, beside, text, sealed):
        assert judge(raw).mail_class is MailClass.KEY_ONLY
        assert not judge(raw).released


# traces


def _listed(home: Path) -> list[tuple[str, int, int]]:
    return sorted(
        (str(path), path.stat().st_mtime_ns, path.stat().st_size)
        for path in home.rglob("*")
        if not path.is_socket()
    )


def test_the_home_that_was_given_is_not_touched(people: People, post: Post, court: Court) -> None:
    raw, home = post.good(), people.home("bot")
    before = _listed(home)
    with Keyring(home) as keyring:
        copy = keyring._home
        assert dataclasses.replace(court, keyring=keyring).judge(raw).released
    assert _listed(home) == before
    assert copy is not None
    assert not copy.exists()


def test_no_agent_is_left(people: People) -> None:
    with Keyring(people.home("bot")) as keyring:
        assert keyring.ours.addresses == {"bot@deal.test"}
        copy = str(keyring._home)
    deadline = time.monotonic() + 30.0  # it was asked to end, and ends on its own time
    while _named(copy):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _named(text: str) -> bool:
    """Whether a process has this on its line."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if text in process.read_bytes().decode(errors="replace"):
                return True
    return False


def test_what_a_killed_process_left_is_removed(people: People, tmp_path: Path) -> None:
    left = tmp_path / "wallcross-keys-999999999-x"
    left.mkdir()
    ours = tmp_path / "wallcross-keys-1-x"
    ours.mkdir()
    with Keyring(people.home("bot"), base=tmp_path):
        assert not left.exists()
        assert ours.exists()


def test_a_copy_lies_where_the_agents_socket_fits(
    monkeypatch: pytest.MonkeyPatch, people: People, tmp_path: Path
) -> None:
    monkeypatch.setattr(keyring_module, "_MEMORY", tmp_path / "none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("x" * 80)))
    assert len(str(keyring_module._place())) < 10
    monkeypatch.setattr(tempfile, "tempdir", str(people.base))
    assert keyring_module._place() == people.base


def test_a_program_that_lists_without_end_is_no_engine(people: People, tmp_path: Path) -> None:
    endless = tmp_path / "gpg"
    endless.write_text("#!/bin/sh\nexec yes sec:\n", encoding="utf-8")
    endless.chmod(0o755)
    with Keyring(people.home("bot"), str(endless)) as keyring, pytest.raises(NoEngine):
        assert keyring.ours.key_ids


def test_a_program_that_never_ends_is_ended(people: People, post: Post, tmp_path: Path) -> None:
    slow = tmp_path / "gpg"
    slow.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
    slow.chmod(0o755)
    known = Known(people.contacts("alice"), frozenset({"bot@deal.test"}))
    with Keyring(people.home("bot")) as keyring:
        assert keyring.ours.key_ids
        keyring._program = str(slow)
        court = Court(keyring, known, 0)
        hasty = dataclasses.replace(court, limits=dataclasses.replace(court.limits, seconds=0.2))
        found = hasty.judge(post.good())
    assert (found.verdict, found.reasons) == (Verdict.MALFORMED, ("too_slow",))


def test_plaintext_past_the_cap_is_not_kept(keyring: Keyring, post: Post) -> None:
    packets = dearmoured(post.sealed(payload("0" * 100_000)))
    with pytest.raises(Exception, match="compression_bomb"):
        keyring.decrypt(packets, Cap(50_000, "compression_bomb", 20))


# mutations


@pytest.fixture(scope="session")
def seeds(post: Post) -> list[bytes]:
    clear = mail(multi("mixed", part("text/plain", b"agreed"), post.multipart_signed()))
    return [post.good(), clear, mail(BOUNCE, NULL), post.good(payload(headers=[]))]


def _mutate(raw: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    changed = bytearray(raw)
    for at, length, put in cuts:
        start = at % (len(changed) + 1)
        changed[start : start + length] = put
    return bytes(changed)


PIECES = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b"\r\n", b"\n\n", b"--enc\r\n", b"--", b"From: x@y.test\r\n", b"\0", b"\xff"]),
)
CUTS = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 20), PIECES), min_size=1, max_size=4
)


@settings(max_examples=150, deadline=None)
@given(which=st.integers(0, 3), cuts=CUTS)
def test_a_mutated_mail_never_fails_and_never_lies(
    which: int, cuts: list[tuple[int, int, bytes]], seeds: list[bytes], judge: Judges
) -> None:
    """What still comes in after a change says what it said before."""
    found = judge(_mutate(seeds[which], cuts))
    if found.released:
        assert found.letter is not None
        assert found.letter.content.text == f"Good. {CANARY}"
        assert found.letter.sender == "alice@lawfirm.test"


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=400))
def test_noise_never_fails(raw: bytes, judge: Judges) -> None:
    assert not judge(raw).released


@settings(max_examples=100, deadline=None)
@given(cuts=CUTS)
def test_a_change_of_the_sealed_bytes_never_comes_in(
    cuts: list[tuple[int, int, bytes]], judge: Judges, sealed_once: bytes
) -> None:
    changed = _mutate(sealed_once, cuts)
    found = judge(mail(encrypted(armoured(changed))))
    assert found.released == (changed == sealed_once)


@pytest.fixture(scope="session")
def sealed_once(post: Post) -> bytes:
    return dearmoured(post.sealed())


# mails that cost time


def costly(post: Post) -> dict[str, bytes]:
    control = part("application/pgp-encrypted", b"Version: 1" + b"\n" * 1_000_000 + b"x")
    holder = part("application/octet-stream", post.sealed())
    more = '; protocol="application/pgp-encrypted"'
    pieces = bytes([0xC0 | 18]) + b"\xe0\x01" * 2_000_000 + b"\x00"
    keys, _ = split(dearmoured(post.sealed()))
    lines = b"-----BEGIN PGP MESSAGE-----\n\n" + b"aGVs\n" * 1_000_000
    return {
        "a control part of blank lines": mail(multi("encrypted", control, holder, more=more)),
        "a sender without end": mail(part("text/plain", b"x"), having(OUTER, From="a" * 30_000)),
        "a packet in tiny pieces": mail(encrypted(armoured(keys + pieces))),
        "armour without end": mail(encrypted(lines)),
        "blanks in armour": mail(encrypted(b"-----BEGIN PGP MESSAGE-----" + b" \n" * 1_000_000)),
        "dashes": mail(part("text/plain", b"-----" + b"\n" * 2_000_000 + b"-" * 2_000_000)),
        "boundaries": mail(multi("mixed", part("text/plain", b"\n--b1x" * 500_000))),
        "parameters": mail(part("text/plain; " + "a=b; " * 6_000, b"x")),
        "quotes": mail(part("text/plain", b"x"), having(OUTER, From='"' * 900)),
        "brackets": mail(part("text/plain", b"x"), having(OUTER, From="(" * 900)),
    }


@pytest.mark.timeout(30)
def test_a_mail_that_is_made_to_cost_time_is_judged_soon(post: Post, judge: Judges) -> None:
    found = {name: judge(raw) for name, raw in costly(post).items()}
    assert [name for name, each in found.items() if each.released] == []
    assert found["a packet in tiny pieces"].reasons == ("bad_packets",)
    assert found["a control part of blank lines"].reasons == ("encrypted_structure",)
