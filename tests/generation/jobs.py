"""Jobs that are observed while they run."""

from __future__ import annotations

import threading
from typing import Any

from orchestrator import Application, GenerationOptions
from orchestrator.generation.progress import Progress
from orchestrator.request import checked_request
from orchestrator.simulator import Fault
from store.identity import LOCAL_PERSON_ID
from tests.generation.conftest import PROMPT

REQUEST = checked_request(
    prompt=PROMPT, services=["Slack", "Jira"], agent_id="agent-1", user_id=LOCAL_PERSON_ID, origin="api"
)


def start_and_wait_for(
    application: Application, kind: type[Progress], fault: Fault | None = None, *, count: int = 1
) -> tuple[Any, list[Progress]]:
    """A job that has just emitted this many events of this kind."""
    events: list[Progress] = []
    told = threading.Event()

    def emit(event: Progress) -> None:
        events.append(event)
        if sum(isinstance(told_so_far, kind) for told_so_far in events) == count:
            told.set()

    job = application.orchestrator.start(REQUEST, GenerationOptions(primary_fault=fault), emit)
    assert told.wait(20)
    return job, events
