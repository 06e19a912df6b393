"""What an operator can see to: the way to the bot, its callback, its folders, its rooms.

Rule kept here: what cannot be seen is not ok.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from connectors.port import AccountId
from connectors.port.connector import Check
from connectors.port.errors import ConnectorError, Unreadable
from connectors.wickr.account import Account
from connectors.wickr.answers import mapping, number
from connectors.wickr.callback import Posts
from connectors.wickr.client import Client
from connectors.wickr.folder import Folder

_UNSEEN = "it could not be seen; nothing is sent that needs it"
_STILL = "between people's devices and the bot's client all is encrypted still"
_CLEAR = "decrypted files stay on the bot's host until somebody deletes them"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the running channel knows.

    Attributes:
        posts: where the client posts to; None where it does not say.
        polled: messages are polled by choice.
        heard_at: when we last got a message, microseconds UTC; None if never since the start.
        sent: files that we sent and that may still lie on the bot's host.
        burn_on_read: what rooms of ours are to have, seconds; 0 for none.
    """

    posts: Posts | None
    polled: bool
    heard_at: int | None
    sent: int
    burn_on_read: int


class Doctor:
    """Looks at one installation.

    Args:
        received: the folder of received files.
        uploads: the folder of files that we sent.
        seen: what the running channel knows.
    """

    def __init__(
        self, client: Client, account: Account, received: Folder, uploads: Folder, seen: Seen
    ) -> None:
        self._client = client
        self._account = account
        self._received = received
        self._uploads = uploads
        self._seen = seen

    async def look(self) -> tuple[Check, ...]:
        """All facts."""
        return tuple([check async for check in self._looks()])

    async def _looks(self) -> AsyncIterator[Check]:
        looks = {
            "bot reach": self._reach,
            "bot statistics": self._statistics,
            "room admins": self._admins,
            "burn on read": self._burning,
            "group conversations": self._groups,
        }
        for code, look in looks.items():
            try:
                yield await look()
            except ConnectorError:
                yield Check(code, ok=False, hint=_UNSEEN, remedy="see that the bot runs")
        yield self._callback()
        yield self._heard()
        yield self._files_received()
        yield self._files_sent()

    async def _reach(self) -> Check:
        if await self._client.anybody_may_ask():
            hint = f"it answers without key and token, so anybody reads and sends as us; {_STILL}"
            remedy = "let nothing before the web interface add our credential"
            return Check("bot reach", ok=False, hint=hint, remedy=remedy)
        return Check("bot reach", ok=True, hint="it refuses whoever has not our key and token")

    async def _statistics(self) -> Check:
        told = mapping(mapping(await self._client.read("/Statistics")).get("statistics"))
        errors = [number(told.get(name)) for name in ("sent_errors", "recv_errors")]
        if None in errors:
            hint, remedy = "its figures make no sense", "see the bot's own log"
            return Check("bot statistics", ok=False, hint=hint, remedy=remedy)
        count = sum(each or 0 for each in errors)
        if count:
            hint = f"{count} messages failed in the client since its figures were cleared"
            remedy = "see the bot's own log, then clear them: DELETE Statistics"
            return Check("bot statistics", ok=False, hint=hint, remedy=remedy)
        return Check("bot statistics", ok=True, hint="the client counts no errors")

    async def _admins(self) -> Check:
        own, rooms = self._account.own, await self._account.rooms()
        shared = [room for room in rooms if len(room.members) > 1]
        alone = [room for room in shared if room.masters == frozenset[AccountId]({own})]
        if alone:
            hint = (
                f"our account is the only moderator of {len(alone)} rooms: if it is lost, nobody"
                " can put anybody out; their members read and write on"
            )
            remedy = "make a member a moderator, or set standby"
            return Check("room admins", ok=False, hint=hint, remedy=remedy)
        hint = f"{len(shared)} rooms have a moderator beside us"
        return Check("room admins", ok=True, hint=hint)

    async def _groups(self) -> Check:
        try:
            count = str(len(await self._account.groups()))
        except Unreadable:  # it changes nothing: nothing is sent there
            count = "an unknown number"
        hint = (
            f"the bot is in {count}: what is said there is heard, and can be left; none is made and"
            " nothing is sent to one, as nobody can say for sure who is in it"
        )
        return Check("group conversations", ok=True, hint=hint)

    async def _burning(self) -> Check:
        wanted = self._seen.burn_on_read
        other = [room for room in await self._account.rooms() if room.bor != wanted]
        if other:
            hint = (
                f"{len(other)} rooms have another burn-on-read than is set here; what burns"
                " before a retention bot has it is not retained"
            )
            remedy = "change it in a Wickr client: over this interface it cannot be switched off"
            return Check("burn on read", ok=False, hint=hint, remedy=remedy)
        return Check("burn on read", ok=True, hint=f"as set here: {wanted or 'none'}")

    def _callback(self) -> Check:
        if self._seen.posts is Posts.AS_WANTED:
            how = "it is polled" if self._seen.polled else "the client posts to us"
            return Check("bot callback", ok=True, hint=how)
        if self._seen.posts is Posts.ELSEWHERE:
            hint = "the client posts to another program: it gets our messages and we do not"
            remedy = "stop that program; its address is what GET MsgRecvCallback shows"
        elif self._seen.posts is Posts.NOWHERE:
            hint = "the client takes no callback, so it is polled; nothing is lost by that"
            remedy = "let the bot's host reach reached_at, or set receive to poll"
        else:
            hint, remedy = "whom the client posts to could not be seen", "see that the bot runs"
        return Check("bot callback", ok=False, hint=hint, remedy=remedy)

    def _heard(self) -> Check:
        if self._seen.heard_at is not None:
            return Check("bot messages", ok=True, hint="messages arrive")
        return Check(
            "bot messages",
            ok=False,
            hint="none since the start; whether the client's host reaches us is not known yet",
            remedy="write to the account from another one",
            later=True,
        )

    def _files_received(self) -> Check:
        if not self._received.mounted:
            hint = f"files that people send cannot be read here, and {_CLEAR}"
            remedy = "mount the client's attachments folder and set attachments"
            return Check("files received", ok=False, hint=hint, remedy=remedy)
        count = self._received.count()
        hint = f"{count or 0} files lie in the clear until they were taken over"
        return Check("files received", ok=True, hint=hint)

    def _files_sent(self) -> Check:
        if self._seen.sent and not self._uploads.mounted:
            hint = f"{self._seen.sent} files that we sent lie in the clear on the bot's host"
            remedy = "clean the web interface's attachments folder, or mount it and set uploads"
            return Check("files sent", ok=False, hint=hint, remedy=remedy)
        return Check("files sent", ok=True, hint="what we sent is deleted on the bot's host")
