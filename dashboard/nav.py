"""Which pages there are, and which of them somebody is shown.

Rule kept here: a page whose right he lacks is not in his navigation, and he cannot be taken to it;
the API refuses what it would ask for all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.desk import Desk, part, signed_out
from dashboard.link import link
from dashboard.safe import plain
from dashboard.widgets import states
from dashboard.widgets.chrome import brand, ribbon, sign, whose
from orchestrator.client.problems import Problem, SignInFirst
from orchestrator.client.sign_in import MeView, MyDeal

SECTIONS: Final = ("Deal", "Security", "Run")
_DEAL = "desk.deal"
_CHOSEN = "desk.chosen"


@dataclass(frozen=True, slots=True)
class Page:
    """A page.

    Attributes:
        key: in its address, and in ``MyDeal.needs``.
        title: in the navigation.
        section: one of SECTIONS.
        right: the row of the table of rights that he must see something of; None: everybody.
        icon: a Material symbol, by name.
        module: has ``page(desk)``.
        people: only for whoever is a person of the deal.
        whole: only for whoever sees all of that row.
    """

    key: str
    title: str
    section: str
    right: str | None
    icon: str
    module: str
    people: bool = False
    whole: bool = False


_PAGES: Final = "dashboard.pages."
PAGES: Final[tuple[Page, ...]] = (
    Page("overview", "Overview", "Deal", "deal", "dashboard", _PAGES + "overview"),
    Page(
        "prevented", "Prevented", "Security", "audit", "verified_user", "dashboard.pages.prevented"
    ),
    Page("reads", "Who reads what", "Run", "channels", "visibility", "dashboard.pages.reads"),
    Page("people", "People & access", "Deal", "members", "groups", _PAGES + "people"),
    Page("documents", "Adviser documents", "Deal", "documents", "mail_lock", _PAGES + "documents"),
    Page("own", "Your page", "Deal", "self", "person", _PAGES + "own", people=True),
    Page("held", "Held", "Security", "held", "back_hand", _PAGES + "held"),
    Page("leak_risk", "Leak risk", "Security", "findings", "shield", _PAGES + "leak_risk"),
    Page("approvals", "Approvals", "Security", "approvals", "approval", _PAGES + "approvals"),
    Page("audit", "Audit trail", "Security", "audit", "history", _PAGES + "audit"),
    Page("signing", "Your signing key", "Security", "self", "key", _PAGES + "signing", people=True),
    Page(
        "on_call", "Who is told", "Run", "on_call", "notifications", _PAGES + "on_call", whole=True
    ),
    Page("connections", "Connections", "Run", "channels", "lan", _PAGES + "connections"),
)


def run() -> None:
    """One run of the dashboard, for whoever looks."""
    st.set_page_config(page_title="Wallcross", page_icon=brand(), layout="wide")
    sign()
    try:
        me = link().ask(lambda client: client.me())
    except SignInFirst:
        signed_out()
        return
    except Problem as problem:
        states.failed(problem)
        return
    _shown(me)


def _shown(me: MeView) -> None:
    deal = _chosen(me)
    if deal is None:
        states.no_deal()
        return
    desk = Desk(me, deal)
    pages = may_see(desk)
    listed = {s: [_page(p, desk) for p in pages if p.section == s] for s in SECTIONS}
    found = st.navigation(listed, expanded=True)
    whose(me, deal)
    ribbon(deal)
    found.run()


def may_see(desk: Desk) -> Sequence[Page]:
    """The pages that somebody is shown."""
    return [
        page
        for page in PAGES
        if (page.right is None or desk.may(page.right))
        and not (page.people and desk.deal.person is None)
        and not (page.whole and page.right and desk.power(page.right)[0] != "all")
    ]


def alone(key: str) -> None:
    """One page without its navigation: how tests look at it."""
    me = link().ask(lambda client: client.me())
    deal = _chosen(me)
    if deal is None:
        raise LookupError("whoever looks has no deal")
    _show(next(page for page in PAGES if page.key == key), Desk(me, deal))


def _page(page: Page, desk: Desk) -> StreamlitPage:
    def show() -> None:
        _show(page, desk)

    count = desk.deal.needs.get(page.key, 0)
    title = page.title if count == 0 else page.title + " · " + str(count)
    icon = ":material/" + page.icon + ":"
    return st.Page(show, title=title, icon=icon, url_path=page.key)


def _show(page: Page, desk: Desk) -> None:
    show: Callable[[Desk], None] = import_module(page.module).page
    with part():
        show(desk)


def _chosen(me: MeView) -> MyDeal | None:
    """The deal that he looks at: as the address says, as he chose, or his first."""
    if not me.deals:
        return None
    by_id = {deal.deal_id: deal for deal in me.deals}
    asked = st.query_params.get("deal")
    wanted = next((d.deal_id for d in me.deals if asked in {d.code, d.deal_id}), None)
    if wanted is not None:
        st.session_state[_DEAL] = wanted
        del st.query_params["deal"]
    if st.session_state.get(_DEAL) not in by_id:
        st.session_state[_DEAL] = me.deals[0].deal_id
    if len(by_id) > 1:
        with st.sidebar:
            st.selectbox(
                "Deal",
                list(by_id),
                format_func=lambda i: plain(by_id[i].code),
                key=_DEAL,
            )
    return by_id[st.session_state[_DEAL]]
