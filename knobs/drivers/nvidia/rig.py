"""All NVIDIA GPUs of a machine, by UUID: ganged into the knobs of device sets, and found again for journal entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from knobs.contract import Absence, Captured, DeviceError, Knob, Value
from knobs.drivers.nvidia.errors import NvmlError
from knobs.drivers.nvidia.gpu import Gpu
from knobs.drivers.nvidia.names import CORE_MIN, KNOB_ID, KNOBS, captured_gpus, is_entry_of_nvidia
from knobs.drivers.nvidia.parts import GpuParts
from knobs.drivers.nvidia.power_limit import captured_limit_mw
from knobs.drivers.nvidia.selection import DeviceSet
from knobs.gang import Gang


class Rig:
    """The GPUs and their knobs. A GPU's locks are the same objects, whichever knob or entry asks for them."""

    def __init__(self, gpus: Iterable[Gpu]) -> None:
        """Writes nothing."""
        self._parts = {gpu.uuid: GpuParts(gpu) for gpu in gpus}

    def knobs(self, device_set: DeviceSet, restore_to: Mapping[str, Value]) -> Iterator[Knob | Absence]:
        """Yields every knob of a device set, or why it lacks it.

        Args:
            device_set: The GPUs, all of one make.
            restore_to: What the operator declares for knobs without a getter, by knob id.

        Raises:
            RefusedError: The device does not list what the operator declares.
        """
        parts = {gpu.uuid: self._parts[gpu.uuid] for gpu in device_set.gpus}
        in_force = tuple(_limits_in_force(device_set.gpus))
        for kind in KNOBS:
            knob = _ganged(parts, kind, device_set.name, restore_to, in_force)
            if isinstance(knob, Knob) or kind != CORE_MIN:  # nobody misses a lowest clock
                yield knob

    def reopen(self, knob_id: str, captured: Captured) -> Knob | None:
        """Finds the knob of a journal entry by the UUIDs of its GPUs, wherever they are now.

        A GPU that is gone does not keep the others from being restored.

        Raises:
            DeviceError: None of its GPUs is there, or they cannot be set any more.
        """
        match = KNOB_ID.fullmatch(knob_id)
        if match is None or not is_entry_of_nvidia(knob_id, captured):
            return None
        entries = captured_gpus(captured)
        parts = {uuid: self._parts[uuid] for uuid in entries if uuid in self._parts}
        if not parts:
            raise DeviceError(
                f"{knob_id} cannot be restored: the driver does not show {', '.join(entries)}; "
                "bring the GPU back, then run wattune restore."
            )
        captured_limits = filter(None, map(captured_limit_mw, entries.values()))
        limits = (*captured_limits, *_limits_in_force(part.gpu for part in parts.values()))
        knob = _ganged(parts, match["kind"], match["set"], {}, limits)
        if isinstance(knob, Absence):
            raise DeviceError(f"{knob_id} cannot be restored: {knob.reason}; reboot, which takes it back as well.")
        return knob


def _limits_in_force(gpus: Iterable[Gpu]) -> Iterator[int]:
    for gpu in gpus:
        if gpu.make.power is not None:
            try:
                yield gpu.device.power_limit_mw()
            except NvmlError:
                continue


def _ganged(
    parts: Mapping[str, GpuParts],
    kind: str,
    set_name: str,
    restore_to: Mapping[str, Value],
    limits_in_force_mw: Iterable[int],
) -> Gang | Absence:
    members: dict[str, Knob] = {}
    for uuid, part in parts.items():
        knob = part.knob(kind, set_name, restore_to, limits_in_force_mw)
        if isinstance(knob, Absence):
            return knob
        members[uuid] = knob
    return Gang(members)
