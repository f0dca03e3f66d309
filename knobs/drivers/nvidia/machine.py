"""What the GPUs offer that NVIDIA's driver serves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from knobs.attributes import optional_text
from knobs.contract import Absence, Knob, Meter
from knobs.drivers.nvidia.device import Device
from knobs.drivers.nvidia.errors import NvmlError, UnsupportedError
from knobs.drivers.nvidia.gpu import Gpu
from knobs.drivers.nvidia.library import Library
from knobs.drivers.nvidia.meters import nvml_source
from knobs.drivers.nvidia.monitor import NvidiaMonitor
from knobs.drivers.nvidia.names import ALL
from knobs.drivers.nvidia.pci import nvidia_addresses
from knobs.drivers.nvidia.rig import Rig
from knobs.drivers.nvidia.selection import DeviceSet, chosen, device_sets
from knobs.found import Found, Part, Wishes, merged
from knobs.meters.sampling import SampledMeter, Sampler, Source
from knobs.meters.total import TotalMeter
from knobs.sysfs import KernelFiles

_STATUS = "/proc/self/status"
_EFFECTIVE_CAPABILITIES = "CapEff:"
_CAP_SYS_ADMIN = 1 << 21


def found_among(library: Library, count: int, files: KernelFiles, wishes: Wishes, sampler: Sampler) -> Found:
    """Returns the knobs, meters and monitors of the GPUs that the library speaks of.

    Args:
        library: NVIDIA's library.
        count: How many they are.
        files: The kernel's files.
        wishes: What the operator says about the hardware.
        sampler: The thread that polls counters.

    Raises:
        RefusedError: The operator names a GPU that is not there, or a value that it does not list.
    """
    opened = [_opened(library, index) for index in range(count)]
    gpus = tuple(gpu for gpu in opened if isinstance(gpu, Gpu) and _says_something(gpu))
    lost = tuple(absence for absence in opened if isinstance(absence, Absence))
    if not gpus:
        return Found(absent=lost or _unserved(files), reopen=Rig(()).reopen)
    rig = Rig(gpus)
    wanted = chosen(gpus, wishes.gpus, files)
    if not wanted:
        reason = "the configuration names the GPUs to be used, and none of NVIDIA's is among them"
        lost = (*lost, Absence(ALL, reason, "name it by index, UUID or PCI address"))
    found = merged(Found.of(_parts(files, wishes, sampler, rig, device_set)) for device_set in device_sets(wanted))
    return replace(found, absent=(*lost, *found.absent), reopen=rig.reopen)


def _unserved(files: KernelFiles) -> tuple[Absence, ...]:
    """Why a GPU on the bus is not among those that the driver speaks of."""
    if not nvidia_addresses(files):
        return ()
    reason = "an NVIDIA GPU is on the PCI bus, but the driver shows nothing of it to this process"
    return (Absence(ALL, reason, "give the keeper access to /dev/nvidia*, and check the GPU with nvidia-smi"),)


def _opened(library: Library, index: int) -> Gpu | Absence | None:
    """Returns a GPU, or why it cannot be used; None for one of which NVML knows not even a name."""
    label = f"{ALL}{index}"
    try:
        return Gpu.read(Device(library, library.handle(index), label), index)
    except UnsupportedError:
        return None
    except NvmlError as error:
        return Absence(label, error.reason, error.fix)


def _says_something(gpu: Gpu) -> bool:
    return gpu.is_described or not isinstance(nvml_source(gpu, gpu.device.label), Absence)


def _parts(files: KernelFiles, wishes: Wishes, sampler: Sampler, rig: Rig, device_set: DeviceSet) -> Iterator[Part]:
    yield from _permitted(files, rig.knobs(device_set, wishes.restore_to))
    yield _meter(sampler, device_set)
    yield NvidiaMonitor(files, device_set)


def _permitted(files: KernelFiles, knobs: Iterator[Knob | Absence]) -> Iterator[Knob | Absence]:
    """Knobs where this process may set them: the driver asks the kernel for the capability to administer."""
    may = _may_administer(files)
    for knob in knobs:
        if may or isinstance(knob, Absence):
            yield knob
        else:
            reason = "NVIDIA's driver lets only root set it"
            yield Absence(knob.spec.id, reason, "start the keeper as root (in a container: with CAP_SYS_ADMIN)")


def _may_administer(files: KernelFiles) -> bool:
    for line in optional_text(files, _STATUS).splitlines():
        if line.startswith(_EFFECTIVE_CAPABILITIES):
            return bool(int(line.removeprefix(_EFFECTIVE_CAPABILITIES), 16) & _CAP_SYS_ADMIN)
    return True


def _meter(sampler: Sampler, device_set: DeviceSet) -> Meter | Absence:
    if len(device_set.gpus) == 1:
        source = nvml_source(device_set.gpus[0], device_set.name)
        return source if isinstance(source, Absence) else SampledMeter(source, sampler)
    sources: list[Source] = []
    for gpu in device_set.gpus:
        source = nvml_source(gpu, gpu.device.label)
        if isinstance(source, Absence):
            return replace(source, id=source.id.replace(gpu.device.label, device_set.name))
        sources.append(source)
    kind = sources[0].facts.id.partition(".")[2]
    meters = [SampledMeter(source, sampler) for source in sources]
    return TotalMeter(f"{device_set.name}.{kind}", device_set.name, meters)
