"""Evidence as a plain page that counsel reads and prints: no script, no picture, no other host.

Rule kept here: every word from outside (names, rooms, accounts) is escaped, and characters that
turn the direction of writing are replaced; a made-up deal says so on top of each printed page.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from html import escape

from orchestrator.client.evidence import (
    ApprovalEvidence,
    ControlView,
    ConversationEvidence,
    EvidenceView,
    RoomEvidence,
)
from orchestrator.clock import DAY, HOUR, MINUTE, iso

MADE_UP = "MADE UP: this deal, its people and its messages were invented."
_STYLE = (
    "body{font:11pt/1.4 serif;margin:2em auto;max-width:60em}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:.2em .5em;text-align:left;vertical-align:top}"
    "thead .made{font-weight:bold;border:0}.no{font-weight:bold}h2{break-before:page}"
)
_ABOUT = (
    "This page was written by the program and holds no message. It repeats evidence.json, which "
    "counts where the two differ. Check the folder with: python verify_audit.py FOLDER --anchor "
    "WHAT-YOU-KEPT. What the grades mean: requested (asked for, nothing seen; never counts) < "
    "attested (a named person saw it; 30 days) < verified (read back; 24 hours)."
)


def page(found: EvidenceView) -> str:
    """The page of a deal's evidence."""
    body = "\n".join(_body(found))
    title = _safe(f"Evidence for {found.code}")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _body(found: EvidenceView) -> Iterator[str]:
    yield f"<h1>{_safe(f'Evidence for {found.code}')}</h1>"
    if found.made_up:
        yield f'<p class="no">{MADE_UP}</p>'
    yield f"<p>{_ABOUT}</p>"
    yield _table(("what", "is"), _heads(found), found)
    yield _table(("finding", "about", "severity", "open since"), _findings(found), found)
    yield _table(
        ("request", "plan", "state", "asked by", "signed by", "done"),
        map(_approval, found.approvals),
        found,
    )
    for conversation in found.conversations:
        yield from _conversation(conversation, found)


def _heads(found: EvidenceView) -> Iterator[tuple[str, str]]:
    yield "deal", f"{found.code} ({found.deal_id}), phase {found.phase}"
    yield "as known at", iso(found.at)
    read = "read back for this page" if found.live else "not read back: no channel was open"
    yield "rooms", read
    yield "policy in force", found.policy or "none"
    yield "roster in force", found.roster
    founded = "nobody has founded it" if found.founded_at is None else iso(found.founded_at)
    yield "founded by its people's signatures", founded
    yield "people whose signatures count", ", ".join(found.approvers) or "nobody"


def _findings(found: EvidenceView) -> Iterator[tuple[str, ...]]:
    for one in found.findings:
        yield one.rule, one.subject, one.severity, iso(one.since)


def _approval(one: ApprovalEvidence) -> tuple[str, ...]:
    done = iso(one.done_at) if one.done_at is not None else ""
    signed = ", ".join(one.signed)
    return f"{one.verb} {one.request}", one.plan, one.state, one.asked_by, signed, done


def _conversation(one: ConversationEvidence, found: EvidenceView) -> Iterator[str]:
    name = f"#{one.label}" if one.label is not None else one.conversation_id
    whose = f"private to {one.side}" if one.side is not None else "joint"
    yield f"<h2>{_safe(f'{name}: {one.floor}, {one.compartment}, {whose}')}</h2>"
    journal = one.journal or "none: it opens no room"
    yield f"<p>{_safe(f'{one.conversation_id}. Journal: {journal}.')}</p>"
    for because in one.against:
        yield f'<p class="no">{_safe(f"Nothing goes through it: {because}.")}</p>'
    for room in one.rooms:
        yield from _room(room, found)


def _room(room: RoomEvidence, found: EvidenceView) -> Iterator[str]:
    yield f"<h3>{_safe(f'{room.connector} {room.room}, hosted by {room.host}')}</h3>"
    if room.paused is not None:
        yield f'<p class="no">{_safe(f"Paused: {room.paused}.")}</p>'
    yield f"<p>{_safe(_members(room, found.at))}</p>"
    titles = ("promise", "demanded", "met", "evidence", "who says so", "age", "counts until")
    yield _table(titles, (control_row(c, found.at) for c in room.controls), found)
    keys = (
        (k.person or "", k.account, k.device, k.state, iso(k.at), ", ".join(k.by))
        for k in room.keys
    )
    yield _table(("person", "account", "device", "key is", "since", "compared by"), keys, found)


def _members(room: RoomEvidence, at: int) -> str:
    if room.read_at is None:
        return "Its members were not read back."
    whole = "the whole list" if room.complete else "not the whole list"
    read = f"Members read back {age(at - room.read_at)} ago ({whole}): {', '.join(room.members)}."
    strangers = f" On no list: {', '.join(room.strangers)}." if room.strangers else ""
    return f"{read}{strangers} Told what the room is: {', '.join(room.told) or 'nobody'}."


def control_row(one: ControlView, at: int) -> tuple[str, ...]:
    """A control in words, one for each column of a table."""
    value = f" {age(one.value)}" if one.value is not None else ""
    return (
        f"{one.guarantee.replace('_', ' ')}{value}",
        one.demanded or "",
        "" if one.demanded is None else "yes" if one.met else "NO",
        one.evidence or "nobody says so",
        one.by or one.source or "",
        "" if one.at is None else age(at - one.at),
        "" if one.lapses_at is None else iso(one.lapses_at)[:16],
    )


def age(span: int) -> str:
    """A span (microseconds) in the largest unit that it fills."""
    for name, unit in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if abs(span) >= unit:
            return f"{span // unit} {name}"
    return f"{span // 1_000_000} s"


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]], found: EvidenceView) -> str:
    """A table whose head stands on each printed page, with the mark of a made-up deal in it."""
    heads = [f"<th>{_safe(title)}</th>" for title in titles]
    made = f'<tr><td class="made" colspan="{len(heads)}">{MADE_UP}</td></tr>'
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    head = f"{made if found.made_up else ''}<tr>{''.join(heads)}</tr>"
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td>{_safe(cell)}</td>" for cell in row)


def _safe(text: str) -> str:
    kept = (
        c if unicodedata.category(c) not in {"Cc", "Cf"} else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )
    return escape("".join(kept))
