"""What of the API is open at the desk's door, and to whom: one table, enforced in one place.

Rules kept here:

1. An operation that no table names is for the home's own user alone, and a test demands that each
   stands in exactly one: ``OPEN`` (to nobody yet), ``TABLE`` (to whoever is signed in and may), or
   ``LOCAL`` (never at the desk, with the reason).
2. The right is decided before a byte of the request's body is read, on the deal that the path or
   the query is about, also where it names a message or a request instead.
3. Whoever has no seat in a deal does not learn that it exists: it is missing, in the same words as
   what was never there.
4. Who somebody says he is, in a body or a header, is who he is signed in as; and who is a person of
   the deal acts as that person.
5. An operation that needs less than the whole deal is given the viewer and cuts by him.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from orchestrator.api.port import Home
from orchestrator.client.problems import Missing, Refused
from orchestrator.deals.book import HOME
from orchestrator.deals.tokens import BOT, DIRECTORY
from tiers.ids import DealId, PersonId
from tiers.rights import Act, Right, Scope, Viewer

STILL = "Nothing was done"
_ONLY_DIRECTORY = "Only a directory's token asks this"
_NO_MORE = "A directory says who works here, and nothing else"
THINGS = ("message", "request", "delivery", "finding")
"""Parameters of a path that name a thing of a deal; ``Home.where`` says of which, and whose."""


@dataclass(frozen=True, slots=True)
class Need:
    """What an operation takes.

    Attributes:
        right: the row of the table; None: any seat, or no deal at all.
        scope: the least that must be seen.
        act: the least that may be done.
        step_up: only for whoever proved himself again within the last minutes.
        cut: the operation is given the viewer and answers no more than he may see.
        subject: the path's parameter that says whom or whose it is about. What somebody may do
            alone about himself (``Act.OWN``) counts only where that is he.
        mine: the operation is about whoever asks in any case: ``speaks`` or its cut sees to it.
        directory: for a directory's token, which has no row and no seat, and for nobody else.
        speaks: fields of the body, and headers ``wallcross-<field>``, that name whoever asks.
    """

    right: Right | None = None
    scope: Scope = Scope.NOTHING
    act: Act = Act.NOTHING
    step_up: bool = False
    cut: bool = False
    subject: str | None = None
    mine: bool = False
    directory: bool = False
    speaks: tuple[str, ...] = ("by",)


_WHOLE_MATRIX = Need(Right.MATRIX, Scope.ALL)
_WHOLE_AUDIT = Need(Right.AUDIT, Scope.ALL)
_GIVES = Need(Right.ADD, Scope.ALL, Act.SECOND)
_TAKES = Need(Right.REMOVE, Scope.ALL, Act.ALONE)
_TAKES_HIM = Need(Right.REMOVE, Scope.OWN, Act.OWN, subject="person")
_HELD = Need(Right.HELD, Scope.OWN, Act.SECOND, subject="message")
_SPEAKS = ("by", "person")
_ANY_SEAT = Need()
_DIRECTORY = Need(directory=True, speaks=())
_ANY_ROLE = Need(Right.DEAL, Scope.COUNTS, cut=True)

OPEN: Mapping[str, str] = MappingProxyType(
    {
        "session_link": "a one-time link is opened by whoever is not signed in yet",
        "passkey_ask": "whoever is not signed in yet signs a challenge",
        "passkey_sign": "as above, and is signed in by it",
        "sign_in_ways": "the sign-in page asks what to offer",
        "oidc_begin": "whoever is not signed in yet goes to the provider",
        "oidc_back": "the provider sends him back, with an answer to what we asked",
        "oidc_back_channel": "the provider says by a signed token who signed out there",
        "device_begin": "a program begins, with a secret of its own",
        "device_token": "it asks with that secret whether its owner confirmed",
        "gate_ended": "the front is a process of this home's user, and no session",
        "key_upload_look": "an adviser has no account; he holds a one-time link",
        "key_upload": "as above; what he hands in is a proposal",
        "webhook_post": "a network's server knows a secret; its channel compares it, and answers",
    }
)
"""Operations for whoever is not signed in yet, with the reason."""

BOTS: Mapping[str, str] = MappingProxyType(
    {"send_text": "its token says for whom, whereto and up to which tier (deals.tokens)"}
)
"""Operations for bots, which have no row and no seat, with what decides there. No other is."""

TABLE: Mapping[str, Need] = MappingProxyType(
    {
        "openapi": _ANY_SEAT,
        "who_reads": Need(Right.CHANNELS, Scope.ALL),
        "prevented_show": _WHOLE_AUDIT,
        "prevented_report": _WHOLE_AUDIT,
        "prevented_link": _WHOLE_AUDIT,
        "prevented_fetch": _WHOLE_AUDIT,
        "prevented_closing": _WHOLE_AUDIT,
        "on_call_show": Need(Right.ON_CALL, Scope.OWN, cut=True),
        "on_call_set": Need(Right.ON_CALL, Scope.ALL, Act.ALONE),
        "alert_list": Need(Right.ON_CALL, Scope.OWN, cut=True),
        "alert_answer": Need(Right.ON_CALL, Scope.OWN, cut=True),
        "push_key": _ANY_SEAT,
        "push_add": Need(Right.SELF, Scope.OWN, cut=True),
        "push_drop": Need(Right.SELF, Scope.OWN, cut=True),
        "events": Need(cut=True),
        "deal_list": Need(cut=True),
        "conv_list": Need(Right.MEMBERS, Scope.FIRM, cut=True),
        "conv_show": Need(Right.MEMBERS, Scope.FIRM, cut=True),
        "key_list": Need(Right.KEYS, Scope.OWN, cut=True),
        "message_show": Need(Right.HELD, Scope.OWN, cut=True, subject="message"),
        "held_list": Need(cut=True),
        "approval_list": Need(cut=True),
        "approval_show": Need(cut=True),
        "signing_show": Need(Right.DEAL, Scope.ALL),
        "signing_set": _TAKES,
        "window_list": Need(Right.APPROVALS, Scope.ASKED),
        "window_new": Need(Right.RULES, Scope.ALL, Act.ASK),
        "window_close": _TAKES,
        "deal_closing": _WHOLE_MATRIX,
        "deal_close": Need(Right.ADD, Scope.ALL, Act.SECOND, step_up=True),
        "legal_hold_list": Need(Right.RULES, Scope.ALL),
        "legal_hold_new": Need(Right.RULES, Scope.ALL, Act.ASK),
        "legal_hold_release": Need(Right.RULES, Scope.ALL, Act.ASK),
        "deal_show": Need(Right.DEAL, Scope.ALL),
        "in_force": _WHOLE_MATRIX,
        "adopt roster": _GIVES,
        "adopt policy": Need(Right.RULES, Scope.ALL, Act.SECOND),
        "deal_phase": _GIVES,
        "roster_history": _WHOLE_MATRIX,
        "roster_once": _WHOLE_MATRIX,
        "roster_review": Need(Right.REMOVE, Scope.ALL, Act.ASK),
        "could_see": _WHOLE_MATRIX,
        "who_could_see": _WHOLE_MATRIX,
        "person_list": _WHOLE_MATRIX,
        "person_show": _WHOLE_MATRIX,
        "person_insiders": _WHOLE_MATRIX,
        "memberships": _ANY_ROLE,
        "person_card": _ANY_ROLE,
        "person_keeps": _ANY_ROLE,
        "person_access": _GIVES,
        "person_add": Need(Right.ADD, Scope.NOTHING, Act.ASK, cut=True),
        "list_parts": Need(Right.ADD, Scope.NOTHING, Act.ASK, cut=True),
        "own": Need(Right.SELF, Scope.OWN, cut=True),
        "own_new_phone": Need(Right.SELF, Scope.OWN, Act.OWN, mine=True),
        "own_phished": Need(Right.SELF, Scope.OWN, Act.OWN, mine=True),
        "own_not_me": Need(Right.SELF, Scope.OWN, Act.OWN, mine=True),
        "own_leave": Need(Right.REMOVE, Scope.OWN, Act.OWN, mine=True),
        "person_cross": _GIVES,
        "person_agree": Need(Right.SELF, Scope.OWN),
        "person_ack": _GIVES,
        "person_cleanse": _TAKES,
        "person_enrol": Need(Right.KEYS, Scope.ALL, Act.SECOND, step_up=True),
        "person_attest": _WHOLE_AUDIT,
        "person_pause": _TAKES_HIM,
        "person_resume": _GIVES,
        "person_new_phone": Need(Right.KEYS, Scope.OWN, Act.SECOND, subject="person"),
        "person_call_back": _WHOLE_MATRIX,
        "person_lost": _TAKES_HIM,
        "leave_list": _WHOLE_MATRIX,
        "leave_show": _WHOLE_MATRIX,
        "leave": _TAKES_HIM,
        "leave_undo": _GIVES,
        "conv_pause": _TAKES,
        "conv_resume": Need(Right.ADD, Scope.ALL, Act.SECOND, step_up=True),
        "conv_tier": _GIVES,
        "conv_close": _TAKES,
        "conv_attest": Need(Right.FINDINGS, Scope.ALL, Act.ALONE),
        "key_verify": Need(Right.KEYS, Scope.ALL, Act.SECOND, step_up=True, speaks=("by_a",)),
        "key_add": Need(Right.KEYS, Scope.OWN, Act.SECOND, subject="person"),
        "key_mark": _TAKES_HIM,
        "key_show": Need(Right.KEYS, Scope.OWN, cut=True),
        "key_lapsing": Need(Right.KEYS, Scope.OWN, cut=True),
        "key_replace": Need(Right.KEYS, Scope.OWN, Act.SECOND, subject="person"),
        "plan": _WHOLE_MATRIX,
        "plan_apply": _TAKES,
        "plan_start": _TAKES,
        "plan_run": _WHOLE_MATRIX,
        "send_text": Need(Right.SEND, Scope.OWN, Act.OWN, mine=True, speaks=_SPEAKS),
        "send_file": Need(Right.SEND, Scope.OWN, Act.OWN, mine=True, speaks=_SPEAKS),
        "document_send": Need(Right.DOCUMENTS, Scope.OWN, Act.OWN, mine=True, speaks=_SPEAKS),
        "document_list": Need(Right.DOCUMENTS, Scope.ALL),
        "document_show": Need(Right.DOCUMENTS, Scope.ALL),
        "document_recall": Need(Right.REMOVE, Scope.OWN, Act.OWN, subject="message"),
        "document_known": Need(Right.DOCUMENTS, Scope.OWN, cut=True),
        "copy_take": Need(Right.DOCUMENTS, Scope.OWN, Act.OWN, subject="message"),
        "held_move": _HELD,
        "held_drop": _HELD,
        "held_release": _HELD,
        "delivery_list": Need(Right.CHANNELS, Scope.ALL),
        "delivery_retry": Need(Right.HELD, Scope.OWN, Act.SECOND, subject="delivery"),
        "key_export": _ANY_SEAT,
        "audit_tail": _WHOLE_AUDIT,
        "audit_verify": _WHOLE_AUDIT,
        "audit_state": _WHOLE_AUDIT,
        "evidence_show": _WHOLE_AUDIT,
        "journal_verify": _WHOLE_AUDIT,
        "tier_list": Need(Right.RULES, Scope.ALL),
        "tier_explain": Need(Right.RULES, Scope.ALL),
        "rules_simulate": Need(Right.RULES, Scope.ALL, Act.ASK),
        "watch_size": Need(Right.RULES, Scope.ALL),
        "watch_add": Need(Right.RULES, Scope.ALL, Act.ASK),
        "approval_answer": Need(Right.SELF, Scope.OWN, speaks=_SPEAKS),
        "approval_take_back": _ANY_ROLE,
        "deal_found": _GIVES,
        "approver_list": Need(Right.APPROVALS, Scope.ASKED),
        "approver_proof": _GIVES,
        "approver_enrol": _GIVES,
        "approver_withdraw": _TAKES_HIM,
        "me": _ANY_SEAT,
        "session_show": _ANY_SEAT,
        "session_alive": _ANY_SEAT,
        "session_end": _ANY_SEAT,
        "desk_end": _TAKES_HIM,
        "token_list": Need(Right.TOKENS, Scope.ALL),
        "token_new": Need(Right.TOKENS, Scope.ALL, Act.ALONE, step_up=True),
        "token_revoke": Need(Right.TOKENS, Scope.ALL, Act.ALONE),
        "oidc_end": _ANY_SEAT,
        "device_confirm": Need(step_up=True),
        "passkey_new_ask": _ANY_SEAT,
        "passkey_new": Need(step_up=True),
        "login_list": Need(Right.KEYS, Scope.OWN, subject="person"),
        "login_end": _TAKES_HIM,
        "deal_overview": Need(Right.DEAL, Scope.COUNTS, cut=True),
        "deal_needs": Need(Right.DEAL, Scope.COUNTS, cut=True),
        "held_desk": Need(Right.HELD, Scope.COUNTS, cut=True),
        "held_desk_move": replace(_HELD, cut=True),
        "held_desk_drop": replace(_HELD, cut=True),
        "held_desk_ask": replace(_HELD, cut=True),
        "held_reveal_ask": Need(Right.HELD, Scope.ALL, Act.SECOND, cut=True),
        "held_reveal_open": Need(Right.HELD, Scope.ALL, Act.SECOND, step_up=True, cut=True),
        "desk_approvals": Need(Right.APPROVALS, Scope.ASKED, cut=True),
        "desk_approval": Need(Right.APPROVALS, Scope.ASKED, cut=True),
        "desk_approval_sign": Need(Right.APPROVALS, Scope.ASKED, cut=True),
        "desk_approval_back": Need(Right.APPROVALS, Scope.ASKED, cut=True),
        "risk_show": Need(Right.FINDINGS, Scope.COUNTS, cut=True),
        "risk_rules": Need(Right.FINDINGS, Scope.COUNTS),
        "finding_list": Need(Right.FINDINGS, Scope.OWN, cut=True),
        "finding_show": Need(Right.FINDINGS, Scope.OWN, cut=True),
        "finding_answer": Need(Right.FINDINGS, Scope.OWN, cut=True),
        "finding_accept": Need(Right.FINDINGS, Scope.ALL, Act.ALONE, cut=True),
        "own_signing": _ANY_ROLE,
        "signing_offer": Need(Right.ADD, Scope.ALL, Act.SECOND, speaks=()),
        "own_key_proof": Need(Right.SELF, Scope.OWN, cut=True),
        "own_key_enrol": Need(Right.SELF, Scope.OWN, cut=True),
        "audit_rows": Need(Right.AUDIT, Scope.OWN, cut=True),
        "audit_search": Need(Right.AUDIT, Scope.OWN, cut=True),
        "audit_chain": Need(Right.AUDIT, Scope.OWN, cut=True),
        "export_list": Need(Right.EXPORT, Scope.ALL, Act.SECOND, cut=True),
        "export_ask": Need(Right.EXPORT, Scope.ALL, Act.SECOND, step_up=True, cut=True, speaks=()),
        "export_link": Need(Right.EXPORT, Scope.ALL, Act.SECOND, cut=True),
        "export_fetch": Need(Right.EXPORT, Scope.ALL, Act.SECOND, cut=True),
        "desk_documents": Need(Right.DOCUMENTS, Scope.OWN, cut=True),
        "key_link": Need(Right.KEYS, Scope.COUNTS, Act.SECOND, step_up=True, speaks=()),
        "scim_config": _DIRECTORY,
        "scim_types": _DIRECTORY,
        "scim_type": _DIRECTORY,
        "scim_schemas": _DIRECTORY,
        "scim_schema": _DIRECTORY,
        "scim_list": _DIRECTORY,
        "scim_search": _DIRECTORY,
        "scim_new": _DIRECTORY,
        "scim_show": _DIRECTORY,
        "scim_replace": _DIRECTORY,
        "scim_patch": _DIRECTORY,
        "scim_drop": _DIRECTORY,
        "desk_channels": Need(Right.CHANNELS, Scope.ALL, cut=True),
        "desk_channel_pause": Need(Right.CHANNELS, Scope.ALL, Act.ALONE),
        "desk_channel_again": Need(Right.CHANNELS, Scope.ALL, Act.ALONE),
    }
)
"""By the operation's name, which is its function's; ``<name> <kind>`` where the path's kind of
document decides."""

_HOME, _TOOL, _EXPORT, _SET_UP = "home", "tool", "export", "set-up"

LOCAL: Mapping[str, str] = MappingProxyType(
    {
        "status": _HOME,
        "desk_link": _HOME,
        "desk_home_link": _HOME,
        "desk_end_all": _HOME,
        "directory_list": _HOME,
        "checks": _HOME,
        "allowed": _HOME,
        "channel_list": _HOME,
        "channel_test": _HOME,
        "channel_pause": _HOME,
        "channel_resume": _HOME,
        "channel_rebuild": _HOME,
        "channel_rotate": _HOME,
        "quarantine_list": _HOME,
        "quarantine_show": _HOME,
        "quarantine_drop": _HOME,
        "quarantine_admit": _HOME,
        "person_phished": _HOME,
        "deal_new": _SET_UP,
        "conv_new": _SET_UP,
        "conv_room_add": _SET_UP,
        "journal_key_add": _SET_UP,
        "journal_exempt": _SET_UP,
        "audit_lines": _EXPORT,
        "audit_export": _EXPORT,
        "evidence_export": _EXPORT,
        "journal_export": _EXPORT,
        "backup_create": _HOME,
        "leave_proof": _EXPORT,
        "replay_start": _TOOL,
        "replay_accept": _TOOL,
        "replay_report": _TOOL,
    }
)
"""Operations for the home's own user alone, each with why in a word: it is about more than one deal
(``home``), hands out a whole record that takes two people at the desk (``export``), sets a deal up
(``set-up``), or is a tool of the machine (``tool``)."""


def is_bot(asker: Viewer) -> bool:
    """Whether a token asks, and no person."""
    return asker.actor.startswith(BOT)


def is_directory(asker: Viewer) -> bool:
    """Whether the token of a directory asks, and no person."""
    return asker.actor.startswith(DIRECTORY)


def need_of(operation: str, params: Mapping[str, str]) -> Need | None:
    """What an operation takes; None where it is not open at the desk."""
    kind = params.get("kind")
    found = TABLE.get(f"{operation} {kind}") if kind is not None else None
    return found or TABLE.get(operation)


async def admit(operation: str, params: Mapping[str, str], asker: Viewer, home: Home) -> Viewer:
    """Turns away whoever may not; returns who asks, as he acts in the deal that it is about.

    Args:
        operation: its name.
        params: of the path, and the query's ``deal``.
        asker: who asks.
        home: the open home.

    Raises:
        Refused, Missing: he may not; or he may not know.
    """
    if asker.whole:
        return asker
    need = need_of(operation, params)
    if need is None:
        raise Refused("This is for the user who runs this home", still=STILL)
    if is_bot(asker) and operation not in BOTS:  # before anything is looked up
        raise Refused("A bot hands messages in, and nothing else", still=STILL)
    if _is_directorys(need, asker):
        return asker
    found = await belongs(params, home)
    if is_bot(asker):
        if found is None or found[0] not in asker.seats:
            raise _missing()
        return asker
    if found is not None:
        _decide(need, asker, *found)
    elif need.right is not None:
        raise _missing()
    if need.step_up and not asker.stepped_up:
        raise Refused("Prove that it is you first", still=STILL, then="/in?again")
    return asker if found is None else _as_in(asker, found[0])


def _is_directorys(need: Need, asker: Viewer) -> bool:
    """Whether a directory asks what is for directories alone. Raises: Refused."""
    if is_directory(asker) != need.directory:
        raise Refused(_ONLY_DIRECTORY if need.directory else _NO_MORE, still=STILL)
    return need.directory


def _as_in(asker: Viewer, deal: DealId) -> Viewer:
    """Whoever is a person of a deal acts in it as that person, whatever else he is elsewhere.

    Else somebody of two deals, or who runs the home besides, would ask under one name and agree
    under another, and count twice.
    """
    person = asker.person(deal)
    return asker if person is None else replace(asker, actor=f"person:{person}")


Belongs = tuple[DealId, Mapping[str, PersonId | None]]
"""The deal that a request is about, and whose each thing is that it names."""


async def belongs(params: Mapping[str, str], home: Home) -> Belongs | None:
    """What a request is about; None where it names no deal and nothing of one.

    Raises:
        Missing: it names what is not there, or things of several deals.
    """
    deals: set[DealId] = set()
    whose: dict[str, PersonId | None] = {}
    if "person" in params:
        whose["person"] = PersonId(params["person"])
    for thing in THINGS:
        if thing in params:
            found = await home.where(thing, params[thing])
            if found is None:
                raise _missing()
            deals.add(found[0])
            whose[thing] = found[1]
    if "deal" in params:
        if params["deal"] == HOME:  # a chain of its own, which is no deal's
            raise _missing()
        try:
            deals.add(await home.find_deal(params["deal"]))
        except Missing:
            raise _missing() from None
    if len(deals) > 1:
        raise _missing()
    return (deals.pop(), whose) if deals else None


def _missing() -> Missing:
    return Missing("There is no such thing", still=STILL)


def _decide(need: Need, asker: Viewer, deal: DealId, whose: Mapping[str, PersonId | None]) -> None:
    if deal not in asker.seats:
        raise _missing()
    if need.right is None:
        return
    person = asker.person(deal)
    about = whose.get(need.subject) if need.subject is not None else None
    own = need.mine or (person is not None and about == person)
    least = need.scope if need.subject is None or own else max(need.scope, Scope.ALL)
    may = asker.may(deal, need.right, need.act, own=own)
    if not (may and asker.sees(deal, need.right, least)):
        raise Refused("Your part in this deal does not include this", still=STILL)
