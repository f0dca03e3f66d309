"""What is recommended for each of several arrival rates: rows and sentences for terminal and page."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.report.digest import Digest, Figures
from tuner.report.sentences import result_sentence
from tuner.report.vocabulary import configuration_text, rate_number, rate_text, share_interval_text, share_text
from tuner.study_record import RateStep, RateTable, Recommendation


@dataclass(frozen=True)
class RateRow:
    """One step of the table from rate to configuration.

    Attributes:
        rates: The range of rates: "20 to 60".
        configuration: What is set there, in short words; "the same" where it is that of the lower rates.
        saving: Share of the energy per request that it saves at the upper end of the range; empty for the baseline.
        interval: Its 95 % interval; empty for the baseline.
        trial: Number of the trial that found it.
        figures: Energy and latency at the upper end of the range; None if they are not known.
    """

    rates: str
    configuration: str
    saving: str
    interval: str
    trial: int
    figures: Figures | None


def rate_rows(digest: Digest) -> tuple[RateRow, ...]:
    """Returns the steps of the table, by rate; none where there is no table.

    Args:
        digest: The whole study.
    """
    table = _table(digest)
    if table is None:
        return ()
    below = (None, *table.steps)
    return tuple(_row(digest, step, previous) for step, previous in zip(table.steps, below, strict=False))


def _row(digest: Digest, step: RateStep, below: RateStep | None) -> RateRow:
    is_shared = below is not None and below.configuration == step.configuration
    return RateRow(
        rates=_range(step),
        configuration="the same" if is_shared else _settings(digest, step),
        saving=share_text(step.comparison.saving) if step.comparison else "",
        interval=share_interval_text(step.comparison.saving_interval) if step.comparison else "",
        trial=step.trial,
        figures=_figures(Digest(digest.study, step.to_rate_hz)),
    )


def _settings(digest: Digest, step: RateStep) -> str:
    text = configuration_text(step.configuration.only(parameter.id for parameter in digest.varied), digest.varied)
    return text if step.comparison else f"{text} (baseline)"


def _figures(digest: Digest) -> Figures | None:
    found = digest.recommended
    if found is None or found.measurement is None:
        return None
    return digest.figures(found.configuration, found)


def rate_sentences(digest: Digest) -> tuple[str, ...]:
    """Returns the result at every arrival rate, a sentence each; the result by itself where there is one or none.

    Args:
        digest: The whole study.
    """
    if not digest.has_several_rates:
        return (result_sentence(digest),)
    return tuple(f"{_place(digest, part)}: {_continued(result_sentence(part))}" for part in digest.by_rate)


def _place(digest: Digest, part: Digest) -> str:
    table, rate_hz = _table(digest), part.study.objective.arrival_rate_hz
    step = next((step for step in table.steps if step.to_rate_hz == rate_hz), None) if table else None
    if step is None:
        return part.at_rate.strip().capitalize()
    return f"{_range(step)} requests/s".capitalize()


def _range(step: RateStep) -> str:
    if not step.from_rate_hz:
        return f"up to {rate_number(step.to_rate_hz)}"
    return f"{rate_number(step.from_rate_hz)} to {rate_number(step.to_rate_hz)}"


def _continued(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def hysteresis_sentence(digest: Digest) -> str:
    """Says how the table is used; empty where there is none."""
    table = _table(digest)
    if table is None:
        return ""
    upwards = "Going up, the next step is taken as soon as the rate exceeds a range"
    downwards = f"coming down, only below {100.0 * (1.0 - table.hysteresis):.3g} % of its lower end"
    highest_hz, proven_hz = digest.study.objective.arrival_rates_hz[-1], table.steps[-1].to_rate_hz
    applied = f"the one for {rate_text(proven_hz)} is what is applied unless a rate is named"
    if proven_hz < highest_hz:
        applied = f"none is applied unless asked for, because nothing was found for {rate_text(highest_hz)}"
    return f"{upwards}; {downwards}. Each configuration was proven at the upper end of its range; {applied}."


def saving_text(recommendation: Recommendation | None) -> str:
    """Returns what a recommendation saves: "31.2 %", or over several rates "24.1 to 38.0 %"; empty if nothing."""
    if recommendation is None:
        return ""
    steps = recommendation.rate_table.steps if recommendation.rate_table else (recommendation,)
    savings = sorted(step.comparison.saving for step in steps if step.comparison)
    if not savings:
        return ""
    texts = list(dict.fromkeys(share_text(saving) for saving in (savings[0], savings[-1])))
    return texts[0] if len(texts) == 1 else f"{texts[0].removesuffix(' %')} to {texts[1]}"


def _table(digest: Digest) -> RateTable | None:
    return digest.study.recommendation.rate_table if digest.study.recommendation else None
