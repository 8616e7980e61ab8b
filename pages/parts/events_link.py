"""Links to the events of a person or an agent, on every page that names them; only for those who may read them."""

from __future__ import annotations

from urllib.parse import urlencode

from pages.parts import console


def events_by(actor_id: str, words: str = "All they did") -> str:
    """A link to everything that somebody did, as Markdown; empty for those who may not read it."""
    return _link({"actor": actor_id}, words)


def events_about(entity_id: str, words: str = "All events about it") -> str:
    """A link to everything about an agent, a person or a token, as Markdown; empty for those who may not read it."""
    return _link({"entity": entity_id}, words)


def _link(query: dict[str, str], words: str) -> str:
    if not console.may("read_audit_log"):
        return ""
    return f"[{words}](./audit-log?{urlencode(query | {'period': '365d'})})"
