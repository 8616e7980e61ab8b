"""A request for a workflow, checked before anything is spent."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid4

from orchestrator.errors import InvalidRequest

Origin = Literal["playground", "cli", "api", "platform"]

MAX_PROMPT_CHARS = 20_000
MAX_SERVICES = 50
MAX_NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class WorkflowRequest:
    """A valid request.

    Attributes:
        prompt: description of the process, without surrounding whitespace.
        services: names of the connected services, without duplicates.
        agent_id: the agent the workflow is for.
        actor_id: who asks, in whatever form the caller identifies them.
    """

    prompt: str
    services: tuple[str, ...]
    agent_id: str
    actor_id: str
    origin: Origin

    @property
    def user_id(self) -> str | None:
        """`actor_id` as a user id; None if it is not a UUID."""
        try:
            return str(UUID(self.actor_id))
        except ValueError:
            return None


def checked_request(
    *, prompt: str, services: Sequence[str], agent_id: str | None, user_id: str | UUID, origin: Origin
) -> WorkflowRequest:
    """The checked request.

    Args:
        services: up to MAX_SERVICES names; may be empty.
        agent_id: None for a new agent.

    Raises:
        InvalidRequest: a value is missing, too long or not text; the message says what to change.
    """
    if isinstance(services, str | bytes) or not isinstance(services, Sequence):
        raise InvalidRequest('The services must be a list of names, such as ["Slack", "Jira"].')
    names = dict.fromkeys(_name(service, "service name") for service in services)
    if len(names) > MAX_SERVICES:
        raise InvalidRequest(f"{len(names)} services are too many; at most {MAX_SERVICES} can be connected.")
    return WorkflowRequest(
        prompt=_prompt(prompt),
        services=tuple(names),
        agent_id=_name(agent_id, "agent id") if agent_id is not None else str(uuid4()),
        actor_id=_name(str(user_id), "user id"),
        origin=origin,
    )


def _prompt(value: object) -> str:
    text = _text(value, "description")
    if not text:
        raise InvalidRequest("The description is empty; describe what to automate in a sentence or two.")
    if len(text) > MAX_PROMPT_CHARS:
        raise InvalidRequest(
            f"The description has {len(text):,} characters; shorten it to at most {MAX_PROMPT_CHARS:,}."
        )
    return text


def _name(value: object, what: str) -> str:
    text = _text(value, what)
    if not text:
        raise InvalidRequest(f"The {what} is blank; fill it in or leave it out.")
    if len(text) > MAX_NAME_CHARS:
        raise InvalidRequest(f"The {what} has {len(text)} characters; the maximum is {MAX_NAME_CHARS}.")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise InvalidRequest(f"The {what} contains control characters; remove them.")
    return text


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"The {what} must be text.")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidRequest(f"The {what} contains characters that are not valid text; check its encoding.")
    return value.strip()
