"""``kill -9`` of any process at a random moment leaves every knob at its original value, and loses no trial.

``WATTUNE_KILLS`` says how often each victim is killed on each stage, ``WATTUNE_VICTIMS`` who (all by default, separated
by commas), ``WATTUNE_CHAOS_SEED`` when.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.chaos.campaign import VICTIMS as EVERY_VICTIM
from tests.chaos.campaign import Campaign
from tests.chaos.household import Household
from tests.chaos.stages import LocalStage, Stage, VirtualStage

KILLS = int(os.environ.get("WATTUNE_KILLS", "1"))
VICTIMS = os.environ.get("WATTUNE_VICTIMS", ",".join(EVERY_VICTIM)).split(",")
SEED = int(os.environ.get("WATTUNE_CHAOS_SEED", "0"))
_MOST_SECONDS_A_KILL = 60

pytestmark = pytest.mark.timeout(300 + KILLS * len(VICTIMS) * _MOST_SECONDS_A_KILL)


@pytest.mark.parametrize("stage_type", [VirtualStage, LocalStage], ids=lambda stage_type: stage_type.name)
def test_whoever_is_killed_every_knob_returns_and_no_trial_is_lost(
    stage_type: type[Stage], tmp_path: Path, chaos_summary: list[str]
) -> None:
    random = Random(f"{SEED} {stage_type.name}")
    stage = stage_type(tmp_path)
    household = Household(tmp_path, stage)
    stage.prepare(random)
    campaign = Campaign(household, random)
    with closing(stage), closing(household):
        try:
            campaign.run(VICTIMS, KILLS)
        except BaseException as error:
            error.add_note(f"Seed {SEED}, {stage.name}: {campaign.moment}")
            raise
        finally:
            chaos_summary.extend(f"{stage.name}: {victim}: {campaign.tallies[victim]}" for victim in VICTIMS)
            chaos_summary.append(f"{stage.name}: studies ended: {dict(campaign.endings)}")
