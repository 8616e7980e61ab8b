"""Shortcuts for generating a workflow and for looking at what was recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest

from orchestrator import Application, GenerationOptions, WorkflowGenerationResult
from store.embedded.cluster import Cluster
from store.identity import LOCAL_PERSON_ID
from tests.conftest import open_folder

Run = Callable[..., "subprocess.CompletedProcess[str]"]

PROMPT = "If the ticket is urgent, alert the team on Slack, otherwise create a Jira issue."


class Ask(Protocol):
    """Generates a workflow for the usual prompt."""

    def __call__(self, application: Application, **options: Any) -> WorkflowGenerationResult: ...


@pytest.fixture(name="ask")
def ask_fixture() -> Ask:
    """`ask(application, primary_fault=...)` generates for the usual prompt, with these GenerationOptions."""

    def ask(application: Application, **options: Any) -> WorkflowGenerationResult:
        return application.orchestrator.generate_workflow(
            user_id=LOCAL_PERSON_ID,
            agent_id="agent-1",
            prompt=PROMPT,
            services=["Slack", "Jira"],
            options=GenerationOptions(**options),
        )

    return ask


class Log:
    """The audit log and the `workflows` table as their owner sees them."""

    def __init__(self, owner: psycopg.Connection) -> None:
        self._owner = owner

    def actions(self) -> list[str]:
        """The actions, ordered by time and name."""
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
    """What was recorded in this test's database."""
    return Log(owner)


@pytest.fixture(name="data", scope="module")
def data_fixture() -> Iterator[Path]:
    """One data folder for the whole module; its server runs throughout."""
    for folder in open_folder():
        server = Cluster(folder / "data")
        server.attach()
        yield folder / "data"
        server.leave()


@pytest.fixture(name="run")
def run_fixture(data: Path) -> Run:
    """`run("generate", "...", stdin=..., OPENAI_API_KEY=...)` runs the command and captures what it prints."""

    def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "orchestrator", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            env=os.environ | {"ORCHESTRATOR_DATA_DIR": str(data), "ORCHESTRATOR_OFFLINE_SPEED": "0"} | environment,
        )

    return run
