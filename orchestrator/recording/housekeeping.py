"""What is due every hour, whoever is there: closing what died, erasing what is kept no longer."""

from __future__ import annotations

import logging
import threading

from store import Database, StoreError
from store.texts import erase_old_texts

log = logging.getLogger(__name__)

_EVERY_S = 3600.0
_MOST_ROUNDS = 1_000


class Housekeeping:
    """A thread that does what is due until it is stopped; several hosts may do it at once.

    Args:
        machine: the database as the orchestrator sees it.
    """

    def __init__(self, machine: Database) -> None:
        self._machine = machine
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; calling it again does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop before the next round."""
        self._stopped.set()

    def once(self) -> int:
        """Do what is due now; returns of how many generations the texts were erased.

        Raises:
            StoreError: the database did not answer.
        """
        self._machine.call("close_interrupted_generations")
        erased = 0
        for _ in range(_MOST_ROUNDS):
            found = erase_old_texts(self._machine)
            erased += found
            if not found or self._stopped.is_set():
                break
        return erased

    def _run(self) -> None:
        while True:
            try:
                self.once()
            except StoreError as error:
                log.warning("Housekeeping is put off: %s", error)
            if self._stopped.wait(_EVERY_S):
                return
