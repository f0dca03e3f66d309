"""The ablation: each change changes the search as long as it lasts, and what is said of it is right."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from benchmarks.search import ablation
from benchmarks.search.ablation import AblationRun
from benchmarks.search.ablation_tables import ablation_tables, effects_of
from benchmarks.search.changes import CHANGES, OURS, Change, Sort
from benchmarks.search.device_changes import CHANGES as DEVICE_CHANGES
from benchmarks.search.remembering import RememberingEnsemble
from benchmarks.search.substitutes import NoDevices, best_as_measured
from tests.unit.replay.tables import replay_task, row, write_table
from tests.unit.search.physics.spaces import parameter
from tests.unit.search.records import Outcome, batch, clock, measurement, objective, recorded, roofline
from tests.unit.search.surrogates import surrogate_of
from tuner.configuration import ConfigurationSpace, ParameterKind, Value
from tuner.replay.benchmark import Run
from tuner.replay.disturbance import UNDISTURBED
from tuner.replay.row import Row
from tuner.search import bayesian
from tuner.search.contract import SearchTask
from tuner.search.encoding import Encoding
from tuner.search.evidence import Output, gather_evidence
from tuner.search.physics.controls import Controls
from tuner.search.physics.devices import Devices, imagine
from tuner.search.physics.ensemble import Ensemble
from tuner.trial import Trial

CORES = parameter("cpu.cores", ParameterKind.CORES, (1, 2, 4))
CAP = parameter("gpu.power_cap_w", ParameterKind.POWER_CAP, (100, 150, 300))
BATCH = batch((1, 4, 16))
SPACE = ConfigurationSpace((clock(choices=(300, 600, 1200)), CORES, CAP, BATCH))
ENCODING = Encoding(SPACE)
EVERYTHING = ENCODING.encode(SPACE)
TASK = SearchTask(SPACE, objective(), seed=0, max_trials=30)
OUTLIER = 9
DRAWS = [name for name, change in CHANGES.items() if change.sort is Sort.DRAW]


def with_cores(configuration: Mapping[str, Value]) -> Outcome:
    outcome = roofline(configuration)
    cores, cap_w = float(configuration[CORES.id]), float(configuration[CAP.id])
    return outcome.scaled(latency=1 + 0.5 / cores + 30.0 / cap_w, energy=1 + 0.03 * cores)


def trials() -> list[Trial]:
    """Configurations all over the space, one of them with an energy that nothing explains."""
    chosen = list(SPACE)[::4]
    outcomes = [with_cores(one).scaled(energy=3.0 if place == OUTLIER else 1.0) for place, one in enumerate(chosen)]
    return [recorded(place, one, outcomes[place], objective()) for place, one in enumerate(chosen)]


def worth_under(change: Change) -> Tensor:
    """What the search, so changed, takes every configuration to be worth."""
    measured = trials()
    with change.applied():
        surrogate = bayesian.Surrogate(
            bayesian.Prior(ENCODING, TASK.objective), gather_evidence(ENCODING, TASK.objective, measured)
        )
        incumbents = bayesian.Incumbents(TASK.objective, ENCODING, surrogate, measured)
        return bayesian.Worth(TASK, SPACE, ENCODING, surrogate, incumbents, measured)(EVERYTHING)


@pytest.fixture(scope="module")
def usual() -> Tensor:
    return worth_under(CHANGES[OURS])


def rows_of(trials_by_change: Mapping[str, tuple[int, ...]]) -> list[Row]:
    """Rows of as many tasks as there are figures, three trials each for the search as it is."""
    return [
        row(method=name, trials=count, workload=f"workload {place}")
        for name, counts in {OURS: (3, 3, 3), **trials_by_change}.items()
        for place, count in enumerate(counts)
    ]


class TestChanges:
    @pytest.mark.parametrize("name", [name for name, change in CHANGES.items() if name != OURS and not change.is_slow])
    def test_each_one_changes_what_configurations_are_worth(self, name: str, usual: Tensor) -> None:
        worth = worth_under(CHANGES[name])
        assert bool(worth.isfinite().all())
        assert not torch.allclose(worth, usual, rtol=1e-4, atol=1e-4)

    def test_the_search_is_what_it_was_afterwards(self, usual: Tensor) -> None:
        for change in CHANGES.values():
            before = [vars(swap.owner)[swap.name] for swap in change.swaps]
            with pytest.raises(RuntimeError), change.applied():
                assert all(getattr(swap.owner, swap.name) is swap.value for swap in change.swaps)
                raise RuntimeError
            assert all(vars(swap.owner)[swap.name] is was for swap, was in zip(change.swaps, before, strict=True))
        assert torch.equal(worth_under(CHANGES[OURS]), usual)

    def test_the_search_as_it_is_is_the_one_that_is_replayed(self) -> None:
        run = Run(replay_task(knobs={"gpu_mhz": "MHz", "cpu_cores": "cores"}), "wattune", 0, UNDISTURBED)
        usual = run.row()
        changed = AblationRun(Run(run.task, OURS, 0, UNDISTURBED)).row()
        assert changed.method == OURS
        assert (changed.trials_to_5pct, changed.violations) == (usual.trials_to_5pct, usual.violations)
        assert changed.regrets == usual.regrets[: len(changed.regrets)]
        assert len(changed.regrets) == changed.trials_to_5pct

    def test_energy_at_once_is_what_was_measured(self) -> None:
        measured = [trial for place, trial in enumerate(trials()) if place != OUTLIER]
        evidence = gather_evidence(ENCODING, objective(), measured)
        with CHANGES["energy as one output"].applied():
            surrogate = bayesian.Surrogate(bayesian.Prior(ENCODING, objective()), evidence)
        prediction = surrogate.predict(evidence.features)
        energies_j = [with_cores(trial.configuration).energy_j for trial in measured]
        assert prediction.energy_mean.exp().tolist() == pytest.approx(energies_j, rel=0.02)
        latencies_s = [with_cores(trial.configuration).latencies_s[0] for trial in measured]
        assert prediction.latency_means[0].exp().tolist() == pytest.approx(latencies_s, rel=0.02)

    def test_the_incumbent_as_measured_is_the_feasible_trial_of_least_energy(self) -> None:
        measured = trials()
        lucky = recorded(len(measured), list(SPACE)[1], Outcome((0.01,), 0.001, 100.0), objective())
        broken = recorded(len(measured) + 1, list(SPACE)[2], Outcome((9.0,), 0.0001, 100.0), objective())
        feasible = [trial for trial in (*measured, lucky, broken) if trial.is_feasible]
        best = best_as_measured(ENCODING, surrogate_of(measured, space=SPACE), feasible)
        assert best[None].configuration == lucky.configuration
        assert best[None].log_energy == pytest.approx(math.log(0.001))
        assert best[None].power_w == measurement(Outcome((0.01,), 0.001, 100.0), objective()).energy.mean_power_w


class TestFitted:
    def test_it_predicts_what_was_measured_and_is_less_sure_elsewhere(self) -> None:
        measured = trials()[:OUTLIER]
        evidence = gather_evidence(ENCODING, objective(), measured)
        with CHANGES["fitted, one SingleTaskGP an output"].applied():
            surrogate = bayesian.Surrogate(bayesian.Prior(ENCODING, objective()), evidence)
        here, elsewhere = surrogate.predict(evidence.features), surrogate.predict(EVERYTHING)
        energies_j = [with_cores(trial.configuration).energy_j for trial in measured]
        assert here.energy_mean.exp().tolist() == pytest.approx(energies_j, rel=0.02)
        assert float(here.energy_sd.max()) < float(elsewhere.energy_sd.max())


class TestDevices:
    @pytest.mark.parametrize("name", DEVICE_CHANGES)
    def test_changed_devices_are_still_possible(self, name: str) -> None:
        devices = DEVICE_CHANGES[name](imagine(Controls(ENCODING), 64))
        assert torch.stack([*devices.busy.values(), devices.fixed]).sum(0).tolist() == pytest.approx([1.0] * 64)
        assert torch.stack([*devices.dynamic.values(), devices.static]).sum(0).tolist() == pytest.approx([1.0] * 64)
        for values in numbers_of(devices):
            assert bool((values >= 0).all())
        assert all(float(share.max()) <= 1 for share in devices.idling.values())
        assert float(devices.overlap.min()) >= 1

    def test_without_devices_only_the_number_of_requests_in_a_batch_is_known(self) -> None:
        answers = NoDevices(ENCODING, is_paced=False)(EVERYTHING)
        batches = torch.tensor([float(one[BATCH.id]) for one in SPACE], dtype=torch.float64)
        assert torch.allclose(answers[Output.PACE].squeeze(1), (max(BATCH.choices) / batches).log())  # type: ignore[type-var,operator]
        assert not bool(answers[[Output.LATENCY, Output.POWER]].any())


@settings(deadline=None, max_examples=10)
@given(asked=st.lists(st.lists(st.integers(0, len(EVERYTHING) - 1), min_size=1, max_size=6), min_size=1, max_size=4))
def test_what_is_remembered_is_what_the_devices_would_say_again(asked: list[list[int]]) -> None:
    remembering, plain = RememberingEnsemble(ENCODING, False, count=8), Ensemble(ENCODING, False, count=8)
    for places in asked:
        assert torch.allclose(remembering(EVERYTHING[places]), plain(EVERYTHING[places]), rtol=1e-12)


class TestTables:
    def test_a_change_is_compared_task_by_task(self) -> None:
        effects = effects_of(rows_of({"no polynomial": (5, 3, 4), DRAWS[0]: (2, 3, 3)}))
        worse = effects.by_change["no polynomial"]
        assert effects.tasks == 3
        assert (worse.mean_trials, worse.excess) == (4.0, 1.0)
        assert worse.mean_violations == pytest.approx((2 + 1 + 2) / 3)
        assert (worse.interval.low, worse.interval.high) == (pytest.approx(0.0), pytest.approx(2.0))
        assert effects.by_change[OURS].excess == 0.0

    def test_the_span_of_other_draws_is_what_chance_does(self) -> None:
        effects = effects_of(rows_of({DRAWS[0]: (6, 3, 3), DRAWS[1]: (2, 2, 2), "no residual": (40, 40, 40)}))
        assert (effects.chance.low, effects.chance.high) == (-1.0, 1.0)

    def test_without_other_draws_nothing_but_no_difference_passes_for_chance(self) -> None:
        effects = effects_of(rows_of({"no residual": (4, 4, 4), "64 devices": (3, 3, 3)}))
        assert (effects.chance.low, effects.chance.high) == (0.0, 0.0)
        assert effects.cells("no residual")[1] == "+1.00"
        assert effects.cells("64 devices")[1] == "+0.00 ~"

    def test_what_another_draw_does_as_well_is_marked(self) -> None:
        draws, parts, sorts, _ = ablation_tables(
            rows_of({DRAWS[0]: (6, 3, 3), "no polynomial": (4, 3, 3), "no residual": (9, 9, 9)})
        )
        assert {cells[0]: cells[2] for cells in draws.rows} == {OURS: "", DRAWS[0]: "+1.00"}
        assert {cells[0]: cells[2] for cells in parts.rows} == {
            OURS: "",
            "no polynomial": "+0.33 ~",
            "no residual": "+6.00",
        }
        assert [cells[1:] for cells in sorts.rows] == [("1 changes", "+1.00", "0"), ("2 changes", "+3.17", "0")]

    def test_each_device_and_each_group_is_shown_by_itself(self) -> None:
        rows = [
            *rows_of({"no residual": (5, 5, 5)}),
            row("stress", OURS, 7, workload="other"),
            row("stress", "no residual", 9, workload="other"),
        ]
        parts, _, devices = ablation_tables(rows)
        assert "inference (3 tasks)" in parts.title
        assert parts.figures == (*("inference", "difference", "95 %", "broke SLO"), *("stress", *parts.figures[1:4]))
        assert [(cells[1], cells[5]) for cells in parts.rows] == [("3.00", "7.00"), ("5.00", "9.00")]
        assert devices.rows == ((OURS, "4.00"), ("no residual", "6.00"))


class TestCommand:
    @pytest.fixture(autouse=True)
    def _one_table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        write_table(tmp_path / "by-hand")
        monkeypatch.chdir(tmp_path)
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            monkeypatch.setenv(variable, "1")
        self.monkeypatch = monkeypatch
        return iter(())

    def run(self, *arguments: str) -> int:
        self.monkeypatch.setattr(sys, "argv", ["ablation", *arguments])
        return ablation.main()

    def test_it_runs_what_is_named_and_the_search_as_it_is(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        options = ["--only", "no polynomial; no residual", "--slo", "2.0", "--json", "rows.json", "--markdown"]
        assert self.run("by-hand", *options) == 0
        methods = [json.loads(line)["method"] for line in (tmp_path / "rows.json").read_text().splitlines()]
        assert methods == [OURS, "no polynomial", "no residual"]
        shown = capsys.readouterr().out
        assert "inference (1 tasks)" in shown
        assert "no residual" in shown

    def test_it_goes_on_where_it_was(self, tmp_path: Path) -> None:
        options = ["--slo", "2.0", "--json", "rows.json"]
        assert self.run("by-hand", "--only", "no residual", *options) == 0
        before = (tmp_path / "rows.json").read_bytes()
        assert self.run("by-hand", "--only", "64 devices;no residual", *options) == 0
        after = (tmp_path / "rows.json").read_bytes()
        assert after.startswith(before)
        assert [json.loads(line)["method"] for line in after[len(before) :].splitlines()] == ["64 devices"]

    def test_an_unknown_change_is_one_sentence(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.run("by-hand", "--only", "no brain") == 2
        assert "There is no change 'no brain'" in capsys.readouterr().err


def numbers_of(devices: Devices) -> Iterator[Tensor]:
    """Yields every constant that cannot be negative."""
    for name, value in vars(devices).items():
        if name in ("slower", "hungrier"):
            continue
        if isinstance(value, Tensor):
            yield value
        else:
            yield from value.values() if isinstance(value, Mapping) else value
