"""Each way tells what it is to tell and no more, and says of every fault what it means."""

import asyncio
import json
import socket
from dataclasses import replace

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from py_vapid import Vapid02
from starlette.responses import Response

from connectors.port.door import Door, Limits, Opening
from orchestrator.audit.anchors.mail import MailServer
from orchestrator.notify.mail import ByMail
from orchestrator.notify.oncall import OnCall
from orchestrator.notify.push import ByPush, Subscription, origin_of
from orchestrator.notify.ways import Gone, NotTaken, To
from orchestrator.notify.webhook import ByWebhook, signature
from orchestrator.notify.words import AGAIN, Notice, lines
from tiers.ids import DealId, PersonId

from .conftest import Browser, Far, Opens, keeps_the_rfcs

NOW = 1_800_000_000_000_000
NOTICE = Notice("snd_" + "a" * 32, "HERON", {"held": 2, "request": 1}, "http://localhost:8642")
TO = To(DealId("deal_1"), OnCall(PersonId("ada"), ("mail",), "ada@kestrel.example"))
SECRET = b"a secret of the receiver's"


def now() -> int:
    return NOW


def pushing(far: Far, *subscriptions: Subscription) -> tuple[ByPush, list[str]]:
    key, gone = Vapid02(), list[str]()
    key.generate_keys()
    left = list(subscriptions)

    async def of(_: To) -> tuple[Subscription, ...]:
        return tuple(left)

    async def forget(one: Subscription) -> None:
        gone.append(one.name)
        left.remove(one)

    door, origins = Door([Opening.of(far.url)]), frozenset({far.url})
    contact = "mailto:security@kestrel.example"
    far.checks = keeps_the_rfcs(far.url)
    return ByPush(door, origins, key, contact, of, forget, now), gone


async def test_a_push_service_takes_it_and_only_the_browser_reads_it(opens: Opens) -> None:
    far, browser = await opens(), Browser()
    push, _ = pushing(far, browser.at(f"{far.url}/wpush/v2/gAAAA"))
    assert (await push.carry(NOTICE, TO)).code == "push.taken"
    [(headers, body)] = far.got
    said = browser.read(body)
    assert said["body"] == "2 messages are held; 1 request waits for somebody to agree"
    assert said["title"] == "Project HERON needs you."
    seen = json.dumps(headers).encode() + body
    assert b"HERON" not in seen
    assert b"held" not in seen
    await push.close()


async def test_a_service_checks_what_we_send(opens: Opens) -> None:
    """Planted: proof for another service, and a body that is not sealed, are refused there."""
    far, browser = await opens(), Browser()
    push, _ = pushing(far, browser.at(f"{far.url}/p"))
    far.checks = keeps_the_rfcs("https://another.example")
    with pytest.raises(Gone, match="nowhere"):
        await push.carry(NOTICE, TO)
    await push.close()


@pytest.mark.parametrize("status", [404, 410])
async def test_a_browser_that_is_gone_is_forgotten(opens: Opens, status: int) -> None:
    far, browser = await opens(), Browser()
    push, gone = pushing(far, browser.at(f"{far.url}/p"))
    far.answers = [Response(status_code=status)]
    with pytest.raises(Gone):
        await push.carry(NOTICE, TO)
    assert gone == ["psh_1"]
    await push.close()


async def test_a_service_that_asks_us_to_wait_is_waited_for(opens: Opens) -> None:
    far, browser = await opens(), Browser()
    push, gone = pushing(far, browser.at(f"{far.url}/p"))
    far.answers = [Response(status_code=429, headers={"Retry-After": "120"})]
    with pytest.raises(NotTaken) as caught:
        await push.carry(NOTICE, TO)
    assert (caught.value.code, caught.value.wait) == ("push.later_429", 120_000_000)
    assert gone == []
    await push.close()


async def test_no_other_place_is_pushed_to(opens: Opens) -> None:
    """A browser's word names a place that the settings do not: no packet goes there."""
    far, other, browser = await opens(), await opens(), Browser()
    push, _ = pushing(far, browser.at(f"{other.url}/p"))
    with pytest.raises(Gone):
        await push.carry(NOTICE, TO)
    push.origins = frozenset({far.url, other.url})  # planted: the list is not looked at
    with pytest.raises(Gone):
        await push.carry(NOTICE, TO)
    assert other.got == []
    await push.close()


def test_what_is_no_address_or_no_browser_is_refused() -> None:
    for wrong in ("ftp://x", "https://ada:pw@push.example/p", "file:///etc/passwd", "https://"):
        with pytest.raises(ValueError, match="push service"):
            origin_of(wrong)
    browser = Browser()
    with pytest.raises(ValueError, match="point of P-256"):
        Subscription("psh", "https://push.example/p", browser.public[1:], browser.auth)
    with pytest.raises(ValueError, match=r".+"):
        Subscription("psh", "https://push.example/p", b"\x04" + bytes(64), browser.auth)


def hooking(far: Far, *, names: bool = False) -> ByWebhook:
    door = Door([Opening.of(far.url)], Limits(connect=2.0, silence=0.2))
    return ByWebhook(door, f"{far.url}/hook", lambda: SECRET, now, names=names)


async def test_a_webhook_is_signed_and_names_no_deal(opens: Opens) -> None:
    far = await opens()
    hook = hooking(far)
    assert (await hook.carry(NOTICE, TO)).code == "webhook.taken"
    [(headers, body)] = far.got
    assert headers["x-wallcross-signature"] == signature(SECRET, NOW // 1_000_000, body)
    assert headers["x-wallcross-time"] == str(NOW // 1_000_000)
    said = json.loads(body)
    assert said["needs"] == {"held": 2, "request": 1}
    assert said["deal"] is None
    assert b"HERON" not in body
    changed = body.replace(b'"held":2', b'"held":1')
    assert signature(SECRET, NOW // 1_000_000, changed) != headers["x-wallcross-signature"]
    await hook.close()
    naming = hooking(far, names=True)
    await naming.carry(NOTICE, TO)
    assert json.loads(far.got[1][1])["deal"] == "HERON"
    await naming.close()


@pytest.mark.parametrize(
    ("status", "wrong"), [(500, NotTaken), (503, NotTaken), (429, NotTaken), (400, Gone)]
)
async def test_what_a_webhook_answers(opens: Opens, status: int, wrong: type[Exception]) -> None:
    far = await opens()
    hook = hooking(far)
    far.answers = [Response(status_code=status)]
    with pytest.raises(wrong):
        await hook.carry(NOTICE, TO)
    await hook.close()


async def test_no_redirect_is_followed(opens: Opens, elsewhere: Response) -> None:
    far = await opens()
    hook = hooking(far)
    far.answers = [elsewhere]
    with pytest.raises(Gone, match="redirect_refused"):
        await hook.carry(NOTICE, TO)
    assert len(far.got) == 1
    await hook.close()


async def test_a_hook_that_does_not_answer_may_have_taken_it(opens: Opens) -> None:
    far = await opens()
    hook = hooking(far)

    class Slow(Response):
        async def __call__(self, *_: object) -> None:
            await asyncio.sleep(1.0)

    far.answers = [Slow()]
    with pytest.raises(NotTaken) as caught:
        await hook.carry(NOTICE, TO)
    assert caught.value.unknown
    await hook.close()


class Taking:
    """A mail server's hand."""

    def __init__(self, answer: str = "250 OK") -> None:
        self.answer = answer
        self.mails: list[bytes] = []

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        content = envelope.content or b""
        self.mails.append(content if isinstance(content, bytes) else content.encode())
        return self.answer


async def mailed(taking: Taking, notice: Notice = NOTICE, *, names: bool = False) -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = Controller(taking, hostname="127.0.0.1", port=port)
    served.start()
    try:
        server = MailServer("127.0.0.1", port, "none")
        way = ByMail(server, "desk@kestrel.example", now, names=names)
        return (await way.carry(notice, TO)).code
    finally:
        served.stop()


async def test_a_mail_holds_counts_and_no_name_and_comes_again_as_the_same() -> None:
    taking = Taking()
    assert await mailed(taking) == "mail.taken"
    await mailed(taking, replace(NOTICE, again=True), names=True)
    first, second = taking.mails
    assert b"2 messages are held" in first
    assert b"HERON" not in first
    assert b"HERON" in second
    assert AGAIN.encode() in second
    ids = [m.split(b"Message-ID:")[1].split(b"\n")[0] for m in taking.mails]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(("answer", "wrong"), [("451 later", NotTaken), ("554 no", Gone)])
async def test_what_a_mail_server_answers(answer: str, wrong: type[Exception]) -> None:
    with pytest.raises(wrong):
        await mailed(Taking(answer))


async def test_a_mail_server_that_is_down_is_tried_again() -> None:
    way = ByMail(MailServer("127.0.0.1", 9, "none"), "d@kestrel.example", now, names=False)
    with pytest.raises(NotTaken, match="not_reached"):
        await way.carry(NOTICE, TO)
    with pytest.raises(ValueError, match="needs TLS"):
        MailServer("mail.kestrel.example", 587, "none")


def test_words_are_counts_kinds_and_a_link() -> None:
    told = " ".join(lines(NOTICE))
    assert told.startswith("Project HERON needs you. 2 messages are held. 1 request waits")
    assert "http://localhost:8642/ " in told
    one = replace(NOTICE, counts={"held": 1}, code=None)
    assert lines(one)[:2] == ["A deal needs you.", "1 message is held."]
    assert one.link == "http://localhost:8642/held"
    assert replace(NOTICE, desk=None).link is None
