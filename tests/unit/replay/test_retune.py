"""``wattune bench retune``: which tasks are paired, what an earlier study hands on, and the figures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.replay.tables import replay_task, write_table
from tuner.cli.main import main
from tuner.errors import BadInputError
from tuner.replay.bootstrap import Totals, bootstrap
from tuner.replay.disturbance import UNDISTURBED, Disturbance
from tuner.replay.kinship import Kinship, pairs_of
from tuner.replay.methods import REPLAY_METHODS
from tuner.replay.retune import ColdSearch, RetuneRow, cold_searches, plans, retunes, shuffled
from tuner.replay.retune_summary import retune_tables, summarize_retunes
from tuner.replay.row import TaskKey
from tuner.replay.row_file import RowFile
from tuner.replay.scoring import Score
from tuner.replay.task import ReplayTask
from tuner.search.advice import Advice, AdvisingProposer
from tuner.search.contract import Proposal, SearchTask, Stop
from tuner.trial import Trial

TASK = replay_task()


def kinships(*tasks: ReplayTask) -> dict[tuple[int, int], Kinship]:
    """Returns what each earlier task is to each task, by their places."""
    places = {task.key: place for place, task in enumerate(tasks)}
    return {(places[pair.task.key], places[pair.earlier.key]): pair.kinship for pair in pairs_of(tasks)}


class Descending(AdvisingProposer):
    """Goes down from the highest clock and advises to stop at three trials; starts from an earlier study's best."""

    def advise(self, trials: Sequence[Trial]) -> Advice:
        tried = {trial.configuration for trial in trials}
        left = [one for one in self.task.space if one not in tried]
        found = [trial.configuration for study in self.task.earlier for trial in study.trials if trial.is_feasible]
        best = [one for one in reversed(found) if one in left]
        stop = Stop("Enough.") if len(trials) >= 3 else None
        if not left:
            return Advice(None, Stop("All tried."))
        return Advice(Proposal((best or left[::-1])[0], "down"), stop)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[SearchTask]:
    """Puts :class:`Descending` in place of our search; returns the task that each one is told."""
    seen: list[SearchTask] = []

    def create(method: str, task: SearchTask) -> AdvisingProposer:
        assert method == "wattune"
        seen.append(task)
        return Descending(task)

    monkeypatch.setattr(REPLAY_METHODS, "create", create)
    return seen


def row(
    cold: int,
    warm: int,
    kinship: Kinship = Kinship.WORKLOAD,
    *,
    group: str = "inference",
    workload: str = "b",
    earlier: str = "a",
    regret: float | None = 0.0,
    seed: int = 0,
) -> RetuneRow:
    def scored(trials: int) -> Score:
        return Score(trials, trials // 2, trials + 1, regret, 0.1, (None, 0.5, regret), (True, False, False))

    def key(name: str) -> TaskKey:
        return ("table", "device", name, 1.3)

    return RetuneRow(kinship, group, key(workload), key(earlier), 5, seed, scored(cold), scored(warm), UNDISTURBED)


class TestPairs:
    def test_another_workload_of_the_same_device_is_related_both_ways(self) -> None:
        found = kinships(replay_task(workload="a"), replay_task(workload="b"))
        assert found[0, 1] is found[1, 0] is Kinship.WORKLOAD

    def test_the_same_workload_under_another_slo_is_related_and_nothing_else_is_across_slos(self) -> None:
        found = kinships(
            replay_task(workload="a", slo=2.0), replay_task(workload="a", slo=3.0), replay_task(workload="b", slo=3.0)
        )
        assert found[0, 1] is found[1, 0] is Kinship.SLO
        assert (0, 2) not in found
        assert found[1, 2] is Kinship.WORKLOAD

    def test_another_device_and_another_table_are_not_related(self) -> None:
        found = kinships(replay_task(), replay_task(device="other"), replay_task(dataset="other"))
        assert (found[0, 1], found[0, 2]) == (Kinship.DEVICE, Kinship.TABLE)
        assert [kinship.is_related for kinship in Kinship] == [True, True, False, False, False]

    def test_every_task_has_itself_shuffled(self) -> None:
        assert kinships(TASK) == {(0, 0): Kinship.SHUFFLED}

    def test_what_cannot_tell_searches_apart_is_an_earlier_task_at_most(self) -> None:
        near_the_start = replay_task(workload="near", best_mhz=600)
        found = kinships(replay_task(), near_the_start)
        assert set(found) == {(0, 0), (0, 1)}

    def test_parameters_of_another_table_are_renamed_by_kind_and_their_own_names_go_first(self) -> None:
        task = replay_task(knobs={"gpu_mhz": "MHz", "cpu_cores": "cores", "emc_mhz": "MHz"})
        earlier = replay_task(knobs={"num_cores": "cores", "cpu_mhz": "MHz", "gpu_mhz": "MHz"}, dataset="other")
        (pair,) = (pair for pair in pairs_of([task, earlier]) if pair.kinship is Kinship.TABLE and pair.task is task)
        assert pair.names == {"num_cores": "cpu_cores", "cpu_mhz": "emc_mhz", "gpu_mhz": "gpu_mhz"}

    @pytest.mark.parametrize(
        "knobs",
        [
            {"gpu_mhz": "MHz", "cpu_mhz": "MHz"},
            {"gpu_mhz": "W"},
            {"gpu_mhz": "MHz", "batch_size": "items"},
        ],
    )
    def test_tables_with_other_kinds_of_parameters_are_no_pair(self, knobs: Mapping[str, str]) -> None:
        other = replay_task(knobs=knobs, dataset="other")
        assert all(pair.task is pair.earlier for pair in pairs_of([TASK, other]))


class TestShuffled:
    @given(st.integers(0, 1000), st.integers(1, 6))
    def test_the_same_figures_are_dealt_to_the_same_configurations(self, seed: int, count: int) -> None:
        trials = [TASK.trial(number, one) for number, one in enumerate(list(TASK.space)[:count])]
        dealt = shuffled(TASK, trials, seed, noise=0.0)
        assert [trial.configuration for trial in dealt] == [trial.configuration for trial in trials]
        assert energies(dealt) == pytest.approx(energies(trials))
        assert latencies(dealt) == pytest.approx(latencies(trials))

    def test_verdict_and_power_go_with_what_was_dealt(self) -> None:
        trials = [TASK.trial(number, one) for number, one in enumerate(TASK.space)]
        bound_s = TASK.objective.slos[0].bound_s
        for trial in shuffled(TASK, trials, 1, noise=0.0):
            measured = trial.measurement
            assert measured is not None
            assert trial.is_feasible == (measured.slo_latency_s <= bound_s)
            assert measured.energy.mean_power_w == pytest.approx(measured.energy.per_request_j / measured.slo_latency_s)

    def test_energies_and_latencies_move_and_part(self) -> None:
        trials = [TASK.trial(number, one) for number, one in enumerate(TASK.space)]
        own = figures(trials)
        dealt = [figures(shuffled(TASK, trials, seed, noise=0.0)) for seed in range(40)]
        for column in (0, 1):
            assert any(all(new[column] != old[column] for new, old in zip(one, own, strict=True)) for one in dealt)
        assert any(set(one).isdisjoint(own) for one in dealt)

    def test_another_seed_deals_otherwise(self) -> None:
        trials = [TASK.trial(number, one) for number, one in enumerate(TASK.space)]
        assert len({tuple(figures(shuffled(TASK, trials, seed, noise=0.0))) for seed in range(5)}) > 1

    def test_what_the_measurement_knows_of_its_noise_stays(self) -> None:
        (trial,) = shuffled(TASK, [TASK.trial(0, TASK.start)], 0, noise=0.1)
        assert trial.measurement is not None
        assert trial.measurement.energy.interval.high > trial.measurement.energy.per_request_j * 1.2


def energies(trials: Sequence[Trial]) -> list[float]:
    return sorted(trial.measurement.energy.per_request_j for trial in trials if trial.measurement)


def latencies(trials: Sequence[Trial]) -> list[float]:
    return sorted(trial.measurement.slo_latency_s for trial in trials if trial.measurement)


def figures(trials: Sequence[Trial]) -> list[tuple[float, float]]:
    """Returns energy and latency of each trial, rounded so that they can be compared."""
    measured = [trial.measurement for trial in trials if trial.measurement]
    return [(round(one.energy.per_request_j, 6), round(one.slo_latency_s, 6)) for one in measured]


def rows_of(tasks: Sequence[ReplayTask], kinship: Kinship, disturbance: Disturbance = UNDISTURBED) -> list[RetuneRow]:
    planned = plans([pair for pair in pairs_of(tasks) if pair.kinship is kinship], seeds=1)
    studies = [search.row() for search in cold_searches(planned, disturbance)]
    return [run.row() for run in retunes(planned, disturbance, studies)]


class TestRuns:
    def test_an_earlier_study_ends_at_its_stop_and_not_where_the_scoring_went_on_to(
        self, told: list[SearchTask]
    ) -> None:
        study = ColdSearch(TASK, 0, UNDISTURBED).row()
        assert study.key == (TASK.key, 0)
        assert (study.score.trials_to_5pct, study.score.stopped_at) == (4, 3)
        assert [trial.configuration["gpu_mhz"] for trial in study.trials] == [600, 500, 400]
        assert told[0].earlier == ()

    def test_the_warm_search_is_told_the_earlier_trials_under_its_own_names(self, told: list[SearchTask]) -> None:
        rows_of([TASK, replay_task(knobs={"dla_mhz": "MHz"}, dataset="other")], Kinship.TABLE)
        warm = {task.space.parameters[0].id: task.earlier[0].trials for task in told if task.earlier}
        assert {name: [dict(trial.configuration) for trial in trials] for name, trials in warm.items()} == {
            name: [{name: 600}, {name: 500}, {name: 400}] for name in ("gpu_mhz", "dla_mhz")
        }

    def test_a_shuffled_study_is_shuffled_and_no_other_is(self, told: list[SearchTask]) -> None:
        rows_of([replay_task(workload="a"), replay_task(workload="b")], Kinship.WORKLOAD)
        handed_on = [task.earlier[0].trials for task in told if task.earlier]
        own = [TASK.trial(number, trial.configuration) for number, trial in enumerate(handed_on[0])]
        assert all(figures(trials) == figures(own) for trials in handed_on)
        told.clear()
        planned = plans(pairs_of([TASK]), seeds=6)
        studies = [search.row() for search in cold_searches(planned, UNDISTURBED)]
        for run in retunes(planned, UNDISTURBED, studies):
            run.row()
        handed_on = [task.earlier[0].trials for task in told if task.earlier]
        assert any(figures(trials) != figures(own) for trials in handed_on)

    def test_a_good_earlier_study_shows_in_the_row(self, told: list[SearchTask]) -> None:
        first, second = rows_of(
            [replay_task(workload="a", best_mhz=400), replay_task(workload="b", best_mhz=400)], Kinship.WORKLOAD
        )
        assert (first.task[2], first.earlier[2], first.earlier_trials) == ("a", "b", 3)
        assert (first.cold.trials_to_5pct, first.warm.trials_to_5pct) == (3, 2)
        assert (second.task, second.earlier) == (first.earlier, first.task)
        assert [len(task.earlier) for task in told] == [0, 0, 1, 1]

    def test_each_search_from_nothing_is_made_once(self) -> None:
        planned = plans(pairs_of([replay_task(workload=name) for name in ("a", "b", "c")]), seeds=2)
        assert len({plan.key for plan in planned}) == len(planned) == 2 * 9
        searches = cold_searches(planned, UNDISTURBED)
        assert len({(search.task.key, search.seed) for search in searches}) == len(searches) == 6

    def test_rows_are_read_as_they_were_written(self, tmp_path: Path, told: list[SearchTask]) -> None:
        noisy = Disturbance(0.02, outliers=True)
        made = rows_of([replay_task(workload="a"), replay_task(workload="b")], Kinship.WORKLOAD, noisy)
        assert len(told) == 4
        file = RowFile(tmp_path / "rows.jsonl", RetuneRow, noisy)
        for one in made:
            file.append(one)
        assert list(RowFile(tmp_path / "rows.jsonl", RetuneRow, noisy).rows) == made
        with pytest.raises(BadInputError, match="name another file"):
            RowFile(tmp_path / "rows.jsonl", RetuneRow, UNDISTURBED)


class TestSummary:
    def test_figures_of_two_tasks(self) -> None:
        rows = [
            row(10, 4, workload="b"),
            row(10, 6, workload="b", earlier="c"),
            row(20, 5, workload="d", regret=0.2),
        ]
        (summary,) = summarize_retunes(rows)
        assert (summary.runs, summary.warm.mean_trials) == (3, 5.0)
        assert summary.cold.mean_trials == pytest.approx(40 / 3)
        assert summary.ratio == pytest.approx(15 / 40)
        assert summary.extra_trials == pytest.approx(-25 / 3)
        assert (summary.ratio_interval.low, summary.ratio_interval.high) == (0.25, 0.5)
        assert (summary.extra_interval.low, summary.extra_interval.high) == (-15, -5)
        assert summary.warm.stopped_well == pytest.approx(2 / 3)
        assert summary.cold.mean_violations == pytest.approx(20 / 3)
        assert summary.warm.mean_stopped_at == 6

    def test_groups_and_kinships_apart_the_headline_and_the_related_first(self) -> None:
        rows = [row(2, 2, Kinship.SHUFFLED), row(2, 2, group="stress"), row(2, 2, Kinship.SLO), row(2, 2)]
        assert [(one.group, one.kinship) for one in summarize_retunes(rows)] == [
            ("inference", Kinship.WORKLOAD),
            ("inference", Kinship.SLO),
            ("inference", Kinship.SHUFFLED),
            ("stress", Kinship.WORKLOAD),
        ]

    def test_the_pairs_that_lost_the_most_are_named_over_all_their_seeds(self) -> None:
        rows = [row(4, 5, workload=name, seed=seed) for name in "abcdefghijkl" for seed in (0, 1)]
        rows += [row(4, 30, workload="worst", seed=seed) for seed in (0, 1)]
        _, worst = retune_tables(rows)
        assert len(worst.rows) == 10
        assert worst.rows[0] == ("another workload", "device, worst, 1.3 x", "device, a, 1.3 x", "4.0", "30.0")

    @given(st.lists(st.tuples(st.integers(1, 41), st.integers(1, 41)), min_size=1, max_size=6))
    def test_a_bootstrap_interval_lies_between_the_tasks_extremes_and_holds_no_doubt_about_one(
        self, pairs: list[tuple[int, int]]
    ) -> None:
        parts = [Totals.of([pair]) for pair in pairs]
        interval = bootstrap(parts, lambda totals: totals.excess)
        extremes = [part.excess for part in parts]
        assert min(extremes) - 1e-9 <= interval.low <= interval.high <= max(extremes) + 1e-9
        alone = bootstrap(parts[:1], lambda totals: totals.ratio)
        assert alone.low == alone.high == pytest.approx(pairs[0][0] / pairs[0][1])


class TestCommand:
    def test_related_and_unrelated_pairs_are_run_printed_and_kept(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], told: list[SearchTask]
    ) -> None:
        directory = str(write_table(tmp_path / "by-hand", workloads=("a", "b")))
        rows_path = tmp_path / "rows.jsonl"
        command = ["bench", "retune", directory, "--slo", "2", "--seeds", "2", "--json", str(rows_path)]
        assert main(command) == 0
        first = capsys.readouterr()
        assert "another workload" in first.out
        assert "shuffled" in first.out
        rows = [json.loads(line) for line in rows_path.read_text().splitlines()]
        assert Counter(one["kinship"] for one in rows) == {"another workload": 4, "shuffled": 4}
        assert {one["seed"] for one in rows} == {0, 1}
        assert len(told) == 4 + 8

    def test_what_the_file_holds_is_not_run_again(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], told: list[SearchTask]
    ) -> None:
        directory = str(write_table(tmp_path / "by-hand", workloads=("a", "b")))
        rows_path = tmp_path / "rows.jsonl"
        command = ["bench", "retune", directory, "--slo", "2", "--json", str(rows_path)]
        main(command)
        printed = capsys.readouterr().out
        told.clear()
        lines = rows_path.read_bytes().splitlines(keepends=True)
        rows_path.write_bytes(b"".join(lines[:-1]) + lines[-1][:30])
        assert main(command) == 0
        again = capsys.readouterr()
        assert "3 of 4 runs are in the file already" in again.err
        assert again.out == printed
        assert len(told) == 2  # the last row's: the same task from nothing, and from its own study shuffled
        told.clear()
        main(command)
        assert told == []

    def test_tables_without_a_related_pair_are_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["bench", "retune", str(write_table(tmp_path / "by-hand")), "--slo", "2"]) == 2
        assert "No two tasks are related" in capsys.readouterr().err

    def test_a_folder_without_a_table_is_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["bench", "retune", str(tmp_path)]) == 2
        assert "holds no measured table" in capsys.readouterr().err

    def test_rows_of_another_benchmark_are_left_alone(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        rows_path = tmp_path / "rows.jsonl"
        main(["bench", "replay", directory, "--methods", "random", "--seeds", "1", "--json", str(rows_path)])
        content = rows_path.read_bytes()
        assert main(["bench", "retune", directory, "--json", str(rows_path)]) == 2
        assert "line 1, is no row of this benchmark" in capsys.readouterr().err
        assert rows_path.read_bytes() == content


def test_our_own_search_starts_from_what_the_earlier_study_found() -> None:
    (first, _) = rows_of([replay_task(workload="a"), replay_task(workload="b")], Kinship.WORKLOAD)
    assert first.warm.trials_to_5pct == 2
