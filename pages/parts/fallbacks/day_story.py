"""What happened on a day: how much fell back, why, and which changes preceded it, each with a button to revert it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from orchestrator import read_settings
from pages.parts import states, system_keys
from pages.parts.filters import Chosen
from pages.parts.frame import lost_press
from pages.parts.palette import REASON_LABELS
from pages.parts.words import day, escaped, inline, many, percent
from queries.fallbacks import FallbackReport
from queries.figures import Change
from queries.tally import REASONS
from store import Database

_BEFORE = timedelta(days=3)


def day_story(person: Database, report: FallbackReport, chosen: Chosen, of: date) -> None:
    """The day in a sentence, and the changes of that day and the three before it, each with a button to revert it.

    A badge marks changes after which the keys already have their earlier values again.
    """
    row = report.daily[report.daily["day"] == of].iloc[0]
    reasons = ", ".join(f"{inline(REASON_LABELS[reason])} ({row[reason]})" for reason in REASONS if row[reason])
    st.markdown(
        f"The fallback answered {percent(row['rate_pct'])} of {many(row['completed'], 'workflow')}"
        + (f": {reasons}." if reasons else ".")
    )
    changes = _changes(report, chosen, of)
    prompts = _prompts(report, of)
    if not changes and not prompts:
        st.caption(
            "No system key was changed on that day or the three before it. Nor was a prompt version first used, as "
            "far as this period shows."
        )
    for prompt in prompts:
        _prompt(prompt, report.figures.period.last)
    keys = states.read(lambda: read_settings(person)).values() if changes else {}
    for change in changes:
        _change(change, chosen.period.zone, keys)


def _changes(report: FallbackReport, chosen: Chosen, of: date) -> list[Change]:
    zone = ZoneInfo(chosen.period.zone)
    near = [change for change in report.figures.changes if of - _BEFORE <= change.at.astimezone(zone).date() <= of]
    return sorted(near, key=lambda change: change.at, reverse=True)


def _prompts(report: FallbackReport, of: date) -> list[dict[Hashable, Any]]:
    return [row for row in report.prompts.to_dict("records") if row["new"] and of - _BEFORE <= row["first_day"] <= of]


def _prompt(row: dict[Hashable, Any], last: date) -> None:
    st.markdown(
        f":material/edit_note: **{day(row['first_day'])}**: prompt version {row['prompt_version']} was first used. "
        f"Of its {many(row['replies'], 'reply', 'replies')} until {day(last)}, {percent(row['valid_pct'])} passed "
        "validation. It came with a release of the orchestrator; reverting it takes another release."
    )


def _change(change: Change, zone: str, keys: Mapping[str, object]) -> None:
    at = change.at.astimezone(ZoneInfo(zone))
    pairs = system_keys.pairs(change.changes)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/tune: **{at:%-d %b %H:%M}**, {escaped(change.by or 'unknown user')}: "
            f"{escaped('; '.join(system_keys.changes_in_words(pairs)))}{' (sample data)' if change.sample else ''}"
        )
        if all(key in keys and keys[key] == before for key, (before, _) in pairs.items()):
            st.badge("Already reverted", icon=":material/check:", color="gray")
        key = f"put_back_{change.at.isoformat()}_{change.version}"
        if st.button("Revert", key=key, icon=":material/undo:") and lost_press.heard():
            system_keys.propose({key: before for key, (before, _) in pairs.items()})
            st.switch_page("settings.py")
