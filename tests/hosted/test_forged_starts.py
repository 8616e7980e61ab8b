"""Only the orchestrator records generations and their ratings, and only for those who may."""

from __future__ import annotations

import json
from uuid import uuid4

import psycopg
import pytest

from store import Argument, Json, NotPermitted, StoreError
from tests.database.calls import AuditLog, an_event
from tests.hosted.callers import NAMES, SideName, World, only

WORKFLOWS = "select count(*) from public.workflows"
MAY_GENERATE = ["admin", "without code", "engineer", "token generate"]
MAY_NOT_GENERATE = [name for name in NAMES if name not in (*MAY_GENERATE, "with code", "nobody")]


def a_start(user_id: str | None, actor_id: str | None) -> dict[str, Argument]:
    """The arguments with which the orchestrator records the start of somebody's generation."""
    run = {"generation_id": str(uuid4()), "origin": "api", "prompt": "p", "user_id": user_id, "actor_id": actor_id}
    return {"p_generation": json.dumps(run), "p_limit_s": 600}


@pytest.mark.parametrize("name", ["admin", "pm", "engineer", "stranger", "token generate", "token events"])
@pytest.mark.parametrize("side", ["embedded", "hosted"])
def test_nobody_records_for_another_or_for_themselves(
    world: World, world_owner: psycopg.Connection, side: SideName, name: str
) -> None:
    """Only the orchestrator vouches for who asked; a forged start leaves no row."""
    before, database = only(world_owner, WORKFLOWS), world.database(side, name)
    for actor in ("admin", "engineer", name):
        actor_id = world.callers[actor].actor_id
        with pytest.raises(NotPermitted):
            database.call("start_generation", **a_start(world.callers[actor].identity.user_id, actor_id))
    assert only(world_owner, WORKFLOWS) == before


def started(world: World, side: SideName, user_id: str | None, actor_id: str | None) -> Json:
    """What the orchestrator is told when it records a start."""
    return world.database(side, "machine").call("start_generation", **a_start(user_id, actor_id))


def user_of(world: World, name: str) -> str | None:
    """The user id that a generation of this caller has; an API token has none."""
    caller = world.callers[name]
    return None if caller.token_id else caller.identity.user_id


@pytest.mark.parametrize("name", MAY_GENERATE)
@pytest.mark.parametrize("side", ["embedded", "hosted"])
def test_the_orchestrator_starts_for_those_who_may(world: World, side: SideName, name: str) -> None:
    """People with the role, and API tokens with the scope."""
    assert started(world, side, user_of(world, name), world.callers[name].actor_id) == {}


@pytest.mark.parametrize("name", MAY_NOT_GENERATE)
@pytest.mark.parametrize("side", ["embedded", "hosted"])
def test_the_orchestrator_starts_for_nobody_else(
    world: World, world_owner: psycopg.Connection, side: SideName, name: str
) -> None:
    """Whatever process was talked into it: the database refuses before any model is asked."""
    before = only(world_owner, WORKFLOWS)
    with pytest.raises(NotPermitted):
        started(world, side, user_of(world, name), world.callers[name].actor_id)
    assert only(world_owner, WORKFLOWS) == before


@pytest.mark.parametrize("platform", [("customer-7", None), (str(uuid4()), str(uuid4())), ("token-of-mine", None)])
def test_a_platform_answers_for_its_own_users(world: World, platform: tuple[str, str | None]) -> None:
    """Ids that this project does not know are nobody's to withdraw."""
    actor_id, user_id = platform
    assert started(world, "embedded", user_id, actor_id) == {}


@pytest.mark.parametrize("disguise", ["no user", "another's token", "another user"])
def test_no_disguise_generates(world: World, disguise: str) -> None:
    """Neither id of a generation may be that of somebody who may not generate."""
    pm, token = world.callers["pm"].identity.user_id, world.callers["token generate"].actor_id
    user_id, actor_id = {
        "no user": (None, pm),
        "another's token": (pm, token),
        "another user": (world.callers["engineer"].identity.user_id, pm),
    }[disguise]
    with pytest.raises(NotPermitted):
        started(world, "embedded", user_id, actor_id)


@pytest.mark.parametrize("rater", ["engineer", "pm", "stranger", "banned", "withdrawn", "machine"])
def test_others_workflows_are_not_rated(world: World, world_owner: psycopg.Connection, rater: str) -> None:
    """The orchestrator names the rater, the database knows whose workflow it is."""
    generation_id, log = world.generate("admin", "What only admins rate"), AuditLog(world_owner)
    with pytest.raises(NotPermitted):
        world.database("hosted", "machine").call(
            "record_rating", p_generation_id=generation_id, p_actor_id=user_of(world, rater), p_score=0
        )
    assert log.changes() == []


def test_a_token_ends_no_generation(world: World, world_owner: psycopg.Connection) -> None:
    """Forged results of a generation that runs are refused to everybody but the orchestrator."""
    start = a_start(None, "customer-7")
    generation_id = json.loads(str(start["p_generation"]))["generation_id"]
    world.database("embedded", "machine").call("start_generation", **start)
    record = json.dumps({"status": "succeeded", "events": [an_event("WORKFLOW_GENERATED")]})
    log = AuditLog(world_owner)
    for name in set(NAMES) - {"machine"}:
        with pytest.raises(StoreError) as refused:
            world.database("hosted", name).call("finish_generation", p_generation_id=generation_id, p_record=record)
        assert refused.value.code in ("not_permitted", "not_signed_in")
    assert log.changes() == []
