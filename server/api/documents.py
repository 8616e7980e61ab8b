"""The documents of the API: what requests hold, checked once at the edge, and what answers look like."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from orchestrator.request import MAX_NAME_CHARS, MAX_PROMPT_CHARS, MAX_SERVICES
from orchestrator.workflow.steps import MAX_STEPS

Money = Annotated[Decimal, WithJsonSchema({"type": "number"})]
"""US dollars, a plain number with all its digits."""

_Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARS)]
_Filter = Annotated[str, StringConstraints(min_length=1, max_length=200)] | None
_Count = Annotated[int, Field(ge=0)]


class GenerateRequest(BaseModel):
    """A description of a process, and the services that are connected."""

    model_config = ConfigDict(extra="forbid", strict=True)

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARS, examples=["Post new orders to Slack"])]
    services: Annotated[list[_Name], Field(max_length=MAX_SERVICES, examples=[["Shopify", "Slack"]])] = []
    agent_id: Annotated[_Name | None, Field(description="The agent the workflow is for; none for a new one.")] = None


class TokensUsed(BaseModel):
    """Input, output and total tokens."""

    input: _Count
    output: _Count
    total: _Count


class AttemptTokens(TokensUsed):
    """Tokens of one attempt; the cached ones are part of the input."""

    cached_input: _Count
    cache_write_input: _Count
    cache_write_1h_input: _Count = 0


class AttemptDocument(BaseModel):
    """One request to one model. `cost_usd` is null for an unknown price."""

    model: str
    api_model: str
    outcome: Literal["succeeded", "cancelled", "validation_failed", "api_error", "timeout", "rate_limit"]
    detail: str
    tokens: AttemptTokens
    tokens_estimated: bool
    cost_usd: Money | None
    duration_ms: _Count
    rejected_for: Literal["schema", "semantic"] | None
    finding_codes: list[str]
    service_tier: str | None = None


class FindingDocument(BaseModel):
    """A warning about the workflow."""

    model_config = ConfigDict(populate_by_name=True)

    path: str
    code: str
    message: str
    finding_class: Annotated[Literal["schema", "semantic"], Field(alias="class")]
    severity: Literal["error", "warning"]


class ResultDocument(BaseModel):
    """A workflow, and the attempts, time, tokens and money behind it.

    `cost_usd` and `generation_time_ms` cover all attempts; `tokens_used` is the accepted answer's alone.
    """

    pilot_steps: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_STEPS)]
    generator_used: str
    validation_passed: bool
    generation_time_ms: _Count
    tokens_used: TokensUsed
    cost_usd: Money
    fallback_reason: Literal["validation_failed", "api_error", "timeout", "rate_limit"] | None
    generation_id: UUID
    agent_id: str
    api_model: str
    attempts: list[AttemptDocument]
    unpriced_attempts: _Count
    wasted_cost_usd: Money
    tokens_wasted: TokensUsed
    baseline_cost_usd: Money | None
    savings_usd: Money | None
    findings: list[FindingDocument]
    config_version: int
    prompt_version: int
    simulated: bool


class GenerationDocument(BaseModel):
    """A generation: `result` once it has a workflow, `problem` if it ended without one."""

    generation_id: UUID
    status: Literal["running", "succeeded", "failed", "cancelled", "interrupted"]
    result: ResultDocument | None = None
    problem: dict[str, Any] | None = None


class SettingsDocument(BaseModel):
    """The system keys and the number of the save that last changed them."""

    version: int
    settings: dict[str, str | bool]


class ReportDocument(BaseModel):
    """The figures of a period; `docs/figures.md` defines each. Null where there is no data."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    first: Annotated[str, Field(alias="from")]
    last: Annotated[str, Field(alias="to")]
    time_zone: str
    source: Literal["real", "simulated", "all"]
    generations: _Count
    failed: _Count
    cancelled: _Count
    success_rate_pct: float | None
    fallback_rate_pct: float | None
    fallback_reasons: dict[str, int]
    cost_usd: Money
    cost_failed_usd: Money
    wasted_cost_usd: Money
    baseline_cost_usd: Money | None
    savings_usd: Money | None
    savings_pct: float | None
    cost_per_workflow_usd: Money | None
    by_generator: dict[str, Any]
    latency_ms: dict[str, float | None]
    regeneration_rate_pct: float | None


class Execution(BaseModel):
    """A run of an agent. With an `id`, sending it again changes nothing; without a `timestamp`, it happened now."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["AGENT_EXECUTION_COMPLETED", "AGENT_EXECUTION_FAILED"]
    agent_id: Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARS, pattern=r"\S")]
    id: UUID | None = None
    timestamp: Annotated[
        datetime | None, Field(strict=False, description="When it ended; without a zone it is taken as UTC.")
    ] = None
    duration_ms: Annotated[float, Field(ge=0, le=31_536_000_000, allow_inf_nan=False)] | None = None
    error_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,100}$")] | None = None


class Batch(BaseModel):
    """Runs of agents; all are recorded, or none."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[Execution], Field(min_length=1, max_length=1000)]


class EventQuery(BaseModel):
    """Which events of the audit log; each filter is left out for all."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    since: Annotated[AwareDatetime | None, Field(alias="from")] = None
    until: Annotated[AwareDatetime | None, Field(alias="to")] = None
    action: _Filter = None
    severity: Literal["info", "warning", "critical"] | None = None
    flag: _Filter = None
    actor: _Filter = None
    entity: _Filter = None
    search: _Filter = None


class Recorded(BaseModel):
    """How many of the events were new."""

    recorded: _Count


class Problem(BaseModel):
    """A problem document (RFC 9457). `code` is stable; `detail` is a sentence for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
