"""Two calls at once, of which neither outlives the other's failure.

Rule kept here: what is raised is a ``ConnectorError``, the first call's before the second's;
anything else that went wrong is not taken for one.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from connectors.port.errors import ConnectorError

A = TypeVar("A")
B = TypeVar("B")


async def both(first: Coroutine[Any, Any, A], second: Coroutine[Any, Any, B]) -> tuple[A, B]:
    """Two calls at once; when one fails the other is given up. Raises: the first's error first."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(first), group.create_task(second)
    except* ConnectorError as errors:
        failed = next(e for e in _leaves(errors) if isinstance(e, ConnectorError))
    else:
        return tasks[0].result(), tasks[1].result()
    raise failed


def _leaves(errors: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The errors of a group, groups in it opened."""
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
