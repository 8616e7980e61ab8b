"""What one call of the route asks for, and how a repetition of it is recognized."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from orchestrator import GenerationOptions
from orchestrator.recording.ended import StoredGeneration
from orchestrator.request import WorkflowRequest, checked_request
from server.api.documents import GenerateRequest

_NAMESPACE = UUID("5f0c1f0e-5d0c-4b0e-9a53-6d6b6f1a4c11")


@dataclass(frozen=True, slots=True)
class Order:
    """A request for a workflow.

    Attributes:
        generation_id: of a request with an Idempotency-Key; None for one without.
    """

    request: WorkflowRequest
    generation_id: UUID | None

    @property
    def options(self) -> GenerationOptions:
        """The options with which it is generated."""
        return GenerationOptions(generation_id=self.generation_id)

    def is_repeated_by(self, found: StoredGeneration) -> bool:
        """Whether a stored generation was the same request; one whose texts were erased cannot be compared."""
        asked = self.request
        same = (found.prompt, found.services, found.agent_id) == (asked.prompt, asked.services, asked.agent_id)
        return found.erased_at is not None or same


def order(actor_id: str, body: GenerateRequest, key: str | None) -> Order:
    """The order of a caller.

    A key stands for one generation: its id follows from caller and key, on every host, so the database refuses a second
    one. So does the agent of a request that names none: a repetition is then the same request.

    Raises:
        InvalidRequest: the request is invalid.
    """
    generation_id = uuid5(_NAMESPACE, f"{actor_id} {key}") if key else None
    own_agent = str(uuid5(generation_id, "agent")) if generation_id else None
    request = checked_request(
        prompt=body.prompt, services=body.services, agent_id=body.agent_id or own_agent, user_id=actor_id, origin="api"
    )
    return Order(request, generation_id)
