"""Who knows no secret is heard by nobody, unread; who knows one is told what became of his post."""

import asyncio
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from connectors.port.posts import Said, TakesPosts
from connectors.shared import webhook
from connectors.shared.webhook import MOST_AT_ONCE, MOST_BYTES, QUESTION, Posts

SECRET, BEFORE = "s" * 43, "b" * 43
MIB = 1 << 20


@dataclass
class Account:
    """One that is posted to."""

    taken: list[bytes] = field(default_factory=list)
    told: list[tuple[Said, int]] = field(default_factory=list)
    fails: bool = False

    async def take(self, body: bytes) -> Said:
        if self.fails:
            raise OSError
        self.taken.append(body)
        return Said.STORED

    @property
    def posts(self) -> Posts:
        return Posts((SECRET, BEFORE), self.take, lambda *told: self.told.append(told), lambda: 7)


class Body:
    """Pieces as they arrive, counted."""

    def __init__(self, *pieces: bytes, breaks: bool = False) -> None:
        self._pieces, self._breaks = pieces, breaks
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.read += len(piece)
            yield piece
        if self._breaks:
            raise ConnectionError


async def post(posts: Posts, secret: str, body: Body) -> Said:
    return await posts.posted(secret, aiter(body))


async def test_a_post_with_a_secret_is_taken_whole() -> None:
    account = Account()
    assert isinstance(account.posts, TakesPosts)
    assert await post(account.posts, SECRET, Body(b"one", b"", b"two")) is Said.STORED
    assert await post(account.posts, BEFORE, Body(b"three")) is Said.STORED
    assert account.taken == [b"onetwo", b"three"]
    assert account.told == [(Said.STORED, 7)] * 2


@pytest.mark.parametrize(
    "secret", ["", "x" * 43, SECRET.upper(), SECRET + " ", SECRET[:-1], "é" * 43, "\ud800", "?"]
)
async def test_without_one_nothing_is_read(secret: str) -> None:
    account, body = Account(), Body(b"x" * MIB)
    assert await post(account.posts, secret, body) is Said.WRONG_PATH
    assert (body.read, account.taken) == (0, [])
    assert account.told == [(Said.WRONG_PATH, 7)]


async def test_each_secret_is_compared_whole_and_in_constant_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(given: bytes, known: bytes) -> bool:
        compared.append(known)
        return real(given, known)

    monkeypatch.setattr("connectors.shared.webhook.hmac.compare_digest", compare)
    for secret in (SECRET, BEFORE, "x"):
        compared.clear()
        await post(Account().posts, secret, Body())
        assert sorted(compared) == sorted([SECRET.encode(), BEFORE.encode()])


async def test_our_own_question_is_answered_and_not_taken() -> None:
    account = Account()
    assert await post(account.posts, SECRET, Body(QUESTION[:5], QUESTION[5:])) is Said.THERE
    assert await post(account.posts, "x" * 43, Body(QUESTION)) is Said.WRONG_PATH
    assert account.taken == []


async def test_what_is_too_large_is_read_no_further() -> None:
    account, body = Account(), Body(*[b"x" * MIB] * 64)
    assert await post(account.posts, SECRET, body) is Said.TOO_LARGE
    assert body.read <= MOST_BYTES + MIB
    assert await post(account.posts, SECRET, Body(b"x" * MOST_BYTES)) is Said.STORED


async def test_what_breaks_off_is_not_taken() -> None:
    account = Account()
    assert await post(account.posts, SECRET, Body(b"half", breaks=True)) is Said.BROKEN_OFF
    assert account.taken == []
    assert account.told == [(Said.BROKEN_OFF, 7)]


async def test_what_could_not_be_stored_is_not_said_to_be() -> None:
    account = Account(fails=True)
    assert await post(account.posts, SECRET, Body(b"x")) is Said.NOT_STORED
    assert account.told == [(Said.NOT_STORED, 7)]


async def test_few_are_read_at_once() -> None:
    account, begun, go_on = Account(), [], asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        begun.append(1)
        yield b"x"
        await go_on.wait()

    posts = account.posts
    all_of_them = [asyncio.ensure_future(posts.posted(SECRET, slow())) for _ in range(20)]
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(begun) == MOST_AT_ONCE
    assert await post(posts, "x" * 43, Body(b"x")) is Said.WRONG_PATH, "whoever guesses waits not"
    go_on.set()
    assert set(await asyncio.gather(*all_of_them)) == {Said.STORED}


async def test_none_is_read_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "_PATIENCE", 0.05)

    async def stalls() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    account = Account()
    posts = account.posts
    assert await posts.posted(SECRET, stalls()) is Said.BROKEN_OFF
    assert account.told == [(Said.BROKEN_OFF, 7)]


async def test_what_is_no_post_is_told_by_who_asks() -> None:
    account = Account()
    assert account.posts.asked(SECRET) is Said.WRONG_METHOD
    assert account.posts.asked("x") is Said.WRONG_PATH
    assert [said for said, _ in account.told] == [Said.WRONG_METHOD, Said.WRONG_PATH]
