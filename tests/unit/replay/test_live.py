"""``wattune bench replay --live``: our search once more, as cautious as under real traffic."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.replay.tables import replay_task, write_table
from tests.unit.search.records import search_task
from tuner.cli.main import main
from tuner.configuration import Configuration
from tuner.replay.methods import REPLAY_METHODS, VARIANTS
from tuner.replay.scoring import score
from tuner.replay.variants import LiveProposer
from tuner.search.bayesian import BayesianProposer
from tuner.search.contract import LIVE_CAUTION


def test_it_is_our_search_with_the_caution_of_real_traffic() -> None:
    task = search_task()
    live = REPLAY_METHODS.create("wattune-live", task)
    assert isinstance(live, BayesianProposer)
    assert live.task.caution == LIVE_CAUTION
    assert (live.task.space, live.task.objective, live.task.seed) == (task.space, task.objective, task.seed)


def test_it_steps_outwards() -> None:
    task = replay_task()
    proposer = LiveProposer(search_task(task.space, task.objective.slos[0].bound_s))
    proposal = proposer.advise([task.trial(0, task.start)]).proposal
    assert proposal is not None
    assert proposal.configuration in [Configuration({"gpu_mhz": mhz}) for mhz in (400, 500)]


def test_every_variant_is_a_method_and_so_is_what_it_varies() -> None:
    assert {*VARIANTS, *VARIANTS.values()} <= set(REPLAY_METHODS.names)


@pytest.mark.parametrize(
    ("options", "methods"),
    [
        (["--methods", "random,wattune", "--live"], ["random", "wattune", "wattune-live"]),
        (["--methods", "wattune-live,wattune", "--live"], ["wattune-live", "wattune"]),
        (["--methods", "random", "--live"], ["random"]),
        (["--methods", "wattune"], ["wattune"]),
    ],
)
def test_the_option_runs_ours_both_ways_and_others_as_they_are(
    tmp_path: Path, options: list[str], methods: list[str]
) -> None:
    directory = str(write_table(tmp_path / "by-hand"))
    rows_path = tmp_path / "rows.jsonl"
    command = ["bench", "replay", directory, "--slo", "2", "--seeds", "1", "--json", str(rows_path)]
    assert main([*command, *options]) == 0
    assert [json.loads(line)["method"] for line in rows_path.read_text().splitlines()] == methods


def test_it_is_scored_like_any_other() -> None:
    result = score(replay_task(), LiveProposer, seed=0)
    assert result.trials_to_5pct <= 5
    assert result.violations == 0
