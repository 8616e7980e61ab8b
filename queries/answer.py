"""The database's answers as rows of ours."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from store import Json, understood


class Row(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


def frame(row: type[Row], answer: Json) -> pd.DataFrame:
    """A list of rows as a frame with their fields as columns.

    Raises:
        UnreadableAnswer: it is something else.
    """
    rows = [understood(row, entry).model_dump() for entry in understood(list[Any], answer)]
    return pd.DataFrame(rows, columns=list(row.model_fields), dtype=object)
