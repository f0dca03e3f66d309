"""``wattune bench replay``: its rows, its summary and its refusals."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.replay.tables import write_table
from tuner.cli import bench
from tuner.errors import BadInputError, WattuneError
from tuner.replay.benchmark import Row
from tuner.replay.summary import percentile, summarize

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
]


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return bench.run(parser.parse_args(["replay", *arguments]))


def row(group: str = "inference", method: str = "random", trials: int = 10, regret: float | None = 0.0) -> Row:
    return Row("table", group, "device", "workload", 1.3, method, 0, trials, trials // 2, trials + 1, regret, 0.1)


class TestRun:
    def test_one_json_object_a_run_has_exactly_the_fields_that_others_rely_on(self, tmp_path: Path) -> None:
        directory = write_table(tmp_path / "by-hand")
        rows_path = tmp_path / "rows.json"
        options = ["--methods", "random", "--slo", "1.5,2.0", "--seeds", "3", "--json", str(rows_path)]
        assert run(str(directory), *options) == 0
        rows = [json.loads(line) for line in rows_path.read_text().splitlines()]
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
        methods = [json.loads(line)["method"] for line in rows_path.read_text().splitlines()]
        assert methods == ["wattune", "random"]

    def test_a_folder_of_tables_stands_for_its_tables(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            write_table(tmp_path / "tables" / name)
        rows_path = tmp_path / "rows.json"
        run(str(tmp_path / "tables"), "--methods", "random", "--slo", "2", "--seeds", "1", "--json", str(rows_path))
        assert [json.loads(line)["dataset"] for line in rows_path.read_text().splitlines()] == ["one", "two"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (["--methods", "guess"], "no search method 'guess'"),
            (["--slo", "fast"], "not a list of numbers"),
            (["--slo", "0.9"], "multiple below 1"),
            (["--slo", "nan"], "multiple below 1"),
            (["--seeds", "0"], "runs nothing"),
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


class TestSummary:
    def test_groups_and_methods_are_summed_up_apart_with_the_headline_first(self) -> None:
        rows = [row("stress", "wattune"), row("inference", "wattune"), row("inference", "random")]
        assert [(one.group, one.method) for one in summarize(rows)] == [
            ("inference", "wattune"),
            ("inference", "random"),
            ("stress", "wattune"),
        ]

    def test_figures_of_three_runs(self) -> None:
        (summary,) = summarize([row(trials=2, regret=0.0), row(trials=4, regret=0.06), row(trials=12, regret=None)])
        assert (summary.runs, summary.median_trials, summary.mean_trials) == (3, 4, 6)
        assert summary.p90_trials == pytest.approx(10.4)
        assert summary.mean_violations == 3
        assert summary.stopped_well == pytest.approx(1 / 3)

    @given(st.lists(st.integers(1, 41), min_size=1), st.floats(0, 100))
    def test_a_percentile_lies_between_the_order_statistics_around_it(self, values: list[int], percent: float) -> None:
        result = percentile(values, percent)
        rank = (len(values) - 1) * percent / 100
        ordered = sorted(values)
        assert ordered[int(rank)] - 1e-9 <= result <= ordered[min(int(rank) + 1, len(values) - 1)] + 1e-9


def test_on_the_published_tables_it_beats_random_search_by_far(tmp_path: Path) -> None:
    checkout = Path(__file__).resolve().parents[3]
    tables = Path(os.environ.get("WATTUNE_SHARED", checkout.parent / "shared")) / "data" / "replay"
    if not tables.is_dir():
        pytest.skip("the measured tables are not beside the checkout")
    rows_path = tmp_path / "rows.json"
    loudva = str(tables / "loudva-jetson")
    run(loudva, "--methods", "wattune,random", "--seeds", "3", "--json", str(rows_path))
    rows = [json.loads(line) for line in rows_path.read_text().splitlines()]
    means = {
        method: sum(one["trials_to_5pct"] for one in rows if one["method"] == method)
        for method in ("wattune", "random")
    }
    assert means["wattune"] <= 0.5 * means["random"]
