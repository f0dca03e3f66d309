"""``wattune bench retune``: which tasks are paired, what an earlier study hands on, and the figures."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.replay.tables import replay_task, write_table
from tuner import serialization
from tuner.cli.main import main
from tuner.configuration import Configuration
from tuner.replay import retune
from tuner.replay.bootstrap import Totals, bootstrap
from tuner.replay.disturbance import UNDISTURBED, Disturbance
from tuner.replay.kinship import Kinship, Pair, pairs_of
from tuner.replay.methods import REPLAY_METHODS
from tuner.replay.retune import ColdSearch, ColdStudy, Retune, RetuneRow, cold_searches, retunes, shuffled
from tuner.replay.retune_summary import retune_tables, summarize_retunes
from tuner.replay.row import TaskKey
from tuner.replay.row_file import RowFile
from tuner.replay.scoring import Score, score
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

    tasks: list[SearchTask]

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
def tasks_seen(monkeypatch: pytest.MonkeyPatch) -> list[SearchTask]:
    """Puts :class:`Descending` in place of our search; returns what its makers were told."""
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

    keys: list[TaskKey] = [("table", "device", name, 1.3) for name in (workload, earlier)]
    return RetuneRow(kinship, group, *keys, 5, seed, scored(cold), scored(warm), UNDISTURBED)


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
            assert measured.energy.mean_power_w == pytest.approx(
                measured.energy.per_request_j / measured.slo_latency_s
            )

    def test_energies_and_latencies_part(self) -> None:
        trials = [TASK.trial(number, one) for number, one in enumerate(TASK.space)]
        pairs = Counter(zip(unsorted(trials)[0], unsorted(trials)[1], strict=True))
        apart = [
            not Counter(zip(*unsorted(shuffled(TASK, trials, seed, noise=0.0)), strict=True)) & pairs
            for seed in range(40)
        ]
        assert any(apart)

    def test_another_seed_deals_otherwise(self) -> None:
        trials = [TASK.trial(number, one) for number, one in enumerate(TASK.space)]
        assert len({unsorted(shuffled(TASK, trials, seed, noise=0.0)) for seed in range(5)}) > 1

    def test_what_the_measurement_knows_of_its_noise_stays(self) -> None:
        (trial,) = shuffled(TASK, [TASK.trial(0, TASK.start)], 0, noise=0.1)
        assert trial.measurement is not None
        assert trial.measurement.energy.interval.high > trial.measurement.energy.per_request_j * 1.2


class TestRuns:
    def test_an_earlier_study_ends_at_its_stop_and_not_where_the_scoring_went_on_to(
        self, tasks_seen: list[SearchTask]
    ) -> None:
        key, study = ColdSearch(TASK, 0, UNDISTURBED).row()
        assert key == (TASK.key, 0)
        assert (study.score.trials_to_5pct, study.score.stopped_at) == (4, 3)  # 350 MHz away: 600, 500, 400, 300
        assert [trial.configuration["gpu_mhz"] for trial in study.trials] == [600, 500, 400]
        assert tasks_seen[0].earlier == ()

    def test_the_warm_search_is_told_the_earlier_trials_under_its_own_names(
        self, tasks_seen: list[SearchTask]
    ) -> None:
        earlier = replay_task(knobs={"dla_mhz": "MHz"}, dataset="other")
        found = self.rows([TASK, earlier], Kinship.TABLE)
        (study,) = tasks_seen[-1].earlier if tasks_seen[-1].space is earlier.space else tasks_seen[-2].earlier
        names = {name for trial in study.trials for name in trial.configuration}
        assert names in ({"dla_mhz"}, {"gpu_mhz"})
        assert [len(row.warm.regrets) for row in found]
        told = {one.space.parameters[0].id: one.earlier[0].trials[0].configuration for one in tasks_seen if one.earlier}
        assert told == {"gpu_mhz": Configuration({"gpu_mhz": 600}), "dla_mhz": Configuration({"dla_mhz": 600})}

    def test_a_good_earlier_study_shows_in_the_row(self, tasks_seen: list[SearchTask]) -> None:
        assert tasks_seen == []
        tasks = [replay_task(workload="a", best_mhz=400), replay_task(workload="b", best_mhz=400)]
        first, _ = self.rows(tasks, Kinship.WORKLOAD)
        assert (first.task[2], first.earlier[2], first.earlier_trials) == ("a", "b", 3)
        assert first.cold.trials_to_5pct == 3
        assert first.warm.trials_to_5pct == 2
        assert first.cold == self.untimed(score(tasks[0], Descending, 0), first.cold)

    def test_each_search_from_nothing_is_made_once(self, tasks_seen: list[SearchTask]) -> None:
        pairs = pairs_of([replay_task(workload=name) for name in ("a", "b", "c")])
        searches = cold_searches(pairs, 2, UNDISTURBED)
        assert len(searches) == len({search.key for search in searches}) == 6
        studies = dict(search.row() for search in searches)
        assert len(retunes(pairs, 2, UNDISTURBED, studies)) == 2 * 9
        assert len(tasks_seen) == 6

    def test_rows_are_read_as_they_were_written(self, tmp_path: Path, tasks_seen: list[SearchTask]) -> None:
        assert tasks_seen == []
        noisy = Disturbance(0.02, outliers=True)
        found = self.rows([replay_task(workload="a"), replay_task(workload="b")], Kinship.WORKLOAD, noisy)
        file = RowFile(tmp_path / "rows.jsonl", RetuneRow, noisy)
        for one in found:
            file.append(one)
        assert list(RowFile(tmp_path / "rows.jsonl", RetuneRow, noisy).rows) == found
        assert found[0].key in {one.key for one in file.rows} | {found[0].key}

    @staticmethod
    def rows(tasks: Sequence[ReplayTask], kinship: Kinship, disturbance: Disturbance = UNDISTURBED) -> list[RetuneRow]:
        pairs = [pair for pair in pairs_of(tasks) if pair.kinship is kinship]
        studies = dict(search.row() for search in cold_searches(pairs, 1, disturbance))
        return [run.row() for run in retunes(pairs, 1, disturbance, studies)]

    @staticmethod
    def untimed(one: Score, other: Score) -> Score:
        values = serialization.to_builtins(one) | {"seconds_per_proposal": other.seconds_per_proposal}
        return serialization.decode(serialization.encode(values), Score)
