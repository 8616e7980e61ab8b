"""The OpenAPI document names every route, the stream, problems, and how to sign in."""

from __future__ import annotations

import httpx

from tests.hosted.api_rig import (
    FIELDS,
    ROUTE,
    api_fixture,
    console_fixture,
    desk_fixture,
    models_fixture,
    serve_fixture,
)

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]

ROUTES = {
    "/generate-agent-v2": {"post"},
    "/generations/{generation_id}": {"get"},
    "/settings": {"get"},
    "/report": {"get"},
    "/audit-events": {"get", "post"},
}


def test_the_description_names_every_route(api: httpx.Client) -> None:
    """The OpenAPI document has each route with its methods, and a schema for each answer of status 200."""
    document = api.get("/openapi.json").json()

    assert {path: set(methods) for path, methods in document["paths"].items()} == ROUTES
    assert document["servers"] == [{"url": "/api"}]
    assert set(document["components"]["schemas"]["ResultDocument"]["properties"]) == FIELDS
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert {"401", "403", "422", "429", "503"} < set(operation["responses"]), path
            assert operation["summary"]


def test_the_description_names_the_stream(api: httpx.Client) -> None:
    """Whoever reads the document learns that the route can answer with events."""
    answer = api.get("/openapi.json").json()["paths"][ROUTE]["post"]["responses"]["200"]

    assert "text/event-stream" in answer["content"]


def test_the_description_gives_problems_their_schema(api: httpx.Client) -> None:
    """Errors are described under the media type with which they are sent."""
    answers = api.get("/openapi.json").json()["paths"]["/settings"]["get"]["responses"]

    assert answers["403"]["content"] == {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }


def test_the_description_says_how_to_sign_in(api: httpx.Client) -> None:
    """A generated client sends the bearer token by itself."""
    schemes = api.get("/openapi.json").json()["components"].get("securitySchemes", {})

    assert any(scheme.get("scheme") == "bearer" for scheme in schemes.values())
