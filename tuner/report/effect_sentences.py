"""What each parameter does, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.configuration import Parameter, ParameterKind
from tuner.effect_summary import HARDLY, Knee, Relevance, changes, greatest_change, knee, relevance
from tuner.parameter_effect import ParameterEffect, Ratio
from tuner.report.digest import Digest
from tuner.report.vocabulary import parameter_label, share_interval_text, share_text, value_text

_DOUBLED = 2.0


def effect_sentence(effect: ParameterEffect, parameter: Parameter) -> str:
    """Says what a parameter does along its line."""
    label = parameter_label(parameter.id)
    match relevance(effect):
        case Relevance.MATTERS:
            found = knee(effect, parameter)
            return f"{label}: {_course(effect, parameter)}.{_about_knee(found, parameter) if found else ''}"
        case Relevance.DOES_NOT_MATTER:
            return f"{label} does not matter: {_at_most([effect])} over its whole range."
        case Relevance.UNKNOWN:
            return f"{label}: {_unknown(effect)}."


def irrelevance_sentence(digest: Digest) -> str:
    """Names the parameters that do not matter; empty if there is none."""
    idle = [effect for effect in digest.study.effects if relevance(effect) is Relevance.DOES_NOT_MATTER]
    if not idle:
        return ""
    names = ", ".join(parameter_label(effect.parameter) for effect in idle)
    does = "does" if len(idle) == 1 else "do"
    return f"What {does} not matter ({_at_most(idle)}, modelled from the trials): {names}."


def _at_most(effects: Sequence[ParameterEffect]) -> str:
    latency, energy = (
        share_text(max(map(greatest_change, ratios)))
        for ratios in zip(*((effect.latency_ratios, effect.energy_ratios) for effect in effects), strict=True)
    )
    return f"at most {latency} of latency and {energy} of energy"


def _course(effect: ParameterEffect, parameter: Parameter) -> str:
    if parameter.kind is ParameterKind.CATEGORY:
        outputs = (("latency", effect.latency_ratios), ("energy", effect.energy_ratios))
        return ", ".join(_least(name, effect, ratios, parameter) for name, ratios in outputs)
    first, last = value_text(effect.choices[0]), value_text(effect.choices[-1], parameter.unit)
    latency = _change("latency", effect, effect.latency_ratios, parameter)
    return f"from {first} to {last} {latency}, {_least('energy', effect, effect.energy_ratios, parameter)}"


def _change(name: str, effect: ParameterEffect, ratios: Sequence[Ratio], parameter: Parameter) -> str:
    """Says how an output changes from the first choice to the last."""
    factor = ratios[-1].median / ratios[0].median
    if abs(factor - 1) <= HARDLY:
        return _least(name, effect, ratios, parameter)
    if factor < 1:
        return f"{name} falls by {share_text(1 - factor)}"
    return f"{name} rises {f'to {factor:.1f} times' if factor >= _DOUBLED else f'by {share_text(factor - 1)}'}"


def _least(name: str, effect: ParameterEffect, ratios: Sequence[Ratio], parameter: Parameter) -> str:
    """Says where an output is least, if it changes at all."""
    medians = [ratio.median for ratio in ratios]
    if max(medians) <= min(medians) * (1 + HARDLY):
        return f"{name} hardly changes"
    return f"{name} is least at {value_text(effect.choices[medians.index(min(medians))], parameter.unit)}"


def _about_knee(found: Knee, parameter: Parameter) -> str:
    why = "the cap does not bind" if parameter.kind is ParameterKind.POWER_CAP else "something else is the bottleneck"
    left = f"{share_text(found.gain)}; 95 % interval {share_interval_text(found.gain_interval)}"
    return f" Above {value_text(found.value, parameter.unit)} latency hardly gains any more ({left}): {why} there."


def _unknown(effect: ParameterEffect) -> str:
    if effect.tried < 2:
        return "not known, as only one of its values was measured"
    latency, energy = (share_interval_text(changes(ratios)) for ratios in (effect.latency_ratios, effect.energy_ratios))
    return f"not known well enough, latency may change by {latency} and energy by {energy} over its range"
