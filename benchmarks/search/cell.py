"""``python -m benchmarks.search.cell METHOD POINTS TRIALS``: what one proposal costs, in a process of its own.

A process that has done nothing else shows how much memory the proposal needs at most.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.search.roofline_device import SIZES, space_of, task_of, trials_of
from tuner.search.contract import SearchTask
from tuner.trial import Trial

OURS, STOCK = "wattune", "stock BoTorch"
METHODS = (OURS, STOCK)

_REPEATS = 3
_LONG_S = 10.0


@dataclass(frozen=True)
class Cell:
    """What a proposal costs one method.

    Attributes:
        method: One of :data:`METHODS`.
        points: Legal configurations of the space.
        trials: Measured so far.
        proposal_s: CPU time of a proposal, with one thread.
        peak_mib: The most memory that the process ever held, Python and libraries included.
        libraries_mib: What it held before the proposer of this space was made.
    """

    method: str
    points: int
    trials: int
    proposal_s: float
    peak_mib: float
    libraries_mib: float


def measure(method: str, points: int, trials: int) -> Cell:
    """Makes a few proposals in a row, each with a trial more, up to so many trials; the median counts.

    The first proposal, which warms up, counts only where it takes so long that no other is made.
    """
    task = task_of(space_of(points))
    make = _maker(method)
    libraries_mib = _memory_mib("VmRSS")
    propose = make(task)
    measured = trials_of(task, trials)
    taken_s: list[float] = []
    for count in range(trials - _REPEATS, trials + 1):
        started_s = time.process_time()
        propose(measured[:count])
        taken_s.append(time.process_time() - started_s)
        if taken_s[-1] > _LONG_S:
            break
    return Cell(method, points, trials, median(taken_s[1:] or taken_s), _memory_mib("VmHWM"), libraries_mib)


def _maker(method: str) -> Callable[[SearchTask], Callable[[Sequence[Trial]], object]]:
    if method == STOCK:
        from benchmarks.search.stock_loop import StockLoop

        return lambda task: StockLoop(task).propose
    from tuner.search.registry import create_proposer

    create_proposer(method, task_of(space_of(SIZES[0])))  # loads the libraries
    # Advice instead of a proposal: it never saves the work by stopping.
    return lambda task: create_proposer(method, task).advise


def _memory_mib(field: str) -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / 1024
    raise OSError(f"/proc/self/status has no {field}.")


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
