"""An emulated NVIDIA driver behind the unmodified official binding (pynvml): real ABI, real semantics, no card.

``libnvidia-ml.so.1`` (``abi/*.c``, built on demand) is a thin shim; it asks a driver in Python over a Unix socket.
A connection is what an open ``/dev/nvidia*`` is: it begins with nvmlInit and ends with nvmlShutdown or the process.

In the same process (one driver after another; pynvml must be shut down before the driver goes)::

    from tests.emulated.nvml import Load, emulated_driver

    with emulated_driver("a100") as driver, driver.in_this_process():
        pynvml.nvmlInit()
        with Load(driver.gpus[0].device):               # or driver.gpus[0].device.infer("classifier", 8)
            pynvml.nvmlDeviceSetGpuLockedClocks(handle, 210, 1005)
        driver.control.fail("nvmlDeviceGetPowerUsage", code=15, calls=3)
        driver.control.truth()["core_mhz"]              # what no sensor hides
        pynvml.nvmlShutdown()

In other processes: ``subprocess.run(..., env={**os.environ, **driver.environment})``; a client with
``FAKE_NVML_UID=1000`` in its environment passes for that user (a real setuid works as well).

As a process: ``python -m tests.emulated.nvml --machine a100 --socket S --control C`` prints one line of JSON when
ready; ``ControlClient(C).call("lose", gpu=0)`` has the methods of :class:`Control`.

Machines: ``MACHINES`` (a100, a100-mig, a100-pcie, h100-nvl, h100-sxm, gh200, l4, t4, v100, p100, rtx-4090,
rtx-3060-laptop, orin, two-l4, a100-and-l4), or a list of profiles (``dataclasses.replace(L4, call_s=0.01)``).
``emulated_driver(machine, persistence=False, branch=None, seed=0)``: ``branch`` is the driver's (450, 510, 515, 535,
570, 595, 640); symbols that a branch lacks are missing in the library that other processes load, application clocks
are "deprecated" (26) from 595 on, and in 640 all that NVIDIA has announced the removal of.

Faults (``driver.control``): fail, slow, ignore, clear, forbid_setting, lose, forget, hold_down, let_go, pulse,
break_energy, step_energy_back, occupy, vacate, start_load, stop_load, infer, truth, clients, calls.

Tests that need it: ``pytestmark = pytest.mark.skipif(compiler() is None, reason=NO_COMPILER)``.
"""

from tests.emulated.nvml.catalogue import MACHINES
from tests.emulated.nvml.codes import EventReason, ReturnCode
from tests.emulated.nvml.control import Control, ControlClient
from tests.emulated.nvml.gpu import EmulatedGpu
from tests.emulated.nvml.library import NO_COMPILER, compiler
from tests.emulated.nvml.load import Load
from tests.emulated.nvml.machine import SOCKET_VARIABLE, UID_VARIABLE, EmulatedDriver, emulated_driver, start_driver
from tests.emulated.nvml.profile import GpuProfile

__all__ = [
    "MACHINES",
    "NO_COMPILER",
    "SOCKET_VARIABLE",
    "UID_VARIABLE",
    "Control",
    "ControlClient",
    "EmulatedDriver",
    "EmulatedGpu",
    "EventReason",
    "GpuProfile",
    "Load",
    "ReturnCode",
    "compiler",
    "emulated_driver",
    "start_driver",
]
