from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from medstack.kit.clock import SetClock
from medstack.kit.ids import TimeOrderedIds, first_id_at, time_of

MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 2),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2120, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(MOMENTS)
def test_an_id_tells_when_it_was_made_to_the_millisecond(moment: datetime) -> None:
    made = TimeOrderedIds(SetClock(moment)).new()
    assert timedelta(0) <= moment - time_of(made) < timedelta(milliseconds=2)


@given(MOMENTS, MOMENTS)
def test_a_range_of_time_is_a_range_of_ids(made_at: datetime, start: datetime) -> None:
    made = TimeOrderedIds(SetClock(made_at)).new()
    assert (made >= first_id_at(start)) == (time_of(made) >= start)


def test_a_time_before_all_ids_starts_at_zero() -> None:
    assert first_id_at(datetime(1970, 1, 1, tzinfo=UTC)) == 0
