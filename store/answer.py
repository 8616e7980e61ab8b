"""Validates the answers of the database."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from store.database import Json
from store.errors import UnreadableAnswer

T = TypeVar("T")


def understood(kind: type[T], answer: Json) -> T:
    """The answer as an instance of `kind`.

    Raises:
        UnreadableAnswer: it does not match.
    """
    try:
        return cast(T, _adapter(cast(Hashable, kind)).validate_python(answer))
    except ValidationError:
        raise UnreadableAnswer from None  # the error quotes the answer, which may contain prompts


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
