"""One's own key: how somebody becomes able to sign for others, with a browser alone."""

from dashboard.desk import Desk
from dashboard.pages.approvals import own_key
from dashboard.widgets.base import verdict


def page(desk: Desk) -> None:
    """What whoever looks signs with, and what he was asked to make."""
    deal = desk.deal.deal_id
    signing = desk.ask(lambda c: c.own_signing(deal))
    if signing.offer is not None:
        verdict("You are asked to make a passkey. It takes one minute.", "attention")
    elif signing.credentials:
        verdict("You can sign for others in this deal.", "good")
    else:
        verdict("You sign nothing in this deal.", "good")
    own_key(desk, signing)
