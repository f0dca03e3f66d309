"""A keeper as a process: what it holds, what its death leaves, and what the next one makes of it."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.emulated.nvml import emulated_driver
from tests.unit.knobs.nvidia.machine import needs_compiler

pytestmark = needs_compiler

CORE, POWER = "gpu.core.max_mhz", "gpu.power.limit_w"
MOST_ADDED_MIB = 5


@contextmanager
def keeper_process(driver, folder, values):
    """Runs a keeper, gives what it says when it is ready, and kills it."""
    command = [sys.executable, "-m", "tests.unit.knobs.nvidia.keeper_program", str(folder), json.dumps(values)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **driver.environment})
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def until_nobody_is_there(driver):
    end_s = time.monotonic() + 2.0
    while driver.control.clients() and time.monotonic() < end_s:
        time.sleep(0.01)
    assert driver.control.clients() == []


@pytest.mark.parametrize("persistence", [False, True])
def test_what_is_set_lasts_while_the_keeper_lives_and_the_next_one_cleans_up(tmp_path, persistence):
    with emulated_driver("two-l4", persistence=persistence) as driver:
        settings = [gpu.settings for gpu in driver.gpus]
        with keeper_process(driver, tmp_path, {CORE: 1005, POWER: 50}) as said:
            assert said["applied"] == {CORE: 1005, POWER: 50}
            assert [(held.core_lock_mhz, held.limit_w) for held in settings] == [((210, 1005), 50)] * 2
        until_nobody_is_there(driver)
        left = ((210, 1005), 50) if persistence else (None, 72)
        assert [(held.core_lock_mhz, held.limit_w) for held in settings] == [left] * 2
        with keeper_process(driver, tmp_path, {}) as said:
            assert said["restored"] == [CORE, POWER]
            assert [(held.core_lock_mhz, held.limit_w) for held in settings] == [(None, 72)] * 2


def test_nvidias_library_and_all_that_comes_with_it_add_little_to_a_keeper(tmp_path):
    with emulated_driver("h100-nvl") as driver, keeper_process(driver, tmp_path, {CORE: 1005}) as said:
        assert said["added_kib"] / 1024 <= MOST_ADDED_MIB


def test_a_driver_from_before_memory_locks_offers_none(tmp_path):
    with emulated_driver("h100-nvl", branch=450) as driver, keeper_process(driver, tmp_path, {CORE: 1005}) as said:
        assert said["absent"] == ["gpu.memory.max_mhz"]
