"""Invitations elsewhere, in several languages; what forbids them, or tells of them, is none."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiers import offchannel
from tiers.offchannel import LONGEST, invitations

INVITES = (
    "Let us move to WhatsApp.",
    "let's move this to whatsapp, same people",
    "Can we continue on Telegram? This tool is slow.",
    "Could you ping me on WhatsApp instead",
    "I'd rather talk on WeChat",
    "Please send the draft to my gmail",
    "send it to my private e-mail please",
    "WhatsApp me when you can",
    "text me on my private number",
    "reach me via Viber tonight",
    "Hop on WhatsApp, same number as always",
    "WhatsApp? Same number as before.",
    "You'll find me on Telegram as well, easier there",
    "Let us go off-channel for this one.",
    "Use my private address for the next version",
    "Let us switch to W h a t s A p p",
    "LET US MOVE TO WHATS\u200bAPP",
    "Here: https://chat.whatsapp.com/Ab12",
    "wa.me/491700000",
    "Lass uns auf WhatsApp wechseln",
    "Können wir auf Telegram weitermachen?",
    "Schick es mir an meine private Mail",
    "Melde dich bei mir auf WhatsApp",
    "Passons sur WhatsApp",
    "Écris-moi sur WhatsApp",
    "Envoie-le sur mon mail perso",
    "contactez-moi sur ma messagerie privée",
    "Pasemos a WhatsApp",
    "Scrivimi su WhatsApp",
)
NONE = (
    "Please do not use WhatsApp for deal matters.",
    "Never move to WhatsApp.",
    "Bitte nicht per WhatsApp schreiben.",
    "Ne passez jamais sur WhatsApp.",
    "Use the data room instead of WhatsApp.",
    "The WhatsApp integration is part of the target's product.",
    "Customers can reach the hotline on WhatsApp.",
    "The supplier's chat on Instagram has two million users.",
    "We talked about Facebook and Instagram in the market study.",
    "Skype's revenue was 10 million.",
    "Call me on my cell tomorrow.",
    "Let us move to the next item.",
    "Let's move to the Signal room.",
    "The telegram from the ministry arrived.",
    "",
)


@pytest.mark.parametrize("text", INVITES)
def test_an_invitation_is_heard(text: str) -> None:
    [found, *_] = invitations(f"The list is attached.\n{text}\nRegards")
    assert 0 <= found.start < found.end


@pytest.mark.parametrize("text", NONE)
def test_what_forbids_or_tells_of_it_is_none(text: str) -> None:
    assert invitations(text) == ()


def test_a_long_text_is_read_in_a_moment() -> None:
    assert len(invitations("let us move to WhatsApp, " * 5_000)) > 10
    assert invitations("on " * 50_000) == ()


@pytest.mark.parametrize(
    "piece", [" ", "a", "on my ", "let us ", "whatsapp ", ".a", "\t\xa0", "is "]
)
def test_no_text_stops_the_home_while_it_is_read(piece: str) -> None:
    """Quadratic, a message of blanks took fourteen seconds, and all else waited for them."""
    text = (piece * LONGEST)[:LONGEST]
    began = time.process_time()
    invitations(text)
    assert time.process_time() - began < 1


PIECES = sorted(
    {word for text in INVITES for word in text.split()}
    | set(re.findall(r"[a-z]{2,}", "".join(p.pattern for p in offchannel._PATTERNS)))
)


@given(st.lists(st.sampled_from(PIECES), min_size=2, max_size=12))
def test_what_is_passed_over_at_once_holds_no_invitation(words: list[str]) -> None:
    """The quick look finds no less than the patterns that it saves."""
    text = " ".join(words)
    found = invitations(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offchannel, "_NAMED", re.compile(""))
        assert invitations(text) == found
