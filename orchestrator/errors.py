"""What can go wrong between a request and its workflow.

OrchestratorError         orchestrator_error     base; never raised itself
├── InvalidRequest        invalid_request        a prompt, service, id or assignment cannot be taken; nothing was asked
├── InvalidSettings       invalid_settings       a system key holds a value that cannot be used; nothing was asked
├── ModelNotConfigured    model_not_configured   the primary's provider has no API key; nothing was asked
├── GenerationFailed      generation_failed      no model gave a valid workflow; `attempts` says why
├── GenerationCancelled   generation_cancelled   stopped on request; what was spent is booked
└── RecordingFailed       recording_failed       there is an outcome that neither database nor disk would take

Each carries `attempts`, empty where none was made, and `generation_id`, None where no run was started. Errors of the
store pass through unchanged (`store.errors`); those of the model SDKs never leave `orchestrator.providers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

if TYPE_CHECKING:
    from orchestrator.attempt import Attempt
    from orchestrator.result import WorkflowGenerationResult


class OrchestratorError(Exception):
    """The orchestrator could not do this."""

    code: ClassVar[str] = "orchestrator_error"

    def __init__(self, message: str, attempts: tuple[Attempt, ...] = (), generation_id: UUID | None = None) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.generation_id = generation_id


class InvalidRequest(OrchestratorError):
    """The request cannot be taken."""

    code = "invalid_request"


class InvalidSettings(OrchestratorError):
    """A system key holds a value that cannot be used."""

    code = "invalid_settings"


class ModelNotConfigured(OrchestratorError):
    """The primary model's provider has no API key."""

    code = "model_not_configured"


class GenerationFailed(OrchestratorError):
    """No model gave a valid workflow."""

    code = "generation_failed"


class GenerationCancelled(OrchestratorError):
    """The generation was stopped on request."""

    code = "generation_cancelled"


class RecordingFailed(OrchestratorError):
    """The outcome could be recorded neither in the database nor on disk.

    Attributes:
        result: the workflow that was paid for, None when there was none.
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
