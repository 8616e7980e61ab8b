"""The phases of the rollout, their rules, and the advice, in words."""

from __future__ import annotations

from dataclasses import dataclass

from pages.parts.cards import aim
from pages.parts.words import interval, many, share, threshold
from queries import targets
from queries.rollout import ENOUGH, Advice, Phase, Rollout


@dataclass(frozen=True, slots=True)
class Stage:
    """A phase in words.

    Attributes:
        rule: when the figures support it.
    """

    name: str
    about: str
    rule: str


_GOOD, _BAD, _RARE = (
    threshold(limit) for limit in (targets.FALLBACK.good_pct, targets.FALLBACK.bad_pct, targets.FALLBACK_RARE_PCT)
)

STAGES: dict[Phase, Stage] = {
    "soft_launch": Stage(
        "1 · Soft launch",
        "The cheap model is asked first, with the fallback behind it. Check every day.",
        f"From the first day. Above a fallback rate of {_BAD}, improve the prompts.",
    ),
    "confidence_building": Stage(
        "2 · Confidence building",
        "The cheap model is trusted. Consider running some agents without a fallback.",
        f"The 95 % CI of the fallback rate is below {_GOOD}, and the success rate is on target.",
    ),
    "cost_optimisation": Stage(
        "3 · Cost optimisation",
        "The fallback is rarely needed. Consider dropping it for simple agents.",
        f"The 95 % CI of the fallback rate is below {_RARE}, and the success rate is on target.",
    ),
}


def evidence(report: Rollout) -> str:
    """The evidence for the phase."""
    rate = report.total.fallback
    if not rate.whole:
        return "No generation that asked a cheaper model first completed in this period."
    if not report.enough:
        return f"Only {many(report.total.completed, 'workflow')}; a rate is considered reliable from {ENOUGH} on."
    return f"The fallback answered {share(rate, targets.FALLBACK)} workflows; 95 % CI: {interval(rate)}."


def advice(kind: Advice, report: Rollout) -> str:
    """What to do, and why."""
    return _ADVICE[kind].format(
        fallback=share(report.total.fallback, targets.FALLBACK),
        success=share(report.total.success, targets.SUCCESS),
        valid=share(report.replies),
        aim=aim(targets.SUCCESS),
        good=_GOOD,
        bad=_BAD,
        rare=_RARE,
        enough=ENOUGH,
    )


_ADVICE: dict[Advice, str] = {
    "wait": "**Wait.** There are fewer than {enough} workflows to judge by. Let it run, and check again in a few days.",
    "improve_prompts": (
        "**Improve the prompts.** The fallback answered {fallback} workflows, above {bad}. Of the cheaper models' "
        "replies, {valid} passed validation; read the rejected ones first."
    ),
    "watch": (
        "**Keep the fallback, and look at the rejected replies.** The fallback answered {fallback} workflows; the "
        "target is below {good}."
    ),
    "keep": (
        "**Keep going.** The fallback answered {fallback} workflows, which is on target; the true rate may still be "
        "{good} or more."
    ),
    "consider_disabling": (
        "**Consider running some agents without a fallback.** The fallback answered {fallback} "
        "workflows, and the 95 % CI is below {good}."
    ),
    "consider_dropping": (
        "**Consider dropping the fallback for simple agents.** The fallback answered {fallback} "
        "workflows, and the 95 % CI is below {rare}."
    ),
    "look_at_failures": "**Look at the failures first.** {success} generations succeeded; the target is {aim}.",
}
