"""Which prompt versions are new?"""

from __future__ import annotations

from datetime import date

from queries.figures import Figures
from queries.series import before, by_day


def new_prompts(figures: Figures) -> dict[int, date]:
    """Each prompt version that was not in use before, with the day of the period on which a model first received it.

    A version counts as in use before if it occurs in the previous period or on the first day, which may still see an
    older one. Empty if the figures hold no attempts.
    """
    known = {row.prompt_version for row in before(figures.attempts)}
    first: dict[int, date] = {}
    for day, attempts in by_day(figures, figures.attempts):
        for version in (row.prompt_version for row in attempts):
            if version is not None and version not in known:
                first.setdefault(version, day)
    return {version: day for version, day in first.items() if day != figures.period.first}
