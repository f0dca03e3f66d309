"""Chance, as a method."""

from __future__ import annotations

from tests.contract.proposer_contract import run
from tests.unit.search.records import SPACE, search_task
from tuner.search.random_search import RandomProposer


def test_another_seed_gives_another_sequence() -> None:
    sequences = {
        tuple(trial.configuration for trial in run(RandomProposer(search_task(seed=seed, max_trials=8)), [])[0])
        for seed in range(5)
    }
    assert len(sequences) == 5


def test_every_configuration_is_proposed_at_some_time() -> None:
    trials, _ = run(RandomProposer(search_task(max_trials=1000)), [])
    assert {trial.configuration for trial in trials} == set(SPACE)
