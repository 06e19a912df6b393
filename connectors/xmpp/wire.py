"""The XML of what we ask and are told: built and read, without a line. Pure.

Rules kept here:

1. What is read may be anybody's: a wrong type, a missing part or a doubled one gives None or an
   empty answer, never an exception.
2. Text goes into elements as text; what XML cannot carry is found before it is written.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from connectors.port import AccountId, RoomId
from connectors.xmpp.addresses import bare

CLIENT = "jabber:client"
DISCO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
MUC = "http://jabber.org/protocol/muc"
MUC_USER = f"{MUC}#user"
MUC_ADMIN = f"{MUC}#admin"
MUC_OWNER = f"{MUC}#owner"
DATA = "jabber:x:data"
MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
SID = "urn:xmpp:sid:0"
FORWARD = "urn:xmpp:forward:0"
DELAY = "urn:xmpp:delay"
UPLOAD = "urn:xmpp:http:upload:0"
RETRACT = "urn:xmpp:message-retract:1"
MODERATE = "urn:xmpp:message-moderate:1"
REPLY = "urn:xmpp:reply:0"
CORRECT = "urn:xmpp:message-correct:0"
HINTS = "urn:xmpp:hints"
FALLBACK = "urn:xmpp:fallback:0"
CARBONS = "urn:xmpp:carbons:2"
INVITE = "jabber:x:conference"
PING = "urn:xmpp:ping"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""All but the characters of XML 1.0, 2.2."""


def made(name: str, *children: Element, text: str | None = None, **attributes: str) -> Element:
    """An element; ``name`` with its namespace in braces, as ElementTree writes it."""
    found = Element(name, attributes)
    found.text = text
    found.extend(children)
    return found


def fits_xml(text: str) -> bool:
    """Whether XML can carry a text at all."""
    return _NOT_XML.search(text) is None


# --- forms (XEP-0004) -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Form:
    """A form as a service offers it.

    Attributes:
        values: by field; more than one where it takes many.
        options: what a field may be, where that is told.
    """

    values: Mapping[str, tuple[str, ...]] = field(repr=False)
    options: Mapping[str, frozenset[str]]

    def one(self, name: str) -> str | None:
        """The value of a field; None where there is no such field."""
        found = self.values.get(name)
        return None if found is None else (found[0] if found else "")

    def flag(self, name: str) -> bool | None:
        """A yes or no; None where there is no such field, or it says neither."""
        return {"1": True, "true": True, "0": False, "false": False, "": False}.get(
            self.one(name) or "" if name in self.values else "-"
        )

    def number(self, name: str) -> int | None:
        """A number; None where there is none."""
        told = self.one(name)
        return int(told) if told is not None and told.isdecimal() else None


def form_in(parent: Element | None) -> Form | None:
    """The form inside an element; None without one."""
    form = None if parent is None else parent.find(f"{{{DATA}}}x")
    if form is None:
        return None
    values: dict[str, tuple[str, ...]] = {}
    options: dict[str, frozenset[str]] = {}
    for each in form.iter(f"{{{DATA}}}field"):
        name = each.get("var")
        if name is None:
            continue
        values[name] = tuple(v.text or "" for v in each.findall(f"{{{DATA}}}value"))
        offered = each.findall(f"{{{DATA}}}option/{{{DATA}}}value")
        if offered:
            options[name] = frozenset(v.text or "" for v in offered)
    return Form(values, options)


def submitted(values: Mapping[str, Iterable[str]]) -> Element:
    """A form filled in."""
    form = made(f"{{{DATA}}}x", type="submit")
    for name, told in values.items():
        each = SubElement(form, f"{{{DATA}}}field", var=name)
        for value in told:
            SubElement(each, f"{{{DATA}}}value").text = value
    return form


# --- rooms (XEP-0045) -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Occupant:
    """Somebody in a room as a presence shows him.

    Attributes:
        nick: his name there.
        account: the account behind it; None where the room hides it.
        affiliation: owner, admin, member, none or outcast.
        role: moderator, participant, visitor or none.
    """

    nick: str
    account: AccountId | None
    affiliation: str
    role: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A presence out of a room.

    Attributes:
        who: whom it is about.
        there: he is in.
        codes: status codes.
        by: who did it, where that is told.
        destroyed: the room is no more.
        new_nick: he goes on under another name.
    """

    who: Occupant
    there: bool
    codes: frozenset[int]
    by: AccountId | None
    destroyed: bool
    new_nick: str | None


def seen_in(presence: Element, nick: str) -> Seen | None:
    """What a presence out of a room says; None where it is no such presence."""
    x = presence.find(f"{{{MUC_USER}}}x")
    item = None if x is None else x.find(f"{{{MUC_USER}}}item")
    if x is None or item is None or presence.get("type") not in {None, "unavailable"}:
        return None
    actor = item.find(f"{{{MUC_USER}}}actor")
    return Seen(
        occupant(item, nick),
        there=presence.get("type") is None,
        codes=codes(x),
        by=None if actor is None else bare(actor.get("jid")),
        destroyed=x.find(f"{{{MUC_USER}}}destroy") is not None,
        new_nick=item.get("nick") if presence.get("type") else None,
    )


def occupant(item: Element, nick: str) -> Occupant:
    """Who an item is about."""
    return Occupant(
        nick, bare(item.get("jid")), item.get("affiliation", ""), item.get("role", "none")
    )


def codes(x: Element) -> frozenset[int]:
    """The status codes of a ``muc#user`` element."""
    told = (s.get("code", "") for s in x.findall(f"{{{MUC_USER}}}status"))
    return frozenset(int(code) for code in told if code.isdecimal())


def listed(answer: Element, affiliation: str) -> frozenset[AccountId] | None:
    """The accounts of a list of affiliations; None where it makes no sense.

    Args:
        answer: to ``muc#admin``.
        affiliation: of the list that was asked for.
    """
    query = answer.find(f"{{{MUC_ADMIN}}}query")
    if query is None:
        return None
    found = set()
    for item in query.findall(f"{{{MUC_ADMIN}}}item"):
        account = bare(item.get("jid"))
        if account is None or item.get("affiliation") != affiliation:
            return None
        found.add(account)
    return frozenset(found)


def asked_into(message: Element) -> tuple[RoomId, AccountId | None] | None:
    """The room that a message asks us into, and who asks where the room tells for him.

    Source: XEP-0249; XEP-0045, 7.8.2.
    """
    direct = message.find(f"{{{INVITE}}}x")
    invite = message.find(f"{{{MUC_USER}}}x/{{{MUC_USER}}}invite")
    if invite is not None:
        room = bare(message.get("from"))
        return None if room is None else (RoomId(room), bare(invite.get("from")))
    room = None if direct is None else bare(direct.get("jid"))
    return None if room is None else (RoomId(room), None)


def features(answer: Element) -> frozenset[str]:
    """What a disco#info answer offers."""
    path = f"{{{DISCO}}}query/{{{DISCO}}}feature"
    return frozenset(each.get("var", "") for each in answer.findall(path))


# --- archives (XEP-0313) and names (XEP-0359) -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Archived:
    """A message out of an archive.

    Attributes:
        name: its id there.
        at: when it was archived, microseconds UTC; None where that is not told.
        message: as it was.
    """

    name: str
    at: int | None
    message: Element = field(repr=False)


def archived(message: Element, query: str) -> Archived | None:
    """A result of a query; None where it is none of this one."""
    result = message.find(f"{{{MAM}}}result")
    forwarded = None if result is None else result.find(f"{{{FORWARD}}}forwarded")
    if result is None or forwarded is None or result.get("queryid") != query:
        return None
    inner = forwarded.find(f"{{{CLIENT}}}message")
    name = result.get("id")
    if inner is None or not name:
        return None
    delay = forwarded.find(f"{{{DELAY}}}delay")
    return Archived(name, None if delay is None else instant(delay.get("stamp")), inner)


def page(
    query: str, after: str | None, *, start: int | None = None, before: str | None = None, most: int
) -> Element:
    """A query for a page of an archive.

    Args:
        query: names its results.
        after: the id behind which it begins; None from the beginning.
        start: the time from which it begins, microseconds UTC.
        before: the id before which it ends, read backwards; empty: the newest page.
        most: results on the page.
    """
    asked = made(f"{{{MAM}}}query", queryid=query)
    if start is not None:
        at = datetime.fromtimestamp(start // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        asked.append(submitted({"FORM_TYPE": [MAM], "start": [at]}))
    limits = SubElement(asked, f"{{{RSM}}}set")
    SubElement(limits, f"{{{RSM}}}max").text = str(most)
    if after is not None:
        SubElement(limits, f"{{{RSM}}}after").text = after
    if before is not None:
        SubElement(limits, f"{{{RSM}}}before").text = before or None
    return asked


def paged(answer: Element) -> tuple[bool, str | None, str | None] | None:
    """Whether a page was the last, and the ids of its ends; None where it makes no sense."""
    fin = answer.find(f"{{{MAM}}}fin")
    if fin is None:
        return None
    limits = fin.find(f"{{{RSM}}}set")
    first = None if limits is None else limits.findtext(f"{{{RSM}}}first")
    last = None if limits is None else limits.findtext(f"{{{RSM}}}last")
    return fin.get("complete") in {"true", "1"}, first, last


def name_by(message: Element, room: str) -> str | None:
    """The id that a room gave a message. Believed only where the room takes forged ones out."""
    told = [s.get("id") for s in message.findall(f"{{{SID}}}stanza-id") if s.get("by") == room]
    return told[0] if len(told) == 1 and told[0] else None


def instant(stamp: str | None) -> int | None:
    """A time as XEP-0082 writes it, microseconds UTC."""
    try:
        told = datetime.fromisoformat(stamp or "")
    except ValueError:
        return None
    if told.tzinfo is None:
        return None
    return int(told.timestamp() * 1_000_000)


def children(message: Element) -> Iterator[tuple[str, str, Element]]:
    """Namespace, name and element of each child."""
    for child in message:
        space, _, name = child.tag.rpartition("}")
        yield space.removeprefix("{"), name, child
