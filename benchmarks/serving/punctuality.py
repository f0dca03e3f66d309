"""How late requests start, beside how late this machine lets anybody wake up."""

from __future__ import annotations

import itertools
import time

from benchmarks.hardware.figures import Figure, Section
from benchmarks.serving.no_op import ahead_of_others, run_no_op
from serving_adapter.contract import Load
from serving_adapter.scenario import poisson_offsets_s
from serving_adapter.scenario.timers import sharp_timers

RATE_HZ = 1000.0
LIMIT_S = 200e-6
_ROUNDS = 4
_LANES = (1, 8, 64)
_SHARES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))


def punctuality_section(seconds: float) -> Section:
    """Returns the 99th percentile of start after scheduled arrival, over what is allowed and over a bare sleep's."""
    late_s: dict[int, list[float]] = {lanes: [] for lanes in _LANES}
    bare_late_s: list[float] = []
    with ahead_of_others() as is_ahead:
        for seed in range(_ROUNDS):  # in turns, so that a disturbance hits everybody
            bare_late_s += _bare_sleeps_late_s(seconds / _ROUNDS, seed)
            for lanes in _LANES:
                late_s[lanes] += _starts_late_s(lanes, seconds / _ROUNDS, seed)
    platform_s = percentile(bare_late_s, 0.99)
    figures = [figure for lanes in _LANES for figure in _figures(lanes, late_s[lanes], platform_s)]
    notes = (
        "a bare sleep until the same instants, nothing else: " + _described(bare_late_s),
        "ahead of other programs (SCHED_FIFO)" if is_ahead else "among other programs, which make both late",
    )
    title = f"start after scheduled arrival, a lane being free, at {RATE_HZ:,.0f} requests/s: 99th percentile"
    return Section(title, tuple(figures), notes)


def percentile(values: list[float], share: float) -> float:
    """Returns the value that MLPerf LoadGen calls this percentile: the first that is not among the lowest so many."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _figures(lanes: int, late_s: list[float], platform_s: float) -> tuple[Figure, Figure]:
    name = "caller's thread" if lanes == 1 else f"{lanes} lanes"
    ours_s = percentile(late_s, 0.99)
    described = _described(late_s)
    return (
        Figure(f"{name}, over {LIMIT_S * 1e6:.0f} us", ours_s / LIMIT_S, described, 1.0, measured={"p99_s": ours_s}),
        Figure(
            f"{name}, over a bare sleep",
            ours_s / platform_s,
            f"{ours_s * 1e6:.0f} us over {platform_s * 1e6:.0f} us",
            measured={"p99_s": ours_s, "bare_sleep_p99_s": platform_s},
        ),
    )


def _described(late_s: list[float]) -> str:
    shown = ", ".join(f"{name} {percentile(late_s, share) * 1e6:.0f}" for name, share in _SHARES)
    return f"{shown} us of {len(late_s)}"


def _starts_late_s(lanes: int, seconds: float, seed: int) -> list[float]:
    completions = run_no_op(lanes, Load("server", 1, RATE_HZ, seed), seconds).stretch.completions
    return [batch.start_s - batch.arrivals_s[0] for batch in completions]


def _bare_sleeps_late_s(seconds: float, seed: int) -> list[float]:
    late_s = []
    start_s = time.monotonic()
    with sharp_timers():
        for offset_s in itertools.takewhile(lambda offset_s: offset_s < seconds, poisson_offsets_s(RATE_HZ, seed)):
            time.sleep(max(0.0, start_s + offset_s - time.monotonic()))
            late_s.append(time.monotonic() - start_s - offset_s)
    return late_s
