"""Helpers for the tests of failing models."""

from __future__ import annotations

from orchestrator.models.tokens import Tokens
from tests.providers.wire_events import Told

LIMIT_S = 0.5
LATEST_MS = 1500
TOLD = Told(input=1234, output=321)
USED = Tokens(input=1234, output=321)
GENERATED, FALLBACK = "WORKFLOW_GENERATED", "WORKFLOW_GENERATION_FALLBACK"
FAILED, CANCELLED = "WORKFLOW_GENERATION_FAILED", "WORKFLOW_GENERATION_CANCELLED"
