"""``wattune bench front``: shares of known fronts, where they are looked at, and the methods that search them."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.replay.tables import clock_table, replay_task, write_table
from tests.unit.search.records import search_task
from tuner.cli.main import main
from tuner.configuration import Configuration
from tuner.errors import BadInputError
from tuner.replay.disturbance import UNDISTURBED
from tuner.replay.front import LOOKS, FrontRow, FrontSearch, FrontShare, front_searches
from tuner.replay.front_summary import front_tables, summarize_fronts
from tuner.replay.methods import FRONT_METHODS
from tuner.replay.row_file import RowFile
from tuner.replay.search_run import TRIAL_CAP, SearchRun
from tuner.replay.task import ReplayTask
from tuner.search.advice import Advice
from tuner.search.contract import Goal, SearchTask, Stop
from tuner.search.random_search import RandomProposer
from tuner.trial import Trial

# In logarithms to base 2, the points lie at (0, 4), (1, 2), (2, 1), (3, 0) and (3, 5): four of them are the front.
LATENCIES_S, ENERGIES_J = [8.0, 8.0, 4.0, 2.0, 1.0], [32.0, 1.0, 2.0, 4.0, 16.0]
TASK = ReplayTask(clock_table(LATENCIES_S, ENERGIES_J), 4.0)


def clocks(*mhz: int) -> list[Configuration]:
    return [Configuration({"gpu_mhz": one}) for one in mhz]


def row(
    method: str = "wattune",
    within_slo: Sequence[float] = (0.5,),
    stopped_at: int = 1,
    group: str = "inference",
    seed: int = 0,
    is_violation: Sequence[bool] = (False,),
) -> FrontRow:
    shares = tuple(within_slo)
    overall = tuple(share / 2 for share in shares)
    task = ("table", "device", "workload", 1.3)
    return FrontRow(group, task, method, seed, stopped_at, shares, overall, tuple(is_violation), 0.1, UNDISTURBED)


class TestShare:
    def test_overall_the_reference_is_the_worst_of_each(self) -> None:
        # Up to (3, 5): (0, 4) dominates 3 x 1, (1, 2) another 2 x 2, (2, 1) another 1 x 1, (3, 0) none.
        assert FrontShare(TASK, math.inf).after_each(clocks(500, 400, 300, 200)) == pytest.approx(
            (3 / 8, 7 / 8, 1.0, 1.0)
        )

    def test_within_the_slo_the_reference_is_the_bound_and_the_worst_that_holds_it(self) -> None:
        # Up to (2, 4): the fastest is no better than the reference, (1, 2) dominates 1 x 2, (2, 1) lies on the bound.
        assert FrontShare(TASK, 4.0).after_each(clocks(500, 300, 200, 400)) == (0.0, 0.0, 0.0, 1.0)

    def test_a_bound_between_points_counts_up_to_the_bound(self) -> None:
        # Up to (2.5, 4): (1, 2) dominates 1.5 x 2, and (2, 1) another 0.5 x 1.
        share = FrontShare(TASK, 2**2.5)
        assert share.after_each(clocks(400, 300)) == pytest.approx((3.0 / 3.5, 1.0), abs=1e-6)

    def test_a_front_without_an_area_is_known_from_the_start(self) -> None:
        flat = ReplayTask(clock_table([1.0] * 4, [2.0] * 4), 2.0)
        assert FrontShare(flat, math.inf).after_each(clocks(100)) == (1.0,)

    @given(st.permutations([100, 200, 300, 400, 500]), st.sampled_from([2.0, 4.0, 8.0, math.inf]))
    def test_it_grows_with_every_trial_up_to_all(self, mhz: list[int], bound_s: float) -> None:
        shares = FrontShare(TASK, bound_s).after_each(clocks(*mhz))
        assert list(shares) == sorted(shares)
        assert shares[-1] == 1.0
        assert shares[0] >= 0.0

    def test_without_torch_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch", None)
        monkeypatch.delitem(sys.modules, "tuner.search.front")
        monkeypatch.delattr("tuner.search.front")
        with pytest.raises(BadInputError, match=r"wattune\[search\]"):
            FrontShare(TASK, math.inf)


class TestRun:
    def test_a_row_has_a_share_after_each_trial_and_says_what_broke_the_slo(self) -> None:
        task = replay_task()
        made = FrontSearch(task, "random", 3, UNDISTURBED).row()
        assert made.key == (task.key, "random", 3)
        assert len(made.within_slo) == len(made.overall) == len(made.is_violation) == 6
        assert made.within_slo[-1] == made.overall[-1] == 1.0
        assert sum(made.is_violation) == 6 - len(task.feasible)
        assert made.stopped_at == 6

    @pytest.mark.parametrize(("stop_at", "trials"), [(3, LOOKS[-1]), (33, 34), (100, TRIAL_CAP)])
    def test_a_stop_is_recorded_and_the_run_goes_on_to_the_last_look(
        self, stop_at: int, trials: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Stopping(RandomProposer):
            def advise(self, trials: Sequence[Trial]) -> Advice:
                stop = Stop("Enough.") if len(trials) >= stop_at else None
                return Advice(super().advise(trials).proposal, stop)

        monkeypatch.setattr(FRONT_METHODS, "create", lambda _, task: Stopping(task))
        task = ReplayTask(clock_table([1.0] * 60, [1.0 + 0.01 * place for place in range(60)]), 2.0)
        made = FrontSearch(task, "random", 0, UNDISTURBED).row()
        assert made.stopped_at == min(stop_at, TRIAL_CAP)
        assert len(made.within_slo) == trials

    def test_what_cannot_tell_searches_apart_is_left_out(self) -> None:
        tasks = [replay_task(), replay_task(workload="near", best_mhz=600)]
        searches = front_searches(tasks, ["random", "wattune"], 2, UNDISTURBED)
        assert [(one.task, one.method, one.seed) for one in searches] == [
            (tasks[0], method, seed) for method in ("random", "wattune") for seed in (0, 1)
        ]

    def test_rows_are_read_as_they_were_written(self, tmp_path: Path) -> None:
        made = FrontSearch(replay_task(), "random", 0, UNDISTURBED).row()
        RowFile(tmp_path / "rows.jsonl", FrontRow, UNDISTURBED).append(made)
        assert list(RowFile(tmp_path / "rows.jsonl", FrontRow, UNDISTURBED).rows) == [made]


class TestSummary:
    def test_shares_after_ten_twenty_and_thirty_trials_and_at_the_stop(self) -> None:
        shares = [place / 100 for place in range(1, 36)]
        (summary,) = summarize_fronts([row(within_slo=shares, stopped_at=12)])
        assert summary.within_slo == (0.10, 0.20, 0.30, 0.12)
        assert summary.overall == (0.05, 0.10, 0.15, 0.06)

    def test_a_run_that_has_tried_everything_keeps_what_it_had(self) -> None:
        shares = [0.5] * 11 + [1.0]
        assert summarize_fronts([row(within_slo=shares, stopped_at=12)])[0].within_slo == (0.5, 1.0, 1.0, 1.0)

    def test_violations_count_up_to_the_stop(self) -> None:
        rows = [
            row(within_slo=[0.5] * 3, stopped_at=2, is_violation=[True, False, True]),
            row(within_slo=[0.7] * 3, stopped_at=3, is_violation=[True, True, True], seed=1),
        ]
        (summary,) = summarize_fronts(rows)
        assert (summary.runs, summary.violations_to_stop, summary.mean_stopped_at) == (2, 2.0, 2.5)
        assert summary.within_slo[0] == pytest.approx(0.6)

    def test_groups_and_methods_apart_the_headline_first(self) -> None:
        rows = [row("random", group="stress"), row("random"), row("wattune-front")]
        within, overall, stops = front_tables(rows)
        for cells in (within, overall, stops):
            assert [one[:2] for one in cells.rows] == [
                ("inference", "wattune-front"), ("inference", "random"), ("stress", "random"),
            ]  # fmt: skip
        assert within.rows[0][2:] == ("50.0%",) * 4
        assert overall.rows[0][2:] == ("25.0%",) * 4


class TestCommand:
    def test_methods_are_run_side_by_side_printed_and_kept(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        directory = str(write_table(tmp_path / "by-hand"))
        rows_path = tmp_path / "rows.jsonl"
        options = ["--slo", "2", "--seeds", "1", "--json", str(rows_path)]
        command = ["bench", "front", directory, "--methods", "random,wattune-front", *options]
        assert main(command) == 0
        printed = capsys.readouterr().out
        assert "within the SLO" in printed
        rows = [json.loads(line) for line in rows_path.read_text().splitlines()]
        assert [one["method"] for one in rows] == ["random", "wattune-front"]
        assert main(command) == 0
        again = capsys.readouterr()
        assert "2 of 2 runs are in the file already" in again.err
        assert again.out == printed

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (["--methods", "magic"], "no search method 'magic'"),
            (["--methods", "polythrottle"], "no search method 'polythrottle'"),
            (["--slo", "1"], "No task is left"),
        ],
    )
    def test_what_cannot_be_run_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
    ) -> None:
        assert main(["bench", "front", str(write_table(tmp_path / "by-hand")), *options]) == 2
        assert sentence in capsys.readouterr().err

    def test_a_folder_without_a_table_is_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["bench", "front", str(tmp_path)]) == 2
        assert "holds no measured table" in capsys.readouterr().err


class TestBotorchQlognehvi:
    def test_what_it_asks_for_is_legal_and_new_and_the_same_after_a_restart(self) -> None:
        task = replay_task()
        run = SearchRun(task, partial(FRONT_METHODS.create, "botorch-qlognehvi"), 3)
        while len(run.trials) < 4 and run.advance():
            pass
        assert len({trial.configuration for trial in run.trials} & set(task.space)) == 4
        again = FRONT_METHODS.create("botorch-qlognehvi", SearchTask(task.space, task.objective, 3, TRIAL_CAP))
        proposal = again.advise(run.trials[:3]).proposal
        assert proposal is not None
        assert proposal.configuration == run.trials[3].configuration


class TestMethods:
    def test_ours_is_told_to_search_the_front_and_nothing_else_of_the_task_changes(self) -> None:
        task = search_task()
        told = FRONT_METHODS.create("wattune-front", task).task
        assert told.goal is Goal.FRONT
        assert (told.space, told.objective, told.seed, told.caution) == (
            task.space, task.objective, task.seed, task.caution,
        )  # fmt: skip

    @pytest.mark.parametrize("method", ["wattune-front", "botorch-qlognehvi"])
    def test_a_search_of_the_front_finds_more_of_it_than_chance(self, method: str) -> None:
        latencies = [6000.0 / mhz for mhz in range(100, 4100, 100)]
        energies = [1.0 + (mhz / 4000) ** 3 * 4 for mhz in range(100, 4100, 100)]
        task = ReplayTask(clock_table(latencies, energies), 8.0)

        def found(method: str, seed: int) -> float:
            run = SearchRun(task, partial(FRONT_METHODS.create, method), seed)
            while len(run.trials) < 5:
                run.advance()
            bound_s = task.objective.slos[0].bound_s
            return FrontShare(task, bound_s).after_each([trial.configuration for trial in run.trials])[-1]

        by_chance = [found("random", seed) for seed in range(20)]
        assert found(method, 0) > sum(by_chance) / len(by_chance)
