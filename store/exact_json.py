"""JSON text that keeps every digit of an amount: a Decimal is written as a plain number, never as a float."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import simplejson


def exact_json(value: Any, *, sort_keys: bool = False) -> str:
    """One line of JSON; Decimals without exponent, instants in ISO form, ids as text.

    Args:
        sort_keys: whether equal values must give equal texts, whatever the order of their keys.

    Raises:
        TypeError: a value has no JSON form.
    """
    return simplejson.dumps(value, default=_plain, use_decimal=False, allow_nan=False, sort_keys=sort_keys)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return simplejson.RawJSON(format(value, "f"))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
