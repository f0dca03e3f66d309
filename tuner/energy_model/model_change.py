"""How much a model's cost moved, as after fine-tuning, and whether the tuned configuration still fits.

Energy and time of a network are sums of what a device charges for each kind of work, with weights that are not
negative and not known here. So neither can have moved by less than the kind that moved least, nor by more than the one
that moved most: ``min_k new_k / old_k <= E_new / E_old <= max_k new_k / old_k`` (the mediant inequality). These bounds
hold on every device, without a fit and without a measurement, as long as no working set outgrows a cache in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.energy_model.network.records import Network, Operation
from tuner.energy_model.operations.index import ACTIVATIONS, LINEAR, WEIGHTS, index_of
from tuner.trial import Interval

KEEP_WITHIN = 0.02
"""A cost that moved by no more than this may be left alone: a search would not pay for another trial either."""

VERIFY_WITHIN = 0.1
"""Up to here the configuration is measured again before anything is searched. This is a policy, not a finding."""

_LAUNCHES = "launches"
_NONLINEAR = "non-linear work"
_LEAST_SHARE = 0.01
"""A kind of work below this share of the index hardly counts anywhere; launches always may."""


class Advice(StrEnum):
    """What to do with a configuration that was found for the model before."""

    KEEP = "keep"
    VERIFY = "verify"
    RETUNE = "re-tune"


@dataclass(frozen=True)
class ModelChange:
    """What moved between two models.

    Attributes:
        is_same_work: Whether both run the same operations on the same shapes: other weights cost the same.
        index_ratio: Index of operations, new over old.
        ratios: New over old by kind of work that matters.
        bounds: Where new over old of energy and time lies on any device.
        changed_modules: Modules whose work differs, by path, with their index new over old; infinity for those that
            the old model lacks, 0 for those that the new one lacks.
    """

    is_same_work: bool
    index_ratio: float
    ratios: dict[str, float]
    bounds: Interval
    changed_modules: dict[str, float]

    def advise(self, latency_share: float | None = None, verify_within: float = VERIFY_WITHIN) -> tuple[Advice, str]:
        """Returns what to do, and why in one sentence.

        Args:
            latency_share: Latency of the tuned configuration over its SLO's bound, with the old model; None if it is
                not known.
            verify_within: Up to which change the configuration is measured again before anything is searched.
        """
        if self.is_same_work:
            return Advice.KEEP, "Both models run the same operations on the same shapes; only weights may differ."
        span = f"Energy and latency moved by {self.bounds.low - 1:+.1%} to {self.bounds.high - 1:+.1%}"
        if latency_share is not None and latency_share * self.bounds.high > 1.0:
            return Advice.RETUNE, f"{span}, so that the configuration may break its SLO."
        furthest = max(abs(self.bounds.low - 1), abs(self.bounds.high - 1))
        if furthest <= KEEP_WITHIN:
            return Advice.KEEP, f"{span}, which is less than a trial costs to find."
        if furthest <= verify_within:
            return Advice.VERIFY, f"{span}: measure the configuration again before anything else is tried."
        return Advice.RETUNE, f"{span}: another configuration may be the best one now."


def compare(old: Network, new: Network) -> ModelChange:
    """Returns how far the cost of one batch moved.

    Args:
        old: The model that was tuned.
        new: The model that takes its place, with inputs of the same batch.
    """
    before, after = _amounts(old.operations), _amounts(new.operations)
    ratios = {kind: _ratio(after[kind], before[kind]) for kind in _kinds_that_matter(before, after)}
    return ModelChange(
        is_same_work=_signatures(old.operations) == _signatures(new.operations),
        index_ratio=_ratio(index_of(new.operations).total_to, index_of(old.operations).total_to),
        ratios=ratios,
        bounds=Interval(min(ratios.values(), default=1.0), max(ratios.values(), default=1.0)),
        changed_modules=_changed_modules(old, new),
    )


def _amounts(operations: Sequence[Operation]) -> Counter[str]:
    index = index_of(operations)
    kinds = {kind: index.by_kind.get(kind, 0.0) for kind in (LINEAR, WEIGHTS, ACTIVATIONS)}
    return Counter({**kinds, _NONLINEAR: index.nonlinear_to, _LAUNCHES: index.launches})


def _kinds_that_matter(before: Counter[str], after: Counter[str]) -> list[str]:
    totals = [sum(amount for kind, amount in one.items() if kind != _LAUNCHES) for one in (before, after)]
    return [
        kind
        for kind in before
        if kind == _LAUNCHES or max(before[kind], after[kind]) > _LEAST_SHARE * max(*totals, 1e-300)
    ]


def _ratio(after: float, before: float) -> float:
    if before > 0:
        return after / before
    return float("inf") if after > 0 else 1.0


def _signatures(operations: Sequence[Operation]) -> Counter[object]:
    return Counter(_signature(operation) for operation in operations)


def _signature(operation: Operation) -> object:
    """Returns all of an operation that its cost depends on: not its weights, nor what its module is called."""
    inputs = tuple((name, tensor.shape, tensor.dtype) for name, tensor in sorted(operation.inputs.items()))
    outputs = tuple((tensor.shape, tensor.dtype) for tensor in operation.outputs)
    return operation.operator, inputs, outputs, tuple(sorted(operation.arguments.items()))


def _changed_modules(old: Network, new: Network) -> dict[str, float]:
    """Returns the lowest modules whose work differs."""
    before = {module.path: module.own_operations for module in old.modules}
    after = {module.path: module.own_operations for module in new.modules}
    return {
        path: _ratio(index_of(after.get(path, ())).total_to, index_of(before.get(path, ())).total_to)
        for path in dict.fromkeys([*before, *after])
        if _signatures(before.get(path, ())) != _signatures(after.get(path, ()))
    }
