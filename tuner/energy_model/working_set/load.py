"""What a batch asks of a device: launches, arithmetic, and bytes from each level of memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """What one batch asks of a device.

    Attributes:
        launches: Operations that are started.
        flops: Arithmetic operations.
        served_bytes: Bytes that each level of memory serves, fastest first.
    """

    launches: int
    flops: float
    served_bytes: tuple[float, ...]
