"""Models measured on one device, each predicted from the others: what a prediction of the next one is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean

from tuner.energy_model.model_tree.device_model import DeviceModel, fit_device, predict_tree, unseen_operators
from tuner.energy_model.model_tree.node import CostNode, Level, Measured
from tuner.energy_model.model_tree.recording import Recording
from tuner.errors import BadInputError

_PERCENT = 100.0


@dataclass(frozen=True)
class LeftOutModel:
    """One model at one batch size, measured and predicted from others.

    Attributes:
        model: Its name.
        time_s: Seconds of a batch, measured.
        predicted_s: Predicted.
        time_error_pct: How far off that is, in percent of what was measured.
        energy_j: Joules of a batch, by the recording's meter.
        predicted_j: Predicted.
        energy_error_pct: How far off that is.
        within_interval: Whether the joules lie in their 90 % interval; None where there is none.
        module_error_pct: Mean error of the joules of its modules; None if none was measured.
        unseen_pct: Share of operators that no other model runs in the predicted joules of primitives.
    """

    model: str
    time_s: float
    predicted_s: float
    time_error_pct: float
    energy_j: float
    predicted_j: float
    energy_error_pct: float
    within_interval: bool | None
    module_error_pct: float | None
    unseen_pct: float


def leave_each_out(recording: Recording) -> list[LeftOutModel]:
    """Predicts each measured model from the others.

    Raises:
        BadInputError: There are no two models in the recording.
    """
    by_model = recording.by_model
    measured = {name for name, trees in by_model.items() if any(tree.measured is not None for tree in trees)}
    if len(by_model) < 2 or not measured:
        raise BadInputError(f"The recording holds {len(measured)} measured models, and at least 2 are needed.")
    found: list[LeftOutModel] = []
    for name in sorted(measured):
        others = tuple(tree for other, trees in by_model.items() if other != name for tree in trees)
        device = fit_device(replace(recording, forest=others))
        found += [_left_out(device, tree, tree.measured) for tree in by_model[name] if tree.measured is not None]
    return found


def _left_out(device: DeviceModel, tree: CostNode, truth: Measured) -> LeftOutModel:
    predicted = predict_tree(device, tree.without_measurements())
    energy_j, time_s = predicted.energy_j, predicted.time_s
    has_interval = energy_j.low is not None and energy_j.high is not None
    modules = [
        _error_pct(node.measured.energy_j, device.energy.model.cost(node.without_measurements()))
        for node in tree.walk()
        if node.level is Level.MODULE and node.measured is not None
    ]
    return LeftOutModel(
        model=tree.name,
        time_s=truth.time_s,
        predicted_s=time_s.value,
        time_error_pct=_error_pct(truth.time_s, time_s.value),
        energy_j=truth.energy_j,
        predicted_j=energy_j.value,
        energy_error_pct=_error_pct(truth.energy_j, energy_j.value),
        within_interval=(energy_j.low or 0.0) <= truth.energy_j <= (energy_j.high or 0.0) if has_interval else None,
        module_error_pct=fmean(modules) if modules else None,
        unseen_pct=_PERCENT * sum(unseen_operators(predicted).values()),
    )


def _error_pct(truth: float, predicted: float) -> float:
    return _PERCENT * abs(predicted - truth) / truth
