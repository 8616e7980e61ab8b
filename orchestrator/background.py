"""The process's own event loop, on its own thread: a page that reruns or a caller's loop that blocks cannot stretch a
time limit there or break off a generation."""

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
        future: its result. The future itself cannot be cancelled: `cancel` lets the work end properly.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: Future[T] = Future()
        self.future.set_running_or_notify_cancel()
        self._loop = loop
        self._task: asyncio.Task[T] | None = None

    def cancel(self) -> None:
        """Ask the work to stop; its future is done when it has."""
        # One iteration later: a task cancelled before it began could not clean up.
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
    """A running event loop; its thread starts with the first job."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._jobs: set[Job[Any]] = set()
        self._guard = threading.Lock()

    def start(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Job[T]:
        """Start work and return without waiting for it; callable from any thread, even one with its own loop."""
        loop = self._running()
        job: Job[T] = Job(loop)
        self._jobs.add(job)
        job.future.add_done_callback(lambda _: self._jobs.discard(job))
        loop.call_soon_threadsafe(lambda: job._begin(work()))
        return job

    def close(self, last: Callable[[], Coroutine[Any, Any, None]], limit_s: float = 20.0) -> None:
        """Cancel the running jobs, wait until they have recorded their end, run `last`, and end the thread."""
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
    # Our own executor: shutting down the loop's own takes one more thread, which Python no longer starts at exit.
    with ThreadPoolExecutor(thread_name_prefix="orchestrator") as threads:
        loop.set_default_executor(threads)
        loop.run_forever()
    loop.close()


async def off_the_loop(work: Callable[[], T]) -> T:
    """The result of blocking work on another thread; on this one if Python is shutting down and starts no more work."""
    try:
        working = asyncio.get_running_loop().run_in_executor(None, work)
    except RuntimeError:
        return work()
    return await working


async def all_done(tasks: Collection[asyncio.Future[Any]]) -> bool:
    """Wait until all tasks have ended, even if cancelled meanwhile; returns whether a cancellation was requested."""
    cancelled = False
    while any(not task.done() for task in tasks):
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            cancelled = True
    return cancelled


async def to_its_end(work: Awaitable[T]) -> T:
    """The result of work that a cancellation must not break off; the cancellation is raised once the work is done."""
    task = asyncio.ensure_future(work)
    cancelled = await all_done([task])
    result = task.result()
    if cancelled:
        raise asyncio.CancelledError
    return result


async def on_daemon_thread(work: Callable[[], T]) -> T:
    """The result of blocking work on a thread that does not keep the process alive."""
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
        except Exception as error:  # noqa: BLE001 - passed on to the awaiting task
            done.set_exception(error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing awaits the result any more
            loop.call_soon_threadsafe(settle, done)

    try:
        threading.Thread(target=run, name="blocking work", daemon=True).start()
    except RuntimeError:  # as in `off_the_loop`
        run()
    return await outcome
