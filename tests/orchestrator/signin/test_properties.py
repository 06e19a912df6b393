"""Whatever happens in whatever order: no session after its end, no link twice, no seat unstated."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from orchestrator.audit.chain import append
from orchestrator.audit.granted import Stated, commitment
from orchestrator.audit.kinds import Kind
from orchestrator.clock import HOUR, MINUTE
from orchestrator.signin import challenges, devices
from orchestrator.signin.links import LASTS, Links
from orchestrator.signin.logins import bind, read_logins
from orchestrator.signin.sessions import IDLE, LONGEST, STEP_UP, Limits, Sessions, Who
from tests.orchestrator.signin.conftest import DeskHouse, Ticks
from tiers.ids import DealId, PersonId

DEAL = DealId("deal_" + "d" * 32)


@dataclass
class Model:
    """What a session should be."""

    secret: str
    person: str
    began: int
    used: int
    gone: bool = False
    old: list[str] = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    """Sessions, and what they should be."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = Ticks()
        self.told: list[str] = []
        limits = Limits(idle=30 * MINUTE, longest=2 * HOUR, each=2)
        self.sessions = Sessions(
            limits, self.ticks, lambda ended: self.told.append(ended.session.session_id)
        )
        self.models: dict[str, Model] = {}

    def alive(self, model: Model) -> bool:
        at = self.ticks.at
        return not model.gone and at < model.began + 2 * HOUR and at < model.used + 30 * MINUTE

    @rule(person=st.sampled_from("abc"))
    def begin(self, person: str) -> None:
        self.lapse()
        own = [m for m in self.models.values() if m.person == person and self.alive(m)]
        if len(own) >= 2:
            min(own, key=lambda m: (m.used, m.began)).gone = True
        who = Who("link", joined={DEAL: PersonId(person)})
        secret, session = self.sessions.begin(who)
        at = self.ticks.at
        self.models[session.session_id] = Model(secret, person, at, at)

    @rule(by=st.integers(1, 40 * MINUTE))
    def wait(self, by: int) -> None:
        self.ticks.at += by
        self.lapse()

    def lapse(self) -> None:
        for model in self.models.values():
            model.gone = not self.alive(model)

    @rule(which=st.integers(0, 5))
    def use(self, which: int) -> None:
        for session_id, model in self.some(which):
            session = self.sessions.by_id(session_id)
            assert session is not None
            self.sessions.use(session)
            model.used = self.ticks.at

    @rule(which=st.integers(0, 5))
    def step_up(self, which: int) -> None:
        for session_id, model in self.some(which):
            session = self.sessions.by_id(session_id)
            assert session is not None
            model.old.append(model.secret)
            model.secret, model.used = self.sessions.step_up(session), self.ticks.at

    @rule(which=st.integers(0, 5))
    def end(self, which: int) -> None:
        for session_id, model in self.some(which):
            assert self.sessions.end(session_id, "revoked")
            assert not self.sessions.end(session_id, "revoked")
            model.gone = True

    @rule(person=st.sampled_from("abc"))
    def end_person(self, person: str) -> None:
        self.lapse()
        mine = [m for m in self.models.values() if m.person == person and not m.gone]
        self.sessions.sweep()
        ended = self.sessions.end_where(
            lambda s: s.who.joined == {DEAL: PersonId(person)}, "local:test"
        )
        assert ended == len(mine)
        for model in mine:
            model.gone = True

    def some(self, which: int) -> list[tuple[str, Model]]:
        living = [(k, m) for k, m in self.models.items() if self.alive(m)]
        return living[which : which + 1]

    @invariant()
    def nobody_is_signed_in_after_the_end(self) -> None:
        for session_id, model in self.models.items():
            found = self.sessions.of(model.secret)
            assert (found is not None) == self.alive(model)
            assert found is None or found.session_id == session_id
            assert all(self.sessions.of(old) is None for old in model.old)
        assert len(self.told) == len(set(self.told)), "each end is told once"


Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestSessions = Machine.TestCase


@given(
    st.lists(st.tuples(st.sampled_from(["make", "take", "wait"]), st.integers(0, 3)), max_size=30)
)
def test_a_link_opens_once_in_time_and_the_newest_alone(acts: list[tuple[str, int]]) -> None:
    ticks = Ticks()
    links = Links(ticks)
    made: list[tuple[str, int, int]] = []
    opened: set[str] = set()
    for act, n in acts:
        if act == "wait":
            ticks.at += n * 4 * MINUTE
        elif act == "make":
            made.append((links.make(DEAL, PersonId(f"p{n}"), "local:t"), n, ticks.at))
        elif made:
            secret, person, at = made[n % len(made)]
            newest = next(s for s, p, _ in reversed(made) if p == person)
            good = secret == newest and secret not in opened and ticks.at < at + LASTS
            found = links.take(secret)
            assert (found is not None) == good
            if found is not None:
                assert (found.deal, found.person) == (DEAL, f"p{person}")
                opened.add(secret)


@pytest.mark.parametrize(
    "longer",
    [
        {"idle": IDLE + 1},
        {"longest": LONGEST + 1},
        {"step_up": STEP_UP + 1},
        {"each": 6},
        {"idle": 0},
    ],
)
def test_limits_go_downwards_only(longer: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="downwards only"):
        Limits(**longer)


def test_nothing_that_signs_in_is_in_a_repr() -> None:
    ticks = Ticks()
    sessions, links = Sessions(Limits(), ticks), Links(ticks)
    secret, session = sessions.begin(Who("link", outside="session-there"))
    link = links.make(DEAL, PersonId("ada"), "local:t")
    waiting = devices.Devices(ticks)
    begun = waiting.begin("laptop")
    assert begun is not None
    challenge = challenges.Challenges(ticks).make("get", None)
    shown = f"{session!r} {session.who!r} {links.look(link)!r} {vars(waiting)!r} {challenge!r}"
    for hidden in (secret, link, begun[0], session.kept.hex(), repr(session.kept), "session-there"):
        assert hidden not in shown
    assert repr(challenge.message) not in shown


def everything(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_nothing_that_signs_in_is_logged_or_on_the_disk(
    desk: DeskHouse, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    link = await desk.link("ada")
    browser = desk.browser()
    await browser.post("/session/link", {"secret": link, "sure": True})
    await browser.get("/me")
    await desk.browser(cookie=link).get("/me")
    secret = browser.cookie
    assert secret is not None
    files = everything(desk.home.runtime.settings.state)
    told = caplog.text + "".join(capfd.readouterr())
    for hidden in (link, secret):
        assert hidden not in told
        assert all(hidden.encode() not in data for data in files)


def bound(person: str, login: str, **more: Any) -> Stated:
    body = {"person": person, "login": login, "way": "oidc", "at": 1, "by": "person:a", **more}
    body.setdefault("row", commitment("login", person, login, "oidc", "person:a", {}))
    return Stated("deal", 1, str(Kind.LOGIN_BOUND), body)


def test_an_entry_that_says_other_than_it_commits_to_binds_nothing() -> None:
    login = "sha256:" + "a" * 64
    assert read_logins([bound("ada", login)])[login].person == "ada"
    assert read_logins([bound("ada", login, row="0" * 64)]) == {}
    assert read_logins([bound("ada", login), bound("bo", login)])[login].person == "ada"
    passkey = {"kind": "es256", "public": "00", "handle": "00", "rp": "0", "origin": "0"}
    assert read_logins([bound("ada", login, way="passkey", **passkey)]) == {}


@pytest.mark.tampers("an entry is put in by somebody else")
async def test_a_login_that_somebody_else_wrote_into_the_chain_signs_nobody_in(
    desk: DeskHouse,
) -> None:
    runtime, deal, login = desk.home.runtime, desk.house.deal, "sha256:" + "b" * 64
    pen, runtime.store.pen = runtime.store.pen, None  # whoever writes the database has no pen
    await runtime.store.write(
        lambda tx: bind(tx, deal, PersonId("ada"), login, None, at=1, actor="person:ada")
    )
    runtime.store.pen = pen
    _, session = desk.keeper.sessions.begin(Who("oidc", login=login))
    assert (await desk.keeper.viewer(session)).seats == {}
    await runtime.store.write(
        lambda tx: append(tx, deal, Kind.PERSON_REVIEWED, {"person": "ada"}, at=2, actor="x")
    )
    assert (await desk.keeper.viewer(session)).seats == {}


async def test_nobody_has_a_seat_that_roster_and_standing_do_not_give(desk: DeskHouse) -> None:
    sessions = desk.keeper.sessions
    for who in (
        Who("link", joined={desk.house.deal: PersonId("nobody")}),
        Who("link", joined={DealId("deal_" + "0" * 32): PersonId("ada")}),
        Who("oidc", login="sha256:" + "c" * 64, subject="0" * 64),
        Who("passkey", login="sha256:" + "d" * 64, proven=frozenset({"0" * 64})),
    ):
        _, session = sessions.begin(who)
        assert (await desk.keeper.viewer(session)).seats == {}, who.way
