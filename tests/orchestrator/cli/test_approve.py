"""Approvals through the command line, with keys that ssh-keygen made."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.orchestrator.approvals.authenticator import Authenticator

Wx = Callable[..., Any]
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")

PEOPLE = """person,name,side,role,profile,compartment,highest,from,until,account:matrix
ada,Ada Reed,kestrel,deal owner,organisational,deal,valuation,2026-01-01,,@ada:m.example
ben,Ben Hart,osprey,deal owner,organisational,deal,valuation,2026-01-01,,@ben:m.example
cy,Cy Noor,novak-llp,counsel,highly_aware,deal,valuation,2026-01-01,,@cy:m.example
"""
GRETA = "greta,Greta Oak,kestrel,analyst,organisational,deal,{tier},2026-01-01,,@greta:m.example\n"


PARTS = ("home", "secrets")


class Desk:
    """A real deal with three people, their keys, and a folder for its roster."""

    def __init__(self, wx: Wx, folder: Path, kept: Path) -> None:
        self.wx, self.folder, self.kept = wx, folder, kept
        self.files = folder / "roster"
        wx("roster", "template", "--to", str(self.files))
        self.roster()

    def roster(self, more: str = "", people: str = PEOPLE) -> None:
        (self.files / "people.csv").write_text(people + more, "utf-8")

    def adopt(self) -> Any:
        return self.wx("roster", "import", str(self.files), "--json")

    def key(self, person: str, kind: str = "ed25519", bits: str | None = None) -> Path:
        file = self.folder / f"key-{person}"
        if not file.exists():
            more = ["-b", bits] if bits else []
            line = ["ssh-keygen", "-q", "-t", kind, *more, "-N", "", "-C", "", "-f", str(file)]
            subprocess.run(line, check=True, stdin=subprocess.DEVNULL)
        return file

    def enrol(self, person: str, role: str = "approver", **of: Any) -> Any:
        public = f"{self.key(person, **of)}.pub"
        return self.wx("approver", "enrol", person, "--key", public, "--role", role, "--json")

    def yes(self, request: str, person: str, *more: str) -> Any:
        key = ("--key", str(self.key(person)))
        return self.wx("approve", "yes", request, "--as", person, *key, "--json", *more)

    def asked(self) -> str:
        (found,) = self.wx("approve", "list", "--json").lines
        return str(found["request_id"])

    def found(self) -> None:
        """Founds the deal; once it was, a copy of that home, of its secrets and of its keys."""
        if self.kept.exists():
            for part in PARTS:
                shutil.rmtree(self.folder / part, ignore_errors=True)
            shutil.copytree(self.kept, self.folder, dirs_exist_ok=True)
            return
        self._found()
        for part in PARTS:
            shutil.copytree(self.folder / part, self.kept / part)
        for key in self.folder.glob("key-*"):
            shutil.copy2(key, self.kept)

    def _found(self) -> None:
        for person, role in (("ada", "owner"), ("ben", "approver"), ("cy", "counsel")):
            done = self.enrol(person, role)
            assert done.code == 0, done.err
        asked = self.wx("deal", "found", "--json")
        assert asked.code == 6
        states = [
            self.yes(asked.json["request_id"], person).json["state"]
            for person in ("ada", "ben", "cy")
        ]
        assert states == ["waits", "waits", "done"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the founded deal is kept for the next test."""
    return tmp_path_factory.mktemp("founded") / "deal"


@pytest.fixture
def desk(wx: Wx, home: Path, tmp_path: Path, kept: Path) -> Desk:
    home.mkdir(mode=0o700)
    (home / "wallcross.toml").write_text('[home]\nhost = "kestrel"\n', "utf-8")
    (home / "wallcross.toml").chmod(0o600)
    made = Desk(wx, tmp_path, kept)
    assert wx("deal", "new", "TERN").code == 0
    done = made.adopt()
    assert done.code == 0, done.err
    return made


def test_a_real_deal_makes_no_room_before_it_is_founded(desk: Desk) -> None:
    room = ("conv", "new", "price", "--tier", "valuation", "--channel", "m", "--owner", "ada")
    done = desk.wx(*room)
    assert done.code == 5
    assert "not founded" in done.err
    desk.found()
    later = desk.wx(*room)
    assert "not founded" not in later.err


def test_a_deal_is_founded_once_everybody_has_signed(desk: Desk) -> None:
    assert desk.wx("deal", "found").code == 3
    desk._found()
    assert desk.wx("deal", "found").code == 5
    listed = desk.wx("approver", "list", "--json").lines
    assert {(c["person"], c["state"]) for c in listed} == {
        ("ada", "counts"),
        ("ben", "counts"),
        ("cy", "counts"),
    }
    assert {c["party"] for c in listed} == {"acquirer", "target"}


def test_a_wider_roster_waits_for_two_and_is_in_force_once(desk: Desk) -> None:
    desk.found()
    before = desk.wx("deal", "show", "--json").json["roster_hash"]
    desk.roster(GRETA.format(tier="operations"))
    waits = desk.adopt()
    assert waits.code == 6
    assert desk.asked() in waits.err
    assert desk.adopt().code == 6
    request = desk.asked()
    shown = desk.wx("approve", "show", request).out
    assert "greta newly reads operations of deal" in shown
    assert "Who may agree: ada, ben, cy" in shown
    assert "The roster in force stays in force" in shown
    assert desk.yes(request, "ada").json["state"] == "waits"
    assert desk.wx("deal", "show", "--json").json["roster_hash"] == before
    assert desk.yes(request, "ben").json["state"] == "done"
    assert "greta newly reads operations of deal" in desk.wx("approve", "show", request).out
    assert desk.wx("deal", "show", "--json").json["roster_hash"] != before
    again = desk.yes(request, "cy")
    assert again.code == 5
    assert "was carried out" in again.err
    kinds = [e["kind"] for e in desk.wx("audit", "tail", "--json").lines]
    assert kinds[-2:] == ["approval.done", "roster.adopted"]
    assert desk.adopt().json["new"] is False


def test_what_only_takes_away_is_adopted_at_once(desk: Desk) -> None:
    desk.found()
    desk.roster(
        people=PEOPLE.replace(
            "cy,Cy Noor,novak-llp,counsel,highly_aware,deal,valuation",
            "cy,Cy Noor,novak-llp,counsel,highly_aware,deal,operations",
        )
    )
    done = desk.adopt()
    assert (done.code, done.json["new"]) == (0, True)


def test_a_raise_into_valuation_has_one_of_the_other_party_or_counsel(desk: Desk) -> None:
    for person, role in (("ada", "owner"), ("ben", "approver"), ("cy", "approver")):
        assert desk.enrol(person, role).code == 0
    request = desk.wx("deal", "found", "--json").json["request_id"]
    for person in ("ada", "ben", "cy"):
        desk.yes(request, person)
    desk.roster(GRETA.format(tier="valuation"))
    assert desk.adopt().code == 6
    request = desk.asked()
    assert desk.yes(request, "ada").json["state"] == "waits"
    half = desk.yes(request, "cy").json
    assert half["state"] == "waits"
    assert half["missing"] == ["one of those who sign must be of the other party, or counsel"]
    assert desk.yes(request, "ben").json["state"] == "done"


def test_what_nobody_could_agree_to_is_refused_at_once(desk: Desk) -> None:
    for person, role in (("ada", "owner"), ("cy", "approver")):
        assert desk.enrol(person, role).code == 0
    request = desk.wx("deal", "found", "--json").json["request_id"]
    for person in ("ada", "cy"):
        desk.yes(request, person)
    desk.roster(GRETA.format(tier="valuation"))
    refused = desk.adopt()
    assert refused.code == 5
    assert "of the other party, or counsel" in refused.err
    assert desk.wx("approve", "list", "--json").lines == []


def test_whoever_gains_may_not_agree(desk: Desk) -> None:
    desk.found()
    account = PEOPLE.replace("@ben:m.example", "@ben2:m.example")
    desk.roster(people=account)
    assert desk.adopt().code == 6
    request = desk.asked()
    refused = desk.yes(request, "ben")
    assert refused.code == 5
    assert "he gains by it" in refused.err


def test_a_policy_takes_two_whatever_it_changes(desk: Desk, home: Path) -> None:
    desk.found()
    policy = home / "policy.toml"
    before = desk.wx("deal", "show", "--json").json["policy_hash"]
    document = desk.wx("deal", "policy").out
    assert document
    text = Path("orchestrator/config/policy.default.toml").read_text("utf-8")
    policy.write_text(text.replace('held_for = "24 h"', 'held_for = "12 h"'), "utf-8")
    done = desk.wx("deal", "adopt", "--policy", str(policy), "--roster", str(desk.files))
    assert done.code == 6, done.err
    request = desk.asked()
    told = "held_for: 86400000000 → 43200000000"
    assert told in desk.wx("approve", "show", request).out
    desk.yes(request, "ada")
    assert desk.yes(request, "cy").json["state"] == "done"
    assert desk.wx("deal", "show", "--json").json["policy_hash"] != before
    assert told in desk.wx("approve", "show", request).out, "the same once it is done"


def test_a_key_is_let_into_a_founded_deal_by_two(desk: Desk) -> None:
    desk.found()
    desk.roster(GRETA.format(tier="operations"))
    desk.adopt()
    request = desk.asked()
    desk.yes(request, "ada")
    desk.yes(request, "ben")
    desk.key("greta", "ecdsa", "256")  # no two proofs of such a key are alike
    assert desk.enrol("greta").code == 6
    request = desk.asked()
    assert desk.enrol("greta", "owner").code == 6, "another role is another request"
    assert len(desk.wx("approve", "list", "--json").lines) == 2
    assert desk.enrol("greta").code == 6
    assert len(desk.wx("approve", "list", "--json").lines) == 2
    assert "greta may sign as approver" in desk.wx("approve", "show", request).out
    desk.yes(request, "cy")
    assert desk.yes(request, "ada").json["state"] == "done"
    assert len(desk.wx("approver", "list", "--json").lines) == 4


@pytest.mark.parametrize("roles", [("owner", "counsel"), ("control_room", "approver")])
def test_duties_that_check_each_other_are_refused_at_once(
    desk: Desk, roles: tuple[str, str]
) -> None:
    public = f"{desk.key('ada')}.pub"
    both = [part for role in roles for part in ("--role", role)]
    done = desk.wx("approver", "enrol", "ada", "--key", public, *both)
    assert done.code == 5
    assert "one of them checks the other" in done.err
    assert desk.wx("approver", "list", "--json").lines == []


def test_a_key_is_enrolled_once_and_only_by_who_holds_it(desk: Desk, tmp_path: Path) -> None:
    assert desk.enrol("ada").code == 0
    public = f"{desk.key('ada')}.pub"
    again = desk.wx("approver", "enrol", "ben", "--key", public)
    assert again.code == 5
    assert "enrolled already" in again.err
    wanted = tmp_path / "proof"
    other = f"{desk.key('ben')}.pub"
    assert desk.wx("approver", "enrol", "ben", "--key", other, "--to", str(wanted)).code == 0
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", "wallcross", "-f"]
    subprocess.run([*sign, str(desk.key("ada")), str(wanted)], check=True, capture_output=True)
    proof = ("--proof", f"{wanted}.sig")
    stolen = desk.wx("approver", "enrol", "ben", "--key", other, *proof)
    assert stolen.code == 5
    Path(f"{wanted}.sig").unlink()
    subprocess.run([*sign, str(desk.key("ben")), str(wanted)], check=True, capture_output=True)
    assert desk.wx("approver", "enrol", "ben", "--key", other, *proof).code == 0


def test_who_is_not_on_the_roster_has_no_key_here(desk: Desk) -> None:
    done = desk.enrol("eve")
    assert done.code == 1
    assert "eve is not on the roster" in done.err


@pytest.mark.parametrize(
    ("kind", "bits", "code"),
    [("ecdsa", "256", 0), ("ecdsa", "521", 0), ("rsa", "3072", 0), ("rsa", "2048", 2)],
)
def test_kinds_of_keys(desk: Desk, kind: str, bits: str, code: int) -> None:
    done = desk.enrol("ada", kind=kind, bits=bits)
    assert done.code == code, done.err


def test_a_signature_made_elsewhere_is_brought_in_a_file(desk: Desk, tmp_path: Path) -> None:
    desk.found()
    desk.roster(GRETA.format(tier="operations"))
    desk.adopt()
    request = desk.asked()
    wanted = tmp_path / "yes"
    assert desk.wx("approve", "show", request, "--to", str(wanted)).code == 0
    assert desk.wx("approve", "show", request, "--to", str(wanted)).code == 5
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", "wallcross", "-f", str(desk.key("ada"))]
    subprocess.run([*sign, str(wanted)], check=True, capture_output=True)
    given = ("--signature", f"{wanted}.sig", "--json")
    wrong = desk.wx("approve", "yes", request, "--as", "ben", *given)
    assert wrong.code == 5
    assert "not by that key" in wrong.err
    done = desk.wx("approve", "yes", request, "--as", "ada", *given)
    assert done.json["signed"] == ["ada"]


def test_a_no_ends_it_and_its_asker_takes_it_back(desk: Desk) -> None:
    desk.found()
    desk.roster(GRETA.format(tier="operations"))
    desk.adopt()
    request = desk.asked()
    signed = ("--as", "cy", "--key", str(desk.key("cy")))
    assert desk.wx("approve", "no", request, *signed).code == 2, "and says why"
    assert desk.wx("approve", "no", request, *signed, "--reason", "40 per share").code == 2
    refused = desk.wx("approve", "no", request, *signed, "--reason", "too-much", "--json").json
    assert (refused["state"], refused["refused_by"]) == ("refused", "cy")
    assert "Ended by cy: it gives more than is needed" in desk.wx("approve", "show", request).out
    assert desk.yes(request, "ada").code == 5
    desk.adopt()
    request = desk.asked()
    assert desk.wx("approve", "no", request, "--json").json["state"] == "refused"
    assert desk.wx("approve", "list").out.strip() == "Nothing waits for anybody."
    assert len(desk.wx("approve", "list", "--all", "--json").lines) == 3


def test_keys_go_at_once_but_never_the_last(desk: Desk) -> None:
    desk.found()
    assert desk.wx("approver", "withdraw", "ben").code == 2
    assert desk.wx("approver", "withdraw", "ben", "--yes").code == 0
    assert desk.wx("approver", "withdraw", "cy", "--yes").code == 0
    last = desk.wx("approver", "withdraw", "ada", "--yes")
    assert last.code == 5
    assert "last" in last.err


ENDS = """
import os, signal, sys
from orchestrator.cli.main import run
from orchestrator.command import adopting, approving

def end(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[1] == "before":
    approving.HANDLERS["roster.adopt"] = end
else:
    adopting.adopt = end  # approval.done is written, its unit is not yet on disk
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.parametrize("when", ["before", "within"])
def test_killed_between_the_last_signature_and_the_deed_it_is_done_once(
    desk: Desk, when: str
) -> None:
    desk.found()
    before = desk.wx("deal", "show", "--json").json["roster_hash"]
    desk.roster(GRETA.format(tier="operations"))
    desk.adopt()
    request = desk.asked()
    desk.yes(request, "ada")
    last = ("approve", "yes", request, "--as", "ben", "--key", str(desk.key("ben")))
    killed = subprocess.run(
        [sys.executable, "-c", ENDS, when, *last],
        env=dict(os.environ),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert desk.wx("deal", "show", "--json").json["roster_hash"] == before
    assert desk.wx("approve", "show", request, "--json").json["state"] == "agreed"
    again = desk.yes(request, "cy")
    assert again.code == 5
    assert "was carried out" in again.err
    assert desk.wx("deal", "show", "--json").json["roster_hash"] != before
    kinds = [e["kind"] for e in desk.wx("audit", "tail", "--count", "99", "--json").lines]
    assert kinds.count("approval.done") == 2, "the founding, and this"
    assert kinds.count("roster.adopted") == 2
    assert desk.wx("audit", "verify", "--json").json["ok"]


def test_wrong_use_is_told_before_anything_is_opened(desk: Desk, tmp_path: Path) -> None:
    desk.found()
    assert desk.wx("approve", "show", "apr_" + "0" * 32).code == 1
    assert desk.wx("approve", "yes", "apr_1", "--as", "ada").code == 2
    nowhere = ("--key", str(tmp_path / "nowhere"))
    assert desk.wx("approve", "yes", "apr_1", "--as", "ada", *nowhere).code == 1
    assert desk.wx("approver", "enrol", "ada").code == 2
    assert desk.wx("approver", "enrol", "ada", *nowhere).code == 1
    spoilt = tmp_path / "spoilt.pub"
    spoilt.write_text("ssh-ed25519 AAAA", "utf-8")
    assert desk.wx("approver", "enrol", "ada", "--key", str(spoilt)).code == 2
    assert desk.wx("approver", "enrol", "ada", "--key", str(spoilt), "--role", "king").code == 2


def test_doctor_says_whether_there_are_people_enough(desk: Desk) -> None:
    def check() -> Any:
        found = {c["name"]: c for c in desk.wx("doctor", "--json").lines}
        return found["approvers TERN"]

    assert check()["state"] == "soon"
    assert "not founded" in check()["text"]
    desk.found()
    assert (check()["state"], check()["text"]) == ("ok", "3 people may agree")
    desk.wx("approver", "withdraw", "cy", "--yes")
    assert check()["state"] == "soon"


def test_every_verb_that_is_carried_out_is_told_in_words() -> None:
    from orchestrator.command.approval_told import TELLS  # noqa: PLC0415 - starts slowly
    from orchestrator.command.approving import HANDLERS  # noqa: PLC0415 - starts slowly

    assert TELLS.keys() == HANDLERS.keys()


SITE = """
[approvals]
origin = "https://wallcross.kestrel.example"
rp_id = "kestrel.example"
"""


def test_a_passkey_is_enrolled_and_agrees_by_files(desk: Desk, home: Path, tmp_path: Path) -> None:
    own, made, wanted = Authenticator(count=1), tmp_path / "made.json", tmp_path / "proof"
    made.write_text(own.made(), "ascii")
    enrol = ("approver", "enrol", "ada", "--passkey", str(made), "--role", "owner")
    with (home / "wallcross.toml").open("a", encoding="utf-8") as settings:
        settings.write(SITE)
    assert desk.wx(*enrol).code == 2, "no private half lies beside a passkey"
    assert desk.wx(*enrol, "--to", str(wanted)).code == 0
    proof = tmp_path / "proof.json"
    proof.write_text(Authenticator(key=own.key, rp_id="evil.example").signed(wanted.read_bytes()))
    assert desk.wx(*enrol, "--proof", str(proof)).code == 5
    proof.write_text(own.signed(wanted.read_bytes()), "ascii")
    assert desk.wx(*enrol, "--proof", str(proof)).code == 0
    assert desk.enrol("ben").code == 0
    request = desk.wx("deal", "found", "--json").json["request_id"]
    desk.yes(request, "ben")
    shown = desk.wx("approve", "show", request, "--json").json
    answer = tmp_path / "answer.json"
    answer.write_text(own.signed(shown["no"]["not-yet"].encode()), "ascii")
    signed = ("approve", "yes", request, "--as", "ada", "--signature", str(answer), "--json")
    assert desk.wx(*signed).code == 5
    answer.write_text(own.signed(shown["yes"].encode()), "ascii")
    assert desk.wx(*signed).json["state"] == "done"
    kinds = {
        c["person"]: (c["way"], c["kind"]) for c in desk.wx("approver", "list", "--json").lines
    }
    assert kinds == {"ada": ("passkey", "es256"), "ben": ("ssh", "ed")}


def test_both_files_are_asked_for_at_once_and_status_says_what_waits(
    desk: Desk, home: Path
) -> None:
    desk.found()
    policy = home / "policy.toml"
    text = Path("orchestrator/config/policy.default.toml").read_text("utf-8")
    policy.write_text(text.replace('held_for = "24 h"', 'held_for = "12 h"'), "utf-8")
    desk.roster(GRETA.format(tier="operations"))
    done = desk.wx("deal", "adopt", "--policy", str(policy), "--roster", str(desk.files))
    assert done.code == 6
    waiting = [r["request_id"] for r in desk.wx("approve", "list", "--json").lines]
    assert len(waiting) == 2
    assert all(request in done.err for request in waiting)
    needs = desk.wx("status", "--json").json["needs"]
    assert {n["then"] for n in needs} >= {f"wallcross approve show {r}" for r in waiting}


def test_a_deal_shows_its_fingerprints_as_ssh_keygen_does(desk: Desk) -> None:
    desk.enrol("ada")
    line = ["ssh-keygen", "-l", "-f", f"{desk.key('ada')}.pub"]
    told = subprocess.run(line, capture_output=True, check=True, text=True).stdout
    [listed] = desk.wx("approver", "list", "--json").lines
    assert listed["fingerprint"] in told


def test_an_export_for_counsel_goes_the_desks_way_and_once(desk: Desk, tmp_path: Path) -> None:
    desk.found()
    given = tmp_path / "given"
    asked = ("audit", "for-counsel", "report", "--why", "regulator", "--matter", "m-1", "--json")
    waits = desk.wx(*asked, "--to", str(given))
    assert waits.code == 6
    assert not given.exists()
    assert desk.wx(*asked, "--to", str(given)).code == 6
    request = desk.asked()
    assert "the report for counsel" in desk.wx("approve", "show", request).out
    desk.yes(request, "ada")
    desk.yes(request, "ben")
    assert desk.wx(*asked, "--to", str(given)).json["export"] == request
    assert given.read_bytes().startswith(b"%PDF-")
    assert given.stat().st_mode & 0o077 == 0
    assert desk.wx(*asked, "--to", str(given)).code == 5, "nothing is written over"
    assert desk.wx(*asked, "--to", str(tmp_path / "again")).code == 6, "it is asked for anew"
    free = ("audit", "for-counsel", "findings", "--why", "closing", "--to", str(tmp_path / "f.csv"))
    assert desk.wx(*free).code == 0
    assert "findings without names" in (tmp_path / "f.csv").read_text("utf-8-sig")
