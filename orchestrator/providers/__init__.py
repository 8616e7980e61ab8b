"""The model providers: each uses its own SDK behind the same interface."""

from orchestrator.providers.provider import Ending, ModelRequest, Provider, ProviderError, ReplyEvent, Usage

__all__ = ["Ending", "ModelRequest", "Provider", "ProviderError", "ReplyEvent", "Usage"]
