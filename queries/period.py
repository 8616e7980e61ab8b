"""A span of whole days in one time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from queries.errors import InvalidPeriod

LONGEST_DAYS = 3660
USUAL_DAYS, RECENT_DAYS = 30, 7
"""The default length of a period, and the length of one that shows the present."""
_EARLIEST, _LATEST = date(1972, 1, 10), date(9990, 1, 1)
_QUARTER_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Period:
    """Days in a time zone, the first and the last included.

    Attributes:
        zone: IANA name.
    """

    first: date
    last: date
    zone: str

    @property
    def days(self) -> list[date]:
        """Each day, in order."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def bounds(self) -> list[datetime]:
        """The moment in UTC at which each day begins, followed by the end of the period."""
        return [begin_of(day, self.zone) for day in [*self.days, self.last + timedelta(days=1)]]

    @property
    def begins(self) -> datetime:
        """The first moment, UTC."""
        return begin_of(self.first, self.zone)

    @property
    def ends(self) -> datetime:
        """The first moment after the period, UTC."""
        return begin_of(self.last + timedelta(days=1), self.zone)

    def unfinished(self, now: datetime) -> date | None:
        """The day of the period that is not over yet; None if all are over or none has begun."""
        today = today_in(self.zone, now)
        return today if self.first <= today <= self.last else None

    @property
    def before(self) -> Period:
        """The previous period: as many days, directly before this one."""
        length = (self.last - self.first).days + 1
        return Period(self.first - timedelta(days=length), self.last - timedelta(days=length), self.zone)


def period(first: date, last: date, zone: str) -> Period:
    """The days from `first` to `last`, both included.

    Raises:
        InvalidPeriod: the end is before the start, the period is too long or out of range, or the time zone is unknown.
    """
    _known(zone)
    if last < first:
        raise InvalidPeriod(f"The period ends on {last}, before it begins on {first}.")
    if (last - first).days >= LONGEST_DAYS:
        raise InvalidPeriod(f"The period is longer than {LONGEST_DAYS:,} days; choose a shorter one.")
    if first < _EARLIEST or last > _LATEST:
        raise InvalidPeriod(f"The period must lie between {_EARLIEST} and {_LATEST}.")
    return Period(first, last, zone)


def asked_for(first: date | None, last: date | None, zone: str, now: datetime) -> Period:
    """The period between two days, by default up to today and USUAL_DAYS long.

    Raises:
        InvalidPeriod: as for `period`.
    """
    today = today_in(zone, now)
    end = last or max(today, first or today)
    usual = timedelta(days=min(USUAL_DAYS - 1, (end - date.min).days))
    return period(first or end - usual, end, zone)


def is_zone(name: str) -> bool:
    """Whether there is a time zone with this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def today_in(zone: str, now: datetime) -> date:
    """The current date in a time zone.

    Raises:
        InvalidPeriod: the time zone is unknown.
    """
    return now.astimezone(_known(zone)).date()


def _known(zone: str) -> ZoneInfo:
    if not is_zone(zone):
        raise InvalidPeriod(f"There is no time zone {zone[:40]!r}; use a name such as Europe/Berlin or UTC.")
    return ZoneInfo(zone)


def latest(days: int, zone: str, now: datetime) -> Period:
    """The last `days` days in the zone, today included."""
    today = today_in(zone, now)
    return period(today - timedelta(days=days - 1), today, zone)


def month(back: int, zone: str, now: datetime) -> Period:
    """A calendar month in the zone: 0 for the current one up to today, 1 for the whole previous one, and so on."""
    last = today_in(zone, now)
    for _ in range(back):
        last = last.replace(day=1) - timedelta(days=1)
    return period(last.replace(day=1), last, zone)


def begin_of(day: date, zone: str) -> datetime:
    """The first moment of a day, UTC: if clocks go back over midnight, the first of the two midnights.

    Raises:
        InvalidPeriod: the day does not begin at a quarter of an hour UTC, as in some zones long ago.
    """
    begins = datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
    if begins.timestamp() % _QUARTER_S:
        raise InvalidPeriod(f"On {day}, {zone} was not a multiple of 15 minutes from UTC; choose later days.")
    return begins
