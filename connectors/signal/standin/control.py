"""The far side's hand, typed: people on their phones, the Signal service, and what goes wrong.

Rule kept here: nothing here goes through the REST server, so what it says is evidence. People go
by their names (``bot`` is our account), groups by REST id or internal id, messages by author and
``timestamp`` (milliseconds), as Signal itself does.

    with process.start(webhook=url) as far:
        async with Control(far.control, far.token) as hand: ...

    person(name, *, number, username, hides_number, auto_join, receipts) -> Person
    people() -> tuple[Person, ...]
    make_group(by, members, *, name, admins, timer) -> str
    group(group) -> Group            groups() -> tuple[str, ...]
    add_member(group, name, *, by)   remove_member(group, name, *, by)
    grant_admin(group, name, *, by)  revoke_admin(group, name, *, by)
    change(group, *, by, **settings) enable_link(group, *, by, approval)
    accept(group, name)  follow_link(group, name)  leave(group, name)
    set_timer(by, seconds, *, group) -> int          (group=None: the private line with us)
    vanish(group)

    write(by, text, *, group, to, files, quote, mentions, edits, view_once, device, at) -> int
    admin_delete(by, author, timestamp, *, group) -> int
    odd(by, *, group, data, instead) -> int
    edit(by, timestamp, text, *, group) -> int       delete(by, timestamp, *, group) -> int
    react(by, author, timestamp, emoji, *, group, remove) -> int
    unreadable(by, *, group, exception) -> int       read(by, timestamps, *, kind)
    typing(by, *, group, began)                      own(text, *, group, to, device) -> int
    arrived(name, group) -> tuple[Message, ...]      noticed(name) -> tuple[...]
    download(sha256) -> bytes

    reinstall(name, *, tell) -> Person               identity(name) -> str | None
    add_device(name, device_name) -> int             lose_registration(name)  register(name)
    account() -> Mapping                             profile(name)

    fault(kind, *, verb, times, amount, text, who)   clear_faults()
    refuse unavailable rate_limit cut_lost cut_after cut_midway answer_nothing lie garbage slow hang
    fail_recipients partial_members garbage_members ignore_timer duplicate_webhook late_webhook
    no_results
    go_down()  come_back(*, mode)  lose_daemon()  find_daemon()  webhook(url)  settle(seconds)
    losses() -> tuple[Lost, ...]  waiting() -> int
    requests() -> tuple[Asked, ...]  forget_requests()  advance(microseconds) -> int
    reset(**options)                                 (fields of ``options.Options``)
"""

from collections.abc import Sequence

from connectors.shared.standin.line import NotDoneError
from connectors.shared.standin.mishaps import Mishaps
from connectors.signal.standin.acting import Acting
from connectors.signal.standin.faults import FaultKind
from connectors.signal.standin.views import (
    Asked,
    Group,
    Lost,
    Message,
    Person,
    SeenFile,
    Upload,
)

__all__ = [
    "Asked",
    "Control",
    "Group",
    "Lost",
    "Message",
    "NotDoneError",
    "Person",
    "SeenFile",
    "Upload",
]


class Control(Acting, Mishaps):
    """The whole hand: people, and what goes wrong.

    Args:
        url: ``process.Running.control``.
        token: ``process.Running.token``.
    """

    # what goes wrong

    async def refuse(self, verb: str = "send", *, text: str = "") -> None:
        """The next call is refused by signal-cli: 400 (500 where that is so)."""
        await self.fault(FaultKind.REFUSE, verb=verb, text=text)

    async def unavailable(self, verb: str = "send", *, status: int = 503) -> None:
        """A proxy before the server answers the next call."""
        await self.fault(FaultKind.UNAVAILABLE, verb=verb, amount=status)

    async def rate_limit(
        self, token: str = "", *, verb: str = "send", times: int | None = 1, wait: int = 0
    ) -> None:
        """The next sending is too much.

        Args:
            token: the challenge's; made up if empty.
            verb: which call is too much.
            times: how many; None until the challenge is answered.
            wait: seconds that Signal asks to wait; a day if 0.
        """
        await self.fault(FaultKind.RATE_LIMIT, verb=verb, text=token, times=times, amount=wait)

    async def answer_nothing(
        self, verb: str = "send", *, text: str = "", times: int | None = 1
    ) -> None:
        """The next call is answered with success that names nothing, or this JSON; nothing is done.

        Args:
            verb: which call.
            text: the JSON.
            times: how many.
        """
        await self.fault(FaultKind.NOTHING, verb=verb, text=text, times=times)

    async def fail_recipients(
        self, who: Sequence[str] = (), *, reason: str = "NETWORK_FAILURE"
    ) -> None:
        """The next sending does not reach these people (all but one if none is named)."""
        await self.fault(FaultKind.FAIL_RECIPIENTS, who=who, text=reason)

    async def duplicate_webhook(self, times: int = 1) -> None:
        """So many received lines are posted twice."""
        await self.fault(FaultKind.TWICE_WEBHOOK, times=times)

    async def late_webhook(self) -> None:
        """The next received line comes after the one that follows it."""
        await self.fault(FaultKind.LATE_WEBHOOK)

    async def no_results(self) -> None:
        """The next send is done, and signal-cli's answer does not say who was reached."""
        await self.fault(FaultKind.NO_RESULTS)

    async def lose_daemon(self) -> None:
        """signal-cli is gone: health and about answer as ever, all else never."""
        await self._do("daemon", there=False)

    async def find_daemon(self) -> None:
        """signal-cli is there again; what was asked in between stays unanswered."""
        await self._do("daemon", there=True)

    async def come_back(self, *, mode: str | None = None) -> None:
        """The server is there again, and gets what waited.

        Args:
            mode: in which it was started, ``json-rpc`` or ``normal``; as before if None.
        """
        await self._do("come_back", mode=mode)

    async def webhook(self, url: str) -> None:
        """Sets ``RECEIVE_WEBHOOK_URL``; empty: nobody is told."""
        await self._do("webhook", url=url)

    async def losses(self) -> tuple[Lost, ...]:
        """What reached nobody, for good, in order."""
        return tuple(Lost(**each) for each in (await self._do("losses"))["losses"])

    async def waiting(self) -> int:
        """How much waits at the service for our server."""
        return int((await self._do("losses"))["waiting"])

    async def requests(self) -> tuple[Asked, ...]:
        """Requests that the server got, in order."""
        return tuple(Asked(**each) for each in (await self._do("requests"))["requests"])
