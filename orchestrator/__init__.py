"""Generates workflows from descriptions: asks the cheap model first, validates its answer, falls back to a second model
if necessary, and audits everything."""

from orchestrator.attempt import Attempt
from orchestrator.bootstrap import Application, bootstrap
from orchestrator.errors import (
    GenerationCancelled,
    GenerationFailed,
    InvalidEnvironment,
    InvalidRequest,
    InvalidSettings,
    ModelNotConfigured,
    OrchestratorError,
    RecordingFailed,
)
from orchestrator.generation.lineup import Overrides
from orchestrator.generation.progress import AttemptFailed, AttemptStarted, Finished, StepAccepted
from orchestrator.orchestrator import GenerationOptions, WorkflowOrchestrator
from orchestrator.result import WorkflowGenerationResult
from orchestrator.settings import read_settings, save_settings
from orchestrator.system_keys import OrchestratorSettings
from orchestrator.workflow.steps import Finding
from orchestrator.workflow.validation import validate_workflow

__all__ = [
    "Application",
    "Attempt",
    "AttemptFailed",
    "AttemptStarted",
    "Finding",
    "Finished",
    "GenerationCancelled",
    "GenerationFailed",
    "GenerationOptions",
    "InvalidEnvironment",
    "InvalidRequest",
    "InvalidSettings",
    "ModelNotConfigured",
    "OrchestratorError",
    "OrchestratorSettings",
    "Overrides",
    "RecordingFailed",
    "StepAccepted",
    "WorkflowGenerationResult",
    "WorkflowOrchestrator",
    "bootstrap",
    "read_settings",
    "save_settings",
    "validate_workflow",
]
