"""Who can read what: each component and role against each kind of thing, from what runs here.

Rules kept here:

1. Every cell has a level and says why. What is not known counts as read: a channel whose rooms were
   not all read back as end-to-end encrypted reads what goes through it.
2. Roles are cut from the one table of rights, components from the settings and from what was read
   back; nothing is written here by hand that one of them could contradict.
3. A cell that says *never* is a claim that tests try to break.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connectors.port.capabilities import Posture
from orchestrator.client.reading import CellView, ReaderView, ReadingView
from orchestrator.command.conversations import deal_of
from orchestrator.command.runtime import Runtime
from orchestrator.config.model import Config
from orchestrator.deals.book import DealView
from orchestrator.deals.tokens import SCIM
from orchestrator.secrets.port import Where
from tiers.guarantees import Evidence, Guarantee
from tiers.ids import DealId
from tiers.rights import TABLE, Act, DeskRole, Power, Right, Scope

RELAY = "relay"
"""What we are in a room where people write to us, and only we post."""
NEVER, SEALED, PASSING, YES = "never", "sealed", "passing", "yes"
THINGS = {
    "relay": "Messages that go through us",
    "witness": "Messages in rooms that we listen in",
    "blind": "Messages in rooms that we cannot read",
    "held": "Held messages",
    "documents": "Documents",
    "valuation_names": "Names of valuation conversations",
    "people": "Names of people",
    "addresses": "Accounts and addresses",
    "traffic": "Times and sizes",
    "audit": "The record",
    "keys": "Secret keys of this installation",
    "fingerprints": "Fingerprints of restricted text",
    "notices": "Notifications",
}
TEXT = ("relay", "witness", "blind", "held", "documents")
Cells = dict[str, CellView]


@dataclass(frozen=True, slots=True)
class Line:
    """A channel, as it was read back.

    Attributes:
        kind: the connector's name.
        sealed: every room of it that this deal uses was read as end-to-end encrypted.
        modes: what we are in its rooms.
    """

    name: str
    kind: str
    sealed: bool
    modes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the matrix is worked out from."""

    host: str
    config: Config
    lines: tuple[Line, ...]
    secrets: Where
    journal: bool
    directory: bool = False


def matrix(facts: Facts) -> tuple[ReaderView, ...]:
    """Every reader with a cell for each kind of thing."""
    return (*_roles(), *_machine(facts), *_networks(facts), *_outside(facts))


def cell(level: str, why: str) -> CellView:
    """One cell."""
    return CellView(level=level, why=why)


def _reader(
    key: str, name: str, kind: str, said: Mapping[str, CellView], rest: CellView
) -> ReaderView:
    cells = {thing: said.get(thing, rest) for thing in THINGS}
    return ReaderView(key=key, name=name, kind=kind, cells=cells)


_NOT_SHOWN = cell(NEVER, "no page and no answer of the API holds it")
_NAMES = {
    DeskRole.PARTICIPANT: "Participant, at the desk",
    DeskRole.ADVISER: "Adviser, at the desk",
    DeskRole.OWNER: "Deal owner, at the desk",
    DeskRole.SECURITY_OFFICER: "Security officer, at the desk",
    DeskRole.APPROVER: "Approver, at the desk",
    DeskRole.COUNSEL: "Counsel and compliance, at the desk",
    DeskRole.OPERATOR: "Operator, at the desk",
}
_SCOPES = {
    Scope.NOTHING: cell(NEVER, "his part in the deal does not include it"),
    Scope.COUNTS: cell(NEVER, "he sees figures and no name"),
    Scope.OWN: cell(YES, "what concerns himself"),
    Scope.FIRM: cell(YES, "of people of his own firm"),
    Scope.ASKED: cell(YES, "of what he is asked to agree to"),
    Scope.IN: cell(YES, "of conversations that he is in"),
    Scope.ALL: cell(YES, "of the whole deal"),
}


def _roles() -> Iterator[ReaderView]:
    for role, name in _NAMES.items():
        said = {
            "held": _held(_power(role, Right.HELD)),
            "valuation_names": _scope(role, Right.VALUATION_NAMES),
            "people": _scope(role, Right.MEMBERS, Right.MATRIX),
            "addresses": _scope(role, Right.SELF, Right.MATRIX),
            "traffic": _scope(role, Right.DOCUMENTS, Right.MATRIX, Right.AUDIT),
            "audit": _scope(role, Right.AUDIT),
            "notices": _scope(role, Right.ON_CALL),
        }
        yield _reader(f"role:{role.value}", name, "role", said, _NOT_SHOWN)


def _power(role: DeskRole, *rights: Right) -> Power:
    found = Power()
    for right in rights:
        found |= TABLE[right].get(role, Power())
    return found


def _scope(role: DeskRole, *rights: Right) -> CellView:
    return _SCOPES[_power(role, *rights).scope]


def _held(power: Power) -> CellView:
    if power.act is Act.SECOND:
        return cell(PASSING, "once, for 60 seconds, when a second agrees; its author is told")
    return cell(NEVER, "that one waits is shown, and why; not what it says")


def _machine(facts: Facts) -> Iterator[ReaderView]:
    opened = cell(PASSING, "opened in memory while it is decided and sent; sealed at rest")
    yield _reader(
        "program",
        "The program itself (API and workers)",
        "machine",
        {
            **dict.fromkeys(("relay", "witness", "held", "documents", "fingerprints"), opened),
            "blind": cell(NEVER, "we hold no key of such a room"),
        },
        cell(YES, "it decides by it"),
    )
    through = cell(PASSING, "on its way to the browser of whoever may see it")
    yield _reader(
        "front",
        "The desk's front (browser pages)",
        "machine",
        dict.fromkeys(
            ("held", "documents", "valuation_names", "people", "addresses", "traffic", "audit"),
            through,
        )
        | {"notices": through},
        cell(NEVER, "it has no store, no key and no channel; it asks the API"),
    )
    yield _disk(facts)
    yield _backup()
    yield _reader(
        "root",
        f"Whoever has root on this machine ({facts.host})",
        "machine",
        {
            **dict.fromkeys(
                ("relay", "witness", "held", "documents"),
                cell(PASSING, "can read the program's memory while it passes"),
            ),
            "blind": cell(NEVER, "no key of such a room is on this machine"),
        },
        cell(YES, "can do all that the program can"),
    )


def _disk(facts: Facts) -> ReaderView:
    in_files = facts.secrets.source == "file"
    keys = (
        cell(YES, "no keyring keeps them here: they lie in files of this machine's owner")
        if in_files
        else cell(NEVER, "the system's keyring keeps them, not this folder")
    )
    return _reader(
        "disk", "Whoever copies this disk", "machine", {**_at_rest(), "keys": keys}, _OPEN
    )


_OPEN = cell(YES, "lies readable, so that it can be searched and checked")


def _backup() -> ReaderView:
    keys = cell(NEVER, "no key is in the folder of the home")
    said = {**_at_rest(), "keys": keys}
    return _reader("backup", "Whoever has a copy of the home alone", "machine", said, _OPEN)


def _at_rest() -> Cells:
    at_rest = cell(SEALED, "each with its own key, wrapped by an epoch's that is in no copy")
    never = cell(NEVER, "it never comes here")
    things = ("relay", "witness", "held", "documents", "valuation_names", "fingerprints")
    return {**dict.fromkeys(things, at_rest), "blind": never}


def _networks(facts: Facts) -> Iterator[ReaderView]:
    for line in facts.lines:
        yield _reader(
            f"channel:{line.name}",
            f"The server of {line.name}" + ("" if line.kind == line.name else f" ({line.kind})"),
            "network",
            {
                **_carried(line),
                "addresses": cell(YES, "of the accounts that it carries"),
                "traffic": cell(YES, "of what it carries"),
            },
            cell(NEVER, "rooms and files bear random names; nothing else is told to it"),
        )


def _carried(line: Line) -> Cells:
    if line.sealed:
        why = "every room of this deal was read back as end-to-end encrypted"
        text = cell(NEVER, why)
    else:
        why = "not every room of this deal was read back as end-to-end encrypted"
        text = cell(YES, why)
    unheard = cell(NEVER, "what is held is not sent")
    relayed = RELAY in line.modes or not line.modes
    held = (
        unheard if relayed or line.sealed else cell(YES, "it stood there before it was withdrawn")
    )
    return {"relay": text, "witness": text, "blind": text, "documents": text, "held": held} | {
        "notices": text
    }


def _outside(facts: Facts) -> Iterator[ReaderView]:
    nothing = cell(NEVER, "it is not sent there")
    config, notify = facts.config, facts.config.notify
    if facts.journal:
        kept = cell(YES, "copies of what is journaled, with keys that only counsel hold")
        said = dict.fromkeys(("relay", "witness", "held", "documents"), kept)
        yield _reader("journal", "Counsel with the journal's key", "outside", said, nothing)
    for anchor in config.anchors:
        said = {"traffic": cell(PASSING, "that the record grew, and when")}
        name = f"Anchor {anchor.name} ({anchor.kind})"
        yield _reader(f"anchor:{anchor.name}", name, "outside", said, cell(NEVER, "a signed hash"))
    times = cell(YES, "when somebody was told")
    if notify.mail is not None:
        said = {
            "notices": cell(YES, "kinds and counts, and a link; no name of a conversation"),
            "addresses": cell(YES, "of whoever is told by mail"),
            "traffic": times,
        }
        yield _reader("mail", "Mail servers of notifications", "outside", said, nothing)
    for origin in notify.push.origins if notify.push is not None else ():
        said = {
            "notices": cell(NEVER, "encrypted to the browser"),
            "addresses": cell(YES, "which browser is told"),
            "traffic": times,
        }
        yield _reader(f"push:{origin}", f"Push service {origin}", "outside", said, nothing)
    if notify.webhook is not None:
        said = {"notices": cell(YES, "kinds and counts"), "traffic": times}
        yield _reader("webhook", "The webhook's receiver", "outside", said, nothing)
    if config.web.oidc is not None:
        said = {
            "addresses": cell(YES, "who signs in here"),
            "traffic": cell(YES, "when somebody signs in"),
        }
        yield _reader("oidc", "The sign-in provider", "outside", said, nothing)
    if facts.directory:
        why = cell(NEVER, "it says who works there; no answer to it says who is on a deal")
        yield _reader("directory", "The company's directory (SCIM)", "outside", {}, why)
    if config.web.operator is not None:
        why = cell(NEVER, "states of this program and its channels; nothing of a deal")
        name = f"Whoever reaches {config.web.operator} (health and metrics)"
        yield _reader("operator-port", name, "outside", {}, why)


class Reading:
    """Implements ``orchestrator.api.port_reading.ReadingAccess``."""

    def __init__(self, runtime: Runtime) -> None:
        self._r = runtime

    async def who_reads(self, deal: DealId) -> ReadingView:
        """Who can read what of a deal, as this installation runs now."""
        view = deal_of(self._r, deal)
        return ReadingView(
            deal_id=deal,
            code=view.code,
            host=self._r.settings.config.home.host or "made-up",
            at=self._r.now(),
            live=self._r.live,
            things=THINGS,
            readers=matrix(self.facts(view)),
        )

    def facts(self, deal: DealView) -> Facts:
        """What the matrix of a deal is worked out from."""
        config = self._r.settings.config
        return Facts(
            host=config.home.host or "made-up",
            config=config,
            lines=tuple(self._lines(deal)),
            secrets=self._r.secrets.where("master"),
            journal=bool(deal.journal.keys),
            directory=any(
                token.scope == SCIM
                for view in self._r.book.deals.values()
                for token in view.tokens.values()
            ),
        )

    def _lines(self, deal: DealView) -> Iterable[Line]:
        bindings = [b for found in deal.rooms.values() for b in found]
        for name, channel in self._r.channels.items():
            places = [b.place for b in bindings if b.connector == name]
            if not places:
                continue
            kept = [self._r.observer.kept(place) for place in places]
            modes = (self._r.observer.mode(place) for place in places)
            sealed = all(r is not None and _sealed(r.posture) for r in kept)
            yield Line(name, channel.kind, sealed, frozenset(m for m in modes if m is not None))


def _sealed(posture: Posture | None) -> bool:
    return posture is not None and any(
        h.guarantee is Guarantee.END_TO_END_ENCRYPTED and h.evidence is Evidence.VERIFIED
        for h in posture.holdings
    )
