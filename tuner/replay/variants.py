"""Wattune's own search in other settings than a study's usual ones, as methods to be compared."""

from __future__ import annotations

from dataclasses import replace

from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import LIVE_CAUTION, Goal, SearchTask


class LiveProposer(BayesianProposer):
    """Searches as cautiously as under real traffic."""

    def __init__(self, task: SearchTask) -> None:
        """Prepares the search."""
        super().__init__(replace(task, caution=LIVE_CAUTION))


class FrontProposer(BayesianProposer):
    """Searches the Pareto front."""

    def __init__(self, task: SearchTask) -> None:
        """Prepares the search."""
        super().__init__(replace(task, goal=Goal.FRONT))
