"""From what is recommended at each of several arrival rates to one recommendation with a table of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

from tuner.study.break_even import break_even_over_rates
from tuner.study_record import RateStep, RateTable, Recommendation, Study


def steps_of(found: Mapping[float, Recommendation]) -> tuple[RateStep, ...]:
    """Returns a step for each arrival rate, ascending; each one begins where the one below it ends.

    Args:
        found: What is recommended, by arrival rate. A rate for which nothing was found is served by the step above.
    """
    return tuple(
        RateStep(below_hz, rate_hz, found[rate_hz].configuration, found[rate_hz].trial, found[rate_hz].comparison)
        for below_hz, rate_hz in pairwise((0.0, *sorted(found)))
    )


def recommend_by_rate(study: Study, found: Mapping[float, Recommendation], hysteresis: float) -> Recommendation:
    """Returns one recommendation for several arrival rates: the table, and the highest rate's by itself.

    Args:
        study: The study, with all its trials.
        found: What is recommended, by arrival rate; at least one.
        hysteresis: Of the table.
    """
    comparisons = {rate_hz: each.comparison for rate_hz, each in found.items() if each.comparison is not None}
    return replace(
        found[max(found)],
        caveats=(*_about_gaps(study, found), *_caveats(found)),
        break_even=break_even_over_rates(study, comparisons),
        rate_table=RateTable(steps_of(found), hysteresis),
    )


def _about_gaps(study: Study, found: Mapping[float, Recommendation]) -> list[str]:
    slos = " and ".join(map(str, study.objective.slos))
    missing = [rate_hz for rate_hz in study.objective.arrival_rates_hz if rate_hz not in found]
    return [f"No configuration was shown to hold {slos} at {rate_hz:g} requests/s." for rate_hz in missing]


def _caveats(found: Mapping[float, Recommendation]) -> list[str]:
    """Returns every caveat: once where it holds at all rates, else with the rates at which it does."""
    caveats = dict.fromkeys(caveat for rate_hz in sorted(found) for caveat in found[rate_hz].caveats)
    sentences = []
    for caveat in caveats:
        rates = [f"{rate_hz:g}" for rate_hz in sorted(found) if caveat in found[rate_hz].caveats]
        sentences.append(caveat if len(rates) == len(found) else f"At {_listed(rates)} requests/s: {caveat}")
    return sentences


def _listed(words: list[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
