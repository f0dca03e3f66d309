"""What the operator says about a server's metrics.

They are options of the workload::

    [options]
    metrics_url = "http://127.0.0.1:8002/metrics"
    model = "resnet"                        # where the server tells models apart

    [options.metrics]                       # optional: all of it, where the adapter knows the server
    server = "triton"                       # whose names are meant
    latency = 'proxy_duration_ms{route="infer"}'                            # the unit is told by the name …
    busy = { series = 'work{kind="a"}', unit = "ms" }                       # … or said
    requests = ['answers{code="200"}', 'answers{code="201"}']               # what is listed is added up
"""

from dataclasses import replace
from typing import Any, Dict, List, Mapping

from serving_adapter.contract import AdapterError
from serving_adapter.metrics.exposition import ExpositionError, parse_selector
from serving_adapter.metrics.presets import PRESETS, Preset, Quantity
from serving_adapter.metrics.series import Series

METRICS_URL = "metrics_url"
METRICS = "metrics"
MODEL = "model"
OPTIONS = (METRICS_URL, METRICS)
"""The options that an adapter has if it can read metrics."""

_SERVER = "server"
_QUANTITIES = ("requests", "failures", "latency", "ttft", "tpot", "output_tokens", "busy")
_TIMES = ("latency", "ttft", "tpot", "busy")
_UNITS_S = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SUFFIXES_S = {
    **{f"_{unit}": seconds for unit, seconds in _UNITS_S.items()},
    "_milliseconds": 1e-3,
    "_microseconds": 1e-6,
    "_nanoseconds": 1e-9,
}


def read_preset(workload_name: str, table: Any, default: str) -> Preset:
    """Returns a server's metrics with what the operator says about them.

    Args:
        workload_name: For messages.
        table: The option ``metrics``; None if there is none.
        default: The preset if the table does not name one; empty if there is none.

    Raises:
        AdapterError: The table is wrong.
    """
    where = f"of the workload '{workload_name}'"
    entries = {} if table is None else table
    if not isinstance(entries, Mapping):
        raise AdapterError(f"The option metrics {where} is no table: write [options.metrics].")
    unknown = sorted(str(name) for name in entries if name not in (_SERVER, *_QUANTITIES))
    if unknown:
        raise AdapterError(
            f"The option metrics.{unknown[0]} {where} does not exist: use {', '.join((_SERVER, *_QUANTITIES))}."
        )
    server = entries.get(_SERVER, default)
    if not isinstance(server, str) or (server and server not in PRESETS):
        raise AdapterError(f"The option metrics.server {where} is {server!r}: use one of {', '.join(sorted(PRESETS))}.")
    preset = PRESETS[server] if server else Preset(server="The server")
    named: Dict[str, Any] = {
        name: _quantity(entries[name], f"The option metrics.{name} {where}", is_time=name in _TIMES)
        for name in _QUANTITIES
        if name in entries
    }
    return _with_requests(replace(preset, **named), where)


def _with_requests(preset: Preset, where: str) -> Preset:
    """Counts requests by the latencies that were observed, where nothing else is named."""
    if preset.requests:
        return preset
    if not preset.latency:
        raise AdapterError(f"The option metrics {where} does not say what counts its requests: {preset.advice}.")
    counted = tuple(
        replace(series, names=tuple(f"{name}_count" for name in series.names), unit_s=1.0) for series in preset.latency
    )
    return replace(preset, requests=counted)


def _quantity(value: Any, option: str, *, is_time: bool) -> Quantity:
    entries: List[Any] = list(value) if isinstance(value, (list, tuple)) else [value]
    if not entries:
        raise AdapterError(f"{option} is empty: name a series.")
    return tuple(_series(entry, option, is_time=is_time) for entry in entries)


def _series(entry: Any, option: str, *, is_time: bool) -> Series:
    table = entry if isinstance(entry, Mapping) else {"series": entry}
    text, unit = table.get("series"), table.get("unit")
    is_sound = table.keys() <= {"series", "unit"} and isinstance(text, str)
    if not is_sound or unit not in (None, *_UNITS_S) or (unit and not is_time):
        raise AdapterError(
            f"{option} is not understood: write 'name{{label=\"value\"}}', or for times "
            f"{{ series = '…', unit = \"ms\" }} with one of the units {', '.join(_UNITS_S)}."
        )
    try:
        name, labels = parse_selector(str(text))
    except ExpositionError as error:
        raise AdapterError(f"{option} names no series: {error}") from error
    unit_s = _UNITS_S[unit] if unit else _unit_of(name) if is_time else 1.0
    return Series((name,), labels={label: (accepted,) for label, accepted in labels.items()}, unit_s=unit_s)


def _unit_of(name: str) -> float:
    """Returns the unit that a metric's name tells, as Prometheus asks of names; seconds if it tells none."""
    base = name
    for part in ("_total", "_sum"):
        base = base[: -len(part)] if base.endswith(part) else base
    return next((seconds for suffix, seconds in _SUFFIXES_S.items() if base.endswith(suffix)), 1.0)
