"""What the database answers, checked once."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar, cast

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from queries.errors import UnreadableAnswer
from store import Json

T = TypeVar("T")


class Row(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


def understood(kind: type[T], answer: Json) -> T:
    """The answer as what it should be.

    Raises:
        UnreadableAnswer: it is something else.
    """
    try:
        return cast(T, _adapter(cast(Hashable, kind)).validate_python(answer))
    except ValidationError:
        raise UnreadableAnswer from None  # it quotes what was answered, prompts among it


def frame(row: type[Row], answer: Json) -> pd.DataFrame:
    """A list of rows as a frame with their fields as columns.

    Raises:
        UnreadableAnswer: it is something else.
    """
    rows = [understood(row, entry).model_dump() for entry in understood(list[Any], answer)]
    return pd.DataFrame(rows, columns=list(row.model_fields), dtype=object)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
