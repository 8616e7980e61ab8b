"""Assigns the connected services to the parts of a goal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from orchestrator.workflow.services import words

# Parts of generated service names that say nothing about the service.
_NOISE = frozenset(["by", "for", "id", "model", "and", "of", "the", "post", "get", "put", "json", "from", "to", "do"])
_DOING = re.compile(
    r"^(?:add|attach|book|create|delete|download|enter|fetch|find|get|invite|list|make|open|post|publish|release|remove"
    r"|request|retrieve|schedule|send|share|start|store|submit|subscribe|update|upload)\b",
    re.IGNORECASE,
)


def assign(texts: Sequence[str], services: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """The services of each text, and those that belong to none.

    A service goes to the text that shares the most words with its name; ties go to the text with fewer services, then
    to the earlier one. A service that no text mentions goes to the first text without a service that acts on a record.
    """
    uses: list[list[str]] = [[] for _ in texts]
    unnamed = []
    for service in services:
        scores = [(_shared(text, service), -len(uses[at]), -at) for at, text in enumerate(texts)]
        best = max(scores, default=(0, 0, 0))
        if best[0] > 0:
            uses[-best[2]].append(service)
        else:
            unnamed.append(service)
    unused = []
    for service in unnamed:
        free = next((at for at, text in enumerate(texts) if not uses[at] and _DOING.match(text)), None)
        if free is None:
            unused.append(service)
        else:
            uses[free].append(service)
    return uses, unused


def spoken(service: str) -> str:
    """A service's name for use in a sentence: `GitHub_Issue` becomes "GitHub Issue"."""
    return " ".join(re.sub(r"[_\W]+", " ", service).split()[:4]) or service


def _shared(text: str, service: str) -> int:
    said = re.findall(r"[a-z0-9]+", text.casefold())
    stems, joined = {_stem(word) for word in said}, "".join(said)
    name = [word for word in words(service) if word not in _NOISE]
    # The brand counts double: "a github issue" is GitHub's rather than Jira's.
    brands = {"".join(words(service)[:2]), spoken(service).split(" ")[0].casefold()}
    branded = any(brand in said or (len(brand) > 5 and brand in joined) for brand in brands)
    return 2 * branded + len({_stem(word) for word in name} & stems)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
