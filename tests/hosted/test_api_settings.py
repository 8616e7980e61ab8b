"""The settings that the API shows are those of the next generation."""

from __future__ import annotations

import httpx

from tests.conftest import PooledStore
from tests.hosted.api_rig import BODY, ROUTE, api_fixture, console_fixture, desk_fixture, models_fixture, serve_fixture

__all__ = ["api_fixture", "console_fixture", "desk_fixture", "models_fixture", "serve_fixture"]


def test_settings_are_those_of_the_next_generation(api: httpx.Client, store: PooledStore) -> None:
    """The three keys, and the number of the save that changed them."""
    before = api.get("/settings")
    store.person().call("save_settings", p_changes={"orchestrator_primary_model": "claude-sonnet-4"})
    after = api.get("/settings").json()

    assert before.json()["settings"] == {
        "orchestrator_primary_model": "gpt-4o-mini",
        "orchestrator_fallback_model": "claude-sonnet-4",
        "orchestrator_enable_fallback": True,
    }
    assert before.headers["cache-control"] == "no-store"
    assert after["settings"] == before.json()["settings"] | {"orchestrator_primary_model": "claude-sonnet-4"}
    assert after["version"] > before.json()["version"]
    result = api.post(ROUTE, json=BODY).json()
    assert (result["generator_used"], result["config_version"]) == ("claude-sonnet-4", after["version"])
