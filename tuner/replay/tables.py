"""The summary as tables."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.replay.cells import Cells
from tuner.replay.comparison import Comparison
from tuner.replay.row import Row
from tuner.replay.summary import Summary, TaskSummary, methods_of, summarize, summarize_tasks


def tables_of(rows: Sequence[Row]) -> list[Cells]:
    """Returns the table by method, the one that compares methods where there are several, and the one by task.

    Raises:
        BadInputError: SciPy, which compares methods, is not installed.
    """
    summaries = summarize(rows)
    compared = [summary for summary in summaries if summary.comparison is not None]
    return [
        _by_method(summaries),
        *([_comparisons(compared)] if compared else []),
        _by_task(summarize_tasks(rows), methods_of(rows)),
    ]


def _by_method(summaries: Sequence[Summary]) -> Cells:
    return Cells(
        title="Trials until within 5 % of the optimum, the baseline included",
        names=("group", "method"),
        figures=("runs", "median", "mean", "p90", "broke SLO", "by the stop", "stops at", "within 5 %", "s each"),
        rows=tuple(_method_row(summary) for summary in summaries),
    )


def _method_row(summary: Summary) -> tuple[str, ...]:
    return (
        summary.group,
        summary.method,
        str(summary.runs),
        f"{summary.median_trials:g}",
        f"{summary.mean_trials:.1f}",
        f"{summary.p90_trials:.1f}",
        f"{summary.mean_violations:.1f}",
        f"{summary.violations_to_stop:.1f}",
        f"{summary.mean_stopped_at:.1f}",
        f"{summary.stopped_well:.0%}",
        f"{summary.seconds_per_proposal:.3f}",
    )


def _comparisons(summaries: Sequence[Summary]) -> Cells:
    return Cells(
        title="Mean trials as a share of the best other method's, on the same tasks with the same seeds",
        names=("group", "method", "best other"),
        figures=("ratio", "95 % interval", "Wilcoxon p", "pairs"),
        rows=tuple(
            (summary.group, summary.method, *_comparison_cells(summary.comparison))
            for summary in summaries
            if summary.comparison is not None
        ),
    )


def _comparison_cells(comparison: Comparison) -> tuple[str, ...]:
    low, high = comparison.interval.low, comparison.interval.high
    p_value = "< 0.001" if comparison.p_value < 0.001 else f"{comparison.p_value:.3f}"
    return (comparison.peer, f"{comparison.ratio:.2f}", f"{low:.2f} to {high:.2f}", p_value, str(comparison.pairs))


def _by_task(summaries: Sequence[TaskSummary], methods: Sequence[str]) -> Cells:
    return Cells(
        title="Median trials, task by task",
        names=("group", "table", "device", "workload", "SLO"),
        figures=tuple(methods),
        rows=tuple(_task_row(summary, methods) for summary in summaries),
    )


def _task_row(summary: TaskSummary, methods: Sequence[str]) -> tuple[str, ...]:
    dataset, device, workload, slo = summary.task
    medians = (summary.median_trials.get(method) for method in methods)
    return (
        summary.group,
        dataset,
        device,
        workload,
        f"{slo:g} x",
        *("" if median is None else f"{median:g}" for median in medians),
    )
