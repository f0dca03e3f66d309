"""The names of the knobs of NVIDIA GPUs, and which journal entries are theirs."""

from __future__ import annotations

import re

from knobs.contract import Captured
from knobs.gang import MEMBERS

ALL = "gpu"
"""The device set of all GPUs, where they are of one make."""

CORE_MAX = "core.max_mhz"
CORE_MIN = "core.min_mhz"
MEMORY_MAX = "memory.max_mhz"
POWER_LIMIT = "power.limit_w"

KNOBS = (CORE_MAX, CORE_MIN, MEMORY_MAX, POWER_LIMIT)
"""What an NVIDIA GPU can have, without the device set's name before it."""

KNOB_ID = re.compile(rf"(?P<set>gpu\d*)\.(?P<kind>{'|'.join(map(re.escape, KNOBS))})")
UUID_PREFIX = "GPU-"


def is_entry_of_nvidia(knob_id: str, captured: Captured) -> bool:
    """Tells whether a journal entry is one of an NVIDIA GPU's knob, not of another maker's by the same id."""
    return bool(KNOB_ID.fullmatch(knob_id)) and any(uuid.startswith(UUID_PREFIX) for uuid in captured_gpus(captured))


def captured_gpus(captured: Captured) -> dict[str, object]:
    """Returns what a journal entry holds of each GPU, by its UUID."""
    entries = captured.get(MEMBERS)
    return dict(entries) if isinstance(entries, dict) else {}
