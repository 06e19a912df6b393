"""Passkeys: what a software authenticator and its browser hand over, and every way it is wrong."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from fido2 import cbor as theirs

from orchestrator.approvals import passkey
from orchestrator.approvals.credentials import Credential, Signed
from orchestrator.approvals.errors import BadSignature, NoKey
from orchestrator.approvals.plan import enrolment, statement
from tests.orchestrator.approvals.authenticator import (
    PRESENT,
    VERIFIED,
    Authenticator,
    b64,
    cbor,
    private,
)
from tests.orchestrator.approvals.signers import Signer
from tiers.approval import Role
from tiers.ids import PersonId
from tiers.people import Party

DEAL = "deal_" + "d" * 32
YES = statement(DEAL, "a" * 64, 1_800_000_000_000_000, "yes")


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def enrolled(passkeys: Authenticator) -> Credential:
    made = passkey.read_made(passkeys.made())
    return Credential(
        PersonId("ada"),
        "passkey",
        made.kind,
        made.public,
        frozenset({Role.OWNER}),
        Party.ACQUIRER,
        frozenset(),
        made.handle,
        hashed("kestrel.example"),
        hashed("https://wallcross.kestrel.example"),
    )


def signed(text: str) -> Signed:
    return Signed(*passkey.read_signed(text))


@pytest.mark.parametrize("kind", ["es256", "eddsa"])
def test_a_passkey_signs_what_its_owner_was_shown(kind: str) -> None:
    own = Authenticator(key=private(kind))
    credential = enrolled(own)
    assert credential.kind == kind
    assert credential.check(YES, signed(own.signed(YES)), 0) == 0
    assert theirs.decode(credential.public) == own.cose()


@pytest.mark.parametrize(
    "change",
    [
        {"rp_id": "osprey.example"},
        {"origin": "https://wallcross.kestrel.example.evil.example"},
        {"origin": "http://wallcross.kestrel.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": 0},
        {"cross": True},
        {"key": private()},
        {"key": private("eddsa")},
    ],
    ids=lambda change: " ".join(f"{n}" for n in change),
)
def test_each_thing_that_is_not_as_enrolled_is_refused(change: dict[str, Any]) -> None:
    own = Authenticator()
    credential = enrolled(own)
    with pytest.raises(BadSignature):
        credential.check(YES, signed(replace(own, **change).signed(YES)), 0)


def test_it_signs_nothing_but_the_very_statement() -> None:
    own = Authenticator()
    credential = enrolled(own)
    others = (
        statement(DEAL, "a" * 64, 1_800_000_000_000_000, "no"),
        statement(DEAL, "b" * 64, 1_800_000_000_000_000, "yes"),
        statement("deal_" + "e" * 32, "a" * 64, 1_800_000_000_000_000, "yes"),
        enrolment(DEAL, credential.hash),
        YES[:-1],
        b"",
    )
    for other in others:
        with pytest.raises(BadSignature):
            credential.check(YES, signed(own.signed(other)), 0)
    with pytest.raises(BadSignature):
        credential.check(YES, signed(own.signed(YES, "webauthn.create")), 0)


def test_every_bit_of_the_signed_parts_counts() -> None:
    own = Authenticator()
    credential, good = enrolled(own), signed(own.signed(YES))
    credential.check(YES, good, 0)
    for part in ("signature", "client_data", "authenticator"):
        data = bytearray(getattr(good, part))
        for place in range(0, len(data), 7):
            data[place] ^= 1
            with pytest.raises(BadSignature):
                credential.check(YES, replace(good, **{part: bytes(data)}), 0)
            data[place] ^= 1


def test_a_count_only_goes_up() -> None:
    own = Authenticator(count=5)
    credential = enrolled(own)
    first, second = signed(own.signed(YES)), signed(own.signed(YES))
    assert credential.check(YES, first, 0) == 6
    assert credential.check(YES, second, 6) == 7
    for late in (first, second):
        with pytest.raises(BadSignature, match="copy"):
            credential.check(YES, late, 7)
    stopped = Authenticator(key=own.key)
    with pytest.raises(BadSignature, match="copy"):
        credential.check(YES, signed(stopped.signed(YES)), 7)


def test_kinds_that_do_not_count_are_not_enrolled() -> None:
    rsa = {1: 3, 3: -257, -1: b"\x01" * 256, -2: b"\x01\x00\x01"}

    class Windows(Authenticator):
        def cose(self) -> dict[int, Any]:
            return rsa

    with pytest.raises(NoKey):
        passkey.read_made(Windows().made())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"response": {}}',
        '{"response": {"attestationObject": "AAAA"}}',
        json.dumps({"response": {"attestationObject": b64(cbor({"fmt": "none"}))}}),
        json.dumps({"response": {"attestationObject": b64(b"\xa1" * 5000)}}),
        json.dumps({"response": {"signature": "AA", "clientDataJSON": "AA"}}),
    ],
)
def test_what_no_browser_wrote_is_refused_in_words(text: str) -> None:
    with pytest.raises(NoKey):
        passkey.read_made(text)
    with pytest.raises(BadSignature):
        passkey.read_signed(text)


def test_an_assertion_alone_makes_no_passkey() -> None:
    own = Authenticator()
    with pytest.raises(NoKey):
        passkey.read_made(own.signed(YES))


async def test_a_person_with_a_passkey_agrees_beside_one_with_a_key(deal: Any) -> None:
    """Enrolled, founded and agreed to, with everything read from the chain again."""
    own, ben = Authenticator(count=1), Signer("ben")

    class Holder(Signer):
        @property
        def credential(self) -> Credential:
            return enrolled(own)

        def sign(self, message: bytes, namespace: bytes = b"wallcross") -> Signed:
            del namespace  # a passkey has none
            return signed(own.signed(message))

    ada = Holder("ada")
    await deal.found(ada, ben)
    found = await deal.standing()
    assert found.founded_at is not None
    assert found.credentials[ada.credential.hash] == ada.credential
    assert found.counts[ada.credential.hash] == own.count == 3
    assert found.doubts == []
