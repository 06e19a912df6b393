"""The errors of signal-cli's own daemon.

Rule kept here: the numbers are those that were seen on 0.13.19, or stand in its source.
"""

from typing import Any

USER, UNTRUSTED, RATE, CAPTCHA = -1, -4, -5, -6
NO_JSON, NO_REQUEST, NO_METHOD, BAD_PARAMS = -32700, -32600, -32601, -32602


class Failure(Exception):
    """A call ends in this error.

    Args:
        code: the number.
        said: signal-cli's words.
        response: what was done all the same, or whom it did not reach.
    """

    def __init__(self, code: int, said: str, response: dict[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.said = said
        self.response = response
