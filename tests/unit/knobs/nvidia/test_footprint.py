"""How much memory a keeper holds, as it is installed: with NVIDIA's library open, in the middle of a trial."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from knobs.keeper.client import KeeperClient
from tests.emulated.nvml import emulated_driver
from tests.unit.knobs.nvidia.machine import needs_compiler

pytestmark = needs_compiler

MOST_MIB = 25.0


@contextmanager
def keeper(folder, environment):
    """Runs ``wattune keeper``; gives its process id and a client."""
    (folder / "wattune.toml").touch()
    places = ("--config", folder / "wattune.toml", "--runtime-dir", folder, "--state-dir", folder / "state")
    child = subprocess.Popen(
        [sys.executable, "-m", "tuner.cli.main", "keeper", "--json", *map(str, places)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        socket = json.loads(child.stdout.readline())["socket"]
        with KeeperClient(Path(socket)) as client:
            yield child.pid, client
    finally:
        child.terminate()
        child.wait()
        child.stdout.close()


def resident_mib(pid):
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def test_a_keeper_that_sets_and_meters_a_gpu_stays_small(tmp_path):
    with emulated_driver("a100") as driver, keeper(tmp_path, driver.environment) as (pid, client):
        record = client.inventory()
        assert "gpu.energy" in {meter.id for meter in record.meters}
        client.acquire_lease()
        client.apply({knob.id: knob.values[0] for knob in record.knobs if knob.explored})
        for _ in range(20):
            client.sample([meter.id for meter in record.meters])
            client.observe()
        assert resident_mib(pid) <= MOST_MIB
        client.release_lease()
