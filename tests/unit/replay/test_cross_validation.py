"""Constants chosen on other devices: what is scored on a device was not chosen with its own tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.search import cross_validation
from benchmarks.search.changes import CHANGES, OURS, Sort
from benchmarks.search.cross_validation import chosen_without, cross_validation_tables
from tests.unit.replay.tables import row
from tuner.errors import BadInputError
from tuner.replay.row import Row

FIRST, SECOND = [name for name, change in CHANGES.items() if change.sort is Sort.SCALE][:2]
PART = next(name for name, change in CHANGES.items() if change.sort is Sort.PART)
TRIALS = {
    OURS: {"a": 5, "b": 5, "c": 5},
    FIRST: {"a": 1, "b": 9, "c": 9},
    SECOND: {"a": 9, "b": 2, "c": 4},
    PART: {"a": 1, "b": 1, "c": 1},
}


def rows() -> list[Row]:
    return [
        replace(row(method=method), device=device, trials_to_5pct=trials)
        for method, by_device in TRIALS.items()
        for device, trials in by_device.items()
    ]


def test_the_device_that_is_left_out_has_no_say() -> None:
    settings = [one for one in rows() if one.method != PART]
    assert chosen_without("a", settings) == SECOND
    garbled = [replace(one, trials_to_5pct=41) if one.device == "a" else one for one in settings]
    assert chosen_without("a", garbled) == SECOND


def test_each_device_is_scored_with_what_the_others_chose() -> None:
    by_device, by_group = cross_validation_tables(rows())
    shown = {cells[0]: cells[1:] for cells in by_device.rows}
    assert shown["a"] == (SECOND, "1", "9.00", "5.00")
    assert shown["b"] == (OURS, "1", "5.00", "5.00"), "what is best on b itself must not be chosen for it"
    assert float(by_group.rows[0][1]) == pytest.approx((9 + 5 + 5) / 3, abs=0.01)
    assert by_group.rows[0][3] == "5.00"


def test_a_part_that_is_left_out_is_no_setting_of_constants() -> None:
    by_device, _ = cross_validation_tables(rows())
    assert PART not in {cells[1] for cells in by_device.rows}


def test_a_device_with_many_tasks_counts_no_more_than_another() -> None:
    settings = [one for one in rows() if one.method != PART]
    many = [replace(one, workload=f"w{number}") for one in settings if one.device == "b" for number in range(20)]
    assert chosen_without("a", settings + many) == chosen_without("a", settings)


def test_one_device_is_too_few() -> None:
    with pytest.raises(BadInputError, match="two devices"):
        cross_validation_tables([one for one in rows() if one.device == "a"])


def test_the_kept_rows_can_be_read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["cross_validation", "--markdown"])
    assert sorted(cross_validation.KEPT.glob("*.jsonl.gz"))
    assert cross_validation.main() == 0
    assert "| inference |" in capsys.readouterr().out


def test_a_file_that_is_missing_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["cross_validation", str(tmp_path / "none.jsonl")])
    assert cross_validation.main() == 2
    assert "none.jsonl" in capsys.readouterr().err
