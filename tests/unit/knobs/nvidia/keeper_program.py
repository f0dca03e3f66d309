"""A keeper in a process of its own: applies what it is told on this machine's NVIDIA GPUs, and holds it until killed.

Arguments: the folder of the journal, and the values as JSON. Says in one line of JSON what is in force.
"""

import json
import sys
import time
from pathlib import Path

from knobs.drivers.nvidia.find import find_nvidia
from knobs.found import Wishes
from knobs.inventory import Inventory
from knobs.journal import Journal
from knobs.keeper.desired import Desired
from knobs.keeper.keeper import Keeper
from knobs.meters.sampling import Sampler
from knobs.sysfs import KernelFiles


def main() -> None:
    folder, values = Path(sys.argv[1]), json.loads(sys.argv[2])
    before_kib = resident_kib()
    found = find_nvidia(KernelFiles(), Wishes(), Sampler())
    inventory = Inventory(found.knobs, found.meters, found.absent, (), found.monitors, found.reopen)
    keeper = Keeper(inventory, Journal(folder / "run"), Desired(folder / "state"))
    report = keeper.start()
    applied = keeper.apply(values) if values else {}
    for meter in found.meters:
        meter.sample()
    keeper.observe()
    said = {"restored": sorted(report.restored), "applied": applied, "added_kib": resident_kib() - before_kib}
    print(json.dumps({**said, "absent": [absence.id for absence in found.absent]}), flush=True)
    time.sleep(600)


def resident_kib() -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
