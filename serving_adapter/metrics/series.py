"""Finds what is meant among the series of a server: a count, or a histogram of seconds."""

import math
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from serving_adapter.contract import AdapterError, Histogram
from serving_adapter.metrics.exposition import Exposition, ExpositionError, Sample, parse_number
from serving_adapter.words import quote

_BUCKET = "le"


@dataclass(frozen=True)
class Series:
    """Which series are meant.

    Attributes:
        names: What the metric is called, or was called in older versions of the server: the first that exists.
        labels: The values that a label may have, by label.
        without: The values that a label must not have, by label.
        model_label: The label that names the model; empty if models are not told apart.
        unit_s: Seconds in one unit of the values, where they are times.
    """

    names: Tuple[str, ...]
    labels: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    without: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    model_label: str = ""
    unit_s: float = 1.0

    def known_name(self, exposition: Exposition) -> Optional[str]:
        """Returns what the metric is called here; None if the server does not have it."""
        return next((name for name in self.names if exposition.knows(name)), None)

    def among(self, samples: Sequence[Sample], model: str) -> List[Sample]:
        """Returns the samples that are meant, of one model or, if it is empty, of all."""
        return [sample for sample in samples if self._means(sample.labels, model)]

    def _means(self, labels: Mapping[str, str], model: str) -> bool:
        if model and self.model_label and labels.get(self.model_label) != model:
            return False
        excluded = any(labels.get(label) in values for label, values in self.without.items())
        return not excluded and all(labels.get(label) in values for label, values in self.labels.items())


def total(exposition: Exposition, quantity: Sequence[Series], model: str) -> Optional[float]:
    """Returns the sum of all series that are meant; None if the server has none of these metrics.

    Args:
        exposition: What the server says.
        quantity: The series to add up; times are turned into seconds.
        model: The model; empty for all.

    Raises:
        AdapterError: A value is no count.
    """
    known = [(series, name) for series in quantity for name in (series.known_name(exposition),) if name]
    if not known:
        return None
    values = [
        _count(sample.value, name) * series.unit_s
        for series, name in known
        for sample in series.among(exposition.samples.get(name, ()), model)
    ]
    return math.fsum(values)


def models(exposition: Exposition, quantity: Sequence[Series]) -> FrozenSet[str]:
    """Returns the models for which something has been counted, as far as they are told apart."""
    return frozenset(
        sample.labels[series.model_label]
        for series in quantity
        for name in (series.known_name(exposition),)
        for sample in exposition.samples.get(name or "", ())
        if series.model_label in sample.labels
    )


def histogram(exposition: Exposition, quantity: Sequence[Series], model: str) -> Optional[Histogram]:
    """Returns the sum of all histograms that are meant; None if nothing has been observed in any of them.

    Args:
        exposition: What the server says.
        quantity: The histograms to add up, whose bounds must agree.
        model: The model; empty for all.

    Raises:
        AdapterError: What the server sends is no histogram, or the bounds do not agree.
    """
    found: List[Histogram] = []
    for series in quantity:
        name = series.known_name(exposition)
        if name is not None:
            found += _histograms(exposition, name, series, model)
    if not found:
        return None
    if any(each.bounds_s != found[0].bounds_s for each in found):
        raise AdapterError(
            f"The histograms {' and '.join(series.names[0] for series in quantity)} have different buckets, "
            "so that they cannot be added up: name one of them."
        )
    counts = tuple(math.fsum(column) for column in zip(*(each.counts for each in found)))
    return Histogram(found[0].bounds_s, counts, math.fsum(each.sum_s for each in found))


def _histograms(exposition: Exposition, name: str, series: Series, model: str) -> List[Histogram]:
    """Returns one histogram a set of labels."""
    counts: Dict[FrozenSet[Tuple[str, str]], Dict[float, float]] = {}
    for sample in series.among(exposition.samples.get(f"{name}_bucket", ()), model):
        bound = _bound(sample.labels, name)
        child = counts.setdefault(_without_bucket(sample.labels), {})
        if bound in child:
            raise AdapterError(f"The histogram {name} has the bucket {bound:g} twice.")
        child[bound] = sample.value
    sums = {
        _without_bucket(sample.labels): sample.value
        for sample in series.among(exposition.samples.get(f"{name}_sum", ()), model)
    }
    return [
        Histogram(
            bounds_s=tuple(bound * series.unit_s for bound in sorted(child)),
            counts=tuple(child[bound] for bound in sorted(child)),
            sum_s=sums.get(labels, math.nan) * series.unit_s,
        )
        for labels, child in counts.items()
    ]


def _bound(labels: Mapping[str, str], name: str) -> float:
    text = labels.get(_BUCKET, "")
    try:
        bound = parse_number(text)
    except ExpositionError as error:
        raise AdapterError(f"A bucket of the histogram {name} ends at '{quote(text.encode(), 40)}'.") from error
    if math.isnan(bound):
        raise AdapterError(f"A bucket of the histogram {name} ends at no number.")
    return bound


def _without_bucket(labels: Mapping[str, str]) -> FrozenSet[Tuple[str, str]]:
    return frozenset((label, value) for label, value in labels.items() if label != _BUCKET)


def _count(value: float, name: str) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise AdapterError(f"The server's metric {name} is {value:g}, which is no count.")
    return value
