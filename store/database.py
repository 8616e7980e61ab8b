"""The only access to the data: calls of SQL functions that return one JSON value."""

from __future__ import annotations

from typing import Protocol

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Argument = None | bool | int | str | list[Json] | dict[str, Json]


class Database(Protocol):
    """A database as one identity sees it; safe to share between threads."""

    def call(self, function: str, **arguments: Argument) -> Json:
        """The JSON value that the SQL function `public.<function>` returns for named arguments.

        Args:
            function: name of a function in schema `public` that returns `jsonb`.
            arguments: text, integer, boolean, an instant as ISO text, or JSON as a list or object. Money
                is passed as text in both directions: as a JSON number it would become a float on the way.

        Raises:
            StoreError: one of the classes in `store.errors`.
        """


class Store(Protocol):
    """Provides databases: takes an identity, gives its `Database`."""

    @property
    def local(self) -> bool:
        """Whether this is the embedded database, whose only user owns this machine."""

    def person(self) -> Database:
        """The database as the person at the keyboard sees it."""

    def machine(self) -> Database:
        """The database as the orchestrator itself sees it, the only identity that may record."""

    def for_api_token(self, sha256: str) -> Database:
        """The database as the holder of an API token sees it.

        Args:
            sha256: hash of the token, hexadecimal.
        """

    def check(self) -> None:
        """Do nothing if everything that the console needs is there.

        Raises:
            SetupIncomplete: something is missing.
            StoreError: the database does not answer, or not to the orchestrator.
        """

    def close(self) -> None:
        """Close every connection; calling it again does nothing."""
