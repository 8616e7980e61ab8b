"""A person's rating of a workflow: good or bad, once."""

from __future__ import annotations

from uuid import UUID

from store import Database


def rate(database: Database, generation_id: UUID, *, actor_id: str, good: bool) -> None:
    """Record a person's rating of a workflow.

    Args:
        database: the orchestrator's own, the only one that may record; it vouches for `actor_id`.
        actor_id: user id of the person who rates.

    Raises:
        Conflict: they have already rated it.
        NotPermitted: there is no such workflow, or it is not theirs.
        StoreError: the database did not answer.
    """
    database.call("record_rating", p_generation_id=str(generation_id), p_actor_id=actor_id, p_score=int(good))
