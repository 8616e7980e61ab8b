"""Which days count as deviations."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from queries.days import Day, LatencySummary
from queries.deviations import deviations
from queries.figures import Generations
from queries.tally import tally

FIRST = date(2026, 11, 1)


def rows(number: int, *, reason: str | None = None, status: str = "completed", cost: str = "0.002") -> Generations:
    """So many generations of one kind at this cost each."""
    total = Decimal(cost) * number
    return Generations(
        bin=1, overridden=False, status=status, primary_model="a", generator="a", fallback_reason=reason,
        generations=number, regenerated=0, unreadable=0, unpriced=0, cost_usd=total, without_cost=0, wasted_usd=0,
        without_waste=0, compared=number, baseline_usd=total, compared_cost_usd=total, compared_wasted_usd=0,
        timed=number, latency_ms=1000 * number, by_steps=(), by_services=(),
    )  # fmt: skip


def day(place: int, *kinds: Generations, p95: float = 9000) -> Day:
    """A day with these generations."""
    return Day(FIRST + timedelta(days=place), tally(kinds), LatencySummary(4000, 4000, p95, p95))


def usual(place: int) -> Day:
    """100 generations, of which 4 fell back."""
    return day(place, rows(96), rows(4, reason="timeout"))


def test_days_in_a_row_are_one_deviation() -> None:
    """With the value of the day that differs most, beside the usual one."""
    days = [usual(place) for place in range(10)]
    days[4] = day(4, rows(80), rows(20, reason="validation_failed"))
    days[5] = day(5, rows(75), rows(25, reason="validation_failed"))
    days[8] = day(8, rows(80), rows(20, reason="validation_failed"))
    first, second = deviations(days)

    assert (first.measure, first.first.day, first.last.day, first.at.day) == ("fallback", 5, 6, 6)
    assert (first.value, first.usual) == (25.0, 4.0)
    assert (second.first.day, second.last.day) == (9, 9)
    assert first.score > second.score > 0


def test_each_measure_has_its_deviations() -> None:
    """A day of failures, an expensive day and a slow day, largest first; a fall counts like a rise."""
    days = [usual(place) for place in range(12)]
    days[2] = day(2, rows(86), rows(4, reason="timeout"), rows(10, status="failed"))
    days[5] = day(5, rows(100, cost="0.02"))
    days[9] = day(9, rows(96), rows(4, reason="timeout"), p95=25_000)
    found = {one.measure: one for one in deviations(days)}

    assert found["success"].value == 90.0
    assert found["success"].score < 0
    assert found["cost"].value == 0.02
    assert found["latency"].value == 25_000
    assert "fallback" not in found, "no fallback among a hundred may be chance"


def test_chance_and_thin_days_are_no_deviation() -> None:
    """Neither seven fallbacks instead of four, nor nine out of ten on a day with ten generations."""
    days = [usual(place) for place in range(10)]
    days[3] = day(3, rows(93), rows(7, reason="timeout"))
    days[6] = day(6, rows(1), rows(9, reason="timeout"))

    assert deviations(days) == ()


def test_few_days_have_no_usual_one() -> None:
    """Four days say nothing about what is usual, and none says nothing at all."""
    days = [usual(0), usual(1), usual(2), day(3, rows(50), rows(50, reason="timeout"))]

    assert deviations(days) == ()
    assert deviations([]) == ()
    assert len(deviations([*days, usual(4)])) == 1
