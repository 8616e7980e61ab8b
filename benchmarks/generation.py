"""How much time the orchestrator adds to a model's reply, compared with the SDK alone; the simulated model replies at
once."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
from openai import AsyncOpenAI

from benchmarks.measure import Comparison, compare
from orchestrator import bootstrap
from orchestrator.providers.http import http_client
from orchestrator.simulator import SimulatedTransport
from store.identity import LOCAL_PERSON_ID

_PROMPT = "When a Zendesk ticket is urgent, alert the team on Slack, otherwise create a Jira issue."


class _Overheard(SimulatedTransport):
    """A transport that remembers the latest request, so that it can be sent again."""

    latest: dict[str, object]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.latest = json.loads(await request.aread())
        return await super().handle_async_request(request)


def measure() -> Iterator[Comparison]:
    """One generation, including settings, recording, streamed validation, price and audit event."""
    transport = _Overheard(speed=0)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Postgres runs as another user where root runs this
        environment = {"ORCHESTRATOR_DATA_DIR": f"{folder}/data", "ORCHESTRATOR_OFFLINE": "1"}
        application = bootstrap(environment, transport=transport)
        try:
            application.orchestrator.generate_workflow(
                user_id=LOCAL_PERSON_ID, agent_id=None, prompt=_PROMPT, services=["Slack"]
            )
            request = transport.latest
            with asyncio.Runner() as runner:
                client = AsyncOpenAI(api_key="none", max_retries=0, http_client=http_client(transport))
                yield compare(
                    "One generation",
                    lambda: application.orchestrator.generate_workflow(
                        user_id=LOCAL_PERSON_ID, agent_id=None, prompt=_PROMPT, services=["Slack"]
                    ),
                    "the SDK alone, streaming the same request to the end",
                    lambda: runner.run(_ask(client, request)),
                    rounds=101,
                )
        finally:
            application.close()


async def _ask(client: AsyncOpenAI, request: dict[str, object]) -> None:
    async for _ in await client.chat.completions.create(**request):  # type: ignore[call-overload]  # as it was sent
        pass
