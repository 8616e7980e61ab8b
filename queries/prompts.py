"""Which prompt versions came into use?"""

from __future__ import annotations

from datetime import date

from queries.figures import Figures
from queries.series import before, by_day


def new_prompts(figures: Figures) -> dict[int, date]:
    """Each prompt version that was not in use before, with the day of the period on which a model first got it.

    Not before is neither in the period before nor on the first day, on which an older one would be met too. Empty
    where the figures hold no attempts.
    """
    known = {row.prompt_version for row in before(figures.attempts)}
    first: dict[int, date] = {}
    for day, attempts in by_day(figures, figures.attempts):
        for version in (row.prompt_version for row in attempts):
            if version is not None and version not in known:
                first.setdefault(version, day)
    return {version: day for version, day in first.items() if day != figures.period.first}
