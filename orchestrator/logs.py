"""Logs that can hold no text of anybody's: what may pass is listed, all else is counted.

Rules kept here:

1. A string passes only when it is provably not data: a literal in the source of the very function
   that logs it (the same object as in its code), an identifier of ours under a key that names one,
   or a word of a vocabulary registered at start. Any other becomes ``<redacted n chars>``.
2. Numbers pass only under keys that name counts, sizes and instants. Keys that are not on the list
   lose their value and their name.
3. Of an exception its types, our code and the lines of its frames pass; never its text, never a
   local variable. That holds for ``exc_info`` and for one that is handed over as ``error=``; of a
   class its name passes, when a module really holds it. A name handed over as text is text.
4. What libraries log goes the same way, from WARNING up: of a record only logger, level, place and
   a literal format string; its arguments never.
5. No other handler, hook or default of Python prints a record, an exception or a warning.
"""

import asyncio
import json
import logging
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, TextIO

import structlog

from orchestrator import clock

IDS = frozenset(
    {
        "approval_id", "compartment_id", "conversation_id", "deal_id", "delivery_id", "finding_id",
        "home_id", "lane", "message_id", "owner", "person_id", "side_id",
    }
)  # fmt: skip
"""Keys under which an identifier of ours passes: ``kind_`` and 32 hexadecimal digits."""
NUMBERS = frozenset(
    {
        "accepted", "age", "at", "attempt", "attempts", "bytes", "checked", "closed", "count",
        "dead", "deals", "delivered", "done", "due", "due_at", "duplicate", "epochs", "errno",
        "exit_code", "failed", "findings", "held", "journaled", "lanes", "limit", "line", "lost",
        "members", "messages", "ms", "n", "ok", "pid", "port", "possibly", "removed", "rewrapped",
        "rooms", "rows", "seconds", "sent_at", "seq", "size", "status", "tries", "unread",
        "version", "waiting", "withdrawn",
    }
)  # fmt: skip
"""Keys under which a number or a truth value passes."""
WORDS = frozenset(
    {
        "action", "actor_kind", "check", "code", "connector", "engine", "event", "guarantee",
        "kind", "name", "outcome", "reason", "rule", "signal", "state",
        "strength", "task", "thread", "tier", "verb",
    }
)  # fmt: skip
"""Keys under which a word of the registered vocabulary or a literal passes."""

_ID = re.compile(r"[a-z]{2,16}_[0-9a-f]{32}")
_HERE = Path(__file__).resolve().parents[1]
_OURS = frozenset({"orchestrator", "connectors", "tiers", "dashboard"})
_MAX_INT = 1 << 63
_MAX_FRAMES = 30
_MAX_GROUP = 5
_vocabulary: set[str] = {"loop.uncaught"}


def allow(words: Iterable[str]) -> None:
    """Registers words that are configuration and never content (connector names, rule ids)."""
    _vocabulary.update(words)


def get(name: str) -> Any:
    """Returns a logger; ``name`` is the module's (``__name__``)."""
    return structlog.get_logger(module=name)


# --- what may pass ------------------------------------------------------------------------------


def redacted(value: object) -> str:
    """Returns what is said of a value that may not pass."""
    if isinstance(value, str):
        return f"<redacted {len(value)} chars>"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<redacted {len(value)} bytes>"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return f"<redacted {len(value)} items>"
    return "<redacted>"


def _passes(key: str, value: object, literals: frozenset[int]) -> bool:
    if value is None:
        return True
    if isinstance(value, bool | int | float):
        return key in NUMBERS and abs(value) < _MAX_INT
    if type(value) is not str:
        return False
    if key in IDS:
        return _ID.fullmatch(value) is not None
    return key in WORDS and (id(value) in literals or value in _vocabulary)


def _shown(key: str, value: object, literals: frozenset[int]) -> object:
    if isinstance(value, Enum) and key in WORDS:
        return value.name.lower()  # named by the source of its class
    return value if _passes(key, value, literals) else redacted(value)


def _literals(frame: FrameType | None) -> frozenset[int]:
    """Returns the identities of the strings that stand in the code of ``frame``.

    Identity, not equality: a text that happens to equal a literal is still a text. Strings of one
    letter are shared by the whole process and therefore never count.
    """
    if frame is None:
        return frozenset()
    return frozenset(
        id(const) for const in _consts(frame.f_code) if type(const) is str and len(const) > 1
    )


def _consts(code: CodeType) -> Iterator[object]:
    for const in code.co_consts:
        yield from const if isinstance(const, tuple) else (const,)


def _caller() -> FrameType | None:
    """Returns the frame that called the logger."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the documented way to one's caller
    while frame is not None and _is_own(frame):
        frame = frame.f_back
    return frame


def _is_own(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).split(".")[0] in {"structlog", "logging"} or (
        frame.f_globals.get("__name__") == __name__
    )


# --- exceptions ---------------------------------------------------------------------------------


def describe(error: BaseException, depth: int = 4) -> dict[str, object]:
    """Returns what may be said of an exception.

    Args:
        error: the exception.
        depth: causes followed at most.

    Returns:
        its type, the ``code`` of its class if that is one of ours, ``file:line function`` of its
        frames, and the same of its cause.
    """
    kind = type(error)
    trace = list(traceback.walk_tb(error.__traceback__))[-_MAX_FRAMES:]
    found: dict[str, object] = {
        "type": _type_name(kind),
        "frames": [_place(frame.f_code, line) for frame, line in trace],
    }
    code = getattr(kind, "code", None) if kind.__module__.split(".")[0] in _OURS else None
    if isinstance(code, str):
        found["code"] = code
    if isinstance(error, OSError) and isinstance(error.errno, int):
        found["errno"] = error.errno
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth > 0:
        found["cause"] = describe(cause, depth - 1)
    if isinstance(error, BaseExceptionGroup) and depth > 0:
        found["group"] = [describe(one, depth - 1) for one in error.exceptions[:_MAX_GROUP]]
    return found


def _type_name(kind: type[BaseException]) -> str:
    """Returns the name of the nearest class that a module really holds (classes can be made)."""
    for base in kind.__mro__:
        found: object = sys.modules.get(base.__module__)
        for part in base.__qualname__.split("."):
            found = getattr(found, part, None)
        if found is base:
            return f"{base.__module__}.{base.__qualname__}"
    return "BaseException"


def _place(code: CodeType, line: int) -> str:
    return f"{_short(code.co_filename)}:{line} {code.co_name}"


def _short(file: str) -> str:
    path = Path(file)
    if path.is_relative_to(_HERE):
        return str(path.relative_to(_HERE))
    return "/".join(path.parts[-2:])


# --- structlog ----------------------------------------------------------------------------------


def redact(
    _logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Lets pass what may, counts what may not; the one processor that everything goes through."""
    literals = _literals(_caller())
    error = _error(event.pop("exc_info", None))
    out: dict[str, Any] = {"time": clock.iso(clock.now()), "level": method}
    dropped = 0
    for key, value in event.items():
        if key == "module":
            out["logger"] = _module_of(str(value))
        elif key == "error":
            if isinstance(value, BaseException):
                error = error or value
            else:
                out["error"] = _class(value)
        elif key in IDS or key in NUMBERS or key in WORDS:
            out[key] = _shown(key, value, literals)
        else:
            dropped += 1
    if dropped:
        out["redacted_keys"] = dropped
    if error is not None:
        out["error"] = describe(error)
    return out


def _class(value: object) -> object:
    """The name of an exception class; of anything else nothing but its size."""
    if isinstance(value, type) and issubclass(value, BaseException):
        return {"type": _type_name(value)}
    return redacted(value)


def _error(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) > 1 and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    return sys.exc_info()[1] if exc_info else None


def _render(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=True)


# --- the standard library's logging --------------------------------------------------------------


class _Handler(logging.Handler):
    """Turns a library's record into one of ours."""

    def __init__(self, write: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__(logging.WARNING)
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        out: dict[str, Any] = {
            "time": clock.iso(clock.now()),
            "level": logging.getLevelName(record.levelno).lower(),
            "logger": _module_of(record.name),
            "place": f"{_short(record.pathname)}:{record.lineno}",
            "event": _format_of(record),
        }
        error = _error(record.exc_info)
        if error is not None:
            out["error"] = describe(error)
        self._write(out)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Prints nothing: the library's own would print the record with its arguments."""


def _module_of(name: str) -> str:
    """Returns as much of a logger's name as names a module; loggers can be named after anything."""
    parts = name.split(".")
    known = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((module for module in known if module in sys.modules), redacted(name))


def _format_of(record: logging.LogRecord) -> str:
    frame = _caller()
    while frame is not None and frame.f_code.co_filename != record.pathname:
        frame = frame.f_back
    message: object = record.msg
    if isinstance(message, str) and id(message) in _literals(frame):
        return message
    return redacted(message)


# --- set-up -------------------------------------------------------------------------------------


@contextmanager
def configured(stream: TextIO | None = None, *, debug: bool = False) -> Iterator[None]:
    """Has everything that this process logs go through the redaction, for the length of a block.

    Args:
        stream: where lines of JSON go; standard error when None.
        debug: our own loggers from DEBUG up instead of INFO (libraries stay at WARNING).
    """
    lock = threading.Lock()

    def write(event: Mapping[str, Any] | str) -> None:
        line = event if isinstance(event, str) else json.dumps(event, ensure_ascii=True)
        with lock:
            target = sys.stderr if stream is None else stream
            target.write(line + "\n")
            target.flush()

    undo = [_take_structlog(write, debug=debug), _take_logging(write), _take_hooks(write)]
    try:
        yield
    finally:
        for restore in reversed(undo):
            restore()


def _take_structlog(write: Callable[[str], None], *, debug: bool) -> Callable[[], None]:
    before = structlog.get_config()
    _configure_structlog(write, logging.DEBUG if debug else logging.INFO)
    return lambda: structlog.configure(**before)


def _configure_structlog(write: Callable[[str], None], level: int) -> None:
    structlog.configure(
        processors=[redact, _render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: _Sink(write),
        context_class=dict,
        cache_logger_on_first_use=False,
    )


class _Sink:
    """The end of structlog's chain."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.msg = self.debug = self.info = self.warning = self.error = self.critical = write
        self.exception = self.fatal = self.log = write


def _take_logging(write: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
    root, handler = logging.getLogger(), _Handler(write)
    before = (root.handlers[:], root.level, logging.raiseExceptions, logging.lastResort)
    shown = warnings.showwarning
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False
    logging.lastResort = handler
    for name in list(logging.root.manager.loggerDict):
        _give_way(logging.getLogger(name))
    logging.captureWarnings(capture=True)

    def restore() -> None:
        logging.captureWarnings(capture=False)
        warnings.showwarning = shown
        root.handlers[:], level, logging.raiseExceptions, logging.lastResort = before
        root.setLevel(level)

    return restore


def _give_way(logger: logging.Logger) -> None:
    logger.handlers.clear()
    logger.propagate = True
    if logger.level < logging.WARNING:
        logger.setLevel(logging.NOTSET)


def strays() -> list[str]:
    """Returns the names of loggers that would print by themselves; the doctor wants none."""
    loggers = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    stray = [logger.name for logger in loggers if logger.handlers or not logger.propagate]
    own = all(isinstance(handler, _Handler) for handler in logging.getLogger().handlers)
    return stray if own else ["root", *stray]


def _take_hooks(write: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook)

    def say(event: str, error: BaseException | None) -> None:
        time = clock.iso(clock.now())
        about = {} if error is None else {"error": describe(error)}
        write({"time": time, "level": "critical", "event": event, **about})

    def uncaught(
        _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
    ) -> None:
        say("process.uncaught", error)

    sys.excepthook = uncaught
    threading.excepthook = lambda args: say("thread.uncaught", args.exc_value)
    sys.unraisablehook = lambda args: say("object.unraisable", args.exc_value)

    def restore() -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before

    return restore


def take_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Has what a loop reports of lost exceptions go through the redaction."""
    logger = get(__name__)

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        # the context's own message and objects are reprs of coroutines with their arguments
        logger.error("loop.uncaught", exc_info=context.get("exception"))

    loop.set_exception_handler(handle)


# structlog's own default prints everything: until ``configured`` runs, our loggers are silent.
_configure_structlog(lambda _line: None, logging.INFO)
