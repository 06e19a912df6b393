"""Audit trail: who did what, whether the record is whole, and what counsel is given."""

from datetime import UTC, datetime

import streamlit as st

from dashboard.desk import Desk, part
from dashboard.safe import plain, safe
from dashboard.widgets import states
from dashboard.widgets.base import card, instant, told_at, verdict
from dashboard.widgets.loading import loading
from dashboard.widgets.somebody import somebody
from orchestrator.client.api import Client
from orchestrator.client.audit_desk import AuditRow, ChainView, ExportLink, ExportView
from orchestrator.client.sign_in import MyDeal

SHOWN, CURSORS = "audit.rows", "audit.cursor"
ANYBODY, ANYTHING = "Everybody", "Everything"
SIZE = 50
GROUPS = {
    "Approvals asked for": "approval.asked",
    "Approvals carried out": "approval.done",
    "Messages held": "message.held",
    "Held messages moved": "message.moved",
    "Messages accepted": "message.accepted",
    "Messages routed": "message.routed",
    "Findings opened": "finding.opened",
    "Findings closed": "finding.closed",
    "People who left": "person.left",
    "People paused": "person.paused",
    "Access first seen": "member.obtained",
    "Access seen gone": "member.ceased",
    "Keys compared": "key.verified",
    "Lists adopted": "roster.adopted",
    "Rules adopted": "policy.adopted",
    "Rooms made": "room.created",
    "Documents addressed": "document.addressed",
    "Exports": "audit.exported",
    "Legal holds placed": "legalhold.placed",
    "Legal holds released": "legalhold.released",
    "Sealed copies ended": "journal.expired",
    "Sign-ins bound": "login.bound",
}
WHAT = {
    "audit": "Signed audit trail, with the program that checks it",
    "audit_csv": "Audit trail as a table (CSV)",
    "insiders": "List of insiders (CSV)",
    "insiders_xlsx": "List of insiders of each side (XLSX)",
    "findings": "Findings without names (CSV)",
    "report": "Report for counsel (PDF)",
    "archive": "Everything for counsel, in one archive (TAR)",
}
WHY = {
    "regulator": "A regulator asked for it",
    "litigation": "A dispute, or a duty to preserve",
    "internal-review": "An internal review",
    "closing": "The deal closes",
    "insider-list": "The insider list is due",
}
STATES = {
    "waits": ("orange", "hourglass_top", "waits for two people"),
    "agreed": ("orange", "hourglass_top", "agreed to, and not ready yet"),
    "ready": ("green", "download", "ready"),
    "given": ("gray", "check", "given"),
    "refused": ("red", "block", "refused"),
    "lapsed": ("gray", "timer_off", "lapsed"),
}


def page(desk: Desk) -> None:
    """The chain's state, then the rows, then exports."""
    _chain(desk)
    with part():
        _rows(desk)
    if desk.may("export", "second", "alone"):
        with part():
            _exports(desk)


def _chain(desk: Desk) -> None:
    deal = desk.deal.deal_id
    chain = loading("audit", 12, lambda: desk.ask(lambda c: c.audit_chain(deal)))
    if chain.flaws:
        verdict("The record was changed by somebody else. Call the operator.", "stop")
        for flaw in chain.flaws:
            st.markdown("- " + safe(flaw))
        return
    if chain.since is None:
        verdict("Nothing is on the record yet.", "good")
        return
    since, _ = instant(chain.since)
    verdict("The record is unbroken since " + since.rsplit(",", 1)[0] + ".", "good", _read(chain))
    _anchors(chain)


def _read(chain: ChainView) -> str:
    if chain.checked < chain.entries:
        return (
            _count(chain.checked, "entry", "entries")
            + " of "
            + str(chain.entries)
            + " read and whole; the newest are read within a minute."
        )
    return _count(chain.entries, "entry", "entries") + ", each read and whole."


def _anchors(chain: ChainView) -> None:
    if chain.anchors:
        name, at = max(chain.anchors.items(), key=lambda one: one[1])
        told_at("Last held outside this host, under the name " + safe(name) + ":", at)
        st.caption("No entry stood longer than " + span(chain.longest) + " before that was so.")
    else:
        st.markdown(
            ":orange[:material/anchor:] **Nobody outside this host holds the record.** "
            "Until somebody does, it rests on the host's word."
        )
    for name, since in chain.failing.items():
        told_at(":orange[:material/cloud_off:] " + safe(name) + " has not answered since", since)


def _rows(desk: Desk) -> None:
    person, kind = _filters(desk)
    chosen = (desk.deal.deal_id, person, kind)
    kept = st.session_state.get(SHOWN)
    if not isinstance(kept, Rows) or kept.chosen != chosen:
        kept = Rows(chosen)
        st.session_state[SHOWN] = kept
    if not kept.older:  # what is new since comes in by itself, until somebody reads backwards
        kept.rows.clear()
        kept.cursor = None
        _more(desk, kept)
    if not kept.rows:
        states.nothing(
            "Nothing of that kind is on the record."
            if kept.cursor is None
            else "Nothing of that kind is among the newest entries."
        )
    _table(kept.rows)
    if kept.cursor is not None:
        st.button("Show older entries", key="older", on_click=_older, args=(desk,), width="stretch")


class Rows:
    """Rows that were loaded so far, by whoever looks; they end with his session."""

    def __init__(self, chosen: tuple[str, str | None, str | None]) -> None:
        self.chosen = chosen
        self.rows: list[AuditRow] = []
        self.cursor: str | None = None
        self.older = False


def _filters(desk: Desk) -> tuple[str | None, str | None]:
    left, right = st.columns(2)
    kinds = [ANYTHING, *GROUPS]
    kind = right.selectbox("What", kinds, key="audit-kind")
    person = None
    with left:
        if whole(desk.deal):
            person = somebody(desk, "About, or by", "audit-person", nobody=ANYBODY, left=True)
        else:
            st.markdown("You see what you did, and what was done about you.")
    return person, GROUPS.get(str(kind))


def whole(deal: MyDeal) -> bool:
    """Whether somebody sees all of the audit trail."""
    return deal.rights.get("audit", ("nothing", "nothing"))[0] == "all"


def _more(desk: Desk, kept: Rows) -> None:
    deal, person, kind = kept.chosen
    found = desk.ask(
        lambda c: c.audit_rows(deal, person=person, kind=kind, cursor=kept.cursor, limit=SIZE)
    )
    kept.rows.extend(found.items)
    kept.cursor = found.next


def _older(desk: Desk) -> None:
    kept = st.session_state.get(SHOWN)
    if isinstance(kept, Rows):
        desk.act(lambda c: _next(c, kept), "Older entries are below.")


async def _next(client: Client, kept: Rows) -> None:
    deal, person, kind = kept.chosen
    page_of = await client.audit_rows(
        deal, person=person, kind=kind, cursor=kept.cursor, limit=SIZE
    )
    kept.rows.extend(page_of.items)
    kept.cursor, kept.older = page_of.next, True


def _table(rows: list[AuditRow]) -> None:
    if not rows:
        return
    st.dataframe(
        {
            "When": [_moment(row.at) for row in rows],
            "What": [plain(row.words) if row.sound else "CHANGED: " + row.kind for row in rows],
            "Who": [plain(row.who) for row in rows],
            "Beside": [plain("; ".join(n + " " + v for n, v in row.facts)) for row in rows],
            "Entry": [row.n for row in rows],
        },
        column_config={
            "When": st.column_config.DatetimeColumn(
                format="D MMM, HH:mm:ss", timezone=st.context.timezone or "UTC", width=130
            ),
            "What": st.column_config.TextColumn(width=380),
            "Who": st.column_config.TextColumn(width=170),
            "Beside": st.column_config.TextColumn(width=240),
            "Entry": st.column_config.NumberColumn(format="%d", width=70),
        },
        hide_index=True,
        key="audit-table",
    )


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1_000_000, tz=UTC)


def _exports(desk: Desk) -> None:
    deal = desk.deal.deal_id
    st.markdown("#### Export for counsel")
    for one in desk.ask(lambda c: c.export_list(deal))[:10]:
        _export(desk, one)
    with card("Ask for an export", key="export-new"):
        st.selectbox("What", list(WHAT), format_func=lambda w: WHAT[w], key="export-what")
        st.selectbox("Why", list(WHY), format_func=lambda w: WHY[w], key="export-why")
        st.text_input("Matter number, if there is one", key="export-matter", max_chars=60)
        st.caption(
            "Where names go out, two others agree first. What you get says who, when and why."
        )
        if desk.me.stepped_up_until is None:
            st.link_button("Prove that it is you first", "/in?again", type="primary")
        else:
            st.button("Ask for it", key="export-ask", type="primary", on_click=_ask, args=(desk,))


def _export(desk: Desk, one: ExportView) -> None:
    colour, icon, words = STATES.get(one.state, ("gray", "help", safe(one.state)))
    with st.container(border=True):
        st.markdown(
            "**"
            + WHAT.get(one.what, safe(one.what))
            + "** · :"
            + colour
            + "[:material/"
            + icon
            + ": "
            + words
            + "]"
        )
        aside = [WHY.get(one.why, safe(one.why))]
        aside += ["matter " + safe(one.matter)] if one.matter else []
        aside += [safe(one.filter)] if one.filter else []
        told_at(" · ".join([*aside, "asked for by " + safe(one.asked_by)]) + ",", one.asked_at)
        if one.state == "ready" and one.mine:
            _fetched(desk, one)


def _fetched(desk: Desk, one: ExportView) -> None:
    link = st.session_state.get("export-link-" + one.export_id)
    if link is not None:
        st.link_button("Download, once", str(link), type="primary", icon=":material/download:")
        st.caption("The link works once, for five minutes, in this browser alone.")
    st.button(
        "Get the link" if link is None else "Make a new link",
        key="link-" + one.export_id,
        on_click=_link,
        args=(desk, one.export_id),
    )


def _link(desk: Desk, export: str) -> None:
    deal = desk.deal.deal_id
    made: list[ExportLink] = []

    async def ask(client: Client) -> None:
        made.append(await client.export_link(deal, export))

    if desk.act(ask, "The link is beside the export."):
        st.session_state["export-link-" + export] = made[0].path


def _ask(desk: Desk) -> None:
    deal, state = desk.deal.deal_id, st.session_state
    matter = str(state.get("export-matter") or "").strip().lower() or None
    what, why = state["export-what"], state["export-why"]
    desk.act(
        lambda c: c.export_ask(deal, what, why, matter=matter),
        "Asked. What takes two people waits for them.",
    )


def span(microseconds: int) -> str:
    """A time in words, in its largest unit."""
    minutes = microseconds // 60_000_000
    if minutes < 1:
        return "a minute"
    if minutes < 120:  # noqa: PLR2004 - two hours are told in minutes
        return _count(minutes, "minute", "minutes")
    hours = minutes // 60
    return _count(hours, "hour", "hours") if hours < 48 else _count(hours // 24, "day", "days")  # noqa: PLR2004 - two days are told in hours


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,}".replace(",", " ") + " " + (one if number == 1 else many)
