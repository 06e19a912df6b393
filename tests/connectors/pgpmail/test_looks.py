"""Many sends look at keys with few runs of gpg, and each sees what stood after it had asked."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from connectors.pgpmail.connector import MailConnector, open_connector
from connectors.pgpmail.gathered import Gathered
from connectors.pgpmail.keyring import KEY
from connectors.port import DeliveryKey, RoomId
from connectors.port.errors import ConnectorError, Unavailable
from connectors.port.messages import Content, Delivery, Device, Reader
from orchestrator import clock

from .conftest import MEMBER, PEOPLE, Lab, spec
from .smith import Smith

YEAR = 365 * 24 * 3600 * 1_000_000
_GPG = """\
#!/bin/sh
echo "$*" >> {folder}/runs
case "$*" in *--check-sigs*) ;; *) exec gpg "$@" ;; esac
gpg "$@" > {folder}/out.$$
code=$?
touch {folder}/listed
while [ -e {folder}/hold ]; do sleep 0.01; done
cat {folder}/out.$$
exit $code
"""


@dataclass
class Slow:
    """gpg that notes its runs, and holds back what it listed while it is told to."""

    folder: Path
    later: int = 0

    @property
    def program(self) -> str:
        made = self.folder / "gpg"
        made.write_text(_GPG.format(folder=self.folder))
        made.chmod(0o700)
        return str(made)

    def hold(self) -> None:
        (self.folder / "listed").unlink(missing_ok=True)
        (self.folder / "hold").touch()

    def release(self) -> None:
        (self.folder / "hold").unlink()

    async def listed(self) -> None:
        """Until gpg has listed, and holds it back."""
        async with asyncio.timeout(45):
            while not (self.folder / "listed").exists():  # noqa: ASYNC110 (of another process)
                await asyncio.sleep(0.01)

    def runs(self, word: str) -> int:
        """How often gpg ran with this word since it was last asked for."""
        noted = (self.folder / "runs").read_text().splitlines()
        return sum(word in line.split() for line in noted)

    def forget(self) -> None:
        (self.folder / "runs").write_text("")

    def now(self) -> int:
        return clock.now() + self.later


@pytest.fixture
def slow(tmp_path: Path) -> Slow:
    folder = tmp_path / "slow"
    folder.mkdir()
    return Slow(folder)


@pytest.fixture
async def bot(lab: Lab, slow: Slow) -> MailConnector:
    lab.acquainted = True
    made = open_connector(replace(lab.setup(gpg=slow.program), now=slow.now))
    assert isinstance(made, MailConnector)
    await made.open()
    lab.opened.append(made)
    return made


def mail(room: RoomId, who: str = "member") -> Delivery:
    key, readers = DeliveryKey(secrets.token_hex(8)), frozenset({Reader(PEOPLE[who])})
    return Delivery(key, room, Content("x"), readers)


async def began(bot: MailConnector, slow: Slow) -> "asyncio.Task[str]":
    """A send whose keys gpg has listed and still holds back; ends in its code, or in "sent"."""
    room = await bot.create(spec(MEMBER))
    slow.hold()
    sending = asyncio.create_task(outcome(bot, mail(room)))
    await slow.listed()
    return sending


async def outcome(bot: MailConnector, what: Delivery) -> str:
    try:
        await bot.send(what)
    except ConnectorError as error:
        return error.code
    return "sent"


async def waiting(bot: MailConnector, count: int) -> None:
    """Until so many wait for gpg's listing, the one that it holds back among them."""
    async with asyncio.timeout(45):
        while bot._open.home._listed._wanted.total() < count:  # noqa: ASYNC110 (a mere counter)
            await asyncio.sleep(0.01)


# --- how often -----------------------------------------------------------------------------------


async def test_a_mail_takes_one_look_and_one_sealing(bot: MailConnector, slow: Slow) -> None:
    room = await bot.create(spec(MEMBER))
    slow.forget()
    await bot.send(mail(room))
    assert (slow.runs("--check-sigs"), slow.runs("--encrypt"), slow.runs("--homedir")) == (1, 1, 2)


async def test_mails_that_wait_for_a_look_share_the_next(
    bot: MailConnector, slow: Slow, lab: Lab
) -> None:
    device = await bot.take_key(PEOPLE["banker"], lab.adviser.certificate(lab.mint.keys["banker"]))
    await bot.trust(PEOPLE["banker"], device)
    whom = ["member", "banker"] * 4
    rooms = [await bot.create(spec(PEOPLE[who])) for who in whom]
    slow.forget()
    slow.hold()
    sends = [
        asyncio.create_task(bot.send(mail(room, who)))
        for room, who in zip(rooms, whom, strict=True)
    ]
    await slow.listed()
    await waiting(bot, 8)
    slow.release()
    sealed = {reader for send in sends for reader in (await send).sealed_to or ()}
    assert {(r.account, *(d.key for d in r.devices or ())) for r in sealed} == {
        (PEOPLE[who], lab.mint.keys[who]) for who in whom
    }
    assert (slow.runs("--check-sigs"), slow.runs("--encrypt")) == (2, 8)


async def test_a_key_that_is_gone_stops_its_own_mails_and_no_others(
    bot: MailConnector, slow: Slow
) -> None:
    held = await began(bot, slow)
    bot._open.ledger.know(PEOPLE["banker"], "A" * 40, 0)
    gone = await bot.create(spec(PEOPLE["banker"]))
    there = await bot.create(spec(MEMBER))
    both = [
        asyncio.create_task(outcome(bot, mail(gone, "banker"))),
        asyncio.create_task(outcome(bot, mail(there))),
    ]
    await waiting(bot, 3)
    slow.release()
    assert await held == "sent"
    assert await asyncio.gather(*both) == ["keys_unreadable", "sent"]


async def test_no_gpg_waits_for_another_at_a_seed_of_randomness(
    bot: MailConnector, slow: Slow
) -> None:
    rooms = [await bot.create(spec(MEMBER)) for _ in range(4)]
    seed = bot._open.home.folder / "random_seed"
    await asyncio.to_thread(seed.unlink, missing_ok=True)
    slow.forget()
    await asyncio.gather(*(bot.send(mail(room)) for room in rooms))
    assert slow.runs("--no-random-seed-file") == slow.runs("--homedir")
    assert not await asyncio.to_thread(seed.exists)


# --- what is seen --------------------------------------------------------------------------------


async def test_a_mail_asked_for_after_a_revocation_is_refused_while_an_old_look_is_under_way(
    bot: MailConnector, slow: Slow, lab: Lab
) -> None:
    room = await bot.create(spec(MEMBER))
    held = await began(bot, slow)
    await asyncio.to_thread(Smith(lab.adviser).revoke, lab.mint.keys["member"])
    await bot._open.home.take(lab.adviser.certificate(lab.mint.keys["member"]))
    after = asyncio.create_task(outcome(bot, mail(room)))
    await waiting(bot, 2)
    slow.release()
    assert await after == "revoked"
    assert await held == "key_refused_by_gpg"  # it had asked before; gpg looks too as it seals
    assert lab.mails() == []


async def test_a_key_that_comes_while_gpg_lists_counts(
    bot: MailConnector, slow: Slow, lab: Lab
) -> None:
    held = await began(bot, slow)
    again = lab.adviser.certificate(lab.mint.keys["again"])
    taking = asyncio.create_task(bot.take_key(MEMBER, again))
    await waiting(bot, 2)
    slow.release()
    assert (await taking).key == lab.mint.keys["again"]
    assert await held == "second_key"
    assert lab.mails() == []


async def test_a_key_that_is_withdrawn_while_gpg_lists_counts(
    bot: MailConnector, slow: Slow, lab: Lab
) -> None:
    held = await began(bot, slow)
    await bot.distrust(MEMBER, Device(KEY, lab.mint.keys["member"]))
    slow.release()
    assert await held == "no_key"
    assert lab.mails() == []


async def test_a_key_that_ends_while_gpg_lists_is_refused(
    bot: MailConnector, slow: Slow, lab: Lab
) -> None:
    held = await began(bot, slow)
    slow.later = YEAR + YEAR // 300
    slow.release()
    assert await held == "expired"
    assert lab.mails() == []


async def test_a_key_that_gpg_lists_twice_is_not_believed(
    bot: MailConnector, slow: Slow, lab: Lab
) -> None:
    room = await bot.create(spec(MEMBER))
    program = slow.folder / "gpg"
    twice = program.read_text().replace("cat ", f"cat {slow.folder}/out.$$ ")
    program.write_text(twice)
    assert await outcome(bot, mail(room)) == "keys_unreadable"
    assert lab.mails() == []


# --- one run for many ----------------------------------------------------------------------------


@dataclass
class Runs:
    """Answers each thing with the number of the run, when it is let to."""

    asked: list[frozenset[str]] = field(default_factory=list)
    gates: list[asyncio.Event] = field(default_factory=list)
    fails: bool = False

    async def run(self, things: frozenset[str]) -> Mapping[str, int]:
        self.asked.append(things)
        self.gates.append(asyncio.Event())
        number = len(self.asked)
        await self.gates[-1].wait()
        if self.fails:
            raise Unavailable("gpg_hangs", "gpg did not answer")
        return dict.fromkeys(things, number)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def asking(gathered: Gathered[str, int], *things: str) -> "asyncio.Task[dict[str, int]]":
    return asyncio.create_task(gathered.ask(frozenset(things)))


async def test_each_is_told_his_own_by_a_run_that_began_after_he_asked() -> None:
    runs = Runs()
    gathered = Gathered(runs.run)
    first = asking(gathered, "a")
    await settle()
    later = [asking(gathered, "a", "b"), asking(gathered, "c")]
    await settle()
    runs.gates[0].set()
    await settle()
    runs.gates[1].set()
    assert await first == {"a": 1}
    assert await asyncio.gather(*later) == [{"a": 2, "b": 2}, {"c": 2}]
    assert runs.asked == [frozenset("a"), frozenset("abc")]


async def test_who_gives_up_is_not_asked_for_and_takes_nobodys_answer() -> None:
    runs = Runs()
    gathered = Gathered(runs.run)
    first, gone, stays = asking(gathered, "a"), asking(gathered, "b"), asking(gathered, "a", "c")
    await settle()
    gone.cancel()
    first.cancel()  # the one whose run it is
    await settle()
    runs.gates[1].set()
    assert await stays == {"a": 2, "c": 2}
    assert runs.asked == [frozenset("a"), frozenset("ac")]


async def test_an_error_is_everybodys_of_that_run() -> None:
    runs = Runs()
    gathered = Gathered(runs.run)
    first = asking(gathered, "a")
    await settle()
    later = [asking(gathered, "b"), asking(gathered, "c")]
    await settle()
    runs.gates[0].set()
    await settle()
    runs.fails = True
    runs.gates[1].set()
    assert await first == {"a": 1}
    for task in later:
        with pytest.raises(Unavailable):
            await task
