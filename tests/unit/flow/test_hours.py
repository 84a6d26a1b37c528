"""The hours of the day at which people are reminded, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flow.reminders import Hours

PARIS = ZoneInfo("Europe/Paris")
SPRING, AUTUMN = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)


def comes(hours: Hours, start: datetime, end: datetime) -> list[datetime]:
    """Each that comes within a time, as somebody finds who always waits for the next."""
    found: list[datetime] = []
    moment = hours.next(start)
    while moment and moment < end:
        assert hours.last(moment) == moment
        assert hours.last(moment - timedelta(seconds=1)) != moment
        found.append(moment)
        moment = hours.next(moment)
    return found


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_an_hour_of_the_day_stays_the_same_when_the_clocks_change(change: datetime) -> None:
    found = comes(Hours((time(9), time(18)), PARIS), change - timedelta(days=3), change + timedelta(days=3))
    assert [moment.astimezone(PARIS).hour for moment in found] == [9, 18] * 6


@pytest.mark.parametrize("hour", [time(2), time(2, 30), time(3)])
@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_an_hour_that_is_left_out_or_repeated_comes_once_a_day(change: datetime, hour: time) -> None:
    start = change.astimezone(PARIS).replace(hour=12) - timedelta(days=3)
    found = comes(Hours((hour,), PARIS), start, start + timedelta(days=6))
    days = [moment.astimezone(PARIS).date() for moment in found]
    assert len(days) == len(set(days)) == 6


def test_without_hours_none_comes() -> None:
    hours = Hours((), PARIS)
    assert (hours.last(SPRING), hours.next(SPRING)) == (None, None)


@given(
    st.timedeltas(timedelta(), timedelta(days=3_000)).map(lambda since: SPRING + since),
    st.sets(st.times(), min_size=1, max_size=4),
    st.sampled_from(["Europe/Paris", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe"]),
)
def test_the_last_and_the_next_hour_are_neighbours(now: datetime, at: set[time], zone: str) -> None:
    hours = Hours(tuple(at), ZoneInfo(zone))
    last, following = hours.last(now), hours.next(now)
    assert last
    assert following
    assert last <= now < following
    assert hours.next(last) == following
    assert hours.last(following) == following
