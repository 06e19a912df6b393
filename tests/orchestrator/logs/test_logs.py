"""No text of anybody's leaves by a log, whichever way it comes; what is safe stays readable."""

import asyncio
import enum
import gc
import io
import json
import logging
import string
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator import logs
from orchestrator.logs import configured, describe, get, strays
from orchestrator.store.unit import StoreError

LOG = get("orchestrator.logs")
ID = "msg_" + "0123456789abcdef" * 2
# "Z": an id has hexadecimal digits only, and what has exactly the form of one may pass as one
canaries = st.text(string.ascii_letters + string.digits, min_size=31, max_size=31).map("Z".__add__)


class Held(enum.Enum):
    PRICE = "the value of an enum is not shown"


@pytest.fixture(scope="module", autouse=True)
def _young() -> Iterator[None]:
    """What other tests left in memory is no part of each search for cycles here."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with configured(stream):
        yield stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# --- what stays readable ------------------------------------------------------------------------


def test_ids_counts_instants_codes_and_literals_pass(out: io.StringIO) -> None:
    logs.allow({"matrix-eu"})
    connector = b"matrix-eu".decode()
    LOG.info(
        "outbox.sent", message_id=ID, attempt=3, ms=1.5, ok=True, reason="stale",
        connector=connector, kind=Held.PRICE, rule=None,
    )  # fmt: skip
    (line,) = lines(out)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "orchestrator.logs",
        "event": "outbox.sent",
        "message_id": ID,
        "attempt": 3,
        "ms": 1.5,
        "ok": True,
        "reason": "stale",
        "connector": "matrix-eu",
        "kind": "price",
        "rule": None,
    }


def test_an_exception_is_its_type_code_and_lines(out: io.StringIO) -> None:
    def deeper() -> None:
        raise StoreError("the text of it")

    def fail() -> None:
        try:
            deeper()
        except StoreError as error:
            raise PermissionError(13, "text", "/home/name") from error

    try:
        fail()
    except PermissionError:
        LOG.exception("store.failed")
    (line,) = lines(out)
    error = line["error"]
    assert error["type"] == "builtins.PermissionError"
    assert error["errno"] == 13
    assert error["frames"][-1].startswith("tests/orchestrator/logs/test_logs.py:")
    assert error["frames"][-1].endswith(" fail")
    assert error["cause"]["type"] == "orchestrator.store.unit.StoreError"
    assert "the text" not in out.getvalue()
    assert "/home/name" not in out.getvalue()


def test_an_exception_that_is_handed_over_tells_its_class_and_never_its_text(
    out: io.StringIO,
) -> None:
    error = StoreError("the text of it")
    error.__cause__ = ValueError("text")
    LOG.error("engine.drain_failed", error=error)
    LOG.error("engine.drain_failed", error=ConnectionResetError)
    first, second = lines(out)
    assert first["error"]["type"] == "orchestrator.store.unit.StoreError"
    assert first["error"]["cause"]["type"] == "builtins.ValueError"
    assert second["error"] == {"type": "builtins.ConnectionResetError"}
    assert "text" not in out.getvalue()


def test_a_class_is_named_only_when_a_module_holds_it_and_a_name_is_text(
    out: io.StringIO,
) -> None:
    text = "kq7Zr2mVw9Xc4Tn1Lp6Yb3Hs8Gd5Fj0A"
    LOG.error("engine.drain_failed", error=type(text, (KeyError,), {}))
    LOG.error("engine.drain_failed", error=text)
    LOG.error("engine.drain_failed", error=type(text, (), {}))
    made, said, other = (line["error"] for line in lines(out))
    assert made == {"type": "builtins.KeyError"}
    assert said == "<redacted 32 chars>"
    assert other == "<redacted>"
    assert not leaks(text, out.getvalue())


def test_our_own_code_is_of_the_class_and_never_of_the_instance() -> None:
    from orchestrator.journal.errors import NoJournalKey  # noqa: PLC0415 - below logs in no layer

    error = NoJournalKey("text")
    assert describe(error)["code"] == "journal.no_key"
    error.code = "text"
    assert describe(error)["code"] == "journal.no_key"
    assert "code" not in describe(SystemExit("text"))


def test_libraries_speak_from_warning_up_in_their_own_literals(out: io.StringIO) -> None:
    library = logging.getLogger("asyncio")
    library.debug("quiet %s", "x")
    library.info("quiet %s", "x")
    library.warning("slow %s took %d", "name", 3)
    library.error("f-%s" % "string")  # noqa: UP031 - what careless libraries do
    first, second = lines(out)
    assert first["event"] == "slow %s took %d"
    assert first["logger"] == "asyncio"
    assert first["place"].startswith("tests/orchestrator/logs/test_logs.py:")
    assert second["event"] == "<redacted 8 chars>"


def test_our_own_debug_is_quiet_unless_asked(out: io.StringIO) -> None:
    LOG.debug("quiet")
    assert out.getvalue() == ""
    stream = io.StringIO()
    with configured(stream, debug=True):
        LOG.debug("loud")
    LOG.info("outside of the block nothing is said")
    assert lines(stream)[0]["event"] == "loud"


# --- every way out ------------------------------------------------------------------------------


def fail_with(error: BaseException, cause: BaseException | None = None) -> BaseException:
    local = str(error)
    try:
        raise error from cause  # noqa: TRY301 - it is the frame that is wanted
    except BaseException as caught:  # noqa: BLE001 - groups and all
        assert local is not None
        return caught


def by_exception(text: str) -> None:
    made = type(text, (ValueError,), {"__module__": text, "code": text})
    noted = ValueError(text)
    noted.add_note(text)
    errors = [
        fail_with(ValueError(text)),
        fail_with(OSError(text, text, text)),
        fail_with(KeyError(text), RuntimeError(text)),
        fail_with(made(text)),
        fail_with(noted),
        fail_with(ExceptionGroup(text, [ValueError(text), made(text)])),
        fail_with(UnicodeDecodeError("utf-8", text.encode(), 0, 1, text)),
    ]
    for error in errors:
        LOG.error("x.failed", exc_info=error)
        LOG.error("x.failed", error=error)
        LOG.error("x.failed", error=type(error))
        logging.getLogger("lib").error("failed", exc_info=error)
        sys.excepthook(type(error), error, error.__traceback__)


def by_words(text: str) -> None:
    LOG.info(text)
    LOG.info(f"got {text}")  # noqa: G004 - what careless callers do
    LOG.info("got %s", text)
    LOG.info("x", body=text, text=text, subject=text)
    LOG.info("x", **{text: 1, f"k{text}": text})
    LOG.warning("x", reason=text, connector=text, state=text, name=text, code=text, event_=text)
    LOG.info("x", message_id=text, deal_id=f"deal_{text}", lane=text, owner=f"msg_{text}")
    LOG.info("x", n=text, size=[text], at={text: text}, count=(text,), ms=text.encode())
    LOG.bind(text=text, reason=text, logger=text).error("x", stack_info=True)
    get(text).warning("x")
    get(f"asyncio.{text}").warning("x")
    LOG.info("x", kind=object(), reason=[text])


def by_library(text: str) -> None:
    library = logging.getLogger("asyncio")
    library.warning(text)
    library.warning(f"got {text}")
    library.warning("got %s", text)
    library.warning("got %d", text)
    library.warning("got %(a)s", {"a": text}, extra={"body": text})
    library.error(ValueError(text))
    library.error("x", stack_info=True)
    logging.getLogger(f"asyncio.{text}").warning("x")
    logging.getLogger(text).critical(text)
    logging.getLogger().error(text)
    logging.log(logging.ERROR, text)  # noqa: LOG015 - the root is a way out too
    record = logging.LogRecord("asyncio", 40, __file__, 1, text, (text,), None)
    library.handle(record)


def by_python(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(text, stacklevel=1)
        warnings.warn_explicit(text, UserWarning, "file", 1)

    def die() -> None:
        raise ValueError(text)

    thread = threading.Thread(target=die, name=text)
    thread.start()
    thread.join()

    class Loud:
        def __del__(self) -> None:
            raise ValueError(text)

    Loud()
    gc.collect()


def by_loop(text: str) -> None:
    async def die(argument: str) -> None:
        raise ValueError(argument)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        logs.take_loop(loop)
        loop.call_soon(die_now)
        loop.call_exception_handler({"message": text, "exception": ValueError(text), text: text})
        task = asyncio.ensure_future(die(text))
        task.set_name(text)
        await asyncio.wait([task])
        del task
        gc.collect()
        await asyncio.sleep(0)

    def die_now() -> None:
        raise ValueError(text)

    asyncio.run(main())


ROUTES: list[Callable[[str], None]] = [by_words, by_exception, by_library, by_python, by_loop]


@pytest.mark.parametrize("route", ROUTES)
@settings(deadline=None, max_examples=15)
@given(text=canaries)
def test_a_canary_leaves_no_way(route: Callable[[str], None], text: str) -> None:
    stream, stderr = io.StringIO(), io.StringIO()
    kept, sys.stderr = sys.stderr, stderr
    try:
        with configured(stream):
            route(text)
    finally:
        sys.stderr = kept
    assert len(lines(stream)) > 1
    assert not leaks(text, stream.getvalue() + stderr.getvalue())


def leaks(text: str, output: str) -> bool:
    """Tells whether any half of a canary shows in what was printed."""
    low = output.lower()
    return any(text[at : at + 16].lower() in low for at in range(0, len(text) - 15, 8))


def test_text_that_equals_a_literal_of_the_logging_function_is_still_text(
    out: io.StringIO,
) -> None:
    data = b"the very words of a literal".decode()
    same = "the very words of a literal"
    assert data == same
    LOG.info("x", reason=data)
    LOG.info("x", reason=same)
    first, second = lines(out)
    assert first["reason"] == "<redacted 27 chars>"
    assert second["reason"] == same


def test_numbers_pass_only_where_counts_belong(out: io.StringIO) -> None:
    LOG.info("x", price=48_500_000, multiple=11.5, count=2, size=1 << 70, ms=float("nan"))
    (line,) = lines(out)
    assert line["redacted_keys"] == 2
    assert line["count"] == 2
    assert line["size"] == line["ms"] == "<redacted>"
    assert "48500000" not in out.getvalue()


# --- what was planted is found ------------------------------------------------------------------


def test_a_handler_that_prints_by_itself_is_found(out: io.StringIO) -> None:
    text = "kq7Zr2mVw9Xc4Tn1Lp6Yb3Hs8Gd5Fj0A"
    assert out.getvalue() == ""
    before = strays()
    loud, leak = logging.getLogger("planted"), io.StringIO()
    handler = logging.StreamHandler(leak)
    loud.addHandler(handler)
    try:
        loud.warning("got %s", text)
        assert leaks(text, leak.getvalue())
        assert set(strays()) - set(before) == {"planted"}
    finally:
        loud.removeHandler(handler)
    assert not leaks(text, out.getvalue())


def test_a_hole_in_the_list_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "kq7Zr2mVw9Xc4Tn1Lp6Yb3Hs8Gd5Fj0A"
    monkeypatch.setattr(logs, "_passes", lambda _key, value, _literals: isinstance(value, str))
    stream = io.StringIO()
    with configured(stream):
        by_words(text)
    assert leaks(text, stream.getvalue())


def test_the_end_of_the_block_gives_everything_back() -> None:
    before = (sys.excepthook, threading.excepthook, logging.getLogger().handlers[:])
    with configured(io.StringIO()):
        assert sys.excepthook is not before[0]
    assert (sys.excepthook, threading.excepthook, logging.getLogger().handlers[:]) == before
