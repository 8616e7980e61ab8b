"""The process's own event loop, on a thread of its own: a page that reruns or a caller's loop that blocks cannot
stretch a time limit there or tear a run apart."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Job(Generic[T]):
    """Work on the background loop.

    Attributes:
        future: its outcome. It cannot be cancelled itself: `cancel` lets the work end as it must.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: Future[T] = Future()
        self.future.set_running_or_notify_cancel()
        self._loop = loop
        self._task: asyncio.Task[T] | None = None

    def cancel(self) -> None:
        """Ask the work to stop; its future tells when it has."""
        # One turn later: work that never began could not say how it ends.
        self._loop.call_soon_threadsafe(lambda: self._loop.call_soon(self._stop))

    def _stop(self) -> None:
        if self._task:
            self._task.cancel()

    def _begin(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = self._loop.create_task(work)
        self._task.add_done_callback(self._settle)

    def _settle(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.future.set_exception(CancelledError())
        elif error := task.exception():
            self.future.set_exception(error)
        else:
            self.future.set_result(task.result())


class BackgroundLoop:
    """A running event loop; its thread starts with the first work."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._jobs: set[Job[Any]] = set()
        self._guard = threading.Lock()

    def start(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Job[T]:
        """Begin work at once and return without waiting for it; from any thread, also one with a loop of its own."""
        loop = self._running()
        job: Job[T] = Job(loop)
        self._jobs.add(job)
        job.future.add_done_callback(lambda _: self._jobs.discard(job))
        loop.call_soon_threadsafe(lambda: job._begin(work()))
        return job

    def close(self, last: Callable[[], Coroutine[Any, Any, None]], limit_s: float = 20.0) -> None:
        """Cancel what runs, wait until it has booked itself, do `last`, and end the thread."""
        if self._loop is None or self._thread is None:
            return
        jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
        for job in jobs:
            job.future.exception(timeout=limit_s)
        self.start(last).future.result(timeout=limit_s)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=limit_s)
        self._loop, self._thread = None, None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(loop,), name="orchestrator", daemon=True)
                self._thread.start()
                self._loop = loop
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    # Ours, since the loop would need one more thread to end its own, which Python starts no more while it is ending.
    with ThreadPoolExecutor(thread_name_prefix="orchestrator") as threads:
        loop.set_default_executor(threads)
        loop.run_forever()
    loop.close()


async def off_the_loop(work: Callable[[], T]) -> T:
    """The result of blocking work on another thread; here, where Python is ending and takes no more work on threads."""
    try:
        working = asyncio.get_running_loop().run_in_executor(None, work)
    except RuntimeError:
        return work()
    return await working


async def all_done(tasks: Collection[asyncio.Future[Any]]) -> bool:
    """Wait until all have ended, whatever is cancelled meanwhile; True when that was asked for."""
    cancelled = False
    while any(not task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            cancelled = True
    return cancelled


async def to_its_end(work: Awaitable[T]) -> T:
    """The result of work that a cancellation must not tear apart; the cancellation follows once it is done."""
    task = asyncio.ensure_future(work)
    cancelled = await all_done([task])
    result = task.result()
    if cancelled:
        raise asyncio.CancelledError
    return result


async def on_daemon_thread(work: Callable[[], T]) -> T:
    """The result of blocking work on a thread that does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(task: Future[T]) -> None:
        if outcome.done():
            return
        if error := task.exception():
            outcome.set_exception(error)
        else:
            outcome.set_result(task.result())

    def run() -> None:
        done: Future[T] = Future()
        try:
            done.set_result(work())
        except Exception as error:  # noqa: BLE001 - handed on to whoever awaits
            done.set_exception(error)
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody awaits any more
            loop.call_soon_threadsafe(settle, done)

    try:
        threading.Thread(target=run, name="blocking work", daemon=True).start()
    except RuntimeError:  # as in `off_the_loop`
        run()
    return await outcome
