"""What the API server's answers mean. Pure.

Rules kept here:

1. The status first; a text only where it is one of the phrases that were seen on the real program.
2. A 2xx is not proof: a send is accepted only with a timestamp, and one that names people whom it
   did not reach is not accepted, whatever its status.
3. No word of an answer goes into an error, but the challenge tokens that lift a rate limit.

Source: signal-cli-rest-api before and after release 0.100, signal-cli JsonSendMessageResult.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Rejected,
    Unavailable,
    Uncertain,
)

Raw = Mapping[str, Any]

_UNTRUSTED = ("untrusted recipient keys", "untrusted identities")
_NO_ACCOUNT = "Specified account does not exist"
_NO_PROFILE = "please first update your profile"
_WRONG_NUMBER = "Failed to set the trust for this number"
_NOBODY_REACHED = "Failed to send message"
_LIMITED = "RATE_LIMIT_FAILURE"
_FIRST_SERVER_FAULT, _TOO_MANY, _NOT_NOW = 500, 429, 503
_REFUSED_US = (401, 403)
_MOST_TOKENS, _LONGEST_TOKEN = 8, 200
_MOST, _DIGITS = 2**53, 16
# the graver first: what a person must look into comes before what mends itself
_REASONS = (
    "IDENTITY_FAILURE",
    "UNREGISTERED_FAILURE",
    "INVALID_PRE_KEY_FAILURE",
    "RATE_LIMIT_FAILURE",
    "NETWORK_FAILURE",
)


def mapping(value: object) -> Raw:
    """A mapping, or an empty one where it is none."""
    return value if isinstance(value, Mapping) else {}


def text(value: object) -> str:
    """A string that can be written as UTF-8, or nothing where it is none.

    Half a pair of surrogates, which JSON can spell, would stop whoever stores it.
    """
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def sequence(value: object) -> Sequence[Any]:
    """A list, or an empty one where it is none."""
    return value if isinstance(value, list) else ()


def number(value: object) -> int | None:
    """A number that is not negative, also written in digits; None where it is none.

    One above 2**53 is none either: no instant or length is, and no database would take it.
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _DIGITS:
        value = int(value)
    plain = isinstance(value, int) and not isinstance(value, bool)
    return value if plain and isinstance(value, int) and 0 <= value <= _MOST else None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send came to.

    Attributes:
        stamp: the message's timestamp, milliseconds; None where the answer has none.
        failed: the reason for each recipient who was not reached, who he is left out.
        tells: the server is of a release that names them.
    """

    stamp: int | None
    failed: tuple[str, ...]
    tells: bool


def sent(told: object) -> Sent:
    """Reads the answer to a send, in the form up to release 0.100 or in the later one."""
    listed = isinstance(told, list)
    one = mapping(told[0]) if isinstance(told, list) and told else mapping(told)
    recipients = sequence(mapping(one.get("errors")).get("recipients"))
    failed = tuple(text(mapping(each).get("reason")) or "UNKNOWN" for each in recipients)
    return Sent(number(one.get("timestamp")), failed, tells=listed)


def check_sent(found: Sent, readers: int) -> int:
    """The timestamp of a send that reached everybody, as far as the server says.

    Args:
        found: the answer.
        readers: how many there are beside us.

    Raises:
        Uncertain: it is no answer, or some were reached and some not.
        IdentityChanged, Rejected, Unavailable: nobody was reached.
    """
    if found.failed:
        raise _unreached(found.failed, readers)
    if not found.stamp:
        raise Uncertain("answer_malformed", "the API server gave the message no timestamp")
    return found.stamp


def _unreached(failed: tuple[str, ...], readers: int) -> ConnectorError:
    worst = next((reason for reason in _REASONS if reason in failed), "UNKNOWN")
    if len(failed) < readers:
        hint = f"{len(failed)} of {readers} readers were not reached, the others were"
        return Uncertain(f"partial_{worst.lower()}", hint)
    if worst == "IDENTITY_FAILURE":
        return IdentityChanged("identity_untrusted", "compare the safety number, then trust it")
    if worst == "UNREGISTERED_FAILURE":
        return Rejected("unregistered", "the reader has no Signal account any more")
    if worst == "RATE_LIMIT_FAILURE":
        return Unavailable("rate_limited", "Signal asks to wait")
    return Unavailable("nobody_reached", "signal-cli reached nobody")


def challenge(told: Raw) -> tuple[str, ...]:
    """The tokens with which a person can lift a rate limit.

    Without a daemon the server says 400, and the tokens are JSON inside signal-cli's raw output.
    """
    return tokens_of([*sequence(told.get("challenge_tokens")), *_dug(text(told.get("error")))])


def _dug(said: str) -> list[object]:
    if _LIMITED not in said:
        return []
    return [
        mapping(each).get("token")
        for line in said.splitlines()
        for each in sequence(mapping(_json(line)).get("results"))
    ]


def _json(line: str) -> object:
    try:
        found: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found


def tokens_of(values: Sequence[object]) -> tuple[str, ...]:
    """Those of the values that can be shown as challenge tokens."""
    tokens = [value for value in values if isinstance(value, str)]
    plain = [t for t in tokens if t.isascii() and t.isprintable() and 0 < len(t) <= _LONGEST_TOKEN]
    return tuple(plain[:_MOST_TOKENS])


def how_to_lift(tokens: tuple[str, ...]) -> str:
    """What a person does about a rate limit."""
    if not tokens:
        return "Signal asks to wait; it says not how long"
    return (
        "solve the captcha of signalcaptchas.org/challenge/generate.html, then post it with "
        f"challenge_token {' or '.join(tokens)} to /v1/accounts/NUMBER/rate-limit-challenge"
    )


def refusal(status: int, told: Raw, *, acts: bool) -> ConnectorError:
    """What an error answer means.

    Args:
        status: HTTP status.
        told: its body, if it was JSON.
        acts: whether the call acts.
    """
    said = text(told.get("error"))
    if status == _TOO_MANY or _LIMITED in said:
        return Unavailable("rate_limited", how_to_lift(challenge(told)))
    if status in _REFUSED_US:
        return Unavailable("credential_refused", "the proxy refuses our api_token")
    known = _known(said)
    if known is not None:
        return known
    if status == _NOT_NOW:
        return Unavailable("server_fault", "the API server, or the proxy before it, is not up")
    if status >= _FIRST_SERVER_FAULT:
        kind: type[ConnectorError] = Uncertain if acts else Unavailable
        return kind("server_fault", f"the API server answered {status}")
    return Rejected(f"http_{status}", "the API server refuses this")


def _known(said: str) -> ConnectorError | None:
    """What a phrase of signal-cli means, where it is one that was seen."""
    if any(phrase in said for phrase in _UNTRUSTED):
        return IdentityChanged("identity_untrusted", "compare the safety number, then trust it")
    if _NO_ACCOUNT in said:
        hint = "the number is not registered with this API server: register or link it anew"
        return Unavailable("not_registered", hint)
    if _NO_PROFILE in said:
        hint = "set a profile name first: PUT /v1/profiles/NUMBER"
        return Rejected("no_profile", hint)
    if _WRONG_NUMBER in said:
        return IdentityChanged("device_differs", "the account has no such safety number")
    if said == _NOBODY_REACHED:
        return Unavailable("nobody_reached", "signal-cli reached nobody")
    return None
