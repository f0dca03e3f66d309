"""The operator's limits: hours on every clock of the world, temperatures, and the error budget."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import Conditions
from tuner.clock import SystemClock
from tuner.config import load_config
from tuner.config_record import LimitSettings
from tuner.errors import BadInputError
from tuner.hours import Hours
from tuner.study.limits import OperatorLimits

_ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # put forward by half an hour
    "Antarctica/Troll",  # put forward by two hours
    "Asia/Kathmandu",  # five hours and three quarters from UTC
    "Africa/Casablanca",  # put back for one month of the year
    "Pacific/Apia",
)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
days = st.one_of(
    st.just(""),
    st.sampled_from(_DAYS).map("{} ".format),
    st.tuples(st.sampled_from(_DAYS), st.sampled_from(_DAYS)).map(lambda pair: f"{pair[0]}-{pair[1]} "),
)
ranges = st.tuples(days, times, times).filter(lambda parts: parts[1] != parts[2]).map(lambda p: f"{p[0]}{p[1]}-{p[2]}")
hours = st.lists(ranges, min_size=1, max_size=3).map(", ".join)
instants = st.datetimes(datetime(2023, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
zones = st.sampled_from(_ZONES).map(ZoneInfo)


def limits(hours: str = "", zone: ZoneInfo | None = None, **others: float) -> OperatorLimits:
    settings = LimitSettings(hours=hours, **others)
    return OperatorLimits(settings, lambda instant: instant.astimezone(zone)) if zone else OperatorLimits(settings)


def at(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def allowed_by_the_letter(text: str, wall: datetime) -> bool:
    """An independent reading of the rule: list every range as two naive times, and look whether one holds the wall's.

    The range of a day is looked for on that day and the one before, as ranges last less than a day.
    """
    naive = wall.replace(tzinfo=None)
    for part in text.split(", "):
        names, _, clock = part.rpartition(" ")
        first, _, last = (names or "mon-sun").partition("-")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        named = {begin, end}
        while begin != end:
            begin = (begin + 1) % 7
            named.add(begin)
        for days_ago in (0, 1):
            midnight = naive.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
            if midnight.weekday() not in named:
                continue
            start, stop = (
                midnight + timedelta(hours=int(time[:2]), minutes=int(time[3:])) for time in clock.split("-")
            )
            if start <= naive < (stop if stop > start else stop + timedelta(days=1)):
                return True
    return False


@given(hours, instants, zones)
def test_the_wall_s_clock_alone_decides(text: str, now: datetime, zone: ZoneInfo) -> None:
    assert limits(text, zone).may_measure(now) == allowed_by_the_letter(text, now.astimezone(zone))


@given(hours, instants, zones)
def test_the_next_opening_is_allowed_and_nothing_between_is(text: str, now: datetime, zone: ZoneInfo) -> None:
    limit = limits(text, zone)
    opening = limit.next_opening(now)
    assert limit.may_measure(opening)
    assert opening >= now
    assert opening.replace(tzinfo=None) == opening.astimezone(zone).replace(tzinfo=None), "it shows the wall's time"
    if opening > now:
        assert not limit.may_measure(now)
        assert not limit.may_measure(opening - timedelta(microseconds=1))
    step = max((opening - now) / 200, timedelta(microseconds=1))
    probes = [now + number * step for number in range(200)]
    assert not any(limit.may_measure(probe) for probe in probes if probe < opening)


@given(times, times, st.sampled_from(_ZONES), st.integers(0, 3 * 366))
def test_changes_of_the_clock_open_and_close_nothing_by_mistake(start: str, end: str, zone: str, day: int) -> None:
    """Minute by minute through one day, which is the day of a change often enough."""
    if start == end:
        return
    limit = limits(f"{start}-{end}", ZoneInfo(zone))
    begin = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=day)
    minutes = [begin + timedelta(minutes=number) for number in range(24 * 60)]
    first = next((minute for minute in minutes if limit.may_measure(minute)), None)
    opening = limit.next_opening(begin)
    assert first is None or opening == first
    assert first is not None or opening >= minutes[-1]


@pytest.mark.parametrize(
    ("text", "now", "opening"),
    [
        ("22:00-06:00", "2026-06-10T12:00", "2026-06-10T22:00"),
        ("22:00-06:00", "2026-06-10T06:00", "2026-06-10T22:00"),
        ("22:00-06:00", "2026-06-10T05:59:59.999999", "2026-06-10T05:59:59.999999"),
        ("fri 22:00-06:00", "2026-06-10T23:00", "2026-06-12T22:00"),
        ("fri 22:00-06:00", "2026-06-13T05:00", "2026-06-13T05:00"),
        ("sat-mon 08:00-09:00", "2026-06-10T23:00", "2026-06-13T08:00"),
        ("12:00-13:00,01:00-02:00", "2026-06-10T14:00", "2026-06-11T01:00"),
        ("00:00-24:00", "2026-06-10T14:00", "2026-06-10T14:00"),
        ("MON 07:00 - 24:00", "2026-06-10T14:00", "2026-06-15T07:00"),
        ("", "2026-06-10T14:00", "2026-06-10T14:00"),
        # The clock is put forward from 02:00 to 03:00 on 2026-03-29: what begins within begins at 03:00 …
        ("02:30-05:00", "2026-03-29T00:00", "2026-03-29T03:00"),
        # … and what lies within does not open that night.
        ("02:15-02:45", "2026-03-29T00:00", "2026-03-30T02:15"),
        ("sun 02:15-02:45", "2026-03-29T00:00", "2026-04-05T02:15"),
    ],
)
def test_when_the_next_opening_is(text: str, now: str, opening: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    found = limits(text, zone).next_opening(at(now))
    assert found == at(opening)
    assert found.replace(tzinfo=None) == datetime.fromisoformat(opening)


def test_a_clock_that_is_put_back_opens_an_hour_twice() -> None:
    limit = limits("22:00-02:30", ZoneInfo("Europe/Berlin"))
    first, second = (datetime(2026, 10, 25, hour, 45, tzinfo=UTC) for hour in (0, 1))  # the wall shows 02:45 twice
    assert not limit.may_measure(first)
    opening = limit.next_opening(first)
    assert opening == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)
    assert opening.isoformat() == "2026-10-25T02:00:00+01:00"
    assert opening - first.astimezone(ZoneInfo("Europe/Berlin")) == timedelta(minutes=15)
    assert not limit.may_measure(second)


def test_hours_are_those_of_this_machine_unless_told_otherwise() -> None:
    now = SystemClock().local_now()
    assert now.utcoffset() is not None
    soon = now + timedelta(hours=2)
    text = f"{now:%H:%M}-{soon:%H:%M}"
    assert limits(text).may_measure(now)
    assert not limits(text).may_measure(now + timedelta(hours=6))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("at night", "cannot be read at 'at night'"),
        ("22-6", "cannot be read at '22-6'"),
        ("22:00-06:00,", "cannot be read at ''"),
        ("22:00-06:60", "cannot be read at '22:00-06:60'"),
        ("25:00-06:00", "names no time of day '25:00'"),
        ("22:00-24:01", "names no time of day '24:01'"),
        ("22:00-22:00", "holds no time at '22:00-22:00'"),
        ("24:00-06:00", "holds no time at '24:00-06:00'"),
        ("mon-foo 22:00-06:00", "names no day 'foo'"),
        ("fri, 22:00-06:00", "cannot be read at 'fri'"),
        ("22:00-06:00\n", None),
    ],
)
def test_hours_that_say_nothing_are_refused_with_what_is_right(text: str, sentence: str | None) -> None:
    if sentence is None:
        assert Hours.parse(text) == Hours.parse(text.strip())
        return
    with pytest.raises(ValueError, match="hours") as caught:
        Hours.parse(text)
    assert sentence in str(caught.value)


@given(st.text(max_size=20))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        parsed = Hours.parse(text)
    except ValueError as error:
        assert str(error).startswith("`hours`")
    else:
        assert all(0 <= part.start_minute < part.end_minute <= part.start_minute + 1440 for part in parsed.ranges)


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ('hours = "always"', "at 'limits': 'hours' cannot be read at 'always'"),
        ("hours = 22", "at 'limits.hours'"),
        ("abort_temperature_c = 0", "'abort_temperature_c' must be a temperature above zero"),
        ("abort_temperature_c = nan", "'abort_temperature_c' must be a temperature above zero"),
        ("abort_temperature_c = inf", "'abort_temperature_c' must be a temperature above zero"),
        ("late_requests = 0", "'late_requests' must be at least 1"),
        ("late_requests = 1.5", "at 'limits.late_requests'"),
        ("minutes = 3", "there is no key 'minutes'"),
    ],
)
def test_wrong_limits_are_one_sentence_with_the_file_and_the_key(section: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "wattune.toml"
    path.write_text(f"[limits]\n{section}\n")
    with pytest.raises(BadInputError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path} is wrong")
    assert sentence in str(caught.value)


def test_limits_are_read_from_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "wattune.toml"
    path.write_text('[limits]\nhours = "22:00-06:00"\nabort_temperature_c = 85\nlate_requests = 500\n')
    assert load_config(path).limits == LimitSettings("22:00-06:00", 85.0, 500)


def test_the_hottest_sensor_above_the_limit_is_named() -> None:
    limit = limits(abort_temperature_c=85.0)
    seen = Conditions(temperatures_c=(("gpu0", 86.5), ("gpu0 memory", 91.0), ("cpu", 60.0), ("broken", math.nan)))
    sentence = limit.too_hot(seen)
    assert sentence.startswith("gpu0 memory reached 91 °C")
    assert "85 °C" in sentence
    assert sentence.endswith(".")


@given(st.floats(1, 150), st.floats(0, 200))
def test_a_sensor_is_too_hot_from_the_limit_on(limit_c: float, seen_c: float) -> None:
    found = limits(abort_temperature_c=limit_c).too_hot(Conditions(temperatures_c=(("gpu0", seen_c),)))
    assert bool(found) == (seen_c >= limit_c)


def test_without_a_limit_nothing_is_too_hot_and_no_budget_is_ever_spent() -> None:
    assert limits().too_hot(Conditions(temperatures_c=(("gpu0", 1000.0),))) == ""
    assert limits().budget_spent(10**9) == ""
    assert limits(abort_temperature_c=80.0).too_hot(Conditions()) == ""


@given(st.integers(1, 10_000), st.integers(0, 20_000))
def test_the_budget_is_spent_once_so_many_requests_were_late(budget: int, late: int) -> None:
    sentence = limits(late_requests=budget).budget_spent(late)
    assert bool(sentence) == (late >= budget)
    assert not sentence or (str(late) in sentence and str(budget) in sentence)
