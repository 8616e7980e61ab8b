"""Forgeries: actors, events, sign-ins and API tokens of others."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest

from queries.records.events import find_event
from store import Argument, InvalidInput, Json, NotPermitted, StoreError, clock
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


FORGED_RUNS: dict[str, list[Json]] = {
    "a generation": [{"action": "WORKFLOW_GENERATED", "agent_id": "a", "details": {"cost_usd": 0}}],
    "a role": [{"action": "CONSOLE_ROLE_CHANGED", "agent_id": "a"}],
    "in small letters": [{"action": "agent_execution_failed", "agent_id": "a"}],
    "with a space": [{"action": "AGENT_EXECUTION_FAILED ", "agent_id": "a"}],
    "no action": [{"agent_id": "a"}],
    "no agent": [{"action": "AGENT_EXECUTION_FAILED"}],
    "a blank agent": [{"action": "AGENT_EXECUTION_FAILED", "agent_id": " "}],
    "one forged among many": [
        {"action": "AGENT_EXECUTION_FAILED", "agent_id": "a"}, {"action": "SYSTEM_CONFIG_UPDATED", "agent_id": "a"},
    ],
    "a text as its error": [{"action": "AGENT_EXECUTION_FAILED", "agent_id": "a", "error_code": "Dear admin, call me"}],
    "no run": [],
    "1,001 runs": [{"action": "AGENT_EXECUTION_COMPLETED", "agent_id": "a"}] * 1001,
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED_RUNS)
@pytest.mark.parametrize("name", ["machine", "token events"])
def test_only_runs_are_recorded_as_runs(world: World, world_owner: psycopg.Connection, name: str, forged: str) -> None:
    """All of a batch or nothing."""
    log = AuditLog(world_owner)
    with pytest.raises(InvalidInput):
        world.database("hosted", name).call("record_executions", p_executions=FORGED_RUNS[forged])
    assert log.changes() == []


@pytest.mark.parametrize("side", ["embedded", "hosted"])
def test_a_run_is_its_senders(world: World, world_owner: psycopg.Connection, side: SideName) -> None:
    """Whatever it says about its user, severity, flags, or about being sample data that may be removed."""
    run_id, admin = str(uuid4()), world.callers["admin"].identity.user_id
    run: dict[str, Json] = {
        "id": run_id, "action": "AGENT_EXECUTION_FAILED", "agent_id": "a", "timestamp": "2999-01-01T00:00:00Z",
        "user_id": admin, "actor_id": admin, "severity": "critical", "entity_type": "person", "changes": {"a": 1},
        "compliance_flags": [], "details": {"sample": True}, "sample": True, "error_code": "E1",
    }  # fmt: skip
    assert world.database(side, "token events").call("record_executions", p_executions=[run]) == {"recorded": 1}

    query = "select to_jsonb(a), a.timestamp <= now() from public.audit_logs as a where id = %s"
    event, is_past = only(world_owner, query, run_id)
    assert (event["user_id"], event["actor_id"]) == (None, world.callers["token events"].actor_id)
    assert (event["entity_type"], event["severity"], event["changes"]) == ("agent", "warning", None)
    assert (event["compliance_flags"], event["details"], is_past) == (["SOC2"], {"error_code": "E1"}, True)


@pytest.mark.parametrize("at", ["-infinity", "4000-01-01T00:00:00+00:00 BC", "0001-01-01T00:00:00+14:00"])
def test_a_run_can_be_read_afterwards(world: World, at: str) -> None:
    """The log is append-only, so an event that nobody can open would stay for ever."""
    run_id = uuid4()
    run: Json = {"id": str(run_id), "action": "AGENT_EXECUTION_FAILED", "agent_id": "a", "timestamp": at}
    with suppress(InvalidInput):
        world.database("hosted", "token events").call("record_executions", p_executions=[run])
        assert find_event(world.database("hosted", "admin"), run_id) is not None


def test_an_event_is_not_replaced_by_one_with_its_id(world: World, world_owner: psycopg.Connection) -> None:
    """The id of an earlier event is skipped, whoever wrote that."""
    log = AuditLog(world_owner)
    (known,) = only(world_owner, "select id::text from public.audit_logs order by timestamp limit 1")
    run: Json = {"id": known, "action": "AGENT_EXECUTION_FAILED", "agent_id": "a"}
    answer = world.database("hosted", "token events").call("record_executions", p_executions=[run])
    assert answer == {"recorded": 0}
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


def test_removing_the_sample_data_removes_nothing_else(world: World, world_owner: psycopg.Connection) -> None:
    """Not even by an admin."""
    log = AuditLog(world_owner)
    world.database("hosted", "admin").call("remove_sample_data")
    assert log.changes() == ["SAMPLE_DATA_REMOVED"]


@pytest.mark.parametrize("statement", ["delete from public.audit_logs", "update public.audit_logs set details = '{}'"])
def test_no_switch_makes_events_removable(world_owner: psycopg.Connection, statement: str) -> None:
    """What lets sample data go lets no other event go, and lets none be changed."""
    with world_owner.transaction():
        world_owner.execute("set local console.removes_sample = 'on'")
        with pytest.raises(psycopg.Error, match="append-only"), world_owner.transaction():
            world_owner.execute(statement.encode())


@pytest.mark.parametrize("token", ["token generate", "token report", "token events", "token revoked", ""])
@pytest.mark.parametrize("name", ["admin", "with code", "pm", "engineer", "stranger", "banned"])
def test_a_person_gains_nothing_by_an_api_token(world: World, rest: httpx.Client, name: str, token: str) -> None:
    """The header is for the orchestrator; from anybody else it takes everything away."""
    borrowed = world.callers[token].token_sha256 if token else ""
    headers = world.callers[name].headers | {"X-Console-Token": borrowed or ""}
    told = rest.post("/rpc/whoami", json={}, headers=headers).json()
    assert (told["permissions"], told["token_id"]) == ([], None)
    for function in ("get_settings", "list_people", "list_api_tokens", "has_sample_data", "erase_old_texts"):
        answer = rest.post(f"/rpc/{function}", json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "PT401"), function
    assert rest.get("/workflows", headers=headers).json() == []
    assert rest.get("/system_settings_config", headers=headers).json() == []


def test_nobody_gains_nothing_by_an_api_token(world: World, rest: httpx.Client) -> None:
    """The hash alone, without the orchestrator's sign-in, opens nothing."""
    headers = {"x-console-token": world.callers["token report"].token_sha256 or ""}
    for function in ("whoami", "get_settings", "has_sample_data"):
        assert rest.post(f"/rpc/{function}", json={}, headers=headers).json()["code"] == "42501"


Forge = Callable[[World, dict[str, Any]], str]
_SOMEBODYS_KEY = {
    "kty": "EC", "crv": "P-256", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}  # fmt: skip


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _unsigned(world: World, algorithm: str, claims: dict[str, Any]) -> str:
    head = {"alg": algorithm, "typ": "JWT", "kid": world.project.auth.signing.kid}
    return f"{_part(json.dumps(head).encode())}.{_part(json.dumps(claims).encode())}"


def _signed_by_another(world: World, claims: dict[str, Any]) -> str:
    key = jwt.PyJWK.from_dict(_SOMEBODYS_KEY).key
    return jwt.encode(claims, key, "ES256", {"kid": world.project.auth.signing.kid})


def _signed_with_the_public_keys(world: World, claims: dict[str, Any]) -> str:
    body = _unsigned(world, "HS256", claims)
    return (
        f"{body}.{_part(hmac.digest(world.project.auth.signing.postgrest_secret().encode(), body.encode(), 'sha256'))}"
    )


def _with_the_engineers_signature(world: World, claims: dict[str, Any]) -> str:
    signature = str(world.callers["engineer"].identity.access_token).rpartition(".")[2]
    return f"{_unsigned(world, 'ES256', claims)}.{signature}"


FORGERIES: dict[str, Forge] = {
    "not signed": lambda world, claims: f"{_unsigned(world, 'none', claims)}.",
    "signed by another": _signed_by_another,
    "signed with the public keys": _signed_with_the_public_keys,
    "with the engineer's signature": _with_the_engineers_signature,
    "expired": lambda world, claims: world.project.auth.signing.token(claims | {"exp": claims["iat"] - 3600}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_sign_in_is_nobody(world: World, rest: httpx.Client, forgery: str) -> None:
    """The same claims are the admin's with the right signature, and refused with any other, not taken for nobody's."""
    now, admin = int(clock.system().timestamp()), world.callers["admin"].identity.user_id
    claims = {"sub": admin, "role": "authenticated", "aud": "authenticated", "aal": "aal2", "iat": now, "exp": now + 60}
    real, forged = world.project.auth.signing.token(claims), FORGERIES[forgery](world, claims)

    def asked(token: str) -> httpx.Response:
        return rest.post("/rpc/whoami", json={}, headers={"authorization": f"Bearer {token}"})

    assert asked(real).json()["user_id"] == admin
    assert (asked(forged).status_code, asked(forged).json()["code"][:7]) == (401, "PGRST30")
