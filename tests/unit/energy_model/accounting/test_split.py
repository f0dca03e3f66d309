from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.energy_model.accounting.timelines import SECOND, Event, power, timeline
from tuner.energy_model.accounting.nesting import nest
from tuner.energy_model.accounting.power import PowerSeries
from tuner.energy_model.accounting.split import Split, split
from tuner.energy_model.accounting.timeline import NONE, Timeline
from tuner.errors import BadInputError

EXACT = 1e-9


def split_of(trace: Timeline, *meters: PowerSeries, window_s: tuple[float, float] | None = None) -> Split:
    window_ns = None if window_s is None else (round(window_s[0] * SECOND), round(window_s[1] * SECOND))
    return split(trace, nest(trace.lane, trace.start_ns, trace.end_ns), meters, window_ns)


def joules(*events: Event, meter: PowerSeries | None = None) -> list[float]:
    """Joules of each event at 1 W, from the first begin to the last end."""
    return split_of(timeline(*events), meter or power([-100, 100], [1, 1])).energy_j.tolist()


class TestPublishedBugs:
    """Two cases that the published code gets wrong: it charges an operator for one interval after it has ended."""

    def test_two_operators_back_to_back_share_nothing(self) -> None:
        assert joules(("A", "cpu/1", 0, 10), ("B", "cpu/1", 10, 20)) == pytest.approx([10, 10], rel=EXACT)

    def test_a_gap_is_idle_and_is_not_charged_to_what_ended_before(self) -> None:
        result = split_of(timeline(("A", "cpu/1", 0, 10), ("B", "cpu/1", 15, 20)), power([-1, 21], [1, 1]))
        assert result.energy_j.tolist() == pytest.approx([10, 5], rel=EXACT)
        (seen,) = result.meters
        assert (seen.idle_j, seen.idle_s) == pytest.approx((5, 5), rel=EXACT)

    def test_a_reading_of_the_meter_does_not_start_an_operator_again(self) -> None:
        meter = power([-1, 3, 7, 12, 21], [1, 1, 1, 1, 1])
        assert joules(("A", "cpu/1", 0, 10), ("B", "cpu/1", 15, 20), meter=meter) == pytest.approx([10, 5], rel=EXACT)


class TestByHand:
    def test_two_lanes_share_equally_while_both_are_active(self) -> None:
        assert joules(("A", "cpu/1", 0, 10), ("B", "cpu/2", 6, 12)) == pytest.approx([6 + 2, 2 + 2], rel=EXACT)

    def test_the_innermost_of_nested_events_is_charged(self) -> None:
        events = (("outer", "cpu/1", 0, 10), ("inner", "cpu/1", 2, 5), ("innermost", "cpu/1", 3, 4))
        assert joules(*events) == pytest.approx([7, 2, 1], rel=EXACT)

    def test_a_step_of_power_within_an_operator(self) -> None:
        assert joules(("A", "cpu/1", 0, 4), meter=power([-1, 1, 9], [2, 2, 6])) == pytest.approx([2 + 18], rel=EXACT)

    def test_operators_shorter_than_the_meters_period(self) -> None:
        events = [("A", "cpu/1", number / 10, number / 10 + 0.05) for number in range(10)]
        assert joules(*events, meter=power([-1, 5], [3, 3])) == pytest.approx([0.15] * 10, rel=EXACT)

    def test_an_event_without_duration_costs_nothing_and_takes_nothing(self) -> None:
        events = (("A", "cpu/1", 0, 4), ("instant", "cpu/1", 2, 2), ("at the edge", "cpu/1", 4, 4))
        assert joules(*events) == pytest.approx([4, 0, 0], rel=EXACT)

    def test_devices_have_meters_of_their_own(self) -> None:
        trace = timeline(("A", "cpu/1", 0, 4), ("@k", "gpu:0/7", 1, 3))
        result = split_of(trace, power([-1, 5], [1, 1], "cpu"), power([-1, 5], [100, 100], "gpu:0"))
        assert result.energy_j.tolist() == pytest.approx([4, 200], rel=EXACT)
        assert [seen.idle_j for seen in result.meters] == pytest.approx([0, 200], rel=EXACT)

    def test_a_meter_of_both_devices_is_shared_by_both(self) -> None:
        trace = timeline(("A", "cpu/1", 0, 4), ("@k", "gpu:0/7", 1, 3))
        result = split_of(trace, power([-1, 5], [1, 1], "cpu", "gpu:0"))
        assert result.energy_j.tolist() == pytest.approx([3, 1], rel=EXACT)

    def test_a_thread_that_waits_is_not_active(self) -> None:
        trace = timeline(("A", "cpu/1", 0, 4), ("~synchronize", "cpu/1", 1, 3), ("@k", "gpu:0/7", 1, 3))
        result = split_of(trace, power([-1, 5], [1, 1], "cpu"))
        assert result.energy_j.tolist() == pytest.approx([2, 0, 0], rel=EXACT)
        assert result.meters[0].idle_j == pytest.approx(2, rel=EXACT)
        shared = split_of(trace, power([-1, 5], [1, 1], "cpu", "gpu:0"))
        assert shared.energy_j.tolist() == pytest.approx([2, 0, 2], rel=EXACT)

    def test_events_of_one_lane_that_overlap_without_nesting_run_side_by_side(self) -> None:
        trace = timeline(("A", "cpu/1", 0, 6), ("B", "cpu/1", 4, 8), ("b", "cpu/1", 5, 7))
        nesting = nest(trace.lane, trace.start_ns, trace.end_ns)
        assert nesting.side_by_side == 2
        result = split(trace, nesting, [power([-1, 9], [1, 1])])
        assert result.energy_j.sum() == pytest.approx(8, rel=EXACT)
        assert result.energy_j.tolist() == pytest.approx([4 + 1, 0.5 + 1, 0.5 + 1], rel=EXACT)

    def test_a_meter_that_did_not_see_the_trace_is_refused(self) -> None:
        with pytest.raises(BadInputError, match="saw 50% of the trace"):
            split_of(timeline(("A", "cpu/1", 0, 10)), power([5, 20], [1, 1]))


# Any events, on a coarse grid so that instants coincide often.
instants = st.integers(0, 40)
events_strategy = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "~wait", "[module"]),
        st.sampled_from(["cpu/1", "cpu/2", "gpu:0/7", "gpu:0/8"]),
        instants,
        st.integers(0, 15),
    ).map(lambda drawn: (drawn[0], drawn[1], drawn[2] / 4, (drawn[2] + drawn[3]) / 4)),
    min_size=1,
    max_size=40,
)
powers_strategy = st.lists(st.floats(0, 1e4), min_size=2, max_size=30)


@given(events=events_strategy, cpu_w=powers_strategy, gpu_w=powers_strategy)
@settings(max_examples=300, deadline=None)
def test_no_joule_is_lost_or_made(events: list[Event], cpu_w: list[float], gpu_w: list[float]) -> None:
    meters = [
        power(np.linspace(-1, 16, len(watts)).tolist(), watts, device)
        for watts, device in ((cpu_w, "cpu"), (gpu_w, "gpu:0"))
    ]
    trace = timeline(*events)
    result = split_of(trace, *meters, window_s=(-0.5, 15.5))
    for seen, device in zip(result.meters, ("cpu", "gpu:0"), strict=True):
        whole_j = float(np.diff(seen.series.until(np.array([-SECOND // 2, 31 * SECOND // 2])))[0])
        of_device = np.array([trace.lanes[lane].device == device for lane in trace.lane])
        total_j = result.energy_j[of_device].sum() + seen.idle_j
        assert total_j == pytest.approx(whole_j, rel=EXACT, abs=1e-9)
        assert seen.energy_j == pytest.approx(whole_j, rel=EXACT, abs=1e-9)
    assert np.all(result.energy_j >= 0)


@given(events=events_strategy, watts=powers_strategy)
@settings(max_examples=200, deadline=None)
def test_the_split_is_that_of_going_through_every_interval(events: list[Event], watts: list[float]) -> None:
    meter = power(np.linspace(-1, 16, len(watts)).tolist(), watts, "cpu", "gpu:0")
    trace = timeline(*events)
    expected_j = interval_by_interval(trace, meter)
    assert split_of(trace, meter).energy_j.tolist() == pytest.approx(expected_j, rel=1e-9, abs=1e-7)


def interval_by_interval(trace: Timeline, meter: PowerSeries) -> list[float]:
    """The definition, taken literally."""
    nesting = nest(trace.lane, trace.start_ns, trace.end_ns)
    parents = nesting.parent.tolist()
    energy_j = [0.0] * len(trace)
    edges = sorted({*trace.start_ns.tolist(), *trace.end_ns.tolist(), *meter.times_ns.tolist()})
    for begin, end in pairwise(edges):
        running = {
            event for event in range(len(trace)) if trace.start_ns[event] <= begin and end <= trace.end_ns[event]
        }
        innermost = running - {parents[event] for event in running}
        active = [event for event in innermost if not waits(trace, parents, event)]
        whole_j = float(np.diff(meter.until(np.array([begin, end])))[0])
        for event in active:
            energy_j[event] += whole_j / len(active)
    return energy_j


def waits(trace: Timeline, parents: list[int], event: int) -> bool:
    while event != NONE:
        if trace.labels[trace.label[event]].name.startswith("~"):
            return True
        event = parents[event]
    return False


@given(events=events_strategy)
@settings(max_examples=200, deadline=None)
def test_what_is_within_an_event_is_within_its_time_and_lane(events: list[Event]) -> None:
    trace = timeline(*events)
    nesting = nest(trace.lane, trace.start_ns, trace.end_ns)
    inside = np.flatnonzero(nesting.parent != NONE)
    outer = nesting.parent[inside]
    assert np.all(trace.lane[inside] == trace.lane[outer])
    assert np.all(trace.start_ns[inside] >= trace.start_ns[outer])
    assert np.all(trace.end_ns[inside] <= trace.end_ns[outer])
    assert np.all(nesting.depth[inside] == nesting.depth[outer] + 1)
