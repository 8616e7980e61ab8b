"""The audit log as CSV, sent while it is read, so that its size does not matter."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import chain

from starlette.responses import StreamingResponse

from queries.records.events import AuditEvent, EventFilters, all_events, note_read
from queries.spreadsheet import BYTE_ORDER_MARK, guarded
from server.api.documents import EventQuery
from store import Database, clock, exact_json

_COLUMNS = (
    "id", "timestamp", "action", "severity", "actor", "actor_id", "entity_type", "entity_id", "resource_name",
    "changes", "details", "compliance_flags", "ip_address", "user_agent", "session_id",
)  # fmt: skip
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)


def export_events(database: Database, query: EventQuery) -> StreamingResponse:
    """The events that match; exporting leaves an event of its own first.

    Raises:
        StoreError: the database did not answer, or the caller may not read the audit log.
    """
    filters = EventFilters(query.action, query.severity, query.flag, query.actor, query.entity, query.search)
    note_read(database, filters, exported=True)
    # Later events than the request would make an export without an end.
    until = query.until or clock.now() + timedelta(days=1)
    pages = all_events(database, query.since or _EARLIEST, until, filters)
    if query.since is None and query.until is None:
        pages = chain(pages, all_events(database, _EARLIEST, until, filters, undated=True))
    first = next(pages, [])  # what goes wrong at once is still a problem document
    return StreamingResponse(
        _csv(first, pages), media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="audit-log.csv"', "cache-control": "no-store"},
    )  # fmt: skip


def _csv(first: list[AuditEvent], rest: Iterator[list[AuditEvent]]) -> Iterator[str]:
    yield BYTE_ORDER_MARK + _lines([list(_COLUMNS)])
    yield _lines(map(_row, first))
    for page in rest:
        yield _lines(map(_row, page))


def _lines(rows: object) -> str:
    file = StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)  # type: ignore[arg-type]  # rows of text
    return file.getvalue()


def _row(event: AuditEvent) -> list[str]:
    values = event.model_dump() | {"actor": event.actor}
    return [_text(values[name]) for name in _COLUMNS]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    return guarded(
        value if isinstance(value, str) else exact_json(value) if isinstance(value, dict | list) else str(value)
    )
