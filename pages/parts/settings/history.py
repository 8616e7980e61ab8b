"""The history: every change of the keys and every prompt release, newest first, each a click from its undo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import streamlit as st

from orchestrator.settings_history import Save
from pages.parts import console, states
from pages.parts.changes.marks import CHANGE_PARAMETER
from pages.parts.changes.names import title
from pages.parts.changes.story import change_drawer, effect_in_words
from pages.parts.events_link import events_by
from pages.parts.filters import Chosen, default_filters, zone
from pages.parts.settings.form import propose
from pages.parts.words import ago, day, escaped, many, moment
from queries.changes import Change, Effect, changes_in, read_effects
from queries.figures import Figures, read_figures
from queries.period import latest
from store import Database, clock

_SHOWN = 8
_DAYS = 90


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history.

    Attributes:
        effect: None for a change too long ago to be measured here.
        save: the save of the keys as the settings know it; None for a prompt release and for sample data.
    """

    change: Change
    effect: Effect | None
    save: Save | None


def history(person: Database, saves: tuple[Save, ...], version: int) -> None:
    """Who changed what and when, with the fallback rate before and after."""
    st.subheader("Changes", anchor=False)
    chosen = Chosen(latest(_DAYS, zone(), clock.now()), default_filters(), None)
    figures = states.read(lambda: read_figures(person, chosen.period, chosen.filters, ("attempts", "changes")))
    entries = _entries(person, chosen, figures, saves)
    if not entries:
        st.caption("No changes yet. These are the default settings.")
        return
    for entry in entries[:_SHOWN]:
        _line(entry, version)
    if len(entries) > _SHOWN:
        with st.expander(many(len(entries) - _SHOWN, "older change")):
            for entry in entries[_SHOWN:]:
                _line(entry, version)
    if saves:
        oldest = saves[-1]
        _restore_button(oldest.before, f"the settings before version {oldest.version}")
    st.caption(f"Times in {zone()}.")
    change_drawer(person, chosen, figures)


def _entries(person: Database, chosen: Chosen, figures: Figures, saves: tuple[Save, ...]) -> list[Entry]:
    """All changes, newest first: what the figures of the last days know, then older saves."""
    known = [change for change in changes_in(figures) if change.at >= chosen.period.begins]
    effects = states.read(lambda: read_effects(person, known, chosen.filters, clock.now())) if known else {}
    by_time = {save.changed_at: save for save in saves}
    entries = [Entry(change, effects[change.id], by_time.pop(change.at, None)) for change in known]
    older = [Entry(_old(save), None, save) for save in by_time.values()]
    return sorted([*entries, *older], key=lambda entry: entry.change.at, reverse=True)


def _old(save: Save) -> Change:
    keys = {key: {"before": before, "after": after} for key, (before, after) in save.changes.items()}
    return Change("", save.changed_at, save.changed_by, keys, None, save.reason, sample=False)


def changed(saves: tuple[Save, ...], key: str) -> str:
    """Who last changed a key, and when."""
    save = next((save for save in saves if key in save.changes), None)
    if save is None:
        return "Never changed."
    return f"Changed by {escaped(save.changed_by)} {ago(save.changed_at, clock.now())}."


def _line(entry: Entry, version: int) -> None:
    change, save = entry.change, entry.save
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        said = _made(change)
        said += [f"“{escaped(change.reason)}”"] if change.reason else []
        said += [effect_in_words(entry.effect)] if entry.effect else []
        name = f"**Version {save.version}** · " if save else ""
        st.markdown(f"{name}{escaped(title(change))}  \n:small[{' · '.join(said)}]", width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if change.sample:
                st.badge("Sample", icon=":material/auto_awesome:", color="gray")
            if save and save.version == version:
                st.badge("Current", icon=":material/check:", color="green")
            elif save:
                _restore_button(save.values, f"version {save.version}")
            if change.id:
                st.button("Details", key=f"change_{change.id}", on_click=_open, args=(change.id,))


def _made(change: Change) -> list[str]:
    """When and by whom a change was made; of a prompt version, only the day is known."""
    if change.prompt_version is not None:
        return [day(change.at.astimezone(ZoneInfo(zone())).date()), "with a release"]
    trace = events_by(change.by) if change.by else ""
    return [moment(change.at, zone()), escaped(change.by or "unknown user"), *([trace] if trace else [])]


def _open(change: str) -> None:
    st.query_params[CHANGE_PARAMETER] = change


def _restore_button(values: Mapping[str, str | bool], name: str) -> None:
    if console.may("change_settings"):
        st.button(f"Restore {name}", icon=":material/undo:", on_click=propose, args=(dict(values),))
