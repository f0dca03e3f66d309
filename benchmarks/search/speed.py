"""What one proposal takes: hyper-parameters integrated by our own linear algebra, and fitted by BoTorch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from unittest.mock import patch

from benchmarks.search.fitted import FittedSurrogate
from benchmarks.search.roofline_device import PARAMETERS, task_of, trials_of
from benchmarks.search.substitutes import Searching
from tuner.configuration import ConfigurationSpace
from tuner.replay.cells import Cells
from tuner.search import bayesian
from tuner.search.contract import SearchTask
from tuner.search.encoding import Encoding
from tuner.search.evidence import gather_evidence
from tuner.search.prior import Prior
from tuner.search.surrogate import Surrogate
from tuner.trial import Trial

_WAYS = {"integrated, over a batch of small matrices": Surrogate, "fitted, one SingleTaskGP an output": FittedSurrogate}
_CORE_MHZ = tuple(range(300, 1200, 30))
_TRIALS = 30
_REPEATS = 5


def speed_table() -> Cells:
    """Times both on a space of 1,500 points and 30 trials."""
    core, *others = PARAMETERS[:3]
    task = task_of(ConfigurationSpace((replace(core, choices=_CORE_MHZ), *others)))
    trials = trials_of(task, _TRIALS)
    rows = [_row(name, _proposal_s(task, trials, surrogate)) for name, surrogate in _WAYS.items()]
    return Cells(
        title=f"CPU time of one proposal, {task.space.size:,} points, {_TRIALS} trials, one thread",
        names=("hyper-parameters",),
        figures=("fit, s", "all of it, s"),
        rows=tuple(rows),
    )


def _row(name: str, times_s: tuple[float, float]) -> tuple[str, ...]:
    return (name, *(f"{time_s:.3f}" for time_s in times_s))


def _proposal_s(task: SearchTask, trials: Sequence[Trial], surrogate: type) -> tuple[float, float]:
    """Returns the median times of conditioning the model on the trials, and of a whole proposal."""
    encoding = Encoding(task.space)
    prior = Prior(encoding, task.objective)
    evidence = gather_evidence(encoding, task.objective, trials)
    with patch.object(bayesian, "Surrogate", surrogate):
        proposer = Searching(task)
        return _median_s(lambda: surrogate(prior, evidence)), _median_s(lambda: proposer.advise(trials))


def _median_s(work: Callable[[], object]) -> float:
    taken_s = []
    for _ in range(_REPEATS + 1):
        started_s = time.process_time()
        work()
        taken_s.append(time.process_time() - started_s)
    return median(taken_s[1:])  # the first one warms up
