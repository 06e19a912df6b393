"""What a notification says: how many things of which kind, whose deal, and where to look.

Rule kept here: nothing of a thing stands in it, nor a name of a person, a party or a conversation.
The deal's code name stands in it only where whoever reads it may know that name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.notify.things import CHANNEL, DEADLINE, FINDING, HELD, KINDS, REQUEST

SUBJECT = "Wallcross: something needs you"
AGAIN = "You may have had this notice before."
_ONE = {
    HELD: "1 message is held",
    DEADLINE: "1 thing lapses soon",
    REQUEST: "1 request waits for somebody to agree",
    CHANNEL: "1 channel is down",
    FINDING: "1 finding is serious",
}
_MANY = {
    HELD: "{} messages are held",
    DEADLINE: "{} things lapse soon",
    REQUEST: "{} requests wait for somebody to agree",
    CHANNEL: "{} channels are down",
    FINDING: "{} findings are serious",
}
_PAGE = {HELD: "held", REQUEST: "approvals", CHANNEL: "connections", FINDING: "leak_risk"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification.

    Attributes:
        send_id: stays the same when it is tried again, so that a receiver can tell.
        code: the deal's code name; None where the reader may not know it.
        counts: how many things of each kind.
        desk: origin of the desk; None: it has none.
        again: an earlier attempt may have reached him.
    """

    send_id: str
    code: str | None
    counts: Mapping[str, int]
    desk: str | None
    again: bool = False

    @property
    def link(self) -> str | None:
        """Where to look; the page where all of it stands, else the first one."""
        if self.desk is None:
            return None
        pages = {_PAGE.get(kind, "") for kind in self.counts}
        page = pages.pop() if len(pages) == 1 else ""
        return f"{self.desk}/{page}"

    def without_code(self) -> "Notice":
        """The same for a reader that may not know the deal's name."""
        return Notice(self.send_id, None, self.counts, self.desk, self.again)


def lines(notice: Notice) -> list[str]:
    """A notification in sentences."""
    whose = f"Project {notice.code}" if notice.code is not None else "A deal"
    told = [_said(kind, notice.counts[kind]) for kind in KINDS if notice.counts.get(kind)]
    found = [f"{whose} needs you.", *(f"{said}." for said in told)]
    if notice.link is not None:
        found.append(f"Look at {notice.link} (sign in there; this notice signs nobody in).")
    if notice.again:
        found.append(AGAIN)
    return found


def short(notice: Notice) -> str:
    """A notification as one line for a screen that is locked."""
    told = [_said(kind, notice.counts[kind]) for kind in KINDS if notice.counts.get(kind)]
    return "; ".join(told)


def _said(kind: str, count: int) -> str:
    return _ONE[kind] if count == 1 else _MANY[kind].format(count)
