"""A keeper process for tests: file-backed knobs, and this machine's own for an attached workload.

Arguments: folder, what a deliberate stop does, allowed user ids, parent's pipe or -1, action after start.
"""

import json
import logging
import os
import sys
from pathlib import Path

from knobs.drivers.process import ProcessDriver
from knobs.inventory import Inventory
from knobs.keeper.server import serve
from knobs.sysfs import KernelFiles
from tests.unit.knobs.file_knob import file_knobs

FOREIGN_MODULES = ("grpc", "google.protobuf", "numpy", "torch", "msgspec", "psutil", "rich", "tuner", "serving_adapter")


def main() -> int:
    folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    inventory = Inventory(file_knobs(folder / "hardware"), (), (), (ProcessDriver(KernelFiles()),))

    def ready() -> None:
        found = [name for name in FOREIGN_MODULES if name in sys.modules]
        print(json.dumps({"ready": True, "foreign_modules": found}), flush=True)

    return serve(
        inventory,
        socket_path=folder / "keeper.sock",
        runtime_dir=folder / "run",
        state_dir=folder / "state",
        on_stop=options.get("on_stop", "restore"),
        bounds={key: tuple(values) for key, values in options.get("bounds", {}).items()},
        allowed_uids=frozenset(options.get("allowed_uids", [os.getuid()])),
        lease_timeout_s=options.get("lease_timeout_s", 3.0),
        parent_fd=options.get("parent_fd"),
        ready=ready,
    )


if __name__ == "__main__":
    sys.exit(main())
