"""Delivers the outbox to the database: on request, and in the background until it is empty."""

from __future__ import annotations

import contextlib
import logging
import threading
from uuid import UUID

from orchestrator.recording.outbox import Kind, Outbox, OutboxState, Waiting
from store import Database, InvalidInput, StoreError, Unavailable

log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0


class Delivery:
    """Sends records to the database without losing any; callable from any thread."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        # What could not even be written to disk: retried for as long as this process lives.
        self._unkept: dict[tuple[UUID, Kind], str] = {}
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def send(self, generation_id: UUID, kind: Kind, text: str, *, late: bool = False) -> str | None:
        """Send one record to the database; returns the generation's status there, None if it is unknown there.

        Args:
            late: whether the record waited, so that what it announces has already happened.

        Raises:
            StoreError: it was not accepted.
        """
        if kind == "outcome":
            answer = self._database.call("finish_generation", p_generation_id=str(generation_id), p_record=text)
        else:
            answer = self._database.call(
                "note_progress", p_generation_id=str(generation_id), p_events_if_interrupted=text, p_asked=late
            )
        status = answer.get("status") if isinstance(answer, dict) else None
        return status if isinstance(status, str) else None

    def keep(self, generation_id: UUID, kind: Kind, text: str) -> None:
        """Keep a record on disk, to be delivered as soon as the database accepts it.

        Raises:
            OSError: it could not be written to disk; an outcome stays in memory, and this process keeps trying.
        """
        try:
            self._outbox.put(generation_id, text, kind)
        except OSError:
            if kind == "outcome":
                with self._guard:
                    self._unkept[generation_id, kind] = text
            raise
        finally:
            self._go_on_trying()

    def forget(self, generation_id: UUID, kind: Kind) -> None:
        """Remove what was delivered; if that fails, it is delivered again, but counts once."""
        try:
            self._outbox.delivered(generation_id, kind)
        except OSError as error:
            log.warning("Generation %s was delivered, but stays in the outbox: %s", generation_id, error.strerror)

    def deliver(self) -> bool:
        """Deliver the outbox, and return whether it is now empty."""
        try:
            for waiting in self._outbox.waiting():
                self._deliver(waiting)
        except Unavailable as error:
            # The others would fail too, each after the same wait.
            log.warning("The outbox is waiting for the database: %s", error)
        for (generation_id, kind), text in list(self._unkept.items()):
            self._place(generation_id, kind, text)
        return not self._unkept and not self._outbox.state().waiting

    def state(self) -> OutboxState:
        """How much waits, on disk and in memory."""
        kept = self._outbox.state()
        return OutboxState(kept.waiting + len(self._unkept), kept.set_aside)

    def close(self) -> None:
        """Stop trying; records on disk wait for the next process, records in memory are tried once more."""
        self._closed.set()
        if self._unkept:
            self.deliver()

    def _place(self, generation_id: UUID, kind: Kind, text: str) -> None:
        """Save what is only in memory: to disk, which may have space again, or to the database."""
        try:
            self._outbox.put(generation_id, text, kind)
        except OSError:
            try:
                self.send(generation_id, kind, text, late=True)
            except StoreError as error:
                log.warning("Generation %s is kept in memory only: %s", generation_id, error)
                return
        with self._guard:
            self._unkept.pop((generation_id, kind), None)

    def _deliver(self, waiting: Waiting) -> None:
        try:
            self.send(waiting.generation_id, waiting.kind, waiting.text, late=True)
        except Unavailable:
            raise
        except InvalidInput as error:
            self._outbox.refused(waiting, error)
        except StoreError as error:
            log.warning("Generation %s is still waiting in the outbox: %s", waiting.generation_id, error)
        else:
            self.forget(waiting.generation_id, waiting.kind)

    def _go_on_trying(self) -> None:
        with self._guard:
            if self._closed.is_set() or (self._thread and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._try, name="outbox", daemon=True)
            with contextlib.suppress(RuntimeError):  # Python is shutting down; the next process delivers
                self._thread.start()

    def _try(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._closed.wait(pause_s):
            try:
                if self.deliver():
                    return
            except Exception:  # an error here must not end the retries
                log.exception("The outbox could not be delivered.")
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
