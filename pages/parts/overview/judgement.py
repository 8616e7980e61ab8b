"""One sentence that says whether all is well, and what to do if not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.parts.cards import aim
from pages.parts.overview.keys_now import Note
from pages.parts.palette import REASON_LABELS
from pages.parts.words import escaped, inline, interval, many, percent, share, threshold
from queries import targets
from queries.overview import Judgement, Recent
from queries.period import RECENT_DAYS


def judgement(recent: Recent, notes: Sequence[Note]) -> None:
    """The sentence, with a link to the next step; and what an admin should know about the keys.

    All is well only if the keys need no action either.
    """
    urgent = [note.sentence for note in notes if note.urgent]
    if recent.judgement == "well" and urgent:
        show, sentence, page, link = _to_do(recent, urgent)
        rest = [note.sentence for note in notes if not note.urgent]
    else:
        show, sentence, page, link = _JUDGEMENTS[recent.judgement](recent)
        rest = [note.sentence for note in notes]
    show(sentence)
    if page:
        st.page_link(page, label=link, icon=":material/arrow_forward:")
    for note in rest:
        st.caption(f":material/tune: {escaped(note)}")


_Told = tuple[Callable[[str], object], str, str, str]


def _nothing(recent: Recent) -> _Told:
    return (
        _info,
        f"No generation with the default models ended in the last {RECENT_DAYS} days, so there is nothing to judge.",
        "playground.py",
        "Try it",
    )


def _few(recent: Recent) -> _Told:
    ended = many(recent.total.as_configured.success.whole, "generation")
    return _info, f"**Too early to tell.** Only {ended} ended in the last {RECENT_DAYS} days, too few to judge.", "", ""


def _failing(recent: Recent) -> _Told:
    sentence = (
        f"**Generations are failing.** {_succeeded(recent)} "
        "If this continues, make Claude the primary model with “Roll back now” at the top."
    )
    return _error, sentence, "fallbacks.py", "See why"


def _perhaps_failing(recent: Recent) -> _Told:
    sure = interval(recent.total.as_configured.success)
    sentence = f"**Keep an eye on the failures.** {_succeeded(recent)} This may be chance: the 95 % CI is {sure}."
    return _warning, sentence, "fallbacks.py", "See why"


def _succeeded(recent: Recent) -> str:
    rate = share(recent.total.as_configured.success, targets.SUCCESS)
    return f"In the last {RECENT_DAYS} days, {rate} succeeded; the target is {aim(targets.SUCCESS)}."


def _often(recent: Recent) -> _Told:
    sentence = (
        "**The cheap model needs the fallback too often.** "
        f"{_answered(recent)}; above {threshold(targets.FALLBACK.bad_pct)}, the prompts need work. {_why(recent)}"
    )
    return _error, sentence, "fallbacks.py", "See why"


def _more_often(recent: Recent) -> _Told:
    sentence = (
        f"**Keep an eye on the fallbacks.** {_answered(recent)}; the target is {aim(targets.FALLBACK)}. {_why(recent)}"
    )
    return _warning, sentence, "fallbacks.py", "See why"


def _answered(recent: Recent) -> str:
    rate = share(recent.total.as_configured.fallback, targets.FALLBACK)
    return f"In the last {RECENT_DAYS} days, the fallback answered {rate}"


def _well(recent: Recent) -> _Told:
    return _success, f"**All is well.** {_on_target(recent)}", "", ""


def _to_do(recent: Recent, urgent: Sequence[str]) -> _Told:
    sentence = f"**On target, but check the settings.** {escaped(' '.join(urgent))} {_on_target(recent)}"
    return _warning, sentence, "settings.py", "Open the settings"


def _on_target(recent: Recent) -> str:
    judged = recent.total.as_configured
    return (
        f"In the last {RECENT_DAYS} days, {share(judged.success, targets.SUCCESS)} succeeded and the fallback answered "
        f"{percent(judged.fallback.pct, targets.FALLBACK.limits)}; both are on target."
    )


_JUDGEMENTS: dict[Judgement, Callable[[Recent], _Told]] = {
    "nothing": _nothing,
    "few": _few,
    "failing": _failing,
    "perhaps_failing": _perhaps_failing,
    "often": _often,
    "more_often": _more_often,
    "well": _well,
}


def _why(recent: Recent) -> str:
    if (main := recent.total.as_configured.main_reason) is None:
        return ""
    reason, share_of_it = main
    return f"Main reason: {inline(REASON_LABELS[reason])} ({many(share_of_it.part, 'time')})."


def _success(sentence: str) -> object:
    return st.success(sentence, icon=":material/check_circle:")


def _info(sentence: str) -> object:
    return st.info(sentence, icon=":material/info:")


def _warning(sentence: str) -> object:
    return st.warning(sentence, icon=":material/visibility:")


def _error(sentence: str) -> object:
    return st.error(sentence, icon=":material/error:")
