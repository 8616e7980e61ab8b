"""The transport to the database: how to call it, never what a row means."""

from store.answer import understood
from store.connect import connect
from store.database import Argument, Database, Json, Store
from store.environment import StoreSettings, is_yes, read_environment, secret_key
from store.errors import (
    Conflict,
    InvalidInput,
    MigrationEdited,
    NotPermitted,
    NotSignedIn,
    SchemaTooNew,
    SchemaTooOld,
    SetupIncomplete,
    StoreError,
    TooManyRequests,
    Unavailable,
    UnreadableAnswer,
)
from store.exact_json import exact_json
from store.visible import visible

__all__ = [
    "Argument",
    "Conflict",
    "Database",
    "InvalidInput",
    "Json",
    "MigrationEdited",
    "NotPermitted",
    "NotSignedIn",
    "SchemaTooNew",
    "SchemaTooOld",
    "SetupIncomplete",
    "Store",
    "StoreError",
    "StoreSettings",
    "TooManyRequests",
    "Unavailable",
    "UnreadableAnswer",
    "connect",
    "exact_json",
    "is_yes",
    "read_environment",
    "secret_key",
    "understood",
    "visible",
]
