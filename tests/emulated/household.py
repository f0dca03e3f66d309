"""A daemon on emulated hardware: nothing of it knows that the hardware does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from tests.emulated.workload.server import SOCKET_VARIABLE, Worker, work_server
from tests.house.checkout import ROOT
from tests.service.daemon_process import House

WORKLOAD = "emulated"
BATCH_SIZES = (1, 2, 4, 8)

_CONFIG = """
[study]
max_trials = 14
confirmation_rounds = 2
reference_every = 0

[measurement]
window_s = 10.0
min_window_s = 2.0
energy_target = 0.05
warm_up_s = 1.5
soak_s = 1.5
max_background_cores = 64
"""

_DEFINITION = """
name = "{name}"
adapter = "torch_module"
environment = {{ PYTHONPATH = "{root}", {variable} = "{socket}", OMP_NUM_THREADS = "1" }}

[options]
factory = "tests.emulated.workload.model:classifier"

[parameters]
batch_size = {batch_sizes}

[objective]
scenario = "multi-stream"
slo = "p90 <= {bound_ms:g} ms"
"""


@contextmanager
def household(
    folder: Path,
    devices: Sequence[Worker],
    profile: str,
    bound_s: float,
    environment: Mapping[str, str] = MappingProxyType({}),
    inside: Sequence[str] = (),
    config: str = "",
) -> Iterator[House]:
    """Gives the files of a daemon whose workload runs on emulated devices; no daemon is started yet.

    Args:
        folder: Where the files go.
        devices: What the workload works on, all at once.
        profile: Which of their workloads it is.
        bound_s: The SLO: 90 % of the requests take no longer.
        environment: What processes need in their environment to meet the devices.
        inside: A command that runs another one where the devices are.
        config: Further lines of wattune.toml.
    """
    socket = folder / "work"
    with work_server(socket, devices, profile):
        house = House(folder, config + _CONFIG, environment, inside)
        definition = _DEFINITION.format(
            name=WORKLOAD,
            root=ROOT,
            variable=SOCKET_VARIABLE,
            socket=socket,
            batch_sizes=list(BATCH_SIZES),
            bound_ms=bound_s * 1e3,
        )
        house.add_workload(WORKLOAD, definition)
        try:
            yield house
        finally:
            if house.process is not None:
                house.stop()
