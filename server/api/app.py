"""The API as one ASGI application; its OpenAPI document follows from the types."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Query, Request
from starlette.responses import JSONResponse, Response

from orchestrator.settings import read_settings
from orchestrator.system_keys import SYSTEM_KEYS
from queries.filters import Filters, default_source
from queries.period import asked_for
from queries.report import read_report
from server.api.callers import ApiCaller, admitted
from server.api.documents import (
    Batch,
    EventQuery,
    GenerateRequest,
    GenerationDocument,
    Problem,
    Recorded,
    ReportDocument,
    ResultDocument,
    SettingsDocument,
)
from server.api.errors import handle_errors
from server.api.export import export_events
from server.api.generation import Generating, generation_answer
from server.problem import MEDIA_TYPE
from server.site import Site
from store import Json, clock, exact_json, understood
from store.caller import Permission

_DESCRIPTION = "Generates workflows, reads their figures, and records the runs of agents."
_PROBLEM: dict[str, Any] = {"model": Problem, "description": "A problem document."}
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return dict.fromkeys((401, 403, 422, 429, 503, *statuses), _PROBLEM)


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[!-~]+$",
        description="The same request with the same key is paid and recorded once, and gets the same answer.",
    ),
]  # fmt: skip
Source = Literal["real", "simulated", "all"]


def api(site: Site) -> FastAPI:
    """The API of a site, to be mounted at `/api`."""
    app = FastAPI(
        title="Orchestrator Console", version="2", description=_DESCRIPTION, openapi_url=None, docs_url=None,
        redoc_url=None, redirect_slashes=False, servers=[{"url": f"{site.base}/api"}],
    )  # fmt: skip
    handle_errors(app)
    generating = Generating(site)

    def may(permission: Permission) -> Any:
        return Depends(admitted(site, permission))

    _generations(app, generating, may)
    _figures(app, site, may)
    _events(app, may)
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with problems under the media type with which they are sent."""
    document = copy.deepcopy(app.openapi())
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if status >= "400" and "application/json" in content:
                    content[MEDIA_TYPE] = content.pop("application/json")
    return document


def _generations(app: FastAPI, generating: Generating, may: Callable[[Permission], Any]) -> None:
    @app.post(
        "/generate-agent-v2", response_model=ResultDocument, responses=_problems(400, 409, 410, 413, 502) | _STREAM,
        tags=["workflows"], summary="Generate a workflow",
    )  # fmt: skip
    async def generate(
        request: Request,
        body: GenerateRequest,
        caller: ApiCaller = may("generate"),
        key: IdempotencyKey = None,
    ) -> Response:
        """Describe a process and name the connected services. `Accept: text/event-stream` gives events meanwhile."""
        return await generating.answer(request, caller, body, key)

    @app.get(
        "/generations/{generation_id}", response_model=GenerationDocument, responses=_problems(404, 410),
        tags=["workflows"], summary="Read a generation",
    )  # fmt: skip
    async def generation(generation_id: UUID, caller: ApiCaller = may("read_own_workflows")) -> Response:
        """A generation that the caller asked for; admins read all."""
        return await generation_answer(caller, generation_id)


def _figures(app: FastAPI, site: Site, may: Callable[[Permission], Any]) -> None:
    @app.get(
        "/settings",
        response_model=SettingsDocument,
        responses=_problems(),
        tags=["figures"],
        summary="Read the settings",
    )
    def settings(caller: ApiCaller = may("read_settings")) -> Response:
        """The system keys as the next generation will use them."""
        found = read_settings(caller.database)
        values = {name: getattr(found, key.field) for name, key in SYSTEM_KEYS.items()}
        return JSONResponse({"version": found.version, "settings": values}, headers={"cache-control": "no-store"})

    @app.get(
        "/report", response_model=ReportDocument, responses=_problems(), tags=["figures"],
        summary="Read the figures of a period",
    )  # fmt: skip
    def report(
        caller: ApiCaller = may("read_figures"),
        first: Annotated[date | None, Query(alias="from", description="The first day.")] = None,
        last: Annotated[date | None, Query(alias="to", description="The last day; today by default.")] = None,
        time_zone: Annotated[str, Query(max_length=64, description="Of the days.")] = "UTC",
        source: Annotated[Source | None, Query(description="By default real with a model key, else simulated.")] = None,
    ) -> Response:
        """Cost, savings, fallbacks, quality and latency; both days included."""
        days = asked_for(first, last, time_zone, clock.now())
        chosen = source or default_source(simulated=site.application().simulated)
        return Response(exact_json(read_report(caller.database, days, Filters(chosen))), media_type="application/json")


def _events(app: FastAPI, may: Callable[[Permission], Any]) -> None:
    @app.post(
        "/audit-events", response_model=Recorded, responses=_problems(400, 413), tags=["events"],
        summary="Record runs of agents",
    )  # fmt: skip
    def record(batch: Batch, caller: ApiCaller = may("record_executions")) -> Recorded:
        """For the platform that runs the agents: the figures then say whose workflows work."""
        events = [event.model_dump(mode="json", exclude_none=True) for event in batch.events]
        return understood(Recorded, caller.database.call("record_executions", p_executions=cast(list[Json], events)))

    @app.get(
        "/audit-events", responses={200: {"content": {"text/csv": {}}}, **_problems()}, response_class=Response,
        tags=["events"], summary="Export the audit log",
    )  # fmt: skip
    def export(
        filters: Annotated[EventQuery, Query()],
        caller: ApiCaller = may("read_audit_log"),
    ) -> Response:
        """All events that match, the latest first, as CSV for any spreadsheet."""
        return export_events(caller.database, filters)

    @app.get("/openapi.json", include_in_schema=False)
    def openapi(caller: ApiCaller = may("read_settings")) -> Response:
        return JSONResponse(_described(app))
