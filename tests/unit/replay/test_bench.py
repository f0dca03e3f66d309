"""``wattune bench replay``: its rows, how it goes on where it was, and its refusals."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.replay.tables import write_table
from tuner.cli import bench
from tuner.cli.main import main
from tuner.errors import BadInputError, WattuneError
from tuner.replay.benchmark import Run
from tuner.replay.row import Row

FIELDS = [
    "dataset",
    "group",
    "device",
    "workload",
    "slo",
    "method",
    "seed",
    "trials_to_5pct",
    "violations",
    "stopped_at",
    "regret_at_stop",
    "seconds_per_proposal",
    "regrets",
    "is_violation",
]


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return bench.run(parser.parse_args(["replay", *arguments]))


def rows_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class TestRun:
    def test_one_json_object_a_run_has_exactly_the_fields_that_others_rely_on(self, tmp_path: Path) -> None:
        directory = write_table(tmp_path / "by-hand")
        rows_path = tmp_path / "rows.json"
        options = ["--methods", "random", "--slo", "1.5,2.0", "--seeds", "3", "--json", str(rows_path)]
        assert run(str(directory), *options) == 0
        rows = rows_in(rows_path)
        assert len(rows) == 6
        assert all(list(one) == FIELDS for one in rows)
        assert {(one["slo"], one["seed"]) for one in rows} == {(slo, seed) for slo in (1.5, 2.0) for seed in range(3)}

    def test_the_screen_shows_a_summary_and_progress_goes_to_stderr(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run(str(write_table(tmp_path / "by-hand")), "--methods", "random", "--seeds", "1")
        output = capsys.readouterr()
        assert "inference" in output.out
        assert "random" in output.out
        assert "replay" not in output.out
        assert "random" in output.err

    def test_both_methods_run_side_by_side(self, tmp_path: Path) -> None:
        rows_path = tmp_path / "rows.json"
        directory = str(write_table(tmp_path / "by-hand"))
        assert (
            run(directory, "--methods", "wattune,random", "--slo", "2", "--seeds", "1", "--json", str(rows_path)) == 0
        )
        assert [one["method"] for one in rows_in(rows_path)] == ["wattune", "random"]

    def test_a_folder_of_tables_stands_for_its_tables(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            write_table(tmp_path / "tables" / name)
        rows_path = tmp_path / "rows.json"
        run(str(tmp_path / "tables"), "--methods", "random", "--slo", "2", "--seeds", "1", "--json", str(rows_path))
        assert [one["dataset"] for one in rows_in(rows_path)] == ["one", "two"]

    def test_a_row_says_how_near_each_trial_came_and_which_broke_the_slo(self, tmp_path: Path) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        rows_path = tmp_path / "rows.json"
        run(directory, "--methods", "random", "--slo", "1.3", "--seeds", "1", "--json", str(rows_path))
        (one,) = rows_in(rows_path)
        found_at = one["trials_to_5pct"]
        assert [regret <= 0.05 for regret in one["regrets"][:found_at]] == [False] * (found_at - 1) + [True]
        assert one["regrets"] == sorted(one["regrets"], reverse=True)
        assert one["violations"] == sum(one["is_violation"][:found_at])
        assert sum(one["is_violation"]) == 8  # within 1.3 x 1.0833 s are four of the twelve points

    def test_two_processes_make_the_same_rows_as_one(self, tmp_path: Path) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        for jobs in ("1", "2"):
            options = ["--methods", "random", "--seeds", "2", "--jobs", jobs, "--json", str(tmp_path / jobs)]
            run(directory, *options)
        alone, together = (
            {(one["slo"], one["seed"]): one["regrets"] for one in rows_in(tmp_path / jobs)} for jobs in ("1", "2")
        )
        assert len(alone) == 4
        assert together == alone

    def test_noise_changes_what_is_seen_and_is_written_down(self, tmp_path: Path) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        rows_path = tmp_path / "rows.json"
        run(directory, "--methods", "random", "--seeds", "1", "--noise", "0.05", "--outliers", "--json", str(rows_path))
        assert all(list(one) == [*FIELDS, "noise", "outliers"] for one in rows_in(rows_path))
        assert {(one["noise"], one["outliers"]) for one in rows_in(rows_path)} == {(0.05, True)}


class TestGoingOn:
    def test_an_interrupted_run_goes_on_where_it_was_and_says_so(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        whole, interrupted = tmp_path / "whole.json", tmp_path / "interrupted.json"
        options = ["--methods", "random", "--slo", "1.5,2.0", "--seeds", "3"]
        run(directory, *options, "--json", str(whole))
        lines = whole.read_bytes().splitlines(keepends=True)
        interrupted.write_bytes(b"".join(lines[:4]) + lines[4][:30])
        capsys.readouterr()
        made: list[int] = []
        monkeypatch.setattr(Run, "row", _counting(Run.row, made))
        assert run(directory, *options, "--json", str(interrupted)) == 0
        assert "4 of 6 runs are in the file already" in capsys.readouterr().err
        assert len(made) == 2
        assert [_without_time(one) for one in rows_in(interrupted)] == [_without_time(one) for one in rows_in(whole)]

    def test_rows_are_on_disk_as_soon_as_they_are_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        rows_path = tmp_path / "rows.json"
        monkeypatch.setattr(Run, "row", _interrupted_at(Run.row, 3))
        with pytest.raises(KeyboardInterrupt):
            run(directory, "--methods", "random", "--slo", "2", "--seeds", "5", "--json", str(rows_path))
        assert [one["seed"] for one in rows_in(rows_path)] == [0, 1]

    def test_the_tables_show_everything_in_the_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        rows_path = tmp_path / "rows.json"
        run(directory, "--methods", "random", "--slo", "2", "--seeds", "2", "--json", str(rows_path))
        capsys.readouterr()
        run(directory, "--methods", "random", "--slo", "1.5", "--seeds", "1", "--json", str(rows_path), "--markdown")
        assert "| inference | random | 3 |" in capsys.readouterr().out

    def test_rows_with_and_without_noise_do_not_share_a_file(self, tmp_path: Path) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        options = ["--methods", "random", "--slo", "2", "--seeds", "1", "--json", str(tmp_path / "rows.json")]
        run(directory, *options)
        with pytest.raises(BadInputError, match="name another file"):
            run(directory, *options, "--noise", "0.03")


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (["--methods", "guess"], "no search method 'guess'"),
            (["--slo", "fast"], "not a list of numbers"),
            (["--slo", "0.9"], "multiple below 1"),
            (["--slo", "nan"], "multiple below 1"),
            (["--seeds", "0"], "runs nothing"),
            (["--noise", "-0.1"], "no share between"),
            (["--noise", "nan"], "no share between"),
            (["--noise", "3"], "write 0.03 for 3 %"),
            (["--plot", "regret.pdf"], "end its name in .png or .html"),
            (["--json", "rows.jsonl.gz"], "name a plain file"),
        ],
    )
    def test_a_bad_option_gets_one_sentence(self, tmp_path: Path, options: list[str], sentence: str) -> None:
        with pytest.raises(BadInputError, match=sentence) as caught:
            run(str(write_table(tmp_path / "by-hand")), *options)
        assert caught.value.exit_status == 2

    def test_a_missing_directory_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match=f"There is no folder {tmp_path / 'nowhere'}"):
            run(str(tmp_path / "nowhere"))

    def test_a_folder_without_a_table_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match="holds no measured table"):
            run(str(tmp_path))

    def test_a_broken_table_is_bad_input(self, tmp_path: Path) -> None:
        directory = write_table(tmp_path / "by-hand")
        (directory / "dataset.toml").unlink()
        with pytest.raises(BadInputError, match="dataset\\.toml"):
            run(str(directory))

    def test_tables_that_tell_nothing_apart_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(BadInputError, match="No task is left"):
            run(str(write_table(tmp_path / "by-hand", points=3)))

    def test_an_unwritable_result_is_told_before_the_work(self, tmp_path: Path) -> None:
        directory = write_table(tmp_path / "by-hand")
        with pytest.raises(WattuneError, match="cannot be written"):
            run(str(directory), "--methods", "random", "--json", str(tmp_path / "nowhere" / "rows.json"))

    def test_a_method_whose_library_is_missing_is_refused_before_the_work(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "optuna", None)
        for module in ("optuna_tpe", "optuna_study"):
            monkeypatch.delitem(sys.modules, f"tuner.replay.peers.{module}", raising=False)
        directory = str(write_table(tmp_path / "by-hand"))
        assert main(["bench", "replay", directory, "--methods", "random,optuna-tpe"]) == 2
        assert capsys.readouterr().err == (
            "wattune: The search method 'optuna-tpe' needs optuna: install it with 'pip install wattune[peers]'.\n"
        )

    def test_a_file_of_something_else_is_left_alone(self, tmp_path: Path) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        notes = tmp_path / "notes.txt"
        notes.write_text("Buy milk.\n")
        with pytest.raises(BadInputError, match="line 1, is no row"):
            run(directory, "--methods", "random", "--json", str(notes))
        assert notes.read_text() == "Buy milk.\n"

    def test_a_plot_that_cannot_be_written_is_told_before_the_work(self, tmp_path: Path) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        with pytest.raises(WattuneError, match="The plot cannot be written"):
            run(directory, "--methods", "random", "--plot", str(tmp_path / "nowhere" / "regret.png"))


def _without_time(one: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name != "seconds_per_proposal"}


def _counting(make_row: Callable[[Run], Row], made: list[int]) -> Callable[[Run], Row]:
    def counted(one: Run) -> Row:
        made.append(one.seed)
        return make_row(one)

    return counted


def _interrupted_at(make_row: Callable[[Run], Row], call: int) -> Callable[[Run], Row]:
    calls = 0

    def interrupted(one: Run) -> Row:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return make_row(one)

    return interrupted


def test_on_the_published_tables_it_beats_random_search_by_far(tmp_path: Path) -> None:
    checkout = Path(__file__).resolve().parents[3]
    tables = Path(os.environ.get("WATTUNE_SHARED", checkout.parent / "shared")) / "data" / "replay"
    if not tables.is_dir():
        pytest.skip("the measured tables are not beside the checkout")
    rows_path = tmp_path / "rows.json"
    loudva = str(tables / "loudva-jetson")
    run(loudva, "--methods", "wattune,random", "--seeds", "3", "--json", str(rows_path))
    rows = rows_in(rows_path)
    means = {
        method: sum(one["trials_to_5pct"] for one in rows if one["method"] == method)
        for method in ("wattune", "random")
    }
    assert means["wattune"] <= 0.5 * means["random"]
