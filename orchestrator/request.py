"""What somebody asks for, checked before anything is spent."""

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
    """A request that can be taken.

    Attributes:
        prompt: the process in words, without blanks around it.
        services: names of the connected services, each once.
        agent_id: the agent that the workflow is for.
        actor_id: who asks, in whatever form the caller knows them.
    """

    prompt: str
    services: tuple[str, ...]
    agent_id: str
    actor_id: str
    origin: Origin

    @property
    def user_id(self) -> str | None:
        """The asker as a user id, None when `actor_id` is none."""
        try:
            return str(UUID(self.actor_id))
        except ValueError:
            return None


def checked_request(
    *, prompt: str, services: Sequence[str], agent_id: str | None, user_id: str | UUID, origin: Origin
) -> WorkflowRequest:
    """The request, or one sentence that says what to change.

    Args:
        services: any number up to MAX_SERVICES, none included.
        agent_id: None for a new agent.

    Raises:
        InvalidRequest: a value is missing, too long or not text.
    """
    if isinstance(services, str | bytes) or not isinstance(services, Sequence):
        raise InvalidRequest('The services are not a list of names, such as ["Slack", "Jira"].')
    names = dict.fromkeys(_name(service, "service") for service in services)
    if len(names) > MAX_SERVICES:
        raise InvalidRequest(f"{len(names)} services were given; at most {MAX_SERVICES} can be connected.")
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
        raise InvalidRequest("The description is empty; say in a sentence or two what should be automated.")
    if len(text) > MAX_PROMPT_CHARS:
        raise InvalidRequest(
            f"The description has {len(text):,} characters; at most {MAX_PROMPT_CHARS:,} can be taken. Shorten it."
        )
    return text


def _name(value: object, what: str) -> str:
    text = _text(value, what)
    if not text:
        raise InvalidRequest(f"There is a blank {what}; give it a name or leave it out.")
    if len(text) > MAX_NAME_CHARS:
        raise InvalidRequest(f"One {what} has {len(text)} characters; at most {MAX_NAME_CHARS} can be taken.")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise InvalidRequest(f"One {what} contains control characters; write its name in plain text.")
    return text


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"The {what} is not text.")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidRequest(f"The {what} contains characters that are not text; check its encoding.")
    return value.strip()
