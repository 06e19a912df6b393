"""Work of this process that goes on when whoever asked for it has gone.

Rule kept here: it ends with the home. What a closing home breaks off is on disk as asked for, and
is taken up again when it opens (``rooms.reconcile``, ``rooms.leave``).
"""

import asyncio
from collections.abc import Coroutine

import structlog

log = structlog.get_logger(__name__)


class Running:
    """Holds it: a task that nobody holds may vanish in the middle."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Begins work.

        Args:
            name: what it is called where it fails; a code.
            work: says by itself, where it is looked for, what became of it.
        """
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("running.failed", work=task.get_name(), error=type(error).__name__)

    async def close(self) -> None:
        """Breaks off whatever still goes on."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
