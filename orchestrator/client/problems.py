"""What can be wrong with something that was asked for, in words for people and one code.

Rules kept here:

1. A problem says what is wrong, what is still true, and the next command. It never carries text
   of a message, a subject or a secret: whoever raises it words it from names, rooms and reasons.
2. Each kind has one HTTP status and one exit code of the command line (docs/cli.md). The wire form
   is RFC 9457 (``application/problem+json``); ``type`` is ``urn:wallcross:problem:<kind>``.
"""

from collections.abc import Sequence
from typing import ClassVar

PREFIX = "urn:wallcross:problem:"


class Problem(Exception):
    """Base of everything an operation may answer instead of its result.

    Args:
        wrong: what is wrong, one sentence.
        still: what is still true (often that nothing was changed or sent).
        then: the next command, or what a person can do.
        details: one line for each place, where there are several.
    """

    kind: ClassVar[str] = "failed"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(
        self, wrong: str, *, still: str = "", then: str = "", details: Sequence[str] = ()
    ) -> None:
        super().__init__(wrong)
        self.wrong = wrong
        self.still = still
        self.then = then
        self.details = tuple(details)


class Failed(Problem):
    """It was tried and did not work; ``still`` says what holds now."""


class Wrong(Problem):
    """What was asked for is not well formed; nothing was tried."""

    kind, status, exit_code = "wrong", 422, 2


class Missing(Problem):
    """There is nothing of that name."""

    kind, status, exit_code = "missing", 404, 1


class Unready(Problem):
    """A check is red, or what is needed is not there yet."""

    kind, status, exit_code = "unready", 503, 3


class SignInFirst(Problem):
    """The caller is not known to this home."""

    kind, status, exit_code = "sign-in", 401, 4


class Refused(Problem):
    """A rule says no. Asking again changes nothing."""

    kind, status, exit_code = "refused", 403, 5


class TooOften(Problem):
    """It was tried too often; later it may be tried again."""

    kind, status, exit_code = "too-often", 429, 1


class TooLarge(Problem):
    """What was sent is longer than what is read."""

    kind, status, exit_code = "too-large", 413, 2


class Busy(Problem):
    """The same was asked before, and is under way or done."""

    kind, status, exit_code = "busy", 409, 1


class Waits(Problem):
    """It waits for a second person."""

    kind, status, exit_code = "waits", 409, 6


class Partly(Problem):
    """Some of it was done; ``details`` names each part."""

    kind, status, exit_code = "partly", 500, 7


KINDS: dict[str, type[Problem]] = {
    k.kind: k
    for k in (
        Failed,
        Wrong,
        Missing,
        Unready,
        SignInFirst,
        Refused,
        TooOften,
        TooLarge,
        Busy,
        Waits,
        Partly,
    )
}


def to_wire(problem: Problem) -> dict[str, object]:
    """The RFC 9457 object of a problem."""
    return {
        "type": PREFIX + problem.kind,
        "title": problem.wrong,
        "status": problem.status,
        "still": problem.still,
        "then": problem.then,
        "details": list(problem.details),
    }


def from_wire(body: dict[str, object], status: int) -> Problem:
    """The problem of an RFC 9457 object; an unknown type is ``Failed``."""
    kind = str(body.get("type", "")).removeprefix(PREFIX)
    details = body.get("details")
    return KINDS.get(kind, Failed)(
        str(body.get("title") or f"the API answered {status}"),
        still=str(body.get("still") or ""),
        then=str(body.get("then") or ""),
        details=[str(d) for d in details] if isinstance(details, list) else (),
    )
