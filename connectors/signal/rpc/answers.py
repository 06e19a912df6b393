"""What signal-cli's answers over JSON-RPC mean. Pure.

Rules kept here:

1. An answer over HTTP is 200 whatever it says: what counts is whether it is ours (its ``id``), and
   whether it holds a result or an error. One that holds neither, or both, proves nothing.
2. A send is accepted only where its ``results`` name each reader and say SUCCESS of each. A reader
   who is not named is not reached, as far as anybody knows.
3. No word of an answer goes into an error, but the challenge tokens that lift a rate limit.

Source: signal-cli-jsonrpc(5); signal-cli JsonSendMessageResult; errors as seen on 0.13.19.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.port import AccountId
from connectors.port.errors import (
    ConnectorError,
    IdentityChanged,
    Rejected,
    Unavailable,
    Uncertain,
)
from connectors.signal.answers import Raw, mapping, number, sequence, text, tokens_of
from connectors.signal.ids import Own

USER, NETWORK, UNTRUSTED, RATE, CAPTCHA = -1, -3, -4, -5, -6
UNKNOWN_METHOD, BAD_PARAMS, INTERNAL = -32601, -32602, -32603
SUCCESS, LIMITED = "SUCCESS", "RATE_LIMIT_FAILURE"
_SECOND = 1_000_000
_NO_ACCOUNT = "account"
_NO_PROFILE = "please first update your profile"
_WRONG_NUMBER = "Failed to set the trust for this number"
_REFUSED_US, _TOO_MANY, _NOT_NOW, _FAULT = (401, 403), 429, 503, 500
# the graver first: what a person must look into comes before what mends itself
_REASONS = (
    "IDENTITY_FAILURE",
    "UNREGISTERED_FAILURE",
    "INVALID_PRE_KEY_FAILURE",
    LIMITED,
    "NETWORK_FAILURE",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a message for one of its recipients.

    Attributes:
        account: who; None where the answer does not name him.
        kind: SUCCESS, or why not.
        token: with it a person can lift a rate limit; empty without one.
        wait: seconds to wait, where Signal said so.
    """

    account: AccountId | None
    kind: str
    token: str = ""
    wait: int | None = None


def result(told: object, asked: str) -> object:
    """What a call came to.

    Args:
        told: the answer's JSON.
        asked: the call's id.

    Raises:
        Malformed: it is no answer to it.
        Failed: it is an error.
    """
    raw = mapping(told)
    error = raw.get("error")
    if raw.get("jsonrpc") != "2.0" or ("result" in raw) == (error is not None):
        raise Malformed
    # what could not be read has no id to give back, and was not done
    unread = raw.get("id") is None and error is not None
    if raw.get("id") != asked and not unread:
        raise Malformed
    if error is not None:
        raise Failed(mapping(error))
    return raw["result"]


class Malformed(Exception):
    """No answer to what was asked."""


class Failed(Exception):
    """An error of signal-cli.

    Args:
        error: its ``error`` object.
    """

    def __init__(self, error: Raw) -> None:
        super().__init__()
        code = error.get("code")
        self.code = code if isinstance(code, int) else INTERNAL
        self.said = text(error.get("message"))
        self.response = mapping(mapping(error.get("data")).get("response"))


def results(response: Raw, own: Own) -> list[Result]:
    """The results for each recipient, as far as there are any."""
    return [_result(mapping(each), own) for each in sequence(response.get("results"))]


def _result(raw: Raw, own: Own) -> Result:
    address = mapping(raw.get("recipientAddress"))
    account = own.name(address.get("uuid"), address.get("number"))
    (token, *_) = (*tokens_of([raw.get("token")]), "")
    kind = text(raw.get("type")) or "UNKNOWN"
    return Result(account, kind, token, number(raw.get("retryAfterSeconds")))


def check_sent(told: object, own: Own, readers: frozenset[AccountId]) -> int:
    """The timestamp of a send that reached everybody.

    Args:
        told: the call's result.
        own: our account.
        readers: everybody who must have been reached.

    Raises:
        Uncertain: it is no answer, somebody is not named, or some were reached and some not.
        IdentityChanged, Rejected, Unavailable: nobody was reached.
    """
    raw = mapping(told)
    stamp, found = number(raw.get("timestamp")), results(raw, own)
    if not stamp:
        raise Uncertain("answer_malformed", "signal-cli gave the message no timestamp")
    failed = unreached(found, readers)
    if failed is not None:
        raise failed
    named = {each.account for each in found if each.kind == SUCCESS}
    if not readers <= named:
        missing = len(readers - named)
        hint = f"signal-cli does not say that {missing} of {len(readers)} readers were reached"
        raise Uncertain("results_missing", hint)
    return stamp


def unreached(found: Sequence[Result], readers: frozenset[AccountId]) -> ConnectorError | None:
    """What failed results mean; None where none failed.

    Args:
        found: the results; of our own devices, which are not among the readers, nothing follows.
        readers: everybody who must have been reached.
    """
    about = [each for each in found if each.account is None or each.account in readers]
    failed = [each for each in about if each.kind != SUCCESS]
    if not failed:
        return None
    kinds = {each.kind for each in failed}
    worst = next((reason for reason in _REASONS if reason in kinds), "UNKNOWN")
    reached = len(failed) < len(about)
    if reached or len({each.account for each in failed}) < len(readers):
        hint = f"{len(failed)} of {len(readers)} readers were not reached, others were"
        return Uncertain(f"partial_{worst.lower()}", hint, retry_after=wait_of(failed))
    if worst == "IDENTITY_FAILURE":
        return IdentityChanged("identity_untrusted", "compare the safety number, then trust it")
    if worst == "UNREGISTERED_FAILURE":
        return Rejected("unregistered", "the reader has no Signal account any more")
    if worst == LIMITED:
        return limited(failed)
    return Unavailable("nobody_reached", "signal-cli reached nobody")


def wait_of(found: Iterable[Result]) -> int | None:
    """How long Signal asks to wait, microseconds; None where it does not say."""
    return max((each.wait * _SECOND for each in found if each.wait is not None), default=None)


def limited(found: Sequence[Result]) -> Unavailable:
    """A rate limit, with what lifts it and how long it lasts."""
    tokens = [each.token for each in found if each.token]
    wait = wait_of(found)
    return Unavailable("rate_limited", how_to_lift(tokens, wait), retry_after=wait)


def how_to_lift(tokens: Sequence[str], wait: int | None) -> str:
    """What a person does about a rate limit.

    Args:
        tokens: challenge tokens.
        wait: microseconds, where Signal said so.
    """
    lasts = "it says not how long" if wait is None else f"for {wait // _SECOND} s"
    if not tokens:
        return f"Signal asks to wait; {lasts}"
    return (
        f"Signal asks to wait, {lasts}; or solve the captcha of signalcaptchas.org/challenge/"
        f"generate.html: submitRateLimitChallenge --challenge {' or '.join(dict.fromkeys(tokens))}"
    )


def meaning(
    failed: Failed, own: Own, *, acts: bool, readers: frozenset[AccountId] | None = None
) -> ConnectorError:
    """What an error of signal-cli means.

    Args:
        failed: the error.
        own: our account.
        acts: whether the call acts.
        readers: for a send: everybody who was to be reached.
    """
    found = results(failed.response, own)
    told = None if readers is None else unreached(found, readers)
    if told is not None:
        return told
    if found:  # what has results was done, and somebody was not told of it
        return Uncertain("done_not_told", "signal-cli did it, and says that it failed")
    if failed.code == UNTRUSTED:
        return IdentityChanged("identity_untrusted", "compare the safety number, then trust it")
    if failed.code == RATE:
        return limited(())
    if failed.code in {NETWORK, INTERNAL}:
        kind: type[ConnectorError] = Uncertain if acts else Unavailable
        return kind("signal_unreachable", "signal-cli could not finish it with Signal")
    return _refused(failed)


def _refused(failed: Failed) -> ConnectorError:
    """What signal-cli did not do, for good."""
    if failed.code == CAPTCHA:
        return Rejected("captcha_rejected", "solve a new captcha")
    if failed.code == BAD_PARAMS and _NO_ACCOUNT in failed.said:
        hint = "the number is not registered with this daemon: register or link it anew"
        return Unavailable("not_registered", hint)
    if failed.code == UNKNOWN_METHOD:
        hint = "run signal-cli's daemon for all its accounts (without -a), in a current release"
        return Rejected("method_unknown", hint)
    if _NO_PROFILE in failed.said:
        return Rejected("no_profile", "set a profile name first: signal-cli updateProfile")
    if _WRONG_NUMBER in failed.said:
        return IdentityChanged("device_differs", "the account has no such safety number")
    return Rejected("refused", "signal-cli refuses this")


def http_refusal(status: int, retry_after: str, *, acts: bool) -> ConnectorError:
    """What a status other than 200 means: it is a proxy's, or of a call that was not taken.

    Args:
        status: HTTP status.
        retry_after: the header; empty without one.
        acts: whether the call acts.
    """
    if status == _TOO_MANY:
        wait = number(retry_after)
        after = None if wait is None else wait * _SECOND
        return Unavailable("rate_limited", how_to_lift((), after), retry_after=after)
    if status in _REFUSED_US:
        return Unavailable("credential_refused", "the proxy refuses our api_token")
    if status == _NOT_NOW:
        return Unavailable("server_fault", "the daemon, or the proxy before it, is not up")
    if status >= _FAULT:
        kind: type[ConnectorError] = Uncertain if acts else Unavailable
        return kind("server_fault", f"the daemon answered {status}")
    return Rejected(f"http_{status}", "the daemon refuses this")
