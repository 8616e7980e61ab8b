"""Both real SDKs against a real HTTP server that can misbehave in any way a provider might."""
