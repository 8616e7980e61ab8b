"""A console on a hosted project in a browser, and signing in to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from playwright.sync_api import Page, expect

from store.embedded.cluster import Cluster
from tests.browser.served import settled, started
from tests.conftest import TEMPLATE, copied, open_folder
from tests.hosted.project import PASSWORD, HostedProject, hosted_project


@dataclass(frozen=True, slots=True)
class TeamConsole:
    """A running console and its project."""

    address: str
    project: HostedProject


@contextmanager
def team_console(server: Cluster, base_path: str = "") -> Iterator[TeamConsole]:
    """A console of a project of its own.

    Args:
        base_path: the folder below which it is served, without slashes; none by default.
    """
    for folder in open_folder():
        data = folder / "console" / "data"
        data.parent.mkdir()
        with (
            copied(server, TEMPLATE) as database,
            hosted_project(server, database, folder) as project,
            started(
                "app.py", data, "0.2", base_path=base_path, **cast(dict[str, Any], project.environment(data))
            ) as address,
        ):
            yield TeamConsole(address, project)


def fill_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Sign in by keyboard: the address has the focus already."""
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def sign_in(page: Page, console: TeamConsole, email: str, path: str = "/") -> None:
    """Open a page as this person."""
    page.goto(console.address + path)
    fill_in(page, email)
    settled(page)
