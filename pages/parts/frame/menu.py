"""The pages and the menu. To add a page: its row here, its file in `pages/`, and the query that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from orchestrator.models.catalogue import BASELINE
from pages.parts import console
from store.caller import Permission


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A page.

    Attributes:
        file: in `pages/`.
        address: the path of its URL; empty for the first page.
        section: the heading in the menu.
        question: what the page answers; shown below its title.
        filtered: whether it has the filter bar, and so the filters in its address.
        needs: what one must be permitted to do to see it.
    """

    title: str
    file: str
    icon: str
    address: str
    section: str
    question: str
    filtered: bool = False
    needs: Permission = "read_figures"

    @property
    def offered(self) -> bool:
        """Whether the visitor may see it."""
        return console.may(self.needs)


PAGES = (
    PageEntry(
        "Overview", "overview.py", "monitoring", "", "Operate",
        "Are workflows generated reliably, and what do they cost?", filtered=True,
    ),
    PageEntry(
        "Generations", "generations.py", "list_alt", "generations", "Operate",
        "What happened to each request?", filtered=True,
    ),
    PageEntry(
        "Playground", "playground.py", "science", "playground", "Operate",
        "Which workflow does the orchestrator generate from your description, and what does it cost?",
        needs="generate",
    ),
    PageEntry(
        "Cost", "cost.py", "savings", "cost", "Analyze",
        f"What do workflows cost, and how much is saved compared with {BASELINE.label} alone?", filtered=True,
    ),
    PageEntry(
        "Fallbacks", "fallbacks.py", "alt_route", "fallbacks", "Analyze",
        "How often does the primary model fail, and why?", filtered=True,
    ),
    PageEntry(
        "Latency", "latency.py", "timer", "latency", "Analyze",
        "How long do people wait for a workflow?", filtered=True,
    ),
    PageEntry(
        "Quality", "quality.py", "verified", "quality", "Analyze",
        "Can the cheap model be trusted?", filtered=True,
    ),
    PageEntry(
        "Rollout", "rollout.py", "rocket_launch", "rollout", "Decide",
        "How far can the cheap model be rolled out?", filtered=True,
    ),
    PageEntry(
        "System flow", "flow.py", "account_tree", "flow", "Decide",
        "What happens to a request, and how often does it take each path?", filtered=True,
    ),
    PageEntry(
        "Settings", "settings.py", "tune", "settings", "Decide",
        "Which models answer, and what do they cost?", needs="read_settings",
    ),
    PageEntry(
        "Audit log", "audit_log.py", "receipt_long", "audit-log", "Govern",
        "Who did what, and when?", needs="read_audit_log",
    ),
    PageEntry(
        "People", "people.py", "group", "people", "Govern",
        "Who may do what?", needs="manage_people",
    ),
    PageEntry(
        "API", "api_access.py", "api", "api-access", "Govern",
        "How does a program generate workflows and read figures?", needs="read_settings",
    ),
)  # fmt: skip

_OPENED = "menu_page"
CAME = "menu_came"
"""Session key: whether the visitor comes from another page; set to False by the code that has used it."""
ADDRESS = "menu_address"
"""Session key: the filters as written in the address, by name; None for one at its default."""


def navigate() -> StreamlitPage:
    """Draw the menu and return the requested page; filters are kept when the page changes."""
    sections: dict[str, list[StreamlitPage]] = {}
    for entry in PAGES:
        sections.setdefault(entry.section, []).append(_page(entry))
    sections[PAGES[0].section].insert(1, _overview())
    filtered = {entry.title for entry in PAGES if entry.filtered}
    left = st.session_state.get(_OPENED)
    # If the filters are written before the page changes, the browser treats both as one step of its history, and going
    # back takes one press.
    if left in filtered and _asked(sections) in filtered - {left}:
        _take_filters_along()
    page = st.navigation(sections, expanded=True)
    if page.title != left:
        st.session_state[_OPENED], st.session_state[CAME] = page.title, True
        if page.title in filtered:
            _take_filters_along()
    return page


def opened() -> PageEntry:
    """The page that is shown."""
    return next(entry for entry in PAGES if entry.title == st.session_state[_OPENED])


def _page(entry: PageEntry) -> StreamlitPage:
    path = entry.address or "root"
    icon = f":material/{entry.icon}:"
    return st.Page(
        entry.file, title=entry.title, icon=icon, url_path=path, default=not entry.address,
        visibility="visible" if entry.offered else "hidden",
    )  # fmt: skip


def _overview() -> StreamlitPage:
    """The first page at the address that the others suggest, for people who type it."""
    return st.Page(PAGES[0].file, title=PAGES[0].title, url_path="overview", visibility="hidden")


def _asked(sections: Mapping[str, Sequence[StreamlitPage]]) -> str | None:
    """The title of the requested page, before Streamlit returns it; None for the page at the root."""
    context = get_script_run_ctx()
    titles = {page._script_hash: page.title for pages in sections.values() for page in pages}
    return titles.get(context.page_script_hash) if context else None


def _take_filters_along() -> None:
    kept = st.session_state.get(ADDRESS, {})
    carried = {name: text for name, text in kept.items() if text is not None}
    says = st.query_params.to_dict()
    if not carried.keys() <= says.keys():
        st.query_params.from_dict(carried | says)
