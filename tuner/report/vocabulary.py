"""The words and digits in which results reach the screen.

An estimate never passes for a measurement: whoever prints joules takes them from :func:`energy_text`, or puts
:func:`energy_origin` beside them.
"""

from __future__ import annotations

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, Owner, Parameter, Value
from tuner.objective import Slo
from tuner.trial import EnergyResult, Interval, Trial, Verdict

NOTHING = "\N{EN DASH}"
"""What stands where a figure is missing."""

_PARAMETER_LABELS = {
    "gpu.core.max_mhz": "GPU max",
    "gpu.core.min_mhz": "GPU min",
    "memory.max_mhz": "memory",
    "cpu.core.max_mhz": "CPU max",
    "workload.cpu.cores": "cores",
    "workload.cpu.quota_percent": "CPU quota",
    "serving.batch_size": "batch",
}
_UNITS_ON_SCREEN = {"percent": "%"}
_COUNTED = frozenset({"items", "threads", "cores", "instances", "requests", ""})
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
_OWNERS = {
    Owner.KNOB: "Wattune, in the hardware",
    Owner.PROCESS: "nobody: set it for the server's process",
    Owner.PERSISTENT: "the server",
    Owner.STUDY_ONLY: "nobody: set it in the server",
}
_VERDICT_MARKS = {Verdict.FEASIBLE: "✓", Verdict.INFEASIBLE: "✗", Verdict.UNDECIDED: "?"}


def parameter_label(parameter_id: str) -> str:
    """Returns a short label for a parameter: ``gpu.core.max_mhz`` is "GPU max"."""
    if label := _PARAMETER_LABELS.get(parameter_id):
        return label
    last = parameter_id.rsplit(".", 1)[-1]
    return last.removesuffix("_mhz").removesuffix("_percent").replace("_", " ")


def value_text(value: Value, unit: str = "") -> str:
    """Returns a parameter's value with its unit; what is merely counted needs none."""
    number = value if isinstance(value, str) else f"{value:.7g}"
    return f"{number} {shown}" if (shown := unit_text(unit)) else number


def unit_text(unit: str) -> str:
    """Returns a parameter's unit as it is shown: nothing for what is merely counted."""
    return "" if unit in _COUNTED else _UNITS_ON_SCREEN.get(unit, unit)


def settings(configuration: Configuration, parameters: tuple[Parameter, ...] = ()) -> tuple[str, ...]:
    """Returns each value of a configuration in short words, ``GPU max 816 MHz``.

    Args:
        configuration: The configuration, or a part of one.
        parameters: Those of the space, for units and order; what they lack comes last.
    """
    units = {parameter.id: parameter.unit for parameter in parameters if parameter.id in configuration}
    names = (*units, *(name for name in configuration if name not in units))
    return tuple(f"{parameter_label(name)} {value_text(configuration[name], units.get(name, ''))}" for name in names)


def configuration_text(configuration: Configuration, parameters: tuple[Parameter, ...] = ()) -> str:
    """Returns a configuration in short words: ``GPU max 816 MHz, batch 4``; see :func:`settings`."""
    return ", ".join(settings(configuration, parameters))


def quantity_text(value: float, unit: str, digits: int = 3) -> str:
    """Returns a number with significant digits and an SI prefix: ``0.01234, "J"`` is "12.3 mJ"."""
    factor, prefix = _prefix(value, digits)
    return f"{_significant(value / factor, digits)} {prefix}{unit}"


def interval_text(interval: Interval, unit: str) -> str:
    """Returns an interval with one prefix for both ends: "11.8 to 12.9 mJ"."""
    factor, prefix = _prefix(max(abs(interval.low), abs(interval.high)), 3)
    low, high = (_significant(end / factor, 3) for end in (interval.low, interval.high))
    return f"{low} to {high} {prefix}{unit}"


def energy_origin(energy: EnergyResult) -> str:
    """Returns what every joule must be accompanied by: ``estimated, cpu``."""
    return origin_text(energy.provenance, energy.scope)


def origin_text(provenance: Provenance, scope: Scope | None) -> str:
    """Returns provenance and scope in two words."""
    return f"{provenance}, {scope}" if scope else str(provenance)


def energy_text(energy: EnergyResult) -> str:
    """Returns energy per request with its provenance and scope: ``12.3 mJ (estimated, cpu)``."""
    return f"{quantity_text(energy.per_request_j, 'J')} ({energy_origin(energy)})"


def share_text(share: float) -> str:
    """Returns a share as a percentage with one decimal: 0.231 is "23.1 %"."""
    return f"{_minus(f'{share * 100:.1f}')} %"


def share_interval_text(interval: Interval) -> str:
    """Returns an interval of shares: "18.2 to 27.5 %"."""
    return f"{_minus(f'{interval.low * 100:.1f}')} to {_minus(f'{interval.high * 100:.1f}')} %"


def duration_text(seconds: float) -> str:
    """Returns a duration as people say it: "48 s", "3 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def slo_text(slo: Slo) -> str:
    """Returns an SLO as it is set in type: "p90 ≤ 300 ms"."""
    return f"p{slo.percentile:g} ≤ {quantity_text(slo.bound_s, 's', digits=4)}"


def owner_text(owner: Owner) -> str:
    """Says who keeps a parameter's value once the study has ended."""
    return _OWNERS[owner]


def verdict_text(trial: Trial) -> str:
    """Returns the verdict on a trial in one word."""
    return str(trial.measurement.verdict) if trial.measurement else "rejected"


def verdict_mark(trial: Trial) -> str:
    """Returns the verdict on a trial in one character."""
    return _VERDICT_MARKS[trial.measurement.verdict] if trial.measurement else NOTHING


def _prefix(value: float, digits: int) -> tuple[float, str]:
    """Chooses the prefix that leaves at least one digit before the point, after rounding."""
    rounded = abs(float(f"{value:.{digits - 1}e}"))
    for factor, prefix in _PREFIXES:
        if rounded >= factor * (1 - 1e-12):
            return factor, prefix
    return (1.0, "") if rounded == 0 else _PREFIXES[-1]


def _significant(value: float, digits: int) -> str:
    text = f"{value:#.{digits}g}"
    if "e" in text:
        text = f"{value:.0f}"
    text = text.rstrip(".")
    if digits > 3 and "." in text:
        text = text.rstrip("0").rstrip(".")
    return _minus(text)


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")
