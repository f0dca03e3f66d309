"""The words and digits in which results reach the screen.

An estimate never passes for a measurement: whoever prints joules takes them from :func:`energy_text`, or puts
:func:`energy_origin` beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, Owner, Parameter, Value
from tuner.objective import LatencyMetric, Objective, Scenario, Slo
from tuner.trial import EnergyResult, Interval, Trial, Verdict

NOTHING = "\N{EN DASH}"
"""What stands where a figure is missing."""
TIMES = "\N{MULTIPLICATION SIGN}"

_PARAMETER_LABELS = {
    "gpu.core.max_mhz": "GPU max",
    "gpu.core.min_mhz": "GPU min",
    "gpu.power.limit_w": "power limit",
    "memory.max_mhz": "memory",
    "cpu.core.max_mhz": "CPU max",
    "workload.cpu.cores": "cores",
    "workload.cpu.quota_percent": "CPU quota",
    "serving.batch_size": "batch",
}
_UNITS_ON_SCREEN = {"percent": "%"}
_COUNTED = frozenset({"items", "threads", "cores", "instances", "requests", ""})
_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
_LARGE_PREFIXES = {"J": ((1e9, "G"), (1e6, "M"), (1e3, "k"))}
"""By unit: joules add up, and nobody counts kiloseconds."""
_LONG_UNITS = (("years", 365.25 * 86400.0), ("days", 86400.0), ("h", 3600.0), ("min", 60.0))
_LARGE_NUMBERS = (("billion", 1e9), ("million", 1e6))
_DIGITS_OF_ENDS = (2, 3, 4)
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
    factor, prefix = _prefix(value, unit, digits)
    return f"{_significant(value / factor, digits)} {prefix}{unit}"


def interval_text(interval: Interval, unit: str) -> str:
    """Returns an interval with one prefix for both ends: "11.8 to 12.9 mJ"."""
    factor, prefix = _prefix(max(abs(interval.low), abs(interval.high)), unit, 3)
    low, high = (_significant(end / factor, 3) for end in (interval.low, interval.high))
    return f"{low} to {high} {prefix}{unit}"


def energy_origin(energy: EnergyResult) -> str:
    """Returns what every joule must be accompanied by: ``estimated, cpu``."""
    return origin_text(energy.provenance, energy.scope)


def origin_text(provenance: Provenance, scope: Scope | None) -> str:
    """Returns provenance and scope in two words."""
    return f"{provenance}, {scope}" if scope else str(provenance)


def energy_text(energy: EnergyResult) -> str:
    """Returns energy with its provenance and scope: ``12.3 mJ (estimated, cpu)``; see :func:`joules_text`."""
    return f"{joules_text(energy)} ({energy_origin(energy)})"


def joules_text(energy: EnergyResult) -> str:
    """Returns energy per request, and per token where tokens were served: ``1.20 J, 30.1 mJ/token``."""
    per_token = "" if energy.per_token_j is None else f", {per_token_text(energy.per_token_j)}"
    return quantity_text(energy.per_request_j, "J") + per_token


def per_token_text(joules: float) -> str:
    """Returns energy per token: ``30.1 mJ/token``."""
    return quantity_text(joules, "J/token")


def share_text(share: float) -> str:
    """Returns a share as a percentage with one decimal: 0.231 is "23.1 %"."""
    return f"{_minus(f'{share * 100:.1f}')} %"


def signed_share_text(share: float) -> str:
    """Returns a change as a percentage with its sign: 0.041 is "+4.1 %"."""
    return f"{_minus(f'{share * 100:+.1f}')} %"


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


def rough_duration_text(seconds: float) -> str:
    """Returns a duration of which no more than two digits are known: "48 s", "11 min", "3.2 days"."""
    for name, unit_s in _LONG_UNITS:
        if seconds >= 2 * unit_s:
            return f"{count_text(seconds / unit_s)} {name}"
    return f"{count_text(seconds)} s"


def count_text(count: float, digits: int = 2) -> str:
    """Returns an estimated number with few digits: 27 813.4 is "28 000", 3.14e6 is "3.1 million"."""
    rounded = float(f"{count:.{digits}g}")
    for name, factor in _LARGE_NUMBERS:
        if rounded >= factor:
            return f"{count_text(rounded / factor, digits)} {name}"
    return f"{round(rounded, digits):g}" if rounded < 100 else grouped_text(round(rounded))


def count_interval_text(interval: Interval) -> str:
    """Returns an interval of estimated numbers, with as many digits as its ends need to differ: "21 000 to 44 000"."""
    for digits in _DIGITS_OF_ENDS:
        low, high = (count_text(end, digits) for end in (interval.low, interval.high))
        if low != high:
            break
    return f"{low} to {high}"


def grouped_text(count: int) -> str:
    """Returns a whole number with its thousands apart: "28 000"."""
    return f"{count:,}".replace(",", "\N{NO-BREAK SPACE}")


def rate_text(rate_hz: float) -> str:
    """Returns a rate of requests: "41.2 requests/s"."""
    return f"{rate_number(rate_hz)} requests/s"


def rates_text(rates_hz: Sequence[float]) -> str:
    """Returns several rates of requests: "20, 60 and 120 requests/s"."""
    return f"{', '.join(map(rate_number, rates_hz[:-1]))} and {rate_text(rates_hz[-1])}"


def rate_number(rate_hz: float) -> str:
    """Returns a rate without its unit: "41.2"."""
    rounded = float(f"{rate_hz:.3g}")
    return f"{rounded:g}" if rounded < 1000 else grouped_text(round(rate_hz))


def slo_text(slo: Slo) -> str:
    """Returns an SLO as it is set in type: "p90 ≤ 300 ms", "p90 ttft ≤ 200 ms"."""
    return f"{slo.quantile} {bound_text(slo)}"


def bound_text(slo: Slo) -> str:
    """Returns an SLO's bound by itself: "≤ 300 ms"."""
    return f"≤ {quantity_text(slo.bound_s, 's', digits=4)}"


def slos_text(objective: Objective) -> str:
    """Returns all SLOs: "p90 ttft ≤ 200 ms and p90 tpot ≤ 40 ms"."""
    return " and ".join(map(slo_text, objective.slos))


def quantile_title(slo: Slo) -> str:
    """Returns what an SLO bounds, as a title: "p90 latency", "p90 ttft"."""
    return f"{slo.quantile} latency" if slo.metric is LatencyMetric.LATENCY else slo.quantile


def scenario_text(objective: Objective) -> str:
    """Returns how load arrives: "offline", "server at 40 requests/s, SLOs also at 60 requests/s"."""
    if objective.arrival_rates_hz:
        return f"{objective.scenario} at {rates_text(objective.arrival_rates_hz)}"
    if objective.scenario is not Scenario.SERVER or objective.arrival_rate_hz is None:
        return str(objective.scenario)
    peak_hz = objective.peak_rate_hz
    peak = "" if peak_hz in (None, objective.arrival_rate_hz) else f", SLOs also at {rate_text(peak_hz or 0.0)}"
    return f"{objective.scenario} at {rate_text(objective.arrival_rate_hz)}{peak}"


def owner_text(owner: Owner) -> str:
    """Says who keeps a parameter's value once the study has ended."""
    return _OWNERS[owner]


def verdict_text(trial: Trial) -> str:
    """Returns the verdict on a trial in one word."""
    return str(trial.measurement.verdict) if trial.measurement else "rejected"


def verdict_mark(trial: Trial) -> str:
    """Returns the verdict on a trial in one character."""
    return _VERDICT_MARKS[trial.measurement.verdict] if trial.measurement else NOTHING


def _prefix(value: float, unit: str, digits: int) -> tuple[float, str]:
    """Chooses the prefix that leaves at least one digit before the point, after rounding."""
    rounded = abs(float(f"{value:.{digits - 1}e}"))
    for factor, prefix in (*_LARGE_PREFIXES.get(unit, ()), *_PREFIXES):
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
