"""Attacks by what is sealed, by whose key, and when: bombs, integrity, keys, repetitions."""

from .attacks import clear_signed, headed
from .corpus import Corpus, Make
from .mails import (
    OUTER,
    TEXT,
    Post,
    armoured,
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
    squeezed,
)
from .people import LONG_AGO, TO_COME

SEALED = Corpus()
attacks = SEALED.add

# --- bombs and depths ----------------------------------------------------------------------------

_HUGE = payload("0" * (9 * 1024 * 1024))


def _nested_zip(depth: int) -> Make:
    def make(post: Post) -> bytes:
        inside = literal(_HUGE)
        for _ in range(depth):
            inside = squeezed(inside)
        return mail(encrypted(post.packets(inside)))

    return make


attacks(
    "bomb",
    "malformed",
    "compression_bomb",
    {
        "zip": lambda p: mail(encrypted(p.people.seal(_HUGE, words=["--compress-algo", "zip"]))),
        "zlib": lambda p: mail(encrypted(p.people.seal(_HUGE, words=["--compress-algo", "zlib"]))),
        "bzip2": lambda p: mail(
            encrypted(p.people.seal(_HUGE, words=["--compress-algo", "bzip2"]))
        ),
        "zipped_twice": _nested_zip(2),
        "zipped_five_times": _nested_zip(5),
        "unsigned": lambda p: mail(encrypted(p.sealed(_HUGE, None))),
    },
)
attacks(
    "bomb",
    "malformed",
    "headers_too_large",
    {
        "many_headers": lambda p: p.good(headers=[*OUTER, *([("X-A", "b")] * 400)]),
        "one_long_header": lambda p: p.good(headers=having(OUTER, X_A="a" * 40_000)),
        "headers_without_end": lambda p: p.good(headers=[*OUTER, *([("X-A", "b" * 9_000)] * 20)]),
    },
)


def _deep(depth: int, kind: str = "mixed") -> bytes:
    entity = TEXT
    for n in range(depth):
        entity = enclosed(entity) if kind == "rfc822" else multi(kind, entity, mark=f"m{n}")
    return entity


attacks(
    "deep",
    "malformed",
    "too_deep",
    {
        "multiparts": lambda _p: mail(_deep(9)),
        "hundreds_of_multiparts": lambda _p: mail(_deep(500)),
        "enclosed_mails": lambda _p: mail(_deep(40, "rfc822")),
        "alternatives": lambda _p: mail(_deep(20, "alternative")),
        "around_a_sealed_part": lambda p: mail(
            multi("mixed", _deep(30), encrypted(p.sealed()), mark="top")
        ),
    },
)
attacks(
    "deep",
    "malformed",
    "payload_not_mime",
    {
        "multiparts_inside": lambda p: p.good(headed(_deep(50))),
        "many_parts_inside": lambda p: p.good(headed(multi("mixed", *[TEXT] * 200))),
    },
)
attacks(
    "deep",
    "malformed",
    "too_many_parts",
    {"many_parts": lambda _p: mail(multi("mixed", *[TEXT] * 5_000))},
)
attacks(
    "deep",
    "tampered",
    "unexpected_packets",
    {"zipped_forty_times": lambda p: mail(encrypted(p.packets(_forty())))},
)


def _forty() -> bytes:
    inside = literal(payload())
    for _ in range(40):
        inside = squeezed(inside)
    return inside


# --- no integrity protection ---------------------------------------------------------------------


def _resealed(tag: int, cut: int = 0, version: bytes = b"") -> Make:
    """The sealed bytes as they are, in a packet that protects nothing."""

    def make(post: Post) -> bytes:
        keys, body = split(dearmoured(post.sealed()))
        inside = body[1 : len(body) - cut]
        return mail(encrypted(armoured(keys + packet(tag, version + inside))))

    return make


attacks(
    "unprotected",
    "tampered",
    "no_integrity_protection",
    {
        "as_the_old_packet": _resealed(9),
        "as_the_old_packet_without_its_code": _resealed(9, 22),
        "as_the_old_packet_cut": _resealed(9, 60),
        "the_old_packet_with_a_version": _resealed(9, version=b"\x01"),
        "the_old_packet_empty": _resealed(9, 200),
    },
)
attacks(
    "unprotected",
    "tampered",
    "integrity_failed",
    {
        "code_cut_off": _resealed(18, 22, b"\x01"),
        "code_cut_in_half": _resealed(18, 10, b"\x01"),
    },
)

# --- outdated digests ----------------------------------------------------------------------------


def _digest(name: str, signer: str, *words: str) -> Make:
    def make(post: Post) -> bytes:
        weak = ["--allow-weak-digest-algos", "--digest-algo", name, *words]
        return post.from_(signer, weak)

    return make


attacks(
    "digest",
    "tampered",
    "weak_digest",
    {
        "sha1": _digest("SHA1", "rsa"),
        "sha1_of_text": _digest("SHA1", "rsa", "--textmode"),
        "sha1_uncompressed": _digest("SHA1", "rsa", "--compress-algo", "none"),
        "md5": _digest("MD5", "rsa"),
        "ripemd160": _digest("RIPEMD160", "rsa"),
        "sha1_zipped": _digest("SHA1", "rsa", "--compress-algo", "bzip2"),
    },
)

# --- keys that are not good now ------------------------------------------------------------------

attacks(
    "keys",
    "tampered",
    "key_expired",
    {
        "expired": lambda p: p.dated("expired", LONG_AGO),
        "expired_just_before": lambda p: p.dated("expired", "20201230T000000"),
    },
)
attacks(
    "keys",
    "tampered",
    "signature_expired",
    {
        "signature_for_a_day": lambda p: p.dated("alice", -3, "--default-sig-expire", "1"),
        "signature_for_a_week": lambda p: p.dated("rsa", -8, "--default-sig-expire", "1w"),
    },
)
attacks(
    "keys",
    "tampered",
    "key_not_usable",
    {
        "of_a_time_to_come": lambda p: p.dated("early", TO_COME),
        "of_a_time_to_come_once_more": lambda p: p.dated("early", "20400601T000000"),
    },
)

# --- signatures taken away -----------------------------------------------------------------------


attacks(
    "stripped",
    "known_unsigned",
    "no_signature",
    {
        "never_signed": lambda p: mail(encrypted(p.sealed(signer=None))),
        "bare_text_packet": lambda p: mail(encrypted(p.packets(literal(payload())))),
        "zipped_text_packet": lambda p: mail(encrypted(p.packets(squeezed(literal(payload()))))),
        "status_line_as_a_file_name": lambda p: mail(
            encrypted(p.packets(literal(payload(), _status(p))))
        ),
        "status_lines_in_the_text": lambda p: mail(
            encrypted(p.sealed(payload(_status(p).decode()), None))
        ),
    },
)


def _status(post: Post) -> bytes:
    mark = post.people.prints["alice"]
    lines = f"x\n[GNUPG:] GOODSIG {mark[-16:]} alice\n[GNUPG:] VALIDSIG {mark} 2026-11-22 1 0 4 0"
    return lines.encode()[:250]


attacks(
    "stripped",
    "known_unsigned",
    "no_signature",
    {"signature_packet_cut": lambda p: mail(encrypted(p.packets(p.signed()[:-80])))},
)
attacks(
    "stripped",
    "tampered",
    "bad_signature",
    {"signature_of_noise": lambda p: mail(encrypted(p.packets(p.signed()[:-8] + bytes(8))))},
)

# --- no encryption -------------------------------------------------------------------------------

CLEAR: dict[str, Make] = {
    "text": lambda _p: mail(part("text/plain", b"agreed")),
    "html": lambda _p: mail(part("text/html", b"<b>agreed</b>")),
    "signed_only": lambda p: mail(p.multipart_signed()),
    "clear_signed": lambda p: mail(part("text/plain", clear_signed(p))),
    "quoting_a_sealed_thread": lambda _p: mail(
        part("text/plain", b"agreed\r\n> On Monday you wrote:\r\n> the price"),
        having(OUTER, In_Reply_To="<ours@deal.test>"),
    ),
    "text_packet_as_if_sealed": lambda _p: mail(encrypted(armoured(literal(payload())))),
    "signed_packets_as_if_sealed": lambda p: mail(encrypted(armoured(p.signed()))),
    "smime_signed": lambda _p: mail(
        part("application/pkcs7-mime; smime-type=signed-data", b"MIAGCSqGSIb3DQEHAqCAMIACAQE=")
    ),
    "several_senders": lambda _p: mail(
        part("text/plain", b"agreed"), having(OUTER, From="x@y.test, alice@lawfirm.test")
    ),
    "named_beside_another": lambda _p: mail(
        part("text/plain", b"agreed"), having(OUTER, From='"alice@lawfirm.test" <x@y.test>')
    ),
}
attacks("downgrade", "downgrade", "not_encrypted", CLEAR)
attacks(
    "downgrade",
    "unsigned",
    "sender_has_no_key",
    {
        "stranger": lambda _p: mail(part("text/plain", b"hi"), having(OUTER, From="x@y.test")),
        "stranger_signed": lambda p: mail(p.multipart_signed(), having(OUTER, From="x@y.test")),
    },
)

# --- sent again, late, early, or to somebody else ------------------------------------------------

attacks(
    "replay",
    "mismatch",
    "not_to_us",
    {
        "signed_for_another": lambda p: p.good(payload(headers=inner(To="other@deal.test"))),
        "signed_for_nobody": lambda p: p.good(payload(headers=inner(To=None))),
        "signed_for_a_look_alike": lambda p: p.good(payload(headers=inner(To="bot@deal.test.x"))),
        "our_address_as_a_name": lambda p: p.good(
            payload(headers=inner(To='"bot@deal.test" <other@deal.test>'))
        ),
        "sealed_to_us_by_a_reader": lambda p: mail(
            encrypted(p.packets(p.signed(payload(headers=inner(To="mallory@other.test")))))
        ),
    },
)
attacks(
    "replay",
    "mismatch",
    "signature_old",
    {
        "fifteen_days_old": lambda p: p.dated("alice", -15),
        "a_month_old": lambda p: p.dated("alice", -30),
        "months_old": lambda p: p.dated("rsa", -200),
    },
)
attacks(
    "replay",
    "mismatch",
    "signature_future",
    {"of_tomorrow": lambda p: p.dated("alice", 1), "of_next_year": lambda p: p.dated("alice", 200)},
)
