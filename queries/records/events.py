"""Single events of the audit log: a page of them, one by its id, or all of a filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from queries.answer import Row
from store import Database, understood

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")

_EXPORTED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class EventFilters:
    """Which events; None stands for all.

    Attributes:
        flag: a compliance flag.
        actor: an id, or a part of an e-mail address.
        entity: the id of an agent, a person or a token.
        search: what the action, an id or a name contains, ignoring case.
    """

    action: str | None = None
    severity: str | None = None
    flag: str | None = None
    actor: str | None = None
    entity: str | None = None
    search: str | None = None

    def chosen(self) -> dict[str, str]:
        """The filters that are set, by name."""
        return {name: value for name, value in asdict(self).items() if value}


class AuditEvent(Row):
    """An event.

    Attributes:
        timestamp: None for an event of an earlier system without one.
        actor_email, actor_token: the person, or the name of the API token, who acted; None if the id is nobody's here.
        entity_email: the person it is about.
        superseded: whether a later event has taken its place.
    """

    id: UUID
    timestamp: datetime | None
    action: str
    severity: str | None
    actor_id: str | None
    actor_email: str | None
    actor_token: str | None
    entity_type: str | None
    entity_id: str | None
    entity_email: str | None
    resource_name: str | None
    details: Any
    changes: Any
    compliance_flags: list[str] | None
    ip_address: str | None
    user_agent: str | None
    session_id: str | None
    superseded: bool

    @property
    def actor(self) -> str | None:
        """Who acted, in the best known words."""
        return self.actor_email or self.actor_token or self.actor_id

    @property
    def entity(self) -> str | None:
        """What it is about, in the best known words."""
        return self.entity_email or self.resource_name or self.entity_id


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list: after this event; `at` is None among events without a moment."""

    at: datetime | None
    event_id: UUID


def list_events(
    database: Database,
    begins: datetime,
    ends: datetime,
    filters: EventFilters,
    *,
    after: Place | None = None,
    limit: int = 50,
    undated: bool = False,
) -> list[AuditEvent]:
    """The latest events from `begins` to before `ends`, newest first.

    Args:
        after: the last event of the page before; rows that arrive later do not move the page.
        undated: the events of earlier systems without a moment instead, which belong to no period.

    Raises:
        StoreError: the database did not answer, or this identity may not read the audit log.
    """
    chosen = filters.chosen() | ({"undated": "true"} if undated else {})
    if after:
        chosen |= {"before_id": str(after.event_id)} | ({"before_at": after.at.isoformat()} if after.at else {})
    answer = database.call(
        "list_events", p_from=begins.isoformat(), p_to=ends.isoformat(), p_filters=dict(chosen), p_limit=limit
    )
    return understood(list[AuditEvent], answer)


def all_events(
    database: Database, begins: datetime, ends: datetime, filters: EventFilters, *, undated: bool = False
) -> Iterator[list[AuditEvent]]:
    """All events that match, in pages, newest first; see `list_events`."""
    after = None
    while True:
        page = list_events(database, begins, ends, filters, after=after, limit=_EXPORTED_AT_ONCE, undated=undated)
        if page:
            yield page
        if len(page) < _EXPORTED_AT_ONCE:
            return
        after = Place(page[-1].timestamp, page[-1].id)


def find_event(database: Database, event_id: UUID) -> AuditEvent | None:
    """The event with this id; None if there is none. Raises as `list_events` does."""
    answer = database.call("get_event", p_id=str(event_id))
    return None if answer is None else understood(AuditEvent, answer)


@dataclass(frozen=True, slots=True)
class EventKinds:
    """What the latest events have: their actions and compliance flags, sorted."""

    actions: tuple[str, ...]
    flags: tuple[str, ...]


def event_kinds(database: Database) -> EventKinds:
    """What the list can be filtered by. Raises as `list_events` does."""
    kinds = understood(EventKinds, database.call("list_event_kinds"))
    return replace(kinds, actions=tuple(sorted(kinds.actions)), flags=tuple(sorted(kinds.flags)))


def note_read(database: Database, filters: EventFilters, *, exported: bool) -> None:
    """Record that this identity reads, or exports, the audit log. Raises as `list_events` does."""
    database.call("note_audit_log_read", p_filters=dict(filters.chosen()), p_exported=exported)
