"""Which connectors there are: a name, a factory, and a grade; loaded only when somebody names one.

Rule kept here: nothing is imported because it is installed. What ships is listed here and cannot
be replaced by another distribution; an outsider is found under its entry point's name alone, and
two distributions that claim the same name are both refused. A connector without a readable
``GRADE.toml`` has no grade, and what has no grade is fit for nothing.
"""

import importlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import total_ordering
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from connectors.port import Guarantee
from connectors.port.connector import Connector, Setup

GROUP = "wallcross.connectors"
"""Entry-point group of outsiders."""
SHIPPED = {
    "matrix": "connectors.matrix.connector:open_connector",
    "memory": "connectors.memory.connector:open_connector",
    "pgpmail": "connectors.pgpmail.connector:open_connector",
    "signal": "connectors.signal.connector:open_connector",
    "wickr": "connectors.wickr.connector:open_connector",
    "xmpp": "connectors.xmpp.connector:open_connector",
}
"""Name -> factory of what ships; the entry points of our own distribution say the same."""

Factory = Callable[[Setup], Connector]


class UnknownConnectorError(LookupError):
    """No connector of that name, or none that can be used. The message says what to do."""


@total_ordering
class Grade(Enum):
    """What was run for a release, and no more than that: lab < field < fit."""

    LAB = "lab"
    """A simulator."""
    FIELD = "field"
    """A real server."""
    FIT = "fit"
    """Timer, encryption and members proven by read-back on a real server."""

    def __lt__(self, other: object) -> bool:
        if type(other) is not Grade:
            return NotImplemented
        order = list(Grade)
        return order.index(self) < order.index(other)


@dataclass(frozen=True, slots=True)
class Graded:
    """A connector's grade as its ``GRADE.toml`` has it.

    Attributes:
        grade: the grade.
        on: the day of the run.
        ran: what was run.
    """

    grade: Grade
    on: date
    ran: tuple[str, ...]


class PostQuantum(Enum):
    """Whether what is written today can be opened by a quantum computer of tomorrow."""

    NONE = "none"
    KEY_AGREEMENT = "key agreement"
    """The first key of a session is safe; what is made of it later is not proven to be."""
    KEY_AGREEMENT_AND_RATCHET = "key agreement and ratchet"
    NOT_PUBLISHED = "not published"


class Facts(BaseModel):
    """What is known of a network whoever runs it, as a connector's ``FACTS.toml`` has it.

    Attributes:
        protocol: what messages travel by.
        post_quantum: whether recorded traffic stays closed.
        post_quantum_says: in words.
        metadata: who sees what beside the text.
        retention: what is kept, where, and what ends it.
        can: guarantees that a room may hold at best, in any set-up.
        checked: the day that this was looked up.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    protocol: str
    post_quantum: PostQuantum
    post_quantum_says: str
    metadata: tuple[str, ...]
    retention: str
    can: tuple[Guarantee, ...]
    checked: date


@dataclass(frozen=True, slots=True)
class Registered:
    """One connector that can be named in the configuration.

    Attributes:
        name: as the configuration names it.
        target: ``module:attribute`` of its factory.
        shipped: it comes with Wallcross.
    """

    name: str
    target: str
    shipped: bool

    @property
    def package(self) -> str:
        """The package that its factory lies in."""
        return self.target.partition(":")[0].rpartition(".")[0]

    def factory(self) -> Factory:
        """Loads it. Raises: UnknownConnectorError."""
        module, _, attribute = self.target.partition(":")
        found = getattr(_module(module, self.name), attribute, None)
        if not callable(found):
            raise UnknownConnectorError(f"connector {self.name!r}: {self.target} is no factory")
        factory: Factory = found
        return factory

    def settings(self) -> type[BaseModel] | None:
        """The model of its settings, ``Settings`` in its module ``settings``; None without one.

        Raises:
            UnknownConnectorError: it cannot be loaded.
        """
        return self._model("Settings")

    def secrets(self) -> type[BaseModel] | None:
        """The model of its secret values, ``Secrets`` beside ``Settings``; None without one.

        Raises:
            UnknownConnectorError: it cannot be loaded.
        """
        return self._model("Secrets")

    def needs(self, values: Mapping[str, object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The settings and the secrets, by name, that a channel cannot be without.

        Args:
            values: its settings so far. Where they decide what else is needed, the model
                ``Settings`` says so in a class method ``needs``.

        Raises:
            UnknownConnectorError: it cannot be loaded.
        """
        settings = self.settings()
        further = getattr(settings, "needs", None)
        more = further(values) if further is not None else ((), ())
        always = (_required(settings), _required(self.secrets()))
        return (*always[0], *more[0]), (*always[1], *more[1])

    def _model(self, called: str) -> type[BaseModel] | None:
        found = getattr(_module(f"{self.package}.settings", self.name), called, None)
        return found if isinstance(found, type) and issubclass(found, BaseModel) else None

    def graded(self) -> Graded | None:
        """Its grade; None when there is none that can be read."""
        try:
            text = files(self.package).joinpath("GRADE.toml").read_text(encoding="utf-8")
            return graded(text)
        except (ImportError, OSError, ValueError):
            return None

    def facts(self) -> Facts | None:
        """What is known of its network; None when nothing is published that can be read."""
        try:
            text = files(self.package).joinpath("FACTS.toml").read_text(encoding="utf-8")
            return Facts.model_validate(tomllib.loads(text))
        except (ImportError, OSError, ValueError):
            return None


def _required(model: type[BaseModel] | None) -> tuple[str, ...]:
    fields = {} if model is None else model.model_fields
    return tuple(name for name, field in fields.items() if field.is_required())


def _module(name: str, connector: str) -> object:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnknownConnectorError(f"connector {connector!r} cannot be loaded: {error}") from error


def find(name: str) -> Registered:
    """The connector of this name. Raises: UnknownConnectorError."""
    if name in SHIPPED:
        return Registered(name, SHIPPED[name], shipped=True)
    outside = {(_owner(p), p.value) for p in entry_points(group=GROUP, name=name)}
    if not outside:
        known = ", ".join(sorted(SHIPPED))
        raise UnknownConnectorError(f"no connector {name!r}; there are {known}")
    if len(outside) > 1:
        owners = ", ".join(sorted(owner for owner, _ in outside))
        raise UnknownConnectorError(
            f"several claim the name {name!r}; uninstall all but one: {owners}"
        )
    ((_, target),) = outside
    return Registered(name, target, shipped=False)


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"


def graded(text: str) -> Graded:
    """Reads a ``GRADE.toml``: ``grade``, ``date`` and ``ran``, no more and no less.

    Raises:
        ValueError: it is not as it must be.
    """
    table = tomllib.loads(text)
    on, ran = table.get("date"), table.get("ran")
    if set(table) != {"grade", "date", "ran"} or type(on) is not date:
        raise ValueError("GRADE.toml has grade, date (a day) and ran, and nothing else")
    if not isinstance(ran, list) or not ran or not all(isinstance(line, str) for line in ran):
        raise ValueError("GRADE.toml: ran lists what was run")
    return Graded(Grade(table["grade"]), on, tuple(ran))
