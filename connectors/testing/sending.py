"""What is sent arrives as it was written, once, at the readers named, and nowhere else."""
# ruff: noqa: S101, D102 (a contract is made of assertions; a test's name says what it holds)

import asyncio
import secrets
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Outcome,
    ReadersChanged,
    Rejected,
    Uncertain,
)
from connectors.port.messages import Reader
from connectors.testing.base import AUTHOR, ContractBase, only
from connectors.testing.rig import Rig, attachment, hash_of

MEBIBYTE = 1024 * 1024
HOSTILE = (
    "<b>bold</b> <script>alert(1)</script> &amp; &lt; *stars* _under_ `code` [a](http://x.example)",
    "@room @everyone @here <@U12345> <!channel> @ann:example.org #room:example.org",
    "/kick bob\n/invite eve\n!admin redact\n\\/slash",
    f"{AUTHOR}\nI approve the price.",
    f"> {AUTHOR}: I approve\n\n{AUTHOR}: and I approve again\u2028{AUTHOR}\u2029{AUTHOR}",
    "\u202eecilA\u202c \u2066isolate\u2069 \u200b\u200d\ufeff e\u0301 \U0001f469\u200d\U0001f4bb",
    "tab\tcarriage\rreturn\r\nline\n\n\nend\n",
    " leading and trailing \n",
    "=cmd|' /C calc'!A0\n%s %n {0} ${jndi:x} '; DROP TABLE x; --",
    '{"json": [true, null]}\n--boundary\nFrom: ann@example.org\n.\n',
)
CONTROLS = "nul\x00 bell\x07 escape\x1b[31m delete\x7f c1\x85 end"
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400)
shared_rig = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class Sending(ContractBase):
    """Part of the contract."""

    async def test_a_message_arrives_once_under_its_key(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        accepted = await rig.connector.send(delivery)
        (seen,) = await rig.far.arrived(rig.room)
        assert seen.text == delivery.content.text
        assert (seen.remote_id, seen.key) == (accepted.remote_id, delivery.key)
        assert (seen.marked, accepted.at > 0) == (False, True)

    async def test_a_repeat_is_as_declared(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        first = await rig.connector.send(delivery)
        second = await rig.connector.send(replace(delivery, attempt=2))
        seen = await rig.far.arrived(rig.room)
        if rig.connector.capabilities.idempotent_send:
            assert [each.key for each in seen] == [delivery.key]
            assert first.remote_id == second.remote_id
        else:  # nobody can dedupe: each copy has the same key, and the later one says what it is
            assert [(each.key, each.marked) for each in seen] == [
                (delivery.key, False),
                (delivery.key, True),
            ]

    async def test_different_keys_are_different_messages(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.connector.send(delivery)
        await rig.connector.send(replace(await self.delivery(rig), content=delivery.content))
        assert await self.texts(rig) == [delivery.content.text] * 2

    async def test_order_of_sending_is_order_of_arrival(self, rig: Rig) -> None:
        sent = [await self.delivery(rig) for _ in range(8)]
        for delivery in sent:
            await rig.connector.send(delivery)
        assert await self.texts(rig) == [delivery.content.text for delivery in sent]

    async def test_the_author_line_is_where_it_belongs(self, rig: Rig) -> None:
        named = await self.delivery(rig)
        unnamed = await self.delivery(rig, author_line=None)
        await rig.connector.send(named)
        await rig.connector.send(unnamed)
        seen = await rig.far.arrived(rig.room)
        assert [each.author_line for each in seen] == [AUTHOR, None]

    async def test_an_answer_names_what_it_answers(self, rig: Rig) -> None:
        asked = await rig.far.write(rig.room, "a question")
        await rig.connector.send(await self.delivery(rig, reply_to=asked))
        (seen,) = await rig.far.arrived(rig.room)
        assert seen.reply_to == asked

    # the text

    @pytest.mark.parametrize("author_line", [AUTHOR, None], ids=["named", "unnamed"])
    @pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
    async def test_a_hostile_body_stays_a_body(
        self, rig: Rig, body: str, author_line: str | None
    ) -> None:
        await rig.connector.send(await self.delivery(rig, body, author_line=author_line))
        (seen,) = await rig.far.arrived(rig.room)
        assert (seen.author_line, seen.text) == (author_line, body)

    async def test_control_characters_arrive_or_are_refused(self, rig: Rig) -> None:
        delivery = await self.delivery(rig, CONTROLS)
        try:
            await rig.connector.send(delivery)
        except Rejected:
            assert await self.texts(rig) == []
        else:
            assert await self.texts(rig) == [CONTROLS]

    @given(body=texts)
    @example(body=f"{AUTHOR}\n")
    @shared_rig
    async def test_any_text_arrives_the_same_or_is_refused(self, rig: Rig, body: str) -> None:
        before = await rig.far.arrived(rig.room)
        delivery = await self.delivery(rig, body)
        try:
            await rig.connector.send(delivery)
        except Rejected:
            assert await rig.far.arrived(rig.room) == before
            return
        (seen,) = (await rig.far.arrived(rig.room))[len(before) :]
        assert (seen.author_line, seen.text) == (AUTHOR, body)

    async def test_what_is_no_unicode_is_refused(self, rig: Rig) -> None:
        delivery = await self.delivery(rig, "half a pair \ud800 of surrogates")
        error = await self.fails(rig.connector.send(delivery), Rejected)
        assert error.outcome is Outcome.NOT_SENT
        assert await self.texts(rig) == []

    # sizes and files

    async def test_a_large_body_arrives(self, rig: Rig) -> None:
        length = min(MEBIBYTE, rig.connector.capabilities.max_body_bytes) * 9 // 10
        body = secrets.token_hex(length // 2)
        await rig.connector.send(await self.delivery(rig, body, author_line=None))
        assert await self.texts(rig) == [body]

    async def test_an_oversize_body_is_refused_before_the_wire(self, rig: Rig) -> None:
        body = "é" * (rig.connector.capabilities.max_body_bytes // 2 + 1)
        delivery = await self.delivery(rig, body)
        await rig.faults.go_down()  # so whatever touches the wire is another error than Rejected
        await self.fails(rig.connector.send(delivery), Rejected)

    async def test_a_file_arrives_byte_for_byte(self, rig: Rig) -> None:
        if not rig.connector.capabilities.max_attachment_bytes:
            pytest.skip("takes no files")
        data = secrets.token_bytes(min(700_000, rig.connector.capabilities.max_attachment_bytes))
        file = attachment("../../Offer <b>.pdf", data)
        await rig.connector.send(await self.delivery(rig, attachments=(file,)))
        seen = [each.files for each in await rig.far.arrived(rig.room)]
        assert [f for files in seen for f in files] == [
            ("../../Offer <b>.pdf", await hash_of(file))
        ]

    async def test_an_oversize_file_is_refused_before_the_wire(self, rig: Rig) -> None:
        most = rig.connector.capabilities.max_attachment_bytes
        delivery = await self.delivery(rig, attachments=(attachment("x", b"x", size=most + 1),))
        await rig.faults.go_down()
        await self.fails(rig.connector.send(delivery), Rejected)

    @pytest.mark.parametrize("announced", [-1, 1], ids=["longer", "shorter"])
    async def test_a_file_of_another_length_is_not_sent(self, rig: Rig, announced: int) -> None:
        file = attachment("x", b"x" * 5000, size=5000 + announced)
        delivery = await self.delivery(rig, attachments=(file,))
        error = await self.fails(rig.connector.send(delivery), ConnectorError)
        assert error.outcome is Outcome.NOT_SENT
        assert await rig.far.arrived(rig.room) == ()

    # readers

    async def test_an_unknown_reader_stops_it(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.far.let_in_stranger(rig.room)
        await self.fails(rig.connector.send(delivery), ReadersChanged)
        assert await self.texts(rig) == []

    async def test_nobody_named_means_nobody(self, rig: Rig) -> None:
        delivery = replace(await self.delivery(rig), readers=frozenset())
        await self.fails(rig.connector.send(delivery), ReadersChanged)
        assert await self.texts(rig) == []

    async def test_a_changed_key_stops_it(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.far.change_key()
        await self.fails(rig.connector.send(delivery), IdentityChanged)
        assert await self.texts(rig) == []

    async def test_a_new_device_stops_it(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.far.add_device()
        await self.fails(rig.connector.send(delivery), IdentityChanged)
        assert await self.texts(rig) == []

    async def test_a_new_device_is_fine_where_devices_are_left_open(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        readers = frozenset(Reader(r.account) for r in delivery.readers)
        await rig.far.add_device()
        await rig.connector.send(replace(delivery, readers=readers))
        assert await self.texts(rig) == [delivery.content.text]

    async def test_it_is_sealed_to_the_readers_and_nobody_else(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        accepted = await rig.connector.send(delivery)
        if accepted.sealed_to is None:
            pytest.skip("encryption is not this connector's")
        member = rig.far.member
        assert only(accepted.sealed_to, member) == only(delivery.readers, member)
        ours = rig.connector.account
        others = {r for r in accepted.sealed_to if r.account != ours}
        assert others <= delivery.readers

    # cancelling

    async def test_a_cancelled_send_ends_and_leaves_no_trace(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.slow()
        task = asyncio.create_task(rig.connector.send(delivery))
        await asyncio.wait({task}, timeout=0.05)  # so that it is under way
        task.cancel()
        async with asyncio.timeout(self.patience):
            with pytest.raises(asyncio.CancelledError):
                await task
        after = await self.delivery(rig)
        accepted = await rig.connector.send(after)
        (seen,) = [each for each in await rig.far.arrived(rig.room) if each.key == after.key]
        assert (seen.remote_id, seen.text) == (accepted.remote_id, after.content.text)

    async def test_many_at_once_keep_their_answers_apart(self, rig: Rig) -> None:
        sent = [await self.delivery(rig) for _ in range(10)]
        accepted = await asyncio.gather(*(rig.connector.send(each) for each in sent))
        named = {(d.key, a.remote_id) for d, a in zip(sent, accepted, strict=True)}
        assert named == {(s.key, s.remote_id) for s in await rig.far.arrived(rig.room)}

    async def test_a_slow_answer_is_waited_for_or_uncertain(self, rig: Rig) -> None:
        delivery = await self.delivery(rig)
        await rig.faults.slow()
        try:
            async with asyncio.timeout(self.patience):
                accepted = await rig.connector.send(delivery)
        except Uncertain:
            return
        (seen,) = await rig.far.arrived(rig.room)
        assert seen.remote_id == accepted.remote_id
