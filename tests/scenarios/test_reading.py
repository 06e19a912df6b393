"""Who can read what is tried: by each role through the API, on the disk, on a wire, in a notice.

Each kind of thing has a canary in a live deal. A cell that says *never* is broken if its canary is
found on that way; one that says *yes* of what lies readable has to be found there, or it is no way.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

import httpx
import pytest

from orchestrator.api.app import application, make_desk
from orchestrator.api.operator import operator_app
from orchestrator.client.reading import CellView, ReaderView, ReadingView
from orchestrator.client.wire import BASE
from orchestrator.command import reading
from orchestrator.command.reading import NEVER, PASSING, SEALED, THINGS, YES, matrix
from orchestrator.config.load import load
from orchestrator.notify.words import Notice, lines
from orchestrator.secrets.port import Where
from tiers.ids import PersonId, SideId
from tiers.people import Party
from tiers.rights import DeskRole, Seat, Viewer
from tiers.tier import Tier

from .canaries import Net, everywhere
from .conftest import House, Opens
from .house import PRICE, Talk, roster

CANARIES = {
    "held": f"{PRICE}: we raise our offer to 27.50 per share.",
    "relay": "the canary of what went through us sings of nothing much",
    "valuation_names": "zcanary-of-a-label",
    "people": "Canaria Namesdottir",
    "notices": "snd_canary-of-a-notice",
}
LOW = "canteen"


@dataclass
class Ground:
    """A house with a canary of each kind in it."""

    house: House
    found: ReadingView

    def cell(self, reader: str, thing: str) -> CellView:
        [one] = [r for r in self.found.readers if r.key == reader]
        return one.cells[thing]

    def nevers(self, reader: str) -> set[str]:
        [one] = [r for r in self.found.readers if r.key == reader]
        return {thing for thing, cell in one.cells.items() if cell.level == NEVER}


@pytest.fixture
async def ground(opens: Opens) -> Ground:
    people = roster()
    named = tuple(
        replace(p, name=CANARIES["people"]) if p.person_id == "cy" else p for p in people.people
    )
    talks = (Talk(CANARIES["valuation_names"], Tier.VALUATION), Talk(LOW, Tier.COORDINATION))
    house = await opens(talks, people=replace(people, people=named))
    held = await house.send(CANARIES["held"], "ada", LOW)
    assert await house.ends(held) == "held"
    sent = await house.send(CANARIES["relay"], "ada", LOW)
    assert await house.ends(sent) == "delivered"
    return Ground(house, await house.home.who_reads(house.deal))


def seated(house: House, role: DeskRole) -> Viewer:
    person = None if role is DeskRole.OPERATOR else PersonId("di")
    seat = Seat(house.deal, person, frozenset({role}), SideId("marlow"), Party.TARGET)
    actor = "local:operator" if person is None else f"person:{person}"
    return Viewer(actor, seats={house.deal: seat})


async def all_answers(house: House, viewer: Viewer) -> str:
    """Everything that can be read of the deal through the API, as somebody."""
    told = []
    transport = httpx.ASGITransport(make_desk(house.home, viewer))
    async with httpx.AsyncClient(transport=transport, base_url="http://wallcross") as client:
        for path in readable(house):
            answer = await client.get(BASE.removeprefix("http://wallcross") + path, timeout=10)
            told.append(answer.text)
    return json.dumps(told, ensure_ascii=False)


def readable(house: House) -> Iterable[str]:
    """Every way that only reads and ends, of this deal."""
    schema = application().openapi()
    for path, verbs in schema["paths"].items():
        if "get" not in verbs or "{deal}" not in path or "events" in path or "stream" in path:
            continue
        short = path.removeprefix("/api/v1").replace("{deal}", house.deal)
        short = short.replace("{person}", "cy").replace("{kind}", "roster")
        if "{" not in short:
            yield short


def broken(told: str, nevers: set[str]) -> set[str]:
    """Which canaries are where a cell says never."""
    return {thing for thing in nevers & CANARIES.keys() if CANARIES[thing] in told}


@pytest.mark.parametrize("role", list(DeskRole))
async def test_no_role_reads_at_the_desk_what_it_never_does(ground: Ground, role: DeskRole) -> None:
    told = await all_answers(ground.house, seated(ground.house, role))
    assert len(told) > 1_000, "nothing was asked"
    assert broken(told, ground.nevers(f"role:{role.value}")) == set()


async def test_what_the_owner_reads_he_does_read(ground: Ground) -> None:
    """The ways that are tried are ways: names are found where a cell says yes."""
    told = await all_answers(ground.house, seated(ground.house, DeskRole.OWNER))
    for thing in ("people", "valuation_names"):
        assert ground.cell("role:owner", thing).level == YES
        assert CANARIES[thing] in told


async def test_a_planted_leak_in_an_answer_is_found(ground: Ground) -> None:
    """Planted: the operator is given what the owner is; the cells of the operator are broken."""
    told = await all_answers(ground.house, seated(ground.house, DeskRole.OWNER))
    found = broken(told, ground.nevers("role:operator"))
    assert found >= {"people", "valuation_names"}


async def test_on_the_disk_texts_and_names_of_valuation_are_sealed(ground: Ground) -> None:
    home = ground.house.home.runtime.settings.state
    hits = {hit.name for hit in everywhere(Net(CANARIES), [home])}
    for thing in CANARIES:
        level = ground.cell("disk", thing).level
        if thing == "notices":
            continue  # which notices there were lies there; their words are made when they are sent
        assert (thing in hits) == (level == YES), thing
    assert ground.cell("disk", "held").level == SEALED
    assert ground.cell("backup", "keys").level == NEVER
    [master] = [ground.house.home.runtime.secrets.get("master")]
    assert master is not None
    secret = base64.b64encode(master.reveal()).decode()
    keys = Net({"master": master.reveal().hex(), "again": secret})
    raw = b"".join(p.read_bytes() for p in home.rglob("*") if p.is_file())
    assert master.reveal() not in raw
    assert not everywhere(keys, [home])


async def test_a_planted_text_on_the_disk_is_found(ground: Ground) -> None:
    home = ground.house.home.runtime.settings.state
    (home / "a-log").write_text(f"held: {CANARIES['held']}")
    assert "held" in {hit.name for hit in everywhere(Net(CANARIES), [home])}


async def test_a_network_gets_no_name_and_nothing_that_is_held(ground: Ground) -> None:
    house = ground.house
    seen = json.dumps(
        [
            await house.far.directory(),
            await house.far.arrived(),
            *[await house.far.state(b.room) for _, b in house.home.runtime.book.rooms()],
        ]
    )
    assert len(seen) > 200
    assert broken(seen, ground.nevers("channel:memory")) == set()
    on_his_device = await house.seen("el", LOW)
    assert on_his_device == [CANARIES["relay"]]
    assert CANARIES["held"] not in on_his_device


async def test_a_channel_that_was_not_read_back_counts_as_reading(ground: Ground) -> None:
    assert ground.cell("channel:memory", "relay").level == NEVER
    ground.house.home.runtime.observer.forget(next(iter(ground.house.home.runtime.channels)))
    view = ground.house.home.runtime.book.deals[ground.house.deal]
    facts = ground.house.home.facts(view)
    unread = [replace(line, sealed=False, modes=frozenset()) for line in facts.lines]
    found = matrix(replace(facts, lines=tuple(unread)))
    [one] = [r for r in found if r.key == "channel:memory"]
    assert {one.cells[t].level for t in ("relay", "witness", "documents")} == {YES}


def test_a_notice_holds_no_name_and_no_text() -> None:
    told = " ".join(lines(Notice("snd_1", "HERON", {"held": 1}, "http://localhost:8642")))
    assert not any(canary in told for canary in CANARIES.values())


async def test_health_and_metrics_tell_nothing_of_a_deal(ground: Ground) -> None:
    transport = httpx.ASGITransport(operator_app(ground.house.home, None))
    async with httpx.AsyncClient(transport=transport, base_url="http://wallcross") as client:
        told = "".join([(await client.get(p)).text for p in ("/healthz", "/readyz", "/metrics")])
    assert "wallcross_ready 1.0" in told
    [one] = [r for r in configured("web.operator=127.0.0.1:9642") if r.key == "operator-port"]
    assert {cell.level for cell in one.cells.values()} == {NEVER}
    assert broken(told, set(THINGS)) == set()
    assert ground.found.code not in told


def configured(*settings: str) -> tuple[ReaderView, ...]:
    flags = dict(word.split("=", 1) for word in settings)
    config = load(flags=flags, environ={}, state=None).config
    where = Where("keyring", fallback=False, text="keyring")
    return matrix(reading.Facts("kestrel", config, (), where, journal=False))


def test_each_way_out_that_is_configured_is_in_the_matrix_and_no_other() -> None:
    base = {r.key for r in configured()}
    assert not {k for k in base if k.startswith(("push:", "anchor:", "mail", "webhook", "oidc"))}
    with_mail = {
        r.key
        for r in configured(
            "notify.mail.server=localhost",
            "notify.mail.sender=desk@kestrel.example",
            "notify.mail.tls=none",
        )
    }
    assert with_mail - base == {"mail"}


def test_every_cell_is_filled_and_says_why() -> None:
    for one in configured():
        assert list(one.cells) == list(THINGS), one.key
        for thing, cell in one.cells.items():
            assert cell.level in {NEVER, SEALED, PASSING, YES}
            assert len(cell.why) > 8, (one.key, thing)


def test_keys_in_files_are_read_with_the_disk() -> None:
    def level(source: str) -> str:
        config = load(flags={}, environ={}, state=None).config
        where = Where(source, fallback=False, text=source)
        found = matrix(reading.Facts("kestrel", config, (), where, journal=False))
        [disk] = [r for r in found if r.key == "disk"]
        return disk.cells["keys"].level

    assert (level("keyring"), level("file")) == (NEVER, YES)


async def test_the_view_is_this_deals(ground: Ground) -> None:
    found = ground.found
    assert (found.code, found.host, found.live) == ("HERON", "made-up", True)
    assert {r.key for r in found.readers if r.kind == "network"} == {"channel:memory"}
