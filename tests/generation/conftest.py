"""Short ways to ask, and to look at what was booked."""

from __future__ import annotations

from typing import Any, Protocol

import psycopg
import pytest

from orchestrator import Application, RunOptions, WorkflowGenerationResult
from store.identity import LOCAL_PERSON_ID

PROMPT = "If the ticket is urgent, alert the team on Slack, otherwise create a Jira issue."


class Ask(Protocol):
    """Generates a workflow for the usual prompt."""

    def __call__(self, application: Application, **options: Any) -> WorkflowGenerationResult: ...


@pytest.fixture(name="ask")
def ask_fixture() -> Ask:
    """`ask(application, primary_fault=...)` generates for the usual prompt, with these RunOptions."""

    def ask(application: Application, **options: Any) -> WorkflowGenerationResult:
        return application.orchestrator.generate_workflow(
            user_id=LOCAL_PERSON_ID,
            agent_id="agent-1",
            prompt=PROMPT,
            services=["Slack", "Jira"],
            options=RunOptions(**options),
        )

    return ask


class Log:
    """The audit log and the runs as their owner sees them."""

    def __init__(self, owner: psycopg.Connection) -> None:
        self._owner = owner

    def actions(self) -> list[str]:
        """The actions in the order of their time and name."""
        rows = self._owner.execute("select action from public.audit_logs order by timestamp, action desc").fetchall()
        return [row[0] for row in rows]

    def details(self, action: str) -> dict[str, Any]:
        """The details of the only event of this action."""
        rows = self._owner.execute("select details from public.audit_logs where action = %s", [action]).fetchall()
        ((details,),) = rows
        return dict(details)

    def column(self, statement: str) -> list[Any]:
        """The first column of a query."""
        return [row[0] for row in self._owner.execute(statement.encode()).fetchall()]


@pytest.fixture(name="log")
def log_fixture(owner: psycopg.Connection) -> Log:
    """What was booked in this test's database."""
    return Log(owner)
