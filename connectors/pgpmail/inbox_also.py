"""Whom a mail to us also names as its readers.

Rule kept here: the names are those of the outer To and Cc, which nobody signed. They can show that
a mail went to somebody else; they never show that it did not, and nothing is decided by them.
"""

from typing import Final

from connectors.pgpmail.judge.address import recipients
from connectors.pgpmail.judge.parts import read_mail
from connectors.pgpmail.judge.words import Limits, Malformed
from connectors.port import AccountId

MOST: Final = 50


def also_to(raw: bytes, ours: AccountId, limits: Limits) -> tuple[AccountId, ...]:
    """Addresses of its To and Cc but ours, in order; ``MOST`` at most.

    Args:
        raw: the mail.
        ours: our address.
        limits: of the judge.
    """
    try:
        fields = read_mail(raw, limits).fields
    except Malformed:
        return ()
    named = {
        one.lower()
        for name in ("to", "cc")
        for value in fields.every(name)
        for one in recipients(value)
    }
    return tuple(AccountId(one) for one in sorted(named - {ours.lower()})[:MOST])
