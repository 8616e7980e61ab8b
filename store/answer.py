"""What the database answers, checked once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from store.database import Json
from store.errors import UnreadableAnswer

T = TypeVar("T")


def understood(kind: type[T], answer: Json) -> T:
    """The answer as what it should be.

    Raises:
        UnreadableAnswer: it is something else.
    """
    try:
        return cast(T, _adapter(cast(Hashable, kind)).validate_python(answer))
    except ValidationError:
        raise UnreadableAnswer from None  # it quotes what was answered, prompts among it


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
