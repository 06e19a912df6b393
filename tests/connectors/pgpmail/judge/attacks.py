"""Attacks by what a mail is made of: its parts, signatures, senders and headers."""

import base64
from collections.abc import Callable, Sequence

from .corpus import Attack, Corpus, Make
from .mails import (
    CANARY,
    HTML_CLOSE,
    HTML_OPEN,
    OUTER,
    TEXT,
    Post,
    armoured,
    block,
    dearmoured,
    enclosed,
    encrypted,
    having,
    inner,
    literal,
    mail,
    multi,
    packet,
    part,
    payload,
    split,
)

BUILT = Corpus()
attacks = BUILT.add


def inline(armour: bytes, kind: str = "text/plain", around: bytes = b"") -> bytes:
    return part(kind, around + armour + around)


# --- EFAIL: exfiltration by the parts around, and by gadgets in the sealed bytes ------------------

attacks(
    "efail",
    "oracle",
    "nested_encryption",
    {
        "html_around_in_mixed": lambda p: mail(
            multi("mixed", HTML_OPEN, encrypted(p.sealed()), HTML_CLOSE)
        ),
        "html_around_in_related": lambda p: mail(
            multi("related", HTML_OPEN, encrypted(p.sealed()), HTML_CLOSE)
        ),
        "html_around_inline": lambda p: mail(
            multi("mixed", HTML_OPEN, inline(p.sealed()), HTML_CLOSE)
        ),
        "html_around_enclosed": lambda p: mail(
            multi("mixed", HTML_OPEN, enclosed(encrypted(p.sealed())), HTML_CLOSE)
        ),
        "html_before_the_armour_in_one_part": lambda p: mail(
            inline(p.sealed(), "text/html", b'<img src="http://evil.test/">')
        ),
        "style_sheet_around": lambda p: mail(
            multi("mixed", part("text/html", b"<style>@import url("), encrypted(p.sealed()))
        ),
    },
)


def gadget(change: Callable[[bytearray], bytes]) -> Make:
    """A mail whose sealed bytes (behind the version) were changed."""

    def make(post: Post) -> bytes:
        keys, body = split(dearmoured(post.sealed()))
        changed = bytes([1]) + change(bytearray(body[1:]))
        return mail(encrypted(armoured(keys + packet(18, changed))))

    return make


def _flip(at: int) -> Callable[[bytearray], bytes]:
    def change(body: bytearray) -> bytes:
        body[at] ^= 0x55
        return bytes(body)

    return change


attacks(
    "efail",
    "tampered",
    "integrity_failed",
    {
        "gadget_in_the_middle": gadget(_flip(120)),
        "gadget_behind_the_prefix": gadget(_flip(20)),
        "gadget_at_the_end": gadget(_flip(-1)),
        "a_block_twice": gadget(lambda b: bytes(b[:64] + b[48:64] + b[64:])),
        "two_blocks_swapped": gadget(lambda b: bytes(b[:48] + b[64:80] + b[48:64] + b[80:])),
        "cut_short": gadget(lambda b: bytes(b[:-40])),
        "the_last_lines_lost": lambda p: mail(encrypted(armoured(dearmoured(p.sealed())[:-100]))),
    },
)

# --- decryption oracles: sealed parts within a mail of the attacker's ----------------------------

WHERE = {
    "in_mixed": lambda s: multi("mixed", TEXT, encrypted(s)),
    "in_alternative": lambda s: multi("alternative", TEXT, encrypted(s)),
    "in_related": lambda s: multi("related", TEXT, encrypted(s)),
    "in_rfc822": lambda s: multi("mixed", TEXT, enclosed(encrypted(s))),
    "in_digest": lambda s: multi("digest", block([("From", "a@b.test")]) + encrypted(s)),
    "in_signed": lambda s: multi("signed", encrypted(s), part("application/pgp-signature", b"x")),
    "in_a_report": lambda s: multi("report", TEXT, enclosed(encrypted(s))),
    "inline_at_the_root": inline,
    "inline_in_the_middle": lambda s: inline(s, "text/plain", b"\r\nquoted below\r\n"),
    "inline_in_html": lambda s: inline(s, "text/html", b"<pre>"),
    "inline_as_base64": lambda s: part(
        "text/plain", base64.encodebytes(s), ("Content-Transfer-Encoding", "base64")
    ),
    "inline_as_quoted_printable": lambda s: part(
        "text/plain",
        s.replace(b"=", b"=3D").replace(b"-----BEGIN", b"=2D----BEGIN"),
        ("Content-Transfer-Encoding", "quoted-printable"),
    ),
    "as_a_binary_file": lambda s: multi(
        "mixed",
        TEXT,
        part(
            "application/octet-stream; name=a.gpg",
            base64.encodebytes(dearmoured(s)),
            ("Content-Transfer-Encoding", "base64"),
        ),
    ),
    "as_an_armoured_file": lambda s: multi(
        "mixed", TEXT, part("application/octet-stream; name=a.asc", s)
    ),
    "in_the_preamble": lambda s: multi("mixed", TEXT).replace(b"--b1\r\n", s + b"--b1\r\n", 1),
    "control_part_alone": lambda _s: multi(
        "mixed", TEXT, part("application/pgp-encrypted", b"Version: 1")
    ),
    "exchange_form_with_a_text": lambda s: multi(
        "mixed",
        TEXT,
        part("application/pgp-encrypted", b"Version: 1\r\n"),
        part("application/octet-stream", s),
    ),
}
for _name, _build in WHERE.items():
    attacks(
        "oracle",
        "oracle",
        "nested_encryption",
        {_name: lambda p, build=_build: mail(build(p.sealed()))},  # type: ignore[misc]
    )
attacks(
    "oracle",
    "oracle",
    "encryption_in_plaintext",
    {
        "sealed_part_in_a_good_mail": lambda p: p.good(
            headed(multi("mixed", TEXT, encrypted(p.sealed(signer=None)), more='; hp="cipher"'))
        ),
        "inline_in_a_good_mail": lambda p: p.good(payload("see\n" + p.sealed().decode())),
        "sealed_within_sealed": lambda p: mail(encrypted(p.packets(dearmoured(p.sealed())))),
        "a_file_in_a_good_mail": lambda p: p.good(
            headed(
                multi(
                    "mixed",
                    TEXT,
                    part(
                        "application/octet-stream",
                        base64.encodebytes(dearmoured(p.sealed())),
                        ("Content-Transfer-Encoding", "base64"),
                    ),
                    more='; hp="cipher"',
                )
            )
        ),
        "enclosed_in_a_good_mail": lambda p: p.good(
            headed(multi("mixed", TEXT, enclosed(encrypted(p.sealed())), more='; hp="cipher"'))
        ),
    },
)


def headed(entity: bytes, headers: Sequence[tuple[str, str]] | None = None) -> bytes:
    """An entity as what is sealed: the mail's headers before its type."""
    return block(headers if headers is not None else inner()) + entity


# --- wrapped and partial signatures --------------------------------------------------------------

PARTIAL: dict[str, Make] = {
    "signed_part_beside_a_text": lambda p: mail(
        encrypted(p.sealed(headed(multi("mixed", TEXT, p.multipart_signed())), None))
    ),
    "signed_part_before_html": lambda p: mail(
        encrypted(p.sealed(headed(multi("mixed", p.multipart_signed(), HTML_OPEN)), None))
    ),
    "signed_mail_enclosed": lambda p: mail(
        encrypted(p.sealed(headed(multi("mixed", TEXT, enclosed(p.multipart_signed()))), None))
    ),
    "signed_in_related": lambda p: mail(
        encrypted(p.sealed(headed(multi("related", TEXT, p.multipart_signed())), None))
    ),
    "clear_signed_text_within": lambda p: mail(
        encrypted(p.sealed(payload(f"first\n{clear_signed(p).decode()}\nlast\n"), None))
    ),
    "signature_of_another_text_as_a_file": lambda p: mail(
        encrypted(
            p.sealed(
                headed(
                    multi(
                        "mixed",
                        TEXT,
                        part("application/pgp-signature", p.detached(b"something else")),
                    )
                ),
                None,
            )
        )
    ),
}


def clear_signed(post: Post) -> bytes:
    words = ["-u", post.people.prints["alice"], "--clear-sign"]
    return post.people.gpg("alice", *words, data=b"agreed\n")


attacks("wrapped", "known_unsigned", "partial_signature", PARTIAL)
attacks(
    "wrapped",
    "tampered",
    "bad_signature",
    {
        "a_second_text_behind_the_signed_one": lambda p: mail(
            encrypted(p.packets(p.signed(), literal(payload("more\n"))))
        ),
    },
)
attacks(
    "wrapped",
    "tampered",
    "unexpected_packets",
    {
        "a_second_text_before_the_signed_one": lambda p: mail(
            encrypted(p.packets(literal(payload("more\n")), p.signed()))
        ),
    },
)
attacks(
    "wrapped",
    "tampered",
    "bad_signature",
    {"signature_of_another_text": lambda p: mail(encrypted(p.packets(_swapped(p))))},
)
attacks(
    "wrapped",
    "mismatch",
    "several_signatures",
    {
        "two_signers": lambda p: mail(
            encrypted(p.packets(*_twice(p, "alice", "mallory"), literal(payload())))
        ),
        "the_same_signer_twice": lambda p: mail(
            encrypted(p.packets(*_twice(p, "alice", "alice"), literal(payload())))
        ),
    },
)


def _twice(post: Post, *signers: str) -> list[bytes]:
    return [dearmoured(post.detached(payload(), signer)) for signer in signers]


def _swapped(post: Post) -> bytes:
    """A signature around a text of the same length that it was not made for."""
    text = payload()
    signed = post.signed(text)
    assert signed.count(CANARY.encode()) == 1
    return signed.replace(CANARY.encode(), CANARY[::-1].encode())


attacks(
    "wrapped",
    "malformed",
    "bad_packets",
    {
        "two_messages_in_one_block": lambda p: mail(
            encrypted(armoured(dearmoured(p.sealed()) + dearmoured(p.sealed())))
        ),
        "a_text_packet_behind": lambda p: mail(
            encrypted(armoured(dearmoured(p.sealed()) + literal(payload())))
        ),
    },
)
attacks(
    "wrapped",
    "mismatch",
    "signer_not_pinned",
    {"no_mail_signed_by_another": lambda p: mail(encrypted(p.sealed(b"agreed\r\n", "mallory")))},
)
attacks(
    "wrapped",
    "known_unsigned",
    "no_signature",
    {"no_mail_and_not_signed": lambda p: mail(encrypted(p.sealed(b"agreed\r\n", None)))},
)
attacks(
    "wrapped",
    "malformed",
    "payload_not_mime",
    {
        "a_signed_file_as_a_mail": lambda p: p.good(b"\x89PNG\r\n" + bytes(200)),
        "a_signed_text_as_a_mail": lambda p: p.good(b"I agree.\r\n\r\nAlice\r\n"),
    },
)
attacks(
    "wrapped",
    "malformed",
    "bad_armour",
    {
        "two_blocks": lambda p: mail(encrypted(p.sealed() + p.sealed())),
        "text_before_the_block": lambda p: mail(encrypted(b"Dear all,\n\n" + p.sealed())),
        "text_behind_the_block": lambda p: mail(encrypted(p.sealed() + b"\nRegards\n")),
        "text_in_the_blocks_headers": lambda p: mail(
            encrypted(p.sealed().replace(b"MESSAGE-----\n", b"MESSAGE-----\nhello there\n", 1))
        ),
    },
)

# --- who it is from ------------------------------------------------------------------------------


def _from(value: str, verdict: str = "mismatch", reason: str = "from_ambiguous") -> None:
    name = f"from_{len(BUILT)}"
    BUILT.append(
        Attack("from", name, lambda p: p.good(headers=having(OUTER, From=value)), verdict, reason)
    )


for _value in (
    "alice@lawfirm.test, mallory@other.test",
    "alice@lawfirm.test <mallory@other.test>, x@y.test",
    "friends: alice@lawfirm.test;",
    "<alice@lawfirm.test> <mallory@other.test>",
    "<alice@lawfirm.test> mallory@other.test",
    "<@relay.test:alice@lawfirm.test>",
    '"alice"@lawfirm.test',
    "=?utf-8?q?alice=40lawfirm.test?=",
    "=?utf-8?q?alice=40lawfirm.test=00?= <=?utf-8?q?mallory?=@other.test>",
    "alice@lawfirm.test(",
    "alice@[127.0.0.1]",
    "<>",
    "Alice",
    "alice@lawfirm.test\\",
    "alice@lawfirm.test;mallory@other.test",
    "\N{CYRILLIC SMALL LETTER A}lice@lawfirm.test",
    "alice@l\N{CYRILLIC SMALL LETTER A}wfirm.test",
    "alice @lawfirm .test <",
):
    _from(_value)
for _value in (
    "alice@xn--lwfirm-2nf.test",
    "alice@lawfirm.test.evil.test",
    "xalice@lawfirm.test",
    "alice@lawfirm.tes",
    "mallory@other.test (alice@lawfirm.test)".replace("mallory@other", "alice@other"),
):
    _from(_value, reason="sender_not_pinned")
for _value in (
    '"mallory@other.test" <alice@lawfirm.test>',
    "=?utf-8?b?bWFsbG9yeUBvdGhlci50ZXN0?= <alice@lawfirm.test>",
    "mallory\N{FULLWIDTH COMMERCIAL AT}other.test <alice@lawfirm.test>",
    "Alice \N{RIGHT-TO-LEFT OVERRIDE}tset <alice@lawfirm.test>",
    "alice@lawfirm.test (mallory@other.test)",
):
    _from(_value, reason="from_misleading")

SAYS_ALICE: dict[str, Make] = {
    "signed_by_another_contact": lambda p: p.good(signer="mallory"),
    "signed_by_another_contact_naming_alice_inside": lambda p: mail(
        encrypted(p.sealed(signer="mallory")), having(OUTER, Sender="mallory@other.test")
    ),
    "signed_by_a_stranger": lambda p: p.good(signer="eve"),
    "answers_to_the_attacker": lambda p: mail(
        encrypted(p.sealed(signer="mallory")), having(OUTER, Reply_To="mallory@other.test")
    ),
    "without_headers_inside": lambda p: mail(
        encrypted(p.sealed(payload(headers=[], kind="text/plain"), "mallory"))
    ),
}
attacks("from", "mismatch", "signer_not_pinned", SAYS_ALICE)
attacks(
    "from",
    "mismatch",
    "sender_differs",
    {
        "sender_is_another": lambda p: p.good(headers=having(OUTER, Sender="mallory@other.test")),
        "sender_cannot_be_read": lambda p: p.good(headers=having(OUTER, Sender="a, b")),
        "sender_is_another_inside": lambda p: p.good(
            payload(headers=inner(Sender="mallory@other.test"))
        ),
    },
)
attacks(
    "from",
    "mismatch",
    "resent",
    {
        "resent_from": lambda p: p.good(headers=having(OUTER, Resent_From="mallory@other.test")),
        "resent_sender": lambda p: p.good(headers=having(OUTER, Resent_Sender="m@other.test")),
        "resent_to": lambda p: p.good(headers=having(OUTER, Resent_To="bot@deal.test")),
    },
)
attacks(
    "from",
    "mismatch",
    "inner_from_differs",
    {
        "another_inside": lambda p: p.good(payload(headers=inner(From="mallory@other.test"))),
        "two_inside": lambda p: p.good(
            payload(headers=inner(From="alice@lawfirm.test, mallory@other.test"))
        ),
        "none_inside_though_protected": lambda p: p.good(payload(headers=inner(From=None))),
        "group_inside": lambda p: p.good(payload(headers=inner(From="a: alice@lawfirm.test;"))),
        "recorded_as_another": lambda p: p.good(
            payload(headers=[*inner(), ("HP-Outer", "From: mallory@other.test")])
        ),
    },
)
attacks(
    "from",
    "mismatch",
    "sender_not_pinned",
    {"own_address_of_a_stranger": lambda p: p.from_("eve")},
)
attacks(
    "from",
    "malformed",
    "from_missing",
    {"no_sender": lambda p: p.good(headers=having(OUTER, From=None))},
)

# --- headers that stand twice, or nearly ---------------------------------------------------------


def _extra(*lines: bytes, first: bool = False) -> Make:
    def make(post: Post) -> bytes:
        made = post.good()
        more = b"".join(line + b"\r\n" for line in lines)
        return more + made if first else made.replace(b"Subject:", more + b"Subject:", 1)

    return make


attacks(
    "duplicate",
    "malformed",
    "duplicate_header",
    {
        "from_twice": _extra(b"From: mallory@other.test"),
        "from_first": _extra(b"From: mallory@other.test", first=True),
        "from_in_capitals": _extra(b"FROM: mallory@other.test"),
        "from_the_same_twice": _extra(b"From: Alice Long <alice@lawfirm.test>"),
        "type_twice": _extra(b"Content-Type: text/plain"),
        "subject_twice": _extra(b"Subject: other"),
        "to_twice": _extra(b"To: other@deal.test"),
        "sender_twice": _extra(b"Sender: a@b.test", b"Sender: alice@lawfirm.test"),
        "encoding_twice": _extra(
            b"Content-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: base64"
        ),
    },
)
attacks(
    "duplicate",
    "malformed",
    "bad_header",
    {
        "from_with_a_space": _extra(b"From : mallory@other.test"),
        "from_with_a_tab": _extra(b"From\t: mallory@other.test"),
        "line_that_is_no_header": _extra(b"not a header at all"),
        "null_in_a_name": _extra(b"Fr\0om: mallory@other.test"),
        "null_in_a_value": _extra(b"X-A: a\0b"),
        "carriage_return_in_a_value": _extra(b"X-A: a\rFrom: mallory@other.test"),
        "folded_first_line": lambda p: b" folded\r\n" + p.good(),
        "empty_name": _extra(b": mallory@other.test"),
    },
)
attacks(
    "duplicate",
    "malformed",
    "payload_not_mime",
    {
        "from_twice_inside": lambda p: p.good(
            payload(headers=[*inner(), ("From", "mallory@other.test")])
        ),
        "to_twice_inside": lambda p: p.good(payload(headers=[*inner(), ("To", "x@y.test")])),
        "type_twice_inside": lambda p: p.good(
            payload(headers=[*inner(), ("Content-Type", "text/html")])
        ),
        "no_headers_at_all_inside": lambda p: p.good(b"agreed, sell at any price\r\n"),
        "no_type_inside": lambda p: p.good(block(inner()) + b"\r\nhello\r\n"),
    },
)

# --- protected headers that protect nothing ------------------------------------------------------

attacks(
    "phony",
    "mismatch",
    "phony_headers",
    {
        "hp_outside": lambda p: p.good().replace(b'boundary="enc"', b'boundary="enc"; hp="cipher"'),
        "older_mark_outside": lambda p: p.good().replace(
            b'boundary="enc"', b'boundary="enc"; protected-headers="v1"'
        ),
        "hp_outer_outside": lambda p: p.good(
            headers=having(OUTER, HP_Outer="From: alice@lawfirm.test")
        ),
        "hp_of_no_kind": lambda p: p.good(payload(kind='text/plain; hp="yes"')),
        "hp_empty": lambda p: p.good(payload(kind='text/plain; hp=""')),
    },
)
attacks(
    "phony",
    "mismatch",
    "hp_not_encrypted",
    {
        "made_for_the_clear": lambda p: p.good(payload(kind='text/plain; hp="clear"')),
        "signature_taken_from_a_clear_mail": lambda p: mail(
            encrypted(p.packets(p.signed(payload(kind='text/plain; hp="clear"')), signer=None))
        ),
    },
)
attacks(
    "phony",
    "downgrade",
    "phony_headers",
    {
        "hp_on_a_clear_mail": lambda _p: mail(part('text/plain; hp="cipher"', b"sell")),
        "older_mark_on_a_clear_mail": lambda _p: mail(
            multi("mixed", block(inner()) + TEXT, more='; protected-headers="v1"')
        ),
        "mark_on_an_inner_part": lambda _p: mail(
            multi("mixed", payload("sell\n"), part("text/plain", b"x"))
        ),
    },
)
attacks(
    "phony",
    "known_unsigned",
    "no_signature",
    {
        "protected_but_not_signed": lambda p: mail(encrypted(p.sealed(signer=None))),
        "older_mark_not_signed": lambda p: mail(
            encrypted(p.sealed(payload(kind='text/plain; protected-headers="v1"'), None))
        ),
    },
)
