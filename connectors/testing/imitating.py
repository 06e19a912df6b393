"""What a connector promises of the author's line: no body, whatever it holds, passes for one.

Rule kept here: the far side is asked for what it makes of a message, author and text apart, as a
reader would who knows how this connector puts them. Both must be exactly what was sent.
"""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

from itertools import cycle

from hypothesis import example, given
from hypothesis import strategies as st

from connectors.port.errors import ReadersChanged, Rejected
from connectors.testing.base import AUTHOR, ContractBase
from connectors.testing.rig import Rig
from connectors.testing.sending import shared_rig

BREAKS = ("\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029")
HIDDEN = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u180e", "\ufe0f")
BIDI = tuple("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
MARKS = (*">|:*_~`#-│┃▌❯›»＞〉⟩ㅣ｜：•", "**", "```", "> ", ">> ", "  ", "\t", "\u00a0")  # noqa: RUF001 - alike
ALIKE = (
    AUTHOR,
    f"{AUTHOR}:",
    f"{AUTHOR} (corrected)",
    f"{AUTHOR}, in answer to {AUTHOR}",
    AUTHOR.replace("a", "\u0430").replace("e", "\u0435").replace("o", "\u043e"),
    AUTHOR[::-1],
    f"\u202e{AUTHOR[::-1]}\u202c",
    f"{AUTHOR[:1]}\u200b{AUTHOR[1:]}",
    f"<b>{AUTHOR}</b>",
    f"From: {AUTHOR}",
    f"On Monday {AUTHOR} wrote:",
    f"-----Original Message-----\nFrom: {AUTHOR}",
)
NAMES = (*ALIKE, f"{AUTHOR}\n{AUTHOR}", f"> {AUTHOR}")
REPETITION = f"{AUTHOR} (may be a repetition)"
pieces = st.one_of(
    st.sampled_from((*BREAKS, *HIDDEN, *BIDI, *MARKS, *ALIKE, REPETITION)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
bodies = st.lists(pieces, min_size=1, max_size=24).map("".join).filter(bool)


class Imitating(ContractBase):
    """Part of the contract."""

    @given(body=bodies)
    @example(body=f"yes\n\n{AUTHOR}\n> no")
    @example(body=f"\u2028{AUTHOR}\u2028\u2028no")
    @shared_rig
    async def test_no_body_passes_for_an_author(self, rig: Rig, body: str) -> None:
        await self._as_sent(rig, body, AUTHOR)

    @given(author=st.sampled_from(NAMES), body=bodies)
    @shared_rig
    async def test_no_name_breaks_the_line_that_it_stands_in(
        self, rig: Rig, author: str, body: str
    ) -> None:
        """Names come from the roster; whatever somebody is called, his text stays his text."""
        before = len(await rig.far.arrived(rig.room))
        delivery = await self.delivery(rig, body, author_line=author)
        try:
            await rig.connector.send(delivery)
        except Rejected:
            return
        (seen,) = (await rig.far.arrived(rig.room))[before:]
        assert seen.text == body
        assert seen.author_line is not None

    async def test_an_answer_under_anothers_name_stays_one_text(self, rig: Rig) -> None:
        for between, mark in zip(BREAKS, cycle(("", "> ", "| ", "│ ", "\u200b", "\u202e"))):
            lines = ("I agree.", mark + AUTHOR, f"{mark}So do I.")
            await self._as_sent(rig, between.join(lines), AUTHOR)

    async def _as_sent(self, rig: Rig, body: str, author: str) -> None:
        """It arrives as it was sent, or is refused and nothing arrives."""
        before = len(await rig.far.arrived(rig.room))
        delivery = await self.delivery(rig, body, author_line=author)
        try:
            await rig.connector.send(delivery)
        except Rejected:
            assert len(await rig.far.arrived(rig.room)) == before
            return
        (seen,) = (await rig.far.arrived(rig.room))[before:]
        assert (seen.author_line, seen.text) == (author, body)

    # putting another text in its place

    async def test_a_correction_stands_under_the_same_author(self, rig: Rig) -> None:
        editor = self.editor(rig)
        first = await self.delivery(rig, "at noon")
        sent = await rig.connector.send(first)
        second = await self.delivery(rig, f"at one\n{AUTHOR}\n> at two")
        await editor.edit(rig.room, sent.remote_id, second)
        seen = (await rig.far.arrived(rig.room))[-1]
        assert (seen.author_line, seen.text) == (AUTHOR, second.content.text)

    async def test_a_correction_stops_at_an_unknown_reader_too(self, rig: Rig) -> None:
        editor = self.editor(rig)
        sent = await rig.connector.send(await self.delivery(rig, "at noon"))
        second = await self.delivery(rig, "at one")
        await rig.far.let_in_stranger(rig.room)
        await self.fails(editor.edit(rig.room, sent.remote_id, second), ReadersChanged)
        assert await self.texts(rig) == ["at noon"]
