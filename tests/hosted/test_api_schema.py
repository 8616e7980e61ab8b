"""What the API answers is what its OpenAPI document says, whatever is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette

from orchestrator import Application
from orchestrator.models.catalogue import ProviderName
from orchestrator.simulator import Fault
from store.identity import LOCAL_PERSON_ID
from tests.cluster.conftest import eventually
from tests.conftest import PooledStore
from tests.hosted.api_rig import (
    BODY,
    ROUTE,
    STREAM,
    Models,
    api_fixture,
    app_of,
    bearer,
    console_fixture,
    desk_fixture,
    models_fixture,
    rows,
    serve_fixture,
    token_of,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 40
READ = "GET /generations/{generation_id}"
EXPORT = "GET /audit-events"
POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
OPERATIONS = [
    pytest.param("POST /generate-agent-v2", POSITIVE),
    pytest.param("POST /generate-agent-v2", NEGATIVE),
    pytest.param(READ, POSITIVE),
    pytest.param(READ, NEGATIVE),
    pytest.param("GET /settings", POSITIVE),
    pytest.param("GET /report", POSITIVE),
    pytest.param("GET /report", NEGATIVE),
    pytest.param("POST /audit-events", POSITIVE),
    pytest.param("POST /audit-events", NEGATIVE),
    pytest.param(EXPORT, POSITIVE),
    pytest.param(EXPORT, NEGATIVE),
]

Operation = APIOperation[Any, Any, Any, Any]
Find = Callable[[str], Operation]


@pytest.fixture(name="find")
def find_fixture(console: Application) -> Find:
    """`find("GET /settings")` finds an operation in the document that the application itself hands out."""
    app: Starlette = app_of(lambda: console, {"ORCHESTRATOR_PUBLIC_URL": "http://testserver"})
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    schema.config.generation.update(with_security_parameters=False)

    def find(label: str) -> Operation:
        found = schema.find_operation_by_label(label)
        assert found is not None
        return found

    return find


@pytest.fixture(name="headers")
def headers_fixture(store: PooledStore) -> dict[str, str]:
    """The header of a token with every scope."""
    return bearer(token_of(store, "generate", "report", "events"))


@pytest.mark.parametrize(("label", "mode"), OPERATIONS)
def test_every_answer_is_described(find: Find, headers: dict[str, str], label: str, mode: GenerationMode) -> None:
    """Whatever fits the document, or almost does, is answered with a described status, media type and content."""
    statuses = set[int]()

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=find(label).as_strategy(generation_mode=mode))
    def answered(case: Any) -> None:
        # No token reads the audit log.
        answer = case.call_and_validate(headers=None if label == EXPORT else headers, checks=CHECKS)
        statuses.add(answer.status_code)

    answered()
    assert (422 if mode is NEGATIVE else 404 if label == READ else 200) in statuses


def reading(find: Find, generation_id: str) -> Any:
    """The answer to reading a generation, after comparing it with the document."""
    case = find(READ).Case(path_parameters={"generation_id": generation_id})
    return case.call_and_validate(checks=CHECKS)


def test_a_generation_in_every_state_is_described(
    find: Find, api: httpx.Client, models: Models, store: PooledStore, owner: psycopg.Connection
) -> None:
    """Running, succeeded, failed, interrupted, cancelled and erased ones: each answer is as the document says."""
    statement = "select generation_id::text from public.workflows where status = %s"
    faults: tuple[dict[ProviderName, Fault], ...] = (
        {},
        {"openai": Fault.BAD_STEP},
        {"openai": Fault.NOT_JSON, "anthropic": Fault.SERVER_ERROR},
    )
    for models.faults in faults:
        api.post(ROUTE, json=BODY)
    models.may_answer.clear()
    with api.stream("POST", ROUTE, json=BODY, headers=STREAM) as answer:
        lines = answer.iter_lines()
        next(lines)
        (running,) = rows(owner, statement, "running")
        assert reading(find, running).json()["status"] == "running"
        owner.execute("update public.workflows set deadline_at = started_at where status = 'running'")
        store.machine().call("close_interrupted_generations")
        for status, count in (("succeeded", 2), ("failed", 1), ("interrupted", 1)):
            found = rows(owner, statement, status)
            assert len(found) == count
            assert {reading(find, generation_id).json()["status"] for generation_id in found} == {status}
    assert eventually(lambda: len(rows(owner, statement, "cancelled")) == 1)  # its caller has left
    assert reading(find, *rows(owner, statement, "cancelled")).json()["status"] == "cancelled"
    store.person().call("erase_texts", p_actor=LOCAL_PERSON_ID)
    (erased, _) = rows(owner, statement, "succeeded")
    assert reading(find, erased).status_code == 410


@pytest.mark.parametrize(
    ("faults", "status"),
    [({}, 200), ({"openai": Fault.BAD_STEP}, 200), ({"openai": Fault.EMPTY, "anthropic": Fault.RATE_LIMIT}, 502)],
    ids=str,
)
def test_the_end_of_a_generation_is_described(
    find: Find, models: Models, faults: Mapping[Any, Fault], status: int
) -> None:
    """With a second model, and without any workflow, the answer is as the document says."""
    models.faults = dict(faults)
    case = find("POST /generate-agent-v2").Case(body=BODY, media_type="application/json")
    answer = case.call_and_validate(checks=[check for check in CHECKS if check is not not_a_server_error])

    assert answer.status_code == status


def test_the_stream_is_described(find: Find) -> None:
    """Its media type is in the document."""
    case = find("POST /generate-agent-v2").Case(body=BODY, media_type="application/json", headers=STREAM)

    case.call_and_validate(checks=[content_type_conformance])
