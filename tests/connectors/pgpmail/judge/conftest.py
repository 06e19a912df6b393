"""Everybody's keys, made once, and the judge that knows some of them."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from connectors.pgpmail.judge.judge import Court
from connectors.pgpmail.judge.keyring import Keyring
from connectors.pgpmail.judge.sender import Known
from connectors.pgpmail.judge.words import Judgement
from connectors.port import AccountId, DeliveryKey, RemoteId, RoomId
from orchestrator.clock import now

from .books import TOKEN, Book, Mailed
from .mails import Post
from .people import People, end, everybody, revoke, short_base

Judges = Callable[[bytes], Judgement]


@pytest.fixture(scope="session")
def people() -> Iterator[People]:
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    made = everybody(short_base("wx-judge"))
    yield made
    end(made)


@pytest.fixture(scope="session")
def post(people: People) -> Post:
    return Post(people)


@pytest.fixture(scope="session")
def revoked_mail(people: People, post: Post) -> bytes:
    """Signed while the key was good; known to be revoked from then on."""
    made = post.from_("revoked")
    revoke(people, "revoked")
    return made


@pytest.fixture(scope="session")
def keyring(people: People, revoked_mail: bytes) -> Iterator[Keyring]:
    assert revoked_mail
    with Keyring(people.home("bot")) as opened:
        yield opened


@pytest.fixture(scope="session")
def court(people: People, keyring: Keyring) -> Court:
    pinned = ("alice", "mallory", "rsa", "expired", "revoked", "early")
    return Court(keyring, Known(people.contacts(*pinned), keyring.ours.addresses), now())


@pytest.fixture(scope="session")
def judge(court: Court) -> Judges:
    return court.judge


@pytest.fixture
def book(people: People) -> Book:
    names = {AccountId(a): prints for a, prints in people.contacts("alice", "mallory").items()}
    ours = Mailed(RemoteId("<ours@deal.test>"), DeliveryKey("key_1"), RoomId("mailing-1"))
    theirs = Mailed(RemoteId("<other@deal.test>"), DeliveryKey("key_2"), RoomId("mailing-2"))
    rooms = {ours.room: AccountId("Alice@LawFirm.test"), theirs.room: AccountId("m@other.test")}
    return Book(names, {each.message: each for each in (ours, theirs)}, {TOKEN: ours}, rooms)
