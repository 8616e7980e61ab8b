"""Several hosts on one project, each with an outbox and a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator import Application, GenerationOptions, bootstrap
from orchestrator.recording.delivery import Delivery
from store import Unavailable, clock
from tests.hosted.project import ENGINEER, HostedProject

MakeHost = Callable[..., Application]


@pytest.fixture(name="make_host")
def make_host_fixture(project: HostedProject, tmp_path: Path) -> Iterator[MakeHost]:
    """Creates hosts: an application of the shared project with a data folder of its own, and a clock."""
    with ExitStack() as stack:

        def make(name: str, now: Callable[[], datetime] = clock.system) -> Application:
            environment = project.environment(tmp_path / name) | {"ORCHESTRATOR_OFFLINE_SPEED": "0"}
            made = bootstrap(environment, now=now)
            stack.callback(made.close)
            return made

        yield make


def generate(host: Application, project: HostedProject) -> str:
    """Generate a workflow for the engineer; returns its id."""
    user_id = project.people[ENGINEER].id
    result = host.orchestrator.generate_workflow(
        user_id=user_id, agent_id=None, prompt="Alert the team", services=["Slack"], options=GenerationOptions("api")
    )
    return str(result.generation_id)


def row(owner: psycopg.Connection, generation_id: str) -> Any:
    """Its status, whether it counts, and how far its end is from now, in seconds."""
    return owner.execute(
        """
        select status, cost_usd > 0, abs(extract(epoch from now() - finished_at)) < 60
        from public.workflows where generation_id = %s
        """,
        [generation_id],
    ).fetchone()


def test_what_one_closes_and_another_delivers_late_ends_as_what_it_was(
    make_host: MakeHost, project: HostedProject, project_owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One host cannot deliver its result, another closes the generation as overdue, and then the first one delivers."""
    first, second = make_host("first"), make_host("second")
    send = Delivery.send

    def away(self: Delivery, generation_id: Any, kind: Any, text: str, *, late: bool = False) -> str | None:
        if kind == "outcome":
            raise Unavailable
        return send(self, generation_id, kind, text, late=late)

    monkeypatch.setattr(Delivery, "send", away)
    generation_id = generate(first, project)
    assert first.orchestrator.outbox().waiting == 1
    project_owner.execute("update public.workflows set deadline_at = now() where generation_id = %s", [generation_id])
    second.store.machine().call("close_interrupted_generations")
    assert row(project_owner, generation_id)[0] == "interrupted"

    monkeypatch.setattr(Delivery, "send", send)
    make_host("first")  # as after a restart: it delivers what waits in its folder
    assert row(project_owner, generation_id) == ("succeeded", True, True)
    events = project_owner.execute(
        "select action, details ? 'supersedes' from public.audit_logs where details ->> 'generation_id' = %s"
        " order by timestamp, action",
        [generation_id],
    ).fetchall()
    assert sorted(events) == [("WORKFLOW_GENERATED", True), ("WORKFLOW_GENERATION_CANCELLED", False)]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_decides_nothing(
    make_host: MakeHost, project: HostedProject, project_owner: psycopg.Connection, hours: int
) -> None:
    """Neither when a generation started and ended, nor whether it is overdue."""
    off = timedelta()
    host = make_host(f"off by {hours}", lambda: clock.system() + off)
    off = timedelta(hours=hours)  # only now: Auth's stand-in lives in this process, and on its clock
    generation_id = generate(host, project)
    host.store.machine().call("close_interrupted_generations")

    assert row(project_owner, generation_id) == ("succeeded", True, True)
    late = "select count(*) from public.audit_logs where abs(extract(epoch from now() - timestamp)) > 3000"
    about = " and details ->> 'generation_id' = %s"
    assert project_owner.execute((late + about).encode(), [generation_id]).fetchone() == (0,)
