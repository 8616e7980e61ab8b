"""Erasing what people typed and models wrote; figures and events stay."""

from __future__ import annotations

from dataclasses import dataclass

from store.answer import understood
from store.database import Database


@dataclass(frozen=True, slots=True)
class _Erased:
    erased: int


@dataclass(frozen=True, slots=True)
class _Retention:
    days: int | None


def erase_texts(database: Database, actor: str) -> int:
    """Erase the prompts and outputs of a person or a platform's user; returns of how many generations.

    Raises:
        NotPermitted: this identity is not an admin, or has not used its second factor.
    """
    return understood(_Erased, database.call("erase_texts", p_actor=actor)).erased


def erase_old_texts(database: Database) -> int:
    """Erase what is older than texts are kept, at most of 1,000 generations; returns of how many. The machine's."""
    return understood(_Erased, database.call("erase_old_texts")).erased


def text_retention(database: Database) -> int | None:
    """For how many days texts are kept; None for ever."""
    return understood(_Retention, database.call("get_text_retention")).days


def set_text_retention(database: Database, days: int | None) -> None:
    """Set for how many days texts are kept, 1 to 36,500, or None for ever.

    Raises:
        InvalidInput: the number is out of range.
        NotPermitted: this identity is not an admin, or has not used its second factor.
    """
    database.call("set_text_retention", p_days=days)
