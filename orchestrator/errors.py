"""What can go wrong between a request and its workflow.

OrchestratorError         orchestrator_error     base; never raised itself
├── InvalidRequest        invalid_request        a prompt, service, id or assignment is invalid; no model was asked
├── InvalidEnvironment    invalid_environment    a variable of the environment has an unusable value
├── InvalidSettings       invalid_settings       a system key holds an unusable value; no model was asked
├── ModelNotConfigured    model_not_configured   the primary model's provider has no API key; no model was asked
├── GenerationFailed      generation_failed      no model returned a valid workflow; `attempts` says why
├── GenerationCancelled   generation_cancelled   cancelled on request; what was spent is recorded
└── RecordingFailed       recording_failed       the record could be saved neither in the database nor on disk

Each carries `attempts`, empty if there were none, and `generation_id`, None if no generation was started. Errors of
the store pass through unchanged (`store.errors`); those of the model SDKs never leave `orchestrator.providers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

if TYPE_CHECKING:
    from orchestrator.attempt import Attempt
    from orchestrator.result import WorkflowGenerationResult


class OrchestratorError(Exception):
    """Base class of the orchestrator's errors."""

    code: ClassVar[str] = "orchestrator_error"

    def __init__(self, message: str, attempts: tuple[Attempt, ...] = (), generation_id: UUID | None = None) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.generation_id = generation_id


class InvalidRequest(OrchestratorError):
    """The request is invalid."""

    code = "invalid_request"


class InvalidEnvironment(OrchestratorError):
    """A variable of the environment has an unusable value."""

    code = "invalid_environment"


class InvalidSettings(OrchestratorError):
    """A system key holds an unusable value."""

    code = "invalid_settings"


class ModelNotConfigured(OrchestratorError):
    """The primary model's provider has no API key."""

    code = "model_not_configured"


class GenerationFailed(OrchestratorError):
    """No model returned a valid workflow."""

    code = "generation_failed"


class GenerationCancelled(OrchestratorError):
    """The generation was cancelled."""

    code = "generation_cancelled"


class RecordingFailed(OrchestratorError):
    """The generation's record could be saved neither in the database nor on disk.

    Attributes:
        result: the workflow that was paid for; None if there was none.
    """

    code = "recording_failed"

    def __init__(
        self,
        message: str,
        attempts: tuple[Attempt, ...],
        generation_id: UUID,
        result: WorkflowGenerationResult | None = None,
    ) -> None:
        super().__init__(message, attempts, generation_id)
        self.result = result
