"""Whom else a mail names: everybody of To and Cc but us, however it is written."""

from connectors.pgpmail.inbox_also import MOST, also_to
from connectors.pgpmail.judge.words import Limits
from connectors.port import AccountId

OURS = AccountId("Deal@wallcross.example")


def mail(*heads: str) -> bytes:
    return ("\r\n".join((*heads, "Subject: hello", "", "text")) + "\r\n").encode()


def test_names_of_to_and_cc_are_told_without_ours() -> None:
    raw = mail(
        "From: Bo <bo@a.example>",
        'To: "Deal, the" <deal@wallcross.example>, Ada <ADA@a.example>',
        "Cc: old@friend.example",
    )
    assert also_to(raw, OURS, Limits()) == ("ada@a.example", "old@friend.example")


def test_a_mail_to_us_alone_names_nobody() -> None:
    assert also_to(mail("To: deal@wallcross.example"), OURS, Limits()) == ()
    assert also_to(b"", OURS, Limits()) == ()


def test_a_list_without_end_is_cut() -> None:
    many = ", ".join(f"a{n}@x.example" for n in range(200))
    assert len(also_to(mail(f"To: {many}"), OURS, Limits())) <= MOST
