"""What an exception of any layer means to whoever asked: one problem, one exit code.

Rule kept here: what the domain refuses is told in its own words, which are made of names and
reasons. What nobody expected is told by its type and its place in our code, never in its words.
"""

import traceback
from collections.abc import Callable
from typing import Any

from connectors.port.errors import ConnectorError
from orchestrator.approvals.errors import ApprovalError, NoKey
from orchestrator.audit.body import BodyRefused
from orchestrator.client.problems import Failed, Problem, Refused, Unready, Wrong
from orchestrator.config.mistakes import Invalid
from orchestrator.journal.errors import JournalError
from orchestrator.roster.adoption import AdoptionRefused
from orchestrator.secrets.secret import SecretError
from orchestrator.store.lock import HomeInUse
from orchestrator.store.unit import StoreError

_UNCHANGED = "Nothing was changed"


def problem_of(error: BaseException) -> Problem:
    """What an exception means to whoever asked."""
    if isinstance(error, Problem):
        return error
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning(error)
    return failed_inside(error)


def failed_inside(error: BaseException) -> Failed:
    """A failure that nobody expected: its type and its place in our code."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/orchestrator/" in f.filename or "/tiers/" in f.filename]
    place = [f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}" for f in ours[-1:]]
    return Failed(
        f"This failed inside ({type(error).__name__})",
        still="What was accepted before is on disk",
        then="wallcross doctor",
        details=place,
    )


def _mistakes(error: Any) -> Problem:
    told = [str(mistake) for mistake in error.mistakes]
    return Wrong(f"{error.what} has mistakes", still=_UNCHANGED, details=told)


def _network(error: Any) -> Problem:
    return Failed(
        f"The network answered {error.code}", still="Nothing else changed", then=error.hint
    )


def _refused(error: Any) -> Problem:
    return Refused(_sentence(error), still="Nothing acts that the audit does not name")


def _shape(_: Any) -> Problem:
    return Wrong(
        "A name, code or number is of a shape that the record does not take", still=_UNCHANGED
    )


def _sentence(error: Any) -> str:
    """As it is: it may begin with a name, which is written as its owner writes it."""
    return str(error)


# The first kind that fits is meant. Their words are ours: made of names and reasons.
_MEANINGS: tuple[tuple[type[BaseException], Callable[[Any], Problem]], ...] = (
    (Invalid, _mistakes),
    (BodyRefused, _shape),
    (OverflowError, _shape),
    (UnicodeEncodeError, _shape),
    (AdoptionRefused, _refused),
    (NoKey, lambda e: Wrong(_sentence(e), still=_UNCHANGED)),
    (ApprovalError, lambda e: Refused(_sentence(e), still=_UNCHANGED)),
    (HomeInUse, lambda e: Unready(_sentence(e), still=_UNCHANGED)),
    (StoreError, lambda e: Failed(_sentence(e), still="Nothing of it was written")),
    (SecretError, lambda e: Unready(_sentence(e), still=_UNCHANGED)),
    (JournalError, lambda e: Refused(_sentence(e), still=_UNCHANGED)),
    (ConnectorError, _network),
)
