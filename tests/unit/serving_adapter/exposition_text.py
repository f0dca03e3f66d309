"""Writes metrics as a server does."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def line(name: str, labels: Mapping[str, str], value: float) -> str:
    escaped = (f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
    block = "{" + ",".join(escaped) + "}" if labels else ""
    return f"{name}{block} {number(value)}"


def number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return repr(float(value)) if math.isfinite(value) else "+Inf" if value > 0 else "-Inf"


def histogram(
    name: str, bounds: Sequence[float], observed: Sequence[float], labels: Mapping[str, str] | None = None
) -> list[str]:
    """A histogram of what was observed; ``bounds`` without infinity."""
    ordered = sorted(observed)
    named = dict(labels or {})
    buckets = [
        line(f"{name}_bucket", {**named, "le": number(bound)}, bisect.bisect_right(ordered, bound))
        for bound in (*bounds, math.inf)
    ]
    return [*buckets, line(f"{name}_count", named, len(ordered)), line(f"{name}_sum", named, math.fsum(ordered))]


def page(*lines: str, declared: Sequence[str] = ()) -> bytes:
    return "".join(f"{text}\n" for text in (*(f"# TYPE {name} untyped" for name in declared), *lines)).encode()
