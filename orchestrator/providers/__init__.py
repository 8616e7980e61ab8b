"""The model providers: each speaks its own SDK, and all look the same from outside."""

from orchestrator.providers.provider import Ending, ModelRequest, Provider, ProviderError, ReplyEvent, Usage

__all__ = ["Ending", "ModelRequest", "Provider", "ProviderError", "ReplyEvent", "Usage"]
