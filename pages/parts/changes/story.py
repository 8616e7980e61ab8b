"""The story of a change: who made it and why, the rates before and after, and its undo."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from pages.parts import states
from pages.parts.changes.marks import CHANGE_PARAMETER, CLICKED
from pages.parts.changes.names import title
from pages.parts.changes.undo import undo
from pages.parts.drawer import drawer, named
from pages.parts.filters import Chosen
from pages.parts.results import show_result
from pages.parts.words import escaped, money, percent, share
from queries.changes import AROUND, Change, Effect, changes_in, read_effects
from queries.figures import Figures
from queries.tally import Tally
from store import Database, clock


def change_drawer(person: Database, chosen: Chosen, figures: Figures) -> None:
    """The drawer of the change that was clicked on this page, or that the address names; at most once per page."""
    wanted = named(CHANGE_PARAMETER, st.session_state.pop(CLICKED, None))
    if wanted is None:
        return
    known = changes_in(figures)
    change = next((change for change in known if change.id == wanted), None)
    if change is None:
        st.caption(":material/link_off: The change in the address was not made in this period.")
        return
    drawer(escaped(title(change)), partial(_story, person, chosen, known, change), parameter=CHANGE_PARAMETER)


def _story(person: Database, chosen: Chosen, known: tuple[Change, ...], change: Change) -> None:
    show_result()
    about(change, chosen.period.zone)
    day = change.at.astimezone(ZoneInfo(chosen.period.zone)).date()
    effects = states.read(lambda: read_effects(person, known, chosen.filters, clock.now()))
    effect_table(effects[change.id])
    until = min(day + AROUND, clock.now().astimezone(ZoneInfo(chosen.period.zone)).date())
    st.page_link(
        "generations.py", label="Generations after it", icon=":material/list_alt:",
        query_params={"period": "days", "days": f"{day}..{max(day, until - timedelta(days=1))}"},
    )  # fmt: skip
    undo(person, change)


def about(change: Change, zone: str) -> None:
    """Who made the change, when and why."""
    at = change.at.astimezone(ZoneInfo(zone))
    with st.container(horizontal=True, vertical_alignment="center"):
        if change.prompt_version is None:
            st.caption(f"{at:%-d %b %Y %H:%M}, {escaped(change.by or 'unknown user')}", width="content")
        else:
            st.caption(f"{at:%-d %b %Y}, with a release of the orchestrator", width="content")
        if change.sample:
            st.badge("Sample", icon=":material/auto_awesome:", color="gray")
    if change.reason:
        st.markdown(f"“{escaped(change.reason)}”")


def effect_table(effect: Effect) -> None:
    """The rates before and after, side by side."""
    rows = {
        "Fallback rate": _pair(effect, lambda of: share(of.as_configured.fallback)),
        "Success rate": _pair(effect, lambda of: share(of.as_configured.success)),
        "Wasted": _pair(effect, lambda of: percent(of.wasted_pct)),
        "Cost per workflow": _pair(effect, lambda of: money(of.cost_per_workflow_usd)),
    }
    st.table(
        {
            "": list(rows),
            "Before": [before for before, _ in rows.values()],
            "After": [after for _, after in rows.values()],
        }
    )
    st.caption(f"Up to {AROUND.days} days on each side, no further than the changes next to it.")


def effect_in_words(effect: Effect) -> str:
    """The fallback rate before and after, in a line."""
    before, after = (side.as_configured.fallback for side in (effect.before, effect.after))
    if before.pct is None and after.pct is None:
        return "No workflows before or after it"
    return f"Fallback rate {percent(before.pct)} → {percent(after.pct)}"


def _pair(effect: Effect, words: Callable[[Tally], str]) -> tuple[str, str]:
    return words(effect.before), words(effect.after)
