"""A figure on a card: its value, how it changed, and where it stands against its target."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import streamlit as st

from pages.parts.sparkline import sparkline
from pages.parts.words import UNCHANGED, Number, threshold
from queries.period import Period
from queries.rates import Rate
from queries.targets import Standing, Target

STANDINGS: dict[Standing, tuple[str, str, Literal["green", "orange", "red", "gray"]]] = {
    "good": ("Good", ":material/check_circle:", "green"),
    "watch": ("Watch", ":material/visibility:", "orange"),
    "bad": ("Off target", ":material/error:", "red"),
    "unknown": ("No data", ":material/horizontal_rule:", "gray"),
}
"""Each standing in words, with its icon and its colour."""
_DRAWN = "cards_drawn"
_DRAWING_S = 0.5


@dataclass(frozen=True, slots=True)
class Card:
    """One figure.

    Attributes:
        value: as the screen writes it.
        change: since the period before; None if unknown.
        falling_is_good: whether less is better; None if neither direction is.
        rate, target: the rate shown and its target, if it has one.
        help: how the figure is defined.
        note: a line below the figure.
        leads_to: the page that explains the figure, and the words of its link.
        trend: the figure day by day, days without it left out; empty for none.
    """

    label: str
    value: str
    help: str
    change: str | None = None
    falling_is_good: bool | None = None
    rate: Rate | None = None
    target: Target | None = None
    note: str | None = None
    leads_to: tuple[str, str] | None = None
    trend: tuple[float, ...] = ()

    def over(self, trend: Iterable[Number | None]) -> Card:
        """The same card with the figure day by day."""
        return replace(self, trend=tuple(float(value) for value in trend if value is not None))

    def leading(self, file: str, words: str) -> Card:
        """The same card with a link to the page that explains it."""
        return replace(self, leads_to=(file, words))

    def named(self, label: str, help: str) -> Card:
        """The same card under another name, for a narrower figure."""
        return replace(self, label=label, help=help, note=None)

    def noted(self, note: str) -> Card:
        """The same card with a note below."""
        return replace(self, note=note)


def cards(shown: list[Card], period: Period, *, per_row: int = 4) -> None:
    """The figures side by side, two by two on a phone, each with its change since the previous period."""
    with st.grid(per_row, min_column_width=150):
        for card in shown:
            with st.container(border=True, height="stretch", gap="small"):
                _metric(card, _since(period))
                if card.rate and card.target:
                    _standing(card.rate, card.target)
                if card.note:
                    st.caption(card.note)
                if card.leads_to:
                    file, words = card.leads_to
                    st.page_link(file, label=words, icon=":material/arrow_forward:")
    _let_them_be_drawn()


def _let_them_be_drawn() -> None:
    """Give the browser a moment for the figures on a visitor's first page, before the charts keep it busy."""
    if not st.session_state.get(_DRAWN):
        st.session_state[_DRAWN] = True
        time.sleep(_DRAWING_S)


def _since(period: Period) -> str:
    """What changes are compared with."""
    length = len(period.days)
    return f"vs previous {length} days" if length > 1 else "vs the day before"


def standing(rate: Rate, target: Target) -> str:
    """The standing of a rate in a word; in parentheses if there are too few cases to be certain."""
    where = target.standing(rate)
    word = STANDINGS[where][0]
    return word if where == "unknown" or target.certain(rate) else f"({word})"


def aim(target: Target) -> str:
    """A target in words: `below 5 %`, `99 % or more`."""
    wanted = threshold(target.good_pct)
    return f"below {wanted}" if target.below else f"{wanted} or more"


def _standing(rate: Rate, target: Target) -> None:
    _, icon, colour = STANDINGS[target.standing(rate)]
    unsure = None if target.certain(rate) or not rate.whole else "In parentheses: too few cases to be certain."
    st.markdown(f":{colour}-badge[{icon} {standing(rate, target)}] :small[{aim(target)}]", help=unsure)


def _metric(card: Card, since: str) -> None:
    colour: Literal["normal", "inverse", "off"] = "normal"
    if card.falling_is_good is None:
        colour = "off"
    elif card.falling_is_good:
        colour = "inverse"
    unchanged = card.change == UNCHANGED
    # The place of the figure and of its course is kept until they are there.
    with st.container(key=f"figure_{card.label}"):
        st.metric(
            card.label, card.value, card.change,
            delta_color="off" if unchanged else colour, delta_arrow="off" if unchanged else "auto",
            delta_description=since if card.change else None, help=card.help,
        )  # fmt: skip
    if len(card.trend) > 1:
        with st.container(key=f"trend_{card.label}"):
            st.html(sparkline(card.trend, f"{card.label}, day by day"))
