"""What real clients send comes back verified, with its text and files."""

import base64
from collections.abc import Callable

import pytest

from connectors.pgpmail.judge.words import Verdict

from .conftest import Judges
from .mails import (
    CANARY,
    OUTER,
    Post,
    encrypted,
    having,
    inner,
    mail,
    multi,
    part,
    payload,
)


async def read(file: object) -> bytes:
    return b"".join([piece async for piece in file.open()])  # type: ignore[attr-defined]


def test_a_genuine_mail_is_verified(post: Post, judge: Judges) -> None:
    found = judge(post.good())
    assert (found.verdict, found.reasons, found.released) == (Verdict.VERIFIED, (), True)
    assert found.signer == post.people.prints["alice"]
    assert found.letter is not None
    assert found.letter.sender == "alice@lawfirm.test"
    assert CANARY in found.letter.content.text
    assert found.letter.content.subject == "Terms"
    assert CANARY not in repr(found)


def _wrapped(kind: str, text: str = CANARY) -> bytes:
    return multi(
        "mixed",
        part("text/plain; charset=utf-8; format=flowed", f"{text}\r\n".encode()),
        part(
            'application/pdf; name="=?utf-8?q?Entw=C3=BCrfe?=.pdf"',
            b"JVBERi0xLjQ=\r\n",
            ("Content-Transfer-Encoding", "base64"),
            ("Content-Disposition", "attachment; filename*=UTF-8''Entw%C3%BCrfe.pdf"),
        ),
        part("application/pgp-keys; name=OpenPGP_0x1.asc", b"-----BEGIN PGP PUBLIC KEY BLOCK-----"),
        mark="in",
        more=kind,
    )


def thunderbird(post: Post) -> bytes:
    head = b"From: Alice Long <alice@lawfirm.test>\r\nTo: bot@deal.test\r\nSubject: Terms\r\n"
    entity = _wrapped('; protected-headers="v1"')
    sealed = post.people.seal(head + entity)
    outer = encrypted(sealed, "------------0xAbCd")
    preamble = b"This is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)\r\n"
    at = outer.index(b"\r\n\r\n") + 4
    more = having(OUTER, Autocrypt="addr=alice@lawfirm.test; keydata=\r\n mDMEY", User_Agent="Tb")
    return mail(outer[:at] + preamble + outer[at:], more)


def mailvelope(post: Post) -> bytes:
    armour = post.sealed(_wrapped("")).replace(
        b"MESSAGE-----\n",
        b"MESSAGE-----\nVersion: Mailvelope v5.1.1\nComment: https://mailvelope.com\n",
        1,
    )
    return mail(encrypted(armour), having(OUTER, Subject="Terms"))


def neomutt(post: Post) -> bytes:
    kind = 'text/plain; protected-headers="v1"; charset=us-ascii'
    body = payload(headers=[("Subject", "Terms"), ("Content-Disposition", "inline")], kind=kind)
    return mail(encrypted(post.sealed(body)).replace(b"name=", b"x="))


def gpgol(post: Post) -> bytes:
    """Outlook with GpgOL: no headers inside, all of one line ending."""
    return mail(encrypted(post.sealed(_wrapped(""))), having(OUTER, X_Mailer="GpgOL"))


def protonmail(post: Post) -> bytes:
    body = _wrapped('; protected-headers="v1"')
    return mail(encrypted(post.sealed(body), "---------------------7f3"))


def exchange(post: Post) -> bytes:
    """What Exchange makes of the two parts."""
    entity = multi(
        "mixed",
        part("text/plain; charset=us-ascii", b"\r\n"),
        part("application/pgp-encrypted", b"Version: 1\r\n", ("Content-Disposition", "attachment")),
        part("application/octet-stream; name=encrypted.asc", post.sealed()),
    )
    return mail(entity)


def rfc9788(post: Post) -> bytes:
    legacy = 'text/plain; charset=utf-8; hp-legacy-display="1"; hp="cipher"'
    headers = [*inner(), ("HP-Outer", "From: Alice Long <alice@lawfirm.test>")]
    return post.good(payload(f"Subject: Terms\n\n{CANARY}\n", headers, legacy))


def hidden(post: Post) -> bytes:
    """A hidden recipient: gpg ends with 2, and all is well."""
    bot = post.people.prints["bot"]
    words = ["--armor", "-u", post.people.prints["alice"], "--sign", "--hidden-recipient", bot]
    eve = ["--hidden-recipient", post.people.prints["eve"], "--encrypt"]
    return mail(encrypted(post.people.gpg("alice", *words, *eve, data=payload())))


def line_feeds(post: Post) -> bytes:
    return post.good().replace(b"\r\n", b"\n")


def mailbox_file(post: Post) -> bytes:
    return b"From - Sun Nov 22 08:00:00 2026\r\n" + post.good()


def uncompressed(post: Post) -> bytes:
    return mail(encrypted(post.people.seal(payload(), words=["--compress-algo", "none"])))


def text_mode(post: Post) -> bytes:
    return mail(encrypted(post.people.seal(payload(), words=["--textmode"])))


def base64_holder(post: Post) -> bytes:
    holder = part(
        "application/octet-stream",
        base64.encodebytes(post.sealed()),
        ("Content-Transfer-Encoding", "base64"),
    )
    control = part("application/pgp-encrypted", b"Version: 1\r\n")
    more = '; protocol="application/pgp-encrypted"'
    return mail(multi("encrypted", control, holder, more=more))


SHAPES = (
    *(thunderbird, mailvelope, neomutt, gpgol, protonmail, exchange, rfc9788, hidden),
    *(line_feeds, mailbox_file, uncompressed, text_mode, base64_holder),
)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_shapes_of_clients_are_verified(
    shape: Callable[[Post], bytes], post: Post, judge: Judges
) -> None:
    found = judge(shape(post))
    assert found.released, (found.verdict, found.reasons)
    assert found.letter is not None
    assert CANARY in found.letter.content.text
    assert "Subject:" not in found.letter.content.text


async def test_files_come_whole_and_by_name(post: Post, judge: Judges) -> None:
    found = judge(gpgol(post))
    assert found.letter is not None
    (file,) = found.letter.content.attachments
    assert (file.name, file.media_type, file.size) == ("Entwürfe.pdf", "application/pdf", 8)
    assert await read(file) == b"%PDF-1.4"


async def test_html_alone_is_a_file(post: Post, judge: Judges) -> None:
    body = payload('<img src="http://evil.test/x">', kind='text/html; hp="cipher"')
    found = judge(post.good(body))
    assert found.letter is not None
    assert found.letter.content.text == ""
    (file,) = found.letter.content.attachments
    assert b"evil.test" in await read(file)


def test_an_answer_names_what_it_answers(post: Post, judge: Judges) -> None:
    body = payload(headers=inner(In_Reply_To="<ours@deal.test>"))
    outer = having(OUTER, In_Reply_To="<other@deal.test>")
    found = judge(post.good(body, headers=outer))
    assert found.letter is not None
    assert found.letter.answers == "<ours@deal.test>"


def test_an_answer_is_not_told_from_outside_where_headers_are_protected(
    post: Post, judge: Judges
) -> None:
    found = judge(post.good(headers=having(OUTER, In_Reply_To="<other@deal.test>")))
    assert found.letter is not None
    assert found.letter.answers is None


def older_display(post: Post) -> bytes:
    """An older client's copy of the headers as a part of its own."""
    copied = part('text/plain; protected-headers="v1"', b"Subject: Terms\r\n")
    text = part("text/plain", CANARY.encode())
    entity = multi("mixed", copied, text, mark="in", more='; protected-headers="v1"')
    return mail(
        encrypted(post.sealed(b"From: alice@lawfirm.test\r\nTo: bot@deal.test\r\n" + entity))
    )


def test_a_copy_of_the_headers_is_not_shown_and_a_text_like_one_is(
    post: Post, judge: Judges
) -> None:
    first = judge(older_display(post)).letter
    kind = 'text/plain; protected-headers="v1"'
    second = judge(post.good(payload("Price: five\n\nno more\n", kind=kind))).letter
    assert first is not None
    assert first.content.text == CANARY
    assert second is not None
    assert second.content.text == "Price: five\n\nno more"
