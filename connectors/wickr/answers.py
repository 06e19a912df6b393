"""What the web interface's answers mean. Pure.

Rules kept here:

1. The status first. A 200 is no proof: an act is taken only where its text is one that says so; a
   text that says that nothing was done is a refusal, and any other text leaves it open.
2. No word of an answer goes into an error.
3. Fields from outside are taken only when they have the right type; nothing here raises but what
   says so.

Source: wickrio_web_interface (texts and statuses), wickrio_addon (``Failure``).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.port.errors import ConnectorError, Rejected, Unavailable, Uncertain

Raw = Mapping[str, Any]

SENT = re.compile(r"sending\b.*|success")
MODIFIED = re.compile(r"room modified successfully|success")
LEFT = re.compile(r".*\bleft room successfully|.*\bhas left the groupconvo|success")
_UNDONE = re.compile(r"(need|failure|failed|error|an array of|vgroupid must)\b.*")
_SERVER_FAULT, _TOO_MANY, _NOT_NOW = 500, 429, 503
_REFUSED_US, _NOWHERE = (401, 403), 404
_MOST, _DIGITS = 2**53, 16
_SECOND = 1_000_000
_LONGEST_WAIT = 24 * 3600


def mapping(value: object) -> Raw:
    """A mapping, or an empty one where it is none."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[Any]:
    """A list, or an empty one where it is none."""
    return value if isinstance(value, list) else ()


def text(value: object) -> str:
    """A string that can be written as UTF-8, or nothing where it is none.

    Half a pair of surrogates, which JSON can spell, would stop whoever stores it.
    """
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number(value: object) -> int | None:
    """A number that is not negative, also written in digits; None where it is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _DIGITS:
        value = int(value)
    plain = isinstance(value, int) and not isinstance(value, bool)
    return value if plain and isinstance(value, int) and 0 <= value <= _MOST else None


def check_taken(said: str, phrase: re.Pattern[str]) -> None:
    """Whether a 200 says that an act was taken.

    Args:
        said: the body.
        phrase: what says so, in lower case, without a full stop.

    Raises:
        Rejected: it says that nothing was done. Uncertain: it says neither.
    """
    plain = " ".join(said.strip(' \t\r\n".!').casefold().split())
    if _UNDONE.fullmatch(plain):
        hint = "Wickr answered with success and did nothing; the reason is in the bot's own log"
        raise Rejected("nothing_done", hint)
    if not phrase.fullmatch(plain):
        raise Uncertain("answer_malformed", "the web interface's answer is none that is known")


def refusal(status: int, retry_after: str, *, acts: bool) -> ConnectorError:
    """What an error answer means.

    Args:
        status: HTTP status.
        retry_after: the header of that name, empty without one (a proxy's; Wickr has none).
        acts: whether the call acts.
    """
    if status in _REFUSED_US:
        return Unavailable("credential_refused", "the web interface refuses api_key or auth_token")
    if status == _NOWHERE:
        return Unavailable("endpoint_missing", "no web interface answers under the address of api")
    if status in (_TOO_MANY, _NOT_NOW):
        code = "rate_limited" if status == _TOO_MANY else "server_fault"
        wait = number(retry_after)
        after = None if wait is None else min(wait, _LONGEST_WAIT) * _SECOND
        return Unavailable(code, "the proxy before the bot asks to wait", retry_after=after)
    if status >= _SERVER_FAULT:
        kind: type[ConnectorError] = Uncertain if acts else Unavailable
        return kind("server_fault", f"the web interface answered {status}")
    hint = "the bot's client refuses this; the reason is in the bot's own log"
    return Rejected("client_refused", hint)
