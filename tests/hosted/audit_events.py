"""The address of audit events: runs of agents are sent there, and the log is exported from it."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import Any

import httpx
import pytest

from tests.conftest import PooledStore
from tests.hosted.api_rig import bearer, token_of

EVENTS = "/audit-events"


def run(agent: str, **values: Any) -> dict[str, Any]:
    """A run of an agent that went well."""
    return {"action": "AGENT_EXECUTION_COMPLETED", "agent_id": agent} | values


def sent(api: httpx.Client, token: str, *events: dict[str, Any]) -> httpx.Response:
    """The answer to a batch; values that have no JSON form of their own are sent as Python writes them."""
    return api.post(
        EVENTS, content=json.dumps({"events": events}), headers=bearer(token) | {"content-type": "application/json"}
    )


@pytest.fixture(name="platform")
def platform_fixture(store: PooledStore) -> str:
    """The token of the platform that runs the agents."""
    return token_of(store, "events", name="the platform")


def exported(api: httpx.Client, **filters: str) -> list[dict[str, str]]:
    """The rows of an export."""
    answer = api.get(EVENTS, params=filters)
    assert answer.status_code == 200, answer.text
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(StringIO(text[1:], newline="")))
