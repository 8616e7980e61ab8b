"""The database's answers as typed rows."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from store import Json, understood


class Row(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True)


def frame(row: type[Row], answer: Json) -> pd.DataFrame:
    """A list of rows as a DataFrame with one column per field.

    Raises:
        UnreadableAnswer: the answer is not such a list.
    """
    rows = [understood(row, entry).model_dump() for entry in understood(list[Any], answer)]
    return pd.DataFrame(rows, columns=list(row.model_fields), dtype=object)
