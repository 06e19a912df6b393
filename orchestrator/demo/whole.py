"""What is waited for to its end, also when the play is broken off.

Rules kept here:

1. What starts or ends a process is never left running behind the one who deletes its files: a
   thread cannot be broken off, so whoever is broken off waits for it first.
2. Ctrl-C and SIGTERM break the play off, and all that was started is ended then. Whoever is
   impatient and sends another changes nothing about that.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_BREAKS_OFF: Final = (signal.SIGINT, signal.SIGTERM)


async def whole(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs ``work`` in a thread; leaves only when it is over.

    Raises:
        asyncio.CancelledError: after it was over.
    """
    return await in_full(asyncio.to_thread(work, *args, **kwargs))


async def in_full(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine that nothing breaks off; leaves only when it is over.

    Raises:
        asyncio.CancelledError: after it was over.
    """
    running = asyncio.ensure_future(work)
    broken_off = False
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError:
            broken_off = True
    if broken_off:
        running.exception()  # looked at: what it broke with matters to nobody any more
        raise asyncio.CancelledError
    return running.result()


@contextmanager
def broken_off(told: Callable[[], None]) -> Iterator[None]:
    """Has Ctrl-C and SIGTERM cancel the task that is in here.

    Args:
        told: called at the first of them.

    Raises:
        KeyboardInterrupt: one came, and all that was started has ended.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    came: list[int] = []

    def cancel(number: int) -> None:
        came.append(number)
        if len(came) == 1:
            told()
        if task is not None:
            task.cancel()

    try:
        for number in _BREAKS_OFF:
            loop.add_signal_handler(number, cancel, number)
    except (ValueError, RuntimeError):  # not in the main thread: whoever runs us there ends us
        yield
        return
    try:
        yield
    except asyncio.CancelledError:
        if came:
            raise KeyboardInterrupt from None
        raise
    finally:
        for number in _BREAKS_OFF:
            loop.remove_signal_handler(number)
            if came:  # the program ends now, and another of them adds nothing to that
                signal.signal(number, signal.SIG_IGN)
