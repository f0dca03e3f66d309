"""Whole studies on hardware that does not exist, through the real NVML ABI and real kernel files.

Nothing of Wattune knows: the keeper loads the library and opens the files at their usual places, the runner loads
a PyTorch module, and a clock that is set changes what the next batch takes and draws.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.emulated.benches import EmulatedBench, a100_bench, agx_orin_bench
from tests.emulated.household import WORKLOAD
from tests.emulated.nvml import NO_COMPILER, compiler
from tests.emulated.sysfs.mount import obstacle
from tests.emulated.truth import least_energy
from tests.service.daemon_process import finished, is_trial, wait_until, watch_until
from tuner.study_record import Study, StudyRequest, StudyState

NEAR = 1.15
"""A short study in real time, on a machine that does other work as well. How near searches come is scored by replay."""
KILLS = 3
BENCHES: list[Callable[[Path], AbstractContextManager[EmulatedBench]]] = [
    pytest.param(a100_bench, id="a100", marks=pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)),
    pytest.param(
        agx_orin_bench, id="agx-orin", marks=pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))
    ),
]


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmulatedBench]:
    with request.param(tmp_path) as bench:
        yield bench


def study_on(bench: EmulatedBench) -> Study:
    bench.house.start()
    with bench.house.client() as client:
        return finished(client, client.start_study(StudyRequest(WORKLOAD, dry_run=True)))


@pytest.mark.timeout(900)
def test_a_study_finds_what_measuring_everything_finds(bench: EmulatedBench) -> None:
    before = bench.state()
    study = study_on(bench)
    assert study.state is StudyState.DONE, study.reason
    assert study.recommendation is not None
    truths = bench.truths(study)
    found = next(truth for truth in truths if truth.configuration == dict(study.recommendation.configuration))
    best = least_energy(truths, bench.bound_s)
    print(f"found {found}, best of {len(truths)} {best}")
    assert found.latency_s <= bench.bound_s
    assert found.energy_j <= NEAR * best.energy_j
    assert bench.state() == before


@pytest.mark.timeout(600)
def test_whoever_is_killed_every_file_and_lock_returns(bench: EmulatedBench) -> None:
    """The keeper is killed at random moments of a study, and in the end the daemon: nothing of us stays behind."""
    before, moments = bench.state(), random.Random(7)
    bench.house.start()
    with bench.house.client() as client:
        study_id = client.start_study(StudyRequest(WORKLOAD, dry_run=True))
        events = client.watch(study_id)
        watch_until(events, is_trial(1))
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.0, 3.0))
            bench.house.child("keeper").kill()
            watch_until(events, lambda event: event.trial is not None)
    wait_until(lambda: bench.state() != before, "trial values are in force")
    bench.house.end(signal.SIGKILL)
    wait_until(lambda: bench.state() == before, "the keeper takes trial values back by itself")


def test_what_a_killed_keeper_leaves_wattune_restore_takes_back(bench: EmulatedBench) -> None:
    """Daemon and keeper die at one moment: the journal is all that is left."""
    before = bench.state()
    bench.house.start()
    with bench.house.client() as client:
        core = next(knob for knob in client.inventory().record.knobs if knob.id == "gpu.core.max_mhz")
        client.apply_values({core.id: core.values[3]}, hold_s=600)
        assert bench.state() != before
        keeper = bench.house.child("keeper")
        bench.house.freeze()
        keeper.kill()
        bench.house.end(signal.SIGKILL)
    restored = bench.house.run("restore")
    assert (restored.returncode, bench.state()) == (0, before), restored.stderr
