"""A value that shows itself only when asked by name.

Rule kept here: no repr, str, format, pickle or comparison gives a secret away; the one way out is
``reveal``.
"""

import hmac
from typing import NoReturn, Self, SupportsIndex


class SecretError(Exception):
    """A secret could not be read or kept. The text says what to do and never holds a value."""

    code = "secret"


class SecretMissing(SecretError):
    """Nothing is kept under that name or reference."""

    code = "secret.missing"


class Secret:
    """Bytes that nothing prints.

    Args:
        value: the secret itself.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Returns the value; keep it no longer than its use."""
        return self._value

    def reveal_text(self) -> str:
        """Returns the value as text.

        Raises:
            SecretError: it is not UTF-8.
        """
        try:
            return self._value.decode()
        except UnicodeDecodeError:
            raise SecretError("the secret is not text (UTF-8); store it anew") from None

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]  # a hash kept in a table would outlive the secret

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is not written anywhere by pickle")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        return self
