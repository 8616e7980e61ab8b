"""The README's table of who may do what is the one in the database."""

from __future__ import annotations

import re

import psycopg

from store.api_tokens import SCOPES
from store.caller import Permission
from store.environment import PROJECT

_ROLES = ("admin", "pm", "engineer", "orchestrator")
_ROW = re.compile(
    r"^\| `(?P<permission>\w+)` \|(?P<roles>(?: (?:yes)? ?\|){4}) (?:`(?P<scope>\w+)` )?\|$", re.MULTILINE
)


def test_the_readme_says_who_may_do_what(owner: psycopg.Connection) -> None:
    """Row by row, in the same order."""
    stored = owner.execute("select permission, roles, scope from private.permissions()").fetchall()
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    written = []
    for match in _ROW.finditer(text):
        cells = [cell.strip() == "yes" for cell in match["roles"].split("|")[:4]]
        roles = [role for role, may in zip(_ROLES, cells, strict=True) if may]
        written.append((match["permission"], roles, match["scope"]))

    assert written == stored


def test_python_knows_the_same_names(owner: psycopg.Connection) -> None:
    """A permission or a scope that is added to the database is added to the types too."""
    stored = owner.execute("select permission, scope from private.permissions()").fetchall()

    assert set(Permission.__args__) == {permission for permission, _ in stored}  # type: ignore[attr-defined]  # a Literal
    assert set(SCOPES) == {scope for _, scope in stored if scope}
