"""What a room should be and what it is found to be, from its forms and lists. Pure.

Rules kept here:

1. Fields differ from server to server: what the form offers is set, and what we want and it does
   not offer is named. A room without the two that matter (members only, real addresses shown) is
   not made.
2. A guarantee is held where the answers show it. A default that we know of is no reading, and what
   an operator says of his server is only requested.
3. Every member of a members-only room has a voice again each time that he comes in, so no room has
   a gate: nothing here says that a message can be stopped before it is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.port import AccountId, Evidence, Guarantee, Holding, Source
from connectors.port.messages import Member, Presence, RoomSpec
from connectors.xmpp import wire
from connectors.xmpp.wire import Form

_CONFIG = "muc#roomconfig_"
_MEMBERS_ONLY, _WHOIS = f"{_CONFIG}membersonly", f"{_CONFIG}whois"
_PUBLIC, _ARCHIVE = f"{_CONFIG}publicroom", f"{_CONFIG}enablearchiving"
_NAME = f"{_CONFIG}roomname"
_LOGGING, _MAM = f"{_CONFIG}enablelogging", "mam"
_INVITES = (
    f"{_CONFIG}allowinvites",
    "{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites",
)
_HISTORY = (f"{_CONFIG}historylength", "muc#maxhistoryfetch")
ESSENTIAL = (_MEMBERS_ONLY, _WHOIS)
FORM_TYPE = f"{wire.MUC}#roomconfig"


@dataclass(frozen=True, slots=True)
class Lists:
    """Who may come into a room, and who is in.

    Attributes:
        owners: can change everything.
        admins: can change who is a member.
        members: may come in.
        occupants: who is in now, by the presences that we were shown.
        hidden: somebody is in whose account the room does not show.
        complete: nobody is in who is on no list.
    """

    owners: frozenset[AccountId]
    admins: frozenset[AccountId]
    members: frozenset[AccountId]
    occupants: frozenset[AccountId]
    hidden: bool

    @property
    def listed(self) -> frozenset[AccountId]:
        """Who is on a list."""
        return self.owners | self.admins | self.members

    @property
    def everybody(self) -> frozenset[AccountId]:
        """Who can read, or may come in to."""
        return self.listed | self.occupants

    @property
    def ruling(self) -> frozenset[AccountId]:
        """Who can change the room."""
        return self.owners | self.admins

    @property
    def complete(self) -> bool:
        """Whether the lists leave out nobody whom the room itself shows."""
        return not self.hidden and self.occupants <= self.listed

    def affiliation(self, account: AccountId) -> str:
        """What an account is in this room."""
        if account in self.owners:
            return "owner"
        if account in self.admins:
            return "admin"
        return "member" if account in self.members else "none"


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read of a room.

    Attributes:
        form: its configuration.
        features: what it offers.
        lists: who is on which list; None where they were refused.
        sealed: we seal what we send.
        at: when, microseconds UTC.
        forgets_after: after how long the server is said to forget, microseconds; None where nobody
            said so.
    """

    form: Form
    features: frozenset[str]
    lists: Lists
    sealed: bool
    at: int
    forgets_after: int | None = None


def wanted(*, archive: bool) -> dict[str, str]:
    """What each field should be, whether a server has it or not."""
    keep = "1" if archive else "0"
    return {
        _MEMBERS_ONLY: "1",
        _WHOIS: "anyone",
        f"{_CONFIG}persistentroom": "1",
        _PUBLIC: "0",
        f"{_CONFIG}passwordprotectedroom": "0",
        f"{_CONFIG}moderatedroom": "0",
        f"{_CONFIG}changesubject": "0",
        f"{_CONFIG}allowpm": "none",
        _LOGGING: "0",
        _ARCHIVE: keep,
        _MAM: keep,
        f"{_CONFIG}defaulthistorymessages": "0",
        **dict.fromkeys(_INVITES, "0"),
        **dict.fromkeys(_HISTORY, "0"),
    }


def filled(form: Form, spec: RoomSpec, *, archive: bool) -> dict[str, tuple[str, ...]]:
    """The form as we send it back: what is there and can be so is set, all else stays."""
    values = {name: told for name, told in form.values.items() if name != "FORM_TYPE"}
    if form.one(_NAME) == "":
        values[_NAME] = (spec.name,)
    for name, value in wanted(archive=archive).items():
        offered = form.options.get(name)
        if name in values and (offered is None or value in offered):
            values[name] = (value,)
    return {"FORM_TYPE": (FORM_TYPE,), **values}


def missing(form: Form) -> tuple[str, ...]:
    """What we want and a form does not offer; of several names for one thing, one will do."""
    alike = ((_ARCHIVE, _MAM, _LOGGING), _INVITES, _HISTORY)
    single = (_MEMBERS_ONLY, _WHOIS, f"{_CONFIG}persistentroom", _PUBLIC, f"{_CONFIG}changesubject")
    groups = (*((name,) for name in single), *alike)
    return tuple(names[0] for names in groups if not any(n in form.values for n in names))


def archives(form: Form, offered: frozenset[str]) -> bool:
    """Whether what is said in a room is kept for who asks later; in doubt it is."""
    if wire.MAM in offered:
        return True
    return any(
        form.flag(name) is not False for name in (_ARCHIVE, _MAM, _LOGGING) if name in form.values
    )


def shows_nothing_to_who_enters(form: Form) -> bool:
    """Whether the room hands out no earlier message to whoever comes in, by its own word."""
    told = [form.number(name) for name in _HISTORY if name in form.values]
    return bool(told) and all(number == 0 for number in told)


def holdings(found: Reading, *, secure: bool) -> tuple[Holding, ...]:
    """The guarantees that a reading shows.

    Args:
        found: what was read.
        secure: our own line is TLS with a certificate that was checked.
    """
    held = [Holding(g, Evidence.VERIFIED, s, found.at) for g, s in _held(found, secure=secure)]
    if found.forgets_after is not None:  # no form or feature tells it: it stands in our settings
        told, value = Evidence.REQUESTED, found.forgets_after
        held.append(Holding(Guarantee.TIMER, told, Source.PERSON, found.at, value))
    return tuple(held)


def _held(found: Reading, *, secure: bool) -> Iterator[tuple[Guarantee, Source]]:
    form, shown = found.form, found.form.one(_WHOIS) == "anyone"
    if secure:
        yield Guarantee.ENCRYPTED_IN_TRANSIT, Source.SERVER
    if found.sealed and shown:
        yield Guarantee.END_TO_END_ENCRYPTED, Source.CRYPTOGRAPHY
    closed = form.flag(_MEMBERS_ONLY) is True
    if closed and not any(form.flag(name) is not False for name in _INVITES if name in form.values):
        yield Guarantee.INVITE_ONLY, Source.SERVER
    if closed and form.flag(_PUBLIC) is False:
        yield Guarantee.NO_PUBLIC_LINK, Source.SERVER
    if closed and shown and found.lists.complete:
        yield Guarantee.MEMBERS_READABLE, Source.SERVER
    if found.sealed:
        yield Guarantee.HISTORY_HIDDEN, Source.CRYPTOGRAPHY
    elif shows_nothing_to_who_enters(form) and not archives(form, found.features):
        yield Guarantee.HISTORY_HIDDEN, Source.SERVER


def members(lists: Lists, been: frozenset[AccountId]) -> tuple[Member, ...]:
    """Who can read, without devices.

    Args:
        lists: as read.
        been: who has been in the room before.
    """
    return tuple(
        Member(
            account=account,
            presence=Presence.JOINED if account in lists.occupants | been else Presence.INVITED,
            admin=account in lists.ruling,
        )
        for account in sorted(lists.everybody)
    )
