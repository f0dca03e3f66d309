"""The summary's arithmetic, against figures worked out by hand."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.replay.tables import row
from tuner.replay.comparison import compare_with_best
from tuner.replay.quantiles import order_statistic, percentile
from tuner.replay.row import Row
from tuner.replay.summary import methods_of, summarize, summarize_tasks
from tuner.replay.tables import tables_of

SAMPLES = st.lists(st.integers(1, 41), min_size=1)


def runs_of(method: str, trials: dict[str, list[int]]) -> list[Row]:
    """Returns a row for each workload and seed."""
    return [
        row(method=method, trials=count, workload=workload, seed=seed)
        for workload, counts in trials.items()
        for seed, count in enumerate(counts)
    ]


class TestSummary:
    def test_groups_and_methods_are_summed_up_apart_with_the_headline_first(self) -> None:
        rows = [row("stress", "wattune"), row("inference", "random"), row("inference", "wattune")]
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
        assert summary.mean_stopped_at == 7
        assert summary.stopped_well == pytest.approx(1 / 3)
        assert summary.comparison is None

    def test_violations_are_counted_to_the_find_and_to_the_stop(self) -> None:
        rows = [
            replace(row(trials=4), stopped_at=2, is_violation=(True, False, True, False)),
            replace(row(trials=2), stopped_at=4, is_violation=(False, False, True, True)),
        ]
        (summary,) = summarize(rows)
        assert (summary.mean_violations, summary.violations_to_stop) == (1.5, 1.5)
        (first,) = summarize(rows[:1])
        assert (first.mean_violations, first.violations_to_stop) == (2, 1)

    def test_each_task_has_the_median_of_each_method(self) -> None:
        rows = [*runs_of("wattune", {"a": [3, 5, 40], "b": [2]}), *runs_of("random", {"a": [10, 20]})]
        first, second = summarize_tasks(rows)
        assert (first.task, first.median_trials) == (
            ("table", "device", "a", 1.3), {"wattune": 5, "random": 15},
        )  # fmt: skip
        assert (second.task[2], second.median_trials) == ("b", {"wattune": 2})

    def test_methods_are_listed_in_one_order_and_unknown_ones_last(self) -> None:
        rows = [row(method=method) for method in ("zebra", "polythrottle", "random", "wattune")]
        assert methods_of(rows) == ["wattune", "random", "polythrottle", "zebra"]


class TestComparison:
    def test_the_other_method_with_the_least_mean_is_the_one_to_beat(self) -> None:
        rows = [
            *runs_of("wattune", {"a": [4, 6], "b": [2, 8]}),
            *runs_of("random", {"a": [30, 30], "b": [30, 30]}),
            *runs_of("optuna-gp", {"a": [10, 12], "b": [8, 10]}),
        ]
        comparison = compare_with_best(rows, "wattune")
        assert comparison is not None
        assert (comparison.peer, comparison.pairs) == ("optuna-gp", 4)
        assert comparison.ratio == pytest.approx(20 / 40)
        worst = compare_with_best(rows, "random")
        assert worst is not None
        assert (worst.peer, worst.ratio) == ("wattune", pytest.approx(6.0))

    def test_a_variant_is_compared_with_what_it_varies_and_not_the_other_way_round(self) -> None:
        rows = [
            *runs_of("wattune", {"a": [4], "b": [2]}),
            *runs_of("wattune-live", {"a": [6], "b": [3]}),
            *runs_of("random", {"a": [30], "b": [30]}),
        ]
        live, ordinary = compare_with_best(rows, "wattune-live"), compare_with_best(rows, "wattune")
        assert live is not None
        assert (live.peer, live.ratio) == ("wattune", pytest.approx(1.5))
        assert ordinary is not None
        assert ordinary.peer == "random"

    def test_the_interval_spans_the_tasks_and_not_the_seeds(self) -> None:
        one_task = [*runs_of("wattune", {"a": [1, 41, 9]}), *runs_of("random", {"a": [20, 20, 20]})]
        comparison = compare_with_best(one_task, "wattune")
        assert comparison is not None
        assert comparison.interval.low == comparison.interval.high == comparison.ratio
        two_tasks = [*runs_of("wattune", {"a": [5], "b": [20]}), *runs_of("random", {"a": [10], "b": [10]})]
        comparison = compare_with_best(two_tasks, "wattune")
        assert comparison is not None
        assert (comparison.interval.low, comparison.interval.high) == (0.5, 2.0)

    def test_the_test_is_wilcoxons_on_the_differences(self) -> None:
        # Six differences of one sign: of the 64 assignments of signs, two are as extreme.
        rows = [
            *runs_of("wattune", {"a": [1, 2, 3, 4, 5, 6]}),
            *runs_of("random", {"a": [11, 13, 15, 17, 19, 21]}),
        ]
        comparison = compare_with_best(rows, "wattune")
        assert comparison is not None
        assert comparison.p_value == pytest.approx(2 / 64)

    def test_what_does_not_differ_is_no_evidence(self) -> None:
        rows = [*runs_of("wattune", {"a": [5, 5]}), *runs_of("random", {"a": [5, 5]})]
        comparison = compare_with_best(rows, "wattune")
        assert comparison is not None
        assert (comparison.ratio, comparison.p_value) == (1.0, 1.0)

    def test_only_the_same_task_and_seed_are_paired(self) -> None:
        rows = [*runs_of("wattune", {"a": [5, 7], "b": [40]}), *runs_of("random", {"a": [10]})]
        comparison = compare_with_best(rows, "wattune")
        assert comparison is not None
        assert (comparison.ratio, comparison.pairs) == (0.5, 1)
        assert compare_with_best(runs_of("wattune", {"b": [40]}) + runs_of("random", {"a": [10]}), "wattune") is None

    def test_the_interval_covers_the_truth_as_often_as_it_says(self) -> None:
        generator = random.Random(1)
        covered = []
        for _ in range(60):
            tasks = {str(task): generator.uniform(0.2, 0.8) for task in range(20)}
            rows = [
                *runs_of("wattune", {task: [round(1000 * share)] for task, share in tasks.items()}),
                *runs_of("random", {task: [1000] for task in tasks}),
            ]
            comparison = compare_with_best(rows, "wattune")
            assert comparison is not None
            covered.append(comparison.interval.low <= 0.5 <= comparison.interval.high)
        assert sum(covered) / len(covered) >= 0.85


class TestQuantiles:
    @given(SAMPLES, st.floats(0, 100))
    def test_a_percentile_lies_between_the_order_statistics_around_it(self, values: list[int], percent: float) -> None:
        result = percentile(values, percent)
        rank = (len(values) - 1) * percent / 100
        ordered = sorted(values)
        assert ordered[int(rank)] - 1e-9 <= result <= ordered[min(int(rank) + 1, len(values) - 1)] + 1e-9

    @given(SAMPLES, st.floats(0.1, 100))
    def test_that_percentage_does_not_exceed_an_order_statistic_and_less_lies_below(
        self, values: list[int], percent: float
    ) -> None:
        result = order_statistic(values, percent)
        assert sum(value <= result for value in values) >= len(values) * percent / 100 - 1e-9
        assert sum(value < result for value in values) < len(values) * percent / 100 + 1e-9

    def test_infinite_values_are_order_statistics_like_others(self) -> None:
        assert order_statistic([math.inf, 1.0, math.inf, 2.0], 50.0) == 2.0
        assert order_statistic([math.inf, 1.0, math.inf, 2.0], 75.0) == math.inf


class TestTables:
    ROWS = (*runs_of("wattune", {"a": [4, 6], "b": [5]}), *runs_of("random", {"a": [20, 20], "b": [20]}))

    def test_markdown_has_a_cell_for_every_heading(self) -> None:
        texts = [cells.markdown() for cells in tables_of(self.ROWS)]
        assert len(texts) == 3
        for text in texts:
            widths = {line.count("|") for line in text.splitlines()[2:]}
            assert len(widths) == 1

    def test_the_figures_are_the_summarys(self) -> None:
        by_method, compared, by_task = (cells.markdown() for cells in tables_of(self.ROWS))
        assert "| inference | wattune | 3 | 5 | 5.0 | 5.8 | 2.3 | 1.0 | 6.0 | 100% | 0.100 |" in by_method
        assert "| inference | wattune | random | 0.25 | 0.25 to 0.25 | 0.250 | 3 |" in compared
        assert "| inference | table | device | a | 1.3 x | 5 | 20 |" in by_task

    def test_one_method_alone_is_compared_with_nothing(self) -> None:
        assert len(tables_of(runs_of("random", {"a": [4]}))) == 2
