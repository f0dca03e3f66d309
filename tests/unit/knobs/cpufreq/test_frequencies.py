"""The frequencies to choose from."""

from hypothesis import given, settings
from hypothesis import strategies as st

from knobs.drivers.cpufreq.frequencies import grid_khz, khz, mhz

KHZ = st.integers(1, 10_000_000)


@settings(deadline=None)
@given(KHZ)
def test_mhz_and_back_is_exact(frequency_khz):
    assert khz(mhz(frequency_khz)) == frequency_khz


def test_whole_mhz_are_ints():
    assert mhz(1_728_000) == 1728
    assert isinstance(mhz(1_728_000), int)
    assert mhz(115_200) == 115.2


@settings(deadline=None)
@given(low=KHZ, span=st.integers(0, 9_000_000), landmarks=st.lists(KHZ, max_size=3))
def test_a_grid_keeps_the_ends_and_landmarks_and_stays_small(low, span, landmarks):
    high = low + span
    grid = grid_khz(low, high, landmarks)
    exact = {low, high, *(mark for mark in landmarks if low <= mark <= high)}
    assert exact <= set(grid)
    assert list(grid) == sorted(set(grid))
    assert low == grid[0]
    assert high == grid[-1]
    assert len(grid) <= 24 + len(exact)
    between = [point for point in grid if point not in exact]
    assert all(point % 100_000 == 0 for point in between)
    assert all(abs(point - mark) >= 50_000 for point in between for mark in exact)


def test_the_grid_of_a_desktop_processor():
    assert grid_khz(800_000, 2_000_000, [1_450_000]) == (
        *(800_000, 900_000, 1_000_000, 1_100_000, 1_200_000, 1_300_000, 1_400_000, 1_450_000),
        *(1_500_000, 1_600_000, 1_700_000, 1_800_000, 1_900_000, 2_000_000),
    )
