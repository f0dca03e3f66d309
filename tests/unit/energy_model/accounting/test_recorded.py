"""A trace and a recording of power, from two programs with two clocks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tuner.energy_model.accounting.account import Account, read_account
from tuner.energy_model.accounting.account import account_json as to_json
from tuner.energy_model.accounting.recorded import account_recorded
from tuner.errors import BadInputError

BUSY_W, REST_W = 50.0, 5.0
UNIX_S = 1_790_000_000


def bursts(seed: int = 1) -> list[tuple[float, float]]:
    """When the machine works: begin and end in seconds, without a period."""
    rng, time_s, found = random.Random(seed), 0.0, []
    while time_s < 8.0:
        end_s = time_s + rng.uniform(0.1, 0.5)
        found.append((time_s, end_s))
        time_s = end_s + rng.uniform(0.1, 0.5)
    return found


def write_trace(folder: Path, works: Sequence[tuple[float, float]]) -> Path:
    events = [
        {
            "ph": "X",
            "cat": "cpu_op",
            "name": "aten::mm",
            "pid": 1,
            "tid": 1,
            "ts": begin * 1e6,
            "dur": (end - begin) * 1e6,
        }
        for begin, end in works
    ]
    path = folder / "trace.json"
    path.write_text(json.dumps({"baseTimeNanoseconds": UNIX_S * 10**9, "traceEvents": events}))
    return path


def write_power(
    folder: Path,
    works: Sequence[tuple[float, float]],
    offset_s: float,
    watts: Callable[[bool], float] = lambda busy: BUSY_W if busy else REST_W,
    header: str = "time_s,cpu_w",
    around_s: float = 3.0,
) -> Path:
    """Readings every 20 ms, each the mean since the one before, on a clock that is ahead."""
    step_s = 0.02
    rows = [header]
    count = round((works[-1][1] + 2 * around_s) / step_s)
    for number in range(1, count):
        begin_s, end_s = (-around_s + place * step_s for place in (number - 1, number))
        busy = sum(max(0.0, min(end_s, end) - max(begin_s, begin)) for begin, end in works) / step_s
        power_w = busy * watts(True) + (1 - busy) * watts(False)
        rows.append(f"{end_s + offset_s:.6f},{power_w:.6f}")
    path = folder / "power.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def account(folder: Path, offset_s: float, stated_s: float | None = None) -> Account:
    works = bursts()
    return account_recorded(write_trace(folder, works), write_power(folder, works, offset_s), stated_s)


def expected_busy_j() -> float:
    return BUSY_W * sum(end - begin for begin, end in bursts())


def test_on_one_clock_the_joules_are_those_of_the_work(tmp_path: Path) -> None:
    found = account(tmp_path, UNIX_S)
    assert found.operators[0].name == "aten::mm"
    assert found.operators[0].energy_j == pytest.approx(expected_busy_j(), rel=0.03)
    assert found.clock.how == "the same clock by its times"
    assert found.clock.offset_s == 0.0


@pytest.mark.parametrize("offset_s", [0.0, 12345.678, UNIX_S + 0.7])
def test_clocks_that_differ_are_found_out_and_stated(tmp_path: Path, offset_s: float) -> None:
    found = account(tmp_path, offset_s)
    assert found.clock.offset_s == pytest.approx(offset_s - UNIX_S, abs=0.015)
    assert found.clock.correlation is not None
    assert found.clock.correlation > 0.9
    assert "estimated" in found.clock.how
    assert found.operators[0].energy_j == pytest.approx(expected_busy_j(), rel=0.03)


def test_what_the_operator_states_is_taken(tmp_path: Path) -> None:
    found = account(tmp_path, 100.0, stated_s=100.0 - UNIX_S)
    assert found.clock.how == "stated by the operator"
    assert found.operators[0].energy_j == pytest.approx(expected_busy_j(), rel=0.03)


def test_no_joule_is_lost(tmp_path: Path) -> None:
    found = account(tmp_path, UNIX_S)
    assert found.active_j + found.idle_j == pytest.approx(found.energy_j, rel=1e-9)
    assert sum(found.nodes[root].total_j for root in found.roots) == pytest.approx(found.active_j, rel=1e-9)
    assert sum(row.energy_j for row in found.operators) == pytest.approx(found.active_j, rel=1e-9)
    assert sum(row.energy_j for row in found.shapes) == pytest.approx(found.active_j, rel=1e-9)


def test_an_account_comes_back_from_json_as_it_was(tmp_path: Path) -> None:
    found = account(tmp_path, UNIX_S)
    assert read_account(to_json(found), "account.json") == found


class TestBadInput:
    def refused(self, folder: Path, power: str, words: str) -> None:
        (folder / "power.csv").write_text(power)
        with pytest.raises(BadInputError, match=words):
            account_recorded(write_trace(folder, bursts()), folder / "power.csv")

    def test_other_clocks_and_a_power_that_never_changes(self, tmp_path: Path) -> None:
        works = bursts()
        power = write_power(tmp_path, works, 0.0, watts=lambda _: 9.0)
        with pytest.raises(BadInputError, match=r"the offset cannot be told.*--clock-offset"):
            account_recorded(write_trace(tmp_path, works), power)

    def test_other_clocks_and_work_that_repeats_itself(self, tmp_path: Path) -> None:
        works = [(number * 0.5, number * 0.5 + 0.25) for number in range(16)]
        shown = [(number * 0.5, number * 0.5 + 0.25) for number in range(32)]
        power = write_power(tmp_path, shown, 0.0)
        with pytest.raises(BadInputError, match="the offset cannot be told"):
            account_recorded(write_trace(tmp_path, works), power)

    def test_a_recording_that_is_shorter_than_the_trace(self, tmp_path: Path) -> None:
        works = bursts()
        power = write_power(tmp_path, works[:3], 0.0, around_s=0.5)
        with pytest.raises(BadInputError, match="is shorter than the trace"):
            account_recorded(write_trace(tmp_path, works), power)

    def test_time_that_runs_backwards(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "time_s,cpu_w\n1,5\n2,5\n1.5,5\n", "does not go on from 2 s to 1.5 s")

    def test_joules_that_run_backwards(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "time_s,cpu_j\n1,5\n2,6\n3,1\n", "run backwards")

    def test_a_power_below_zero(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "time_s,cpu_w\n1,5\n2,-6\n3,1\n", "which is no power")

    @pytest.mark.parametrize("header", ["time_s", "cpu_w", "a,b", ""])
    def test_columns_that_are_missing(self, tmp_path: Path, header: str) -> None:
        self.refused(tmp_path, f"{header}\n1,5\n", "lacks columns")

    def test_a_unit_that_nobody_knows(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "time_s,cpu_hp\n1,5\n", "no unit that is known")

    def test_a_device_that_the_trace_does_not_have(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "time_s,gpu0_w\n1,5\n2,5\n", "no column of a device of the trace")

    def test_joules_that_would_count_twice(self, tmp_path: Path) -> None:
        self.refused(
            tmp_path, "time_s,cpu_w,board_w\n1,5,6\n2,5,6\n3,5,6\n", "several columns that count the joules of cpu"
        )

    @pytest.mark.parametrize("row", ["x,5", "3,y", ",5", "3,nan"])
    def test_a_cell_that_is_no_number(self, tmp_path: Path, row: str) -> None:
        self.refused(tmp_path, f"time_s,cpu_w\n1,5\n2,5\n{row}\n", "line 4")

    def test_gaps_are_stated(self, tmp_path: Path) -> None:
        works = bursts()
        power = write_power(tmp_path, works, UNIX_S)
        rows = power.read_text().splitlines()
        power.write_text(
            "\n".join(row for row in rows[:1] + [r for r in rows[1:] if not 2 < float(r.split(",")[0]) - UNIX_S < 4])
        )
        found = account_recorded(write_trace(tmp_path, works), power)
        assert any("has gaps of 2" in note for note in found.notes)

    def test_another_file_is_no_account(self) -> None:
        with pytest.raises(BadInputError, match=r"x\.json is no account"):
            read_account(b'{"title": 3}', "x.json")
