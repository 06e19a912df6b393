"""The small readers of the judge, each by itself."""

import pytest

from connectors.pgpmail.judge.address import mailbox, recipients
from connectors.pgpmail.judge.armour import without_armour
from connectors.pgpmail.judge.content import content_of
from connectors.pgpmail.judge.fields import read_fields
from connectors.pgpmail.judge.judge import contacts_of
from connectors.pgpmail.judge.kinds import read_kind
from connectors.pgpmail.judge.packets import sealed
from connectors.pgpmail.judge.parts import read_mail
from connectors.pgpmail.judge.status import lines, refuse_unopened
from connectors.pgpmail.judge.words import Limits, Malformed, Refused

LIMITS = Limits()
PRINT = "0123456789ABCDEF0123456789ABCDEF01234567"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("a@b.test", "a@b.test"),
        ("A@B.Test", "a@b.test"),
        ("<a@b.test>", "a@b.test"),
        ("Long, \tName <a@b.test>", None),
        ('"Long, Name" <a@b.test>', "a@b.test"),
        ('"Says \\"hi\\"" <a@b.test>', "a@b.test"),
        ("=?utf-8?q?J=C3=B6rg?= <j.o+x@b.test>", "j.o+x@b.test"),
        ("a@b.test (Name)", "a@b.test"),
        ("(one (two)) a@b.test", "a@b.test"),
        ("a@b.test)", None),
        ("Ada @ Home <a@b.test>", "a@b.test"),
        ("a..b@c.test", None),
        ("", None),
        ("=?utf-8?b?x?= <a@b.test>", "a@b.test"),
        ("=?no-such-charset?q?x?= <a@b.test>", "a@b.test"),
        ("=?\udcb6?q?x?= <a@b.test>", "a@b.test"),
    ],
)
def test_a_sender_is_one_plain_address(value: str, address: str | None) -> None:
    found = mailbox(value)
    assert (found.address if found else None) == address


def test_recipients_are_those_that_are_named() -> None:
    value = '"x@y.test, z" <a@b.test>, (c@d.test) e@f.test, us: g@h.test, i@j.test;, =?q?b@?='
    assert recipients(value) == {"a@b.test", "e@f.test", "g@h.test", "i@j.test"}


def test_folded_headers_are_unfolded() -> None:
    fields, body = read_fields(b"A: one\r\n two\r\nB: x\r\n\r\nbody", 0, 26, LIMITS)
    assert (fields.get("a"), body) == ("one two", 22)


def test_a_boundary_without_quotes_is_read() -> None:
    kind = read_kind("multipart/mixed; boundary=----=_Part_1; charset=utf-8;")
    assert (kind.clean, kind.params["boundary"]) == (True, "----=_Part_1")


def test_a_type_with_parameters_twice_is_not_clean() -> None:
    assert not read_kind("text/plain; a=1; a=2").clean
    with pytest.raises(Malformed):
        read_kind("multipart/mixed; boundary=a; boundary=b")


@pytest.mark.parametrize(
    "text",
    [
        b"--b\r\n\r\nx\r\n",
        b"--b--\r\n",
        b"\r\nx\r\n",
        b"--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n--b--\r\n",
    ],
)
def test_parts_that_are_not_delimited_are_malformed(text: bytes) -> None:
    with pytest.raises(Malformed, match="bad_boundary"):
        read_mail(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + text, LIMITS)


def test_a_part_with_parts_is_never_encoded() -> None:
    head = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    with pytest.raises(Malformed, match="bad_encoding"):
        read_mail(head + b"RnJvbTogeA==", LIMITS)


def test_armour_is_taken_off_one_block_alone() -> None:
    begin, end = b"-----BEGIN PGP MESSAGE-----\r\n", b"-----END PGP MESSAGE-----\r\n"
    block = begin + b"Version: x\r\n\r\naGVsbG8=\r\n=abcd\r\n" + end
    assert without_armour(block) == b"hello"
    for wrong in (
        block + block,
        b"x" + block,
        block[:-10],
        block.replace(b"aGVsbG8=", b"aGVs!bG8="),
    ):
        with pytest.raises(Malformed):
            without_armour(wrong)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\xc1\xff", b"hello", b"\xc1\x01\x03"])
def test_what_is_no_sealed_message_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="bad_packets"):
        sealed(data)


def test_a_status_line_that_is_none_refuses() -> None:
    assert lines(b"[GNUPG:] GOODSIG A b c\n") == [("GOODSIG", ("A", "b", "c"))]
    with pytest.raises(Refused, match="unexpected_packets"):
        lines(b"[GNUPG:] GOODSIG A b\ngpg: something\n")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "integrity_failed"),
        ("ENC_TO 0", "no_key"),
        ("NO_SECKEY 0", "no_key"),
        ("ENC_TO 0\nERROR pkdecrypt_failed 67108949", "key_locked"),
        ("ENC_TO 0\nERROR pkdecrypt_failed 83886179", "key_locked"),
        ("ENC_TO 0\nERROR pkdecrypt_failed 67108888", "integrity_failed"),
        ("ERROR pkdecrypt_failed\nENC_TO 0", "no_key"),
        ("DECRYPTION_KEY a b", "integrity_failed"),
        ("DECRYPTION_KEY a b\nDECRYPTION_INFO 2 9 0", "integrity_failed"),
        ("BEGIN_DECRYPTION\nDECRYPTION_INFO 0 9\nDECRYPTION_OKAY", "no_integrity_protection"),
        ("BEGIN_DECRYPTION\nDECRYPTION_INFO 2 9 0\nDECRYPTION_OKAY", "integrity_failed"),
        ("BEGIN_DECRYPTION\nDECRYPTION_INFO 2 9 0\nGOODMDC", "integrity_failed"),
        ("BEGIN_DECRYPTION\nDECRYPTION_INFO 2 3 0\nDECRYPTION_OKAY\nGOODMDC", "weak_cipher"),
        ("BEGIN_DECRYPTION\nDECRYPTION_INFO 2 9 0\nENC_TO 1\nGOODMDC", "encryption_in_plaintext"),
    ],
)
def test_what_was_not_opened_whole_is_refused(said: str, reason: str) -> None:
    raw = "".join(f"[GNUPG:] {line}\n" for line in said.splitlines()).encode()
    with pytest.raises(Refused) as refused:
        refuse_unopened(lines(raw))
    assert refused.value.reason == reason


def test_contacts_are_addresses_with_fingerprints() -> None:
    assert contacts_of([f"A@b.test={PRINT.lower()}"]) == {"a@b.test": frozenset({PRINT})}
    for wrong in ("a@b.test", f"a@b.test={PRINT[:16]}", f"nobody={PRINT}", ""):
        with pytest.raises(ValueError, match="contact 1"):
            contacts_of([wrong])


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "unicode_escape", "utf-7", "rot13", "undefined", "zlib", "none"]
)
def test_a_charset_that_is_none_of_mail_is_read_as_utf_8(name: str) -> None:
    """Python's punycode takes hours for what fits into a mail, and others say something else."""
    said = "say -\\u0041 +AGE- é"
    raw = f"Content-Type: text/plain; charset={name}\r\n\r\n{said}\r\n".encode()
    assert content_of(read_mail(raw, LIMITS), subject=False).text == said


@pytest.mark.parametrize(
    ("name", "codec"), [("ISO-8859-15", "iso8859-15"), ("windows-1251", "cp1251"), ("gbk", "gbk")]
)
def test_a_charset_of_mail_is_read_as_itself(name: str, codec: str) -> None:
    said = "\u20ac 5" if codec == "iso8859-15" else "\u0434\u0430"
    raw = f"Content-Type: text/plain; charset={name}\r\n\r\n".encode() + said.encode(codec)
    assert content_of(read_mail(raw, LIMITS), subject=False).text == said
