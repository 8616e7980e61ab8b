"""The list of pages."""

from __future__ import annotations

from pages.parts.frame.menu import PAGES
from store.environment import PROJECT


def test_each_page_has_its_file_and_an_address_of_its_own() -> None:
    """No page of the folder is missing from the menu, and no two share a title or an address."""
    files = {path.name for path in (PROJECT / "pages").glob("*.py")} - {"__init__.py", "shell.py"}

    assert {entry.file for entry in PAGES} == files
    assert len({entry.title for entry in PAGES}) == len({entry.address for entry in PAGES}) == len(PAGES)


def test_the_readme_lists_each_page() -> None:
    """A page that is added is described."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")

    assert [entry.title for entry in PAGES if f"**{entry.title}**" not in readme] == []
