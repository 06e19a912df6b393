"""The type of a part: RFC 2045 section 5.1, without the guesses that readers make.

Rule kept here: a type with parameters that cannot be read is not ``clean``; what decides the
structure of a mail (a multipart, an encrypted or a signed one) must be.
"""

import re
from dataclasses import dataclass, field

from connectors.pgpmail.judge.words import Malformed

_WORD = r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]+"
_TYPE = re.compile(rf"({_WORD})/({_WORD})[ \t]*(?=;|\Z)")
_BARE = r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z=/:?]+"
"""A value without quotes; ``=/:?`` are not allowed there and stand in many boundaries."""
_PARAM = re.compile(rf'[ \t]*({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_BARE}))[ \t]*(?:;|\Z)')
_QUOTED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Kind:
    """A media type or a disposition.

    Attributes:
        name: ``type/subtype`` in lower case.
        params: by name in lower case.
        clean: everything could be read, and no parameter stands twice.
    """

    name: str
    params: dict[str, str] = field(default_factory=dict, repr=False)
    clean: bool = True

    @property
    def multipart(self) -> bool:
        """Whether it holds parts."""
        return self.name.startswith("multipart/")

    def param(self, name: str) -> str:
        """A parameter in lower case; empty when it is not there."""
        return self.params.get(name, "").lower()


def read_kind(value: str | None, default: str = "text/plain") -> Kind:
    """The type that a Content-Type field names.

    Raises:
        Malformed: a multipart's type cannot be read, so nobody knows what its parts are.
    """
    if value is None:
        return Kind(default)
    found = _TYPE.match(value)
    if found is None:
        if re.search(r"multipart|message|encrypted|signed|pgp|pkcs7", value, re.IGNORECASE):
            raise Malformed("bad_content_type")
        return Kind("application/octet-stream", clean=False)
    name = f"{found[1]}/{found[2]}".lower()
    kind = Kind(name, *_params(value[found.end() :]))
    if not kind.clean and name.startswith(("multipart/", "message/")):
        raise Malformed("bad_content_type")
    return kind


def _params(rest: str) -> tuple[dict[str, str], bool]:
    params: dict[str, str] = {}
    rest = rest.lstrip(" \t").removeprefix(";")
    while rest.strip(" \t;"):
        found = _PARAM.match(rest)
        if found is None or found[1].lower() in params:
            return params, False
        quoted, plain = found[2], found[3]
        params[found[1].lower()] = plain if quoted is None else _QUOTED.sub(r"\1", quoted)
        rest = rest[found.end() :]
    return params, True


def read_disposition(value: str | None) -> Kind:
    """Disposition and its parameters, as leniently as a file's name allows."""
    name, _, rest = (value or "").partition(";")
    params, clean = _params(rest)
    return Kind(name.strip().lower(), params, clean)
