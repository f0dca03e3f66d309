"""Runs benchmarks in several processes, each with one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Protocol, TypeVar

_Result_co = TypeVar("_Result_co", covariant=True)
_Result = TypeVar("_Result")


class Job(Protocol[_Result_co]):
    """Something to be run, in this process or in another one."""

    def row(self) -> _Result_co:
        """Runs it."""


def keep_to_one_thread() -> None:
    """Keeps numerical libraries that this process or its children load from now on to one thread each.

    Several processes with several threads each would slow one another down, and the time of a proposal is to be that
    of one core.
    """
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"


def rows_of(runs: Sequence[Job[_Result]], jobs: int) -> Iterator[_Result]:
    """Runs everything, yielding each row as it is done: in order with one job, which is this process itself.

    Args:
        runs: What is to be run.
        jobs: How many processes.
    """
    if jobs == 1:
        yield from (run.row() for run in runs)
        return
    executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    try:
        for future in as_completed([executor.submit(run.row) for run in runs]):
            yield future.result()
    finally:
        executor.shutdown(cancel_futures=True)
