"""Finds what NVIDIA GPUs offer on this machine; writes nothing."""

from __future__ import annotations

from knobs.contract import Absence, Captured, DeviceError, Knob
from knobs.drivers.nvidia.errors import NvmlError
from knobs.drivers.nvidia.library import Library
from knobs.drivers.nvidia.names import ALL, is_entry_of_nvidia
from knobs.drivers.nvidia.pci import nvidia_addresses
from knobs.found import Found, Wishes
from knobs.meters.sampling import Sampler
from knobs.sysfs import KernelFiles


def find_nvidia(files: KernelFiles, wishes: Wishes, sampler: Sampler) -> Found:
    """Returns the knobs, meters and monitors of this machine's NVIDIA GPUs.

    A machine without an NVIDIA GPU yields nothing, and so does a Jetson's, of which the library says nothing.

    Args:
        files: The kernel's files.
        wishes: What the operator says about the hardware.
        sampler: The thread that polls counters.

    Raises:
        RefusedError: The operator names a GPU that is not there, or a value that it does not list.
    """
    try:
        library = Library()
        count = library.count()
    except NvmlError as error:
        return _without_library(files, error)
    from knobs.drivers.nvidia.machine import found_among  # only here: no other machine needs it

    return found_among(library, count, files, wishes, sampler)


def _without_library(files: KernelFiles, error: NvmlError) -> Found:
    """What is to be said of a machine whose library does not open: nothing, unless an NVIDIA GPU is on its bus."""

    def reopen(knob_id: str, captured: Captured) -> Knob | None:
        if is_entry_of_nvidia(knob_id, captured):
            raise DeviceError(f"{knob_id} cannot be restored: {error.reason}; {error.fix}, then run wattune restore.")
        return None

    absent = (Absence(ALL, error.reason, error.fix),) if nvidia_addresses(files) else ()
    return Found(absent=absent, reopen=reopen)
