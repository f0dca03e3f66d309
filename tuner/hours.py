"""The hours in which the operator lets studies measure, as the clock on the wall shows them.

A time of day is what the wall's clock shows, in summer and in winter. So a range that the clock skips when it is put
forward does not open that night, and one that it shows twice when it is put back opens twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ALL_DAYS = frozenset(range(7))
_MINUTES_A_DAY = 24 * 60
_RANGE = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? +)?(?P<start>\d{2}:[0-5]\d) *- *(?P<end>\d{2}:[0-5]\d)"
)
_ADVICE = (
    "write 'HH:MM-HH:MM', such as '22:00-06:00' or 'mon-fri 19:00-07:00, sat-sun 00:00-24:00' ('22:00-06:00' ends on "
    "the morning after; '' is always)"
)


@dataclass(frozen=True)
class DailyRange:
    """A part of some days, such as ``mon-fri 22:00-06:00``.

    Attributes:
        days: Days on which it starts; Monday is 0.
        start_minute: Minutes from midnight at which it starts.
        end_minute: Minutes from that midnight at which it is over; beyond 1440 on the day after.
    """

    days: frozenset[int]
    start_minute: int
    end_minute: int

    def holds(self, wall: datetime) -> bool:
        """Tells whether the wall's clock shows a time within."""
        since_midnight = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
        minute = (since_midnight + timedelta(microseconds=wall.microsecond)) / timedelta(minutes=1)
        today = wall.weekday()
        return any(
            (today - days_ago) % 7 in self.days
            and self.start_minute <= minute + days_ago * _MINUTES_A_DAY < self.end_minute
            for days_ago in (0, 1)
        )


@dataclass(frozen=True)
class Hours:
    """When studies may measure.

    Attributes:
        ranges: Parts of the week; none for always.
    """

    ranges: tuple[DailyRange, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Reads hours as the operator writes them; an empty text is always.

        Raises:
            ValueError: The text is something else; the message says what is right.
        """
        return cls(tuple(_parse_range(part.strip()) for part in text.split(","))) if text.strip() else cls()

    def hold(self, wall: datetime) -> bool:
        """Tells whether studies may measure while the wall's clock shows this."""
        return not self.ranges or any(part.holds(wall) for part in self.ranges)

    def starts(self) -> frozenset[int]:
        """Returns the minutes of a day at which some range starts."""
        return frozenset(part.start_minute for part in self.ranges)


def _parse_range(text: str) -> DailyRange:
    match = _RANGE.fullmatch(text.lower())
    if match is None:
        raise ValueError(f"`hours` cannot be read at '{text}': {_ADVICE}")
    start, end = _minute(match["start"], text), _minute(match["end"], text)
    if start in (end, _MINUTES_A_DAY):
        raise ValueError(f"`hours` holds no time at '{text}': {_ADVICE}")
    return DailyRange(
        _parse_days(match["first"], match["last"], text), start, end if end > start else end + _MINUTES_A_DAY
    )


def _parse_days(first: str | None, last: str | None, text: str) -> frozenset[int]:
    if first is None:
        return _ALL_DAYS
    unknown = next((day for day in (first, last) if day not in (None, *_DAYS)), None)
    if unknown is not None:
        raise ValueError(f"`hours` names no day '{unknown}' at '{text}': days are {', '.join(_DAYS)}")
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return frozenset((begin + offset) % 7 for offset in range((end - begin) % 7 + 1))


def _minute(text: str, where: str) -> int:
    hour, minute = map(int, text.split(":"))
    if hour * 60 + minute > _MINUTES_A_DAY:
        raise ValueError(f"`hours` names no time of day '{text}' at '{where}': {_ADVICE}")
    return hour * 60 + minute
