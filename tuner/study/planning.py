"""From what the operator asks and what the machine offers to a study that can be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from knobs.contract import WORKLOAD_DEVICE, InventoryRecord, KnobSpec, MeterSpec, Provenance, Scope
from serving_adapter.contract import ServingParameter
from tuner.configuration import ConfigurationSpace, OrderConstraint, Owner, Parameter, ParameterKind
from tuner.errors import BadInputError
from tuner.objective import Objective, Scenario
from tuner.study_record import MachineRecord, Study, StudyRequest, StudyState

_CPU_DEVICES = ("cpu", WORKLOAD_DEVICE)
_WIDEST_FIRST = (Scope.WALL, Scope.BOARD, Scope.SOC, Scope.GPU, Scope.CPU)
_MOST_TRUE_FIRST = (Provenance.MEASURED, Provenance.SIMULATED, Provenance.ESTIMATED)

_CONCURRENCY = "serving.concurrency"
"""How many requests our own load generator keeps under way."""

# Threads beyond the cores that they may use only wait for each other.
_THREADS_WITHIN_CORES = OrderConstraint("serving.threads", "workload.cpu.cores")


def plan_space(
    knobs: Sequence[KnobSpec],
    serving_parameters: Sequence[ServingParameter],
    scenario: Scenario,
    scope: Scope,
    explore: Mapping[str, bool] | None = None,
) -> ConfigurationSpace:
    """Returns the space of all knobs and serving parameters that have a choice.

    Args:
        knobs: The machine's knobs, within the operator's bounds.
        serving_parameters: What the workload's adapter can vary.
        scenario: How load arrives: a parameter of load that it does not generate means nothing.
        scope: What a joule covers: knobs of the CPU save nothing where it is the GPU alone.
        explore: Which knobs the operator wants explored or left alone, by knob id; others decide for themselves.

    Raises:
        BadInputError: Nothing can be varied.
    """
    wanted = [knob for knob in knobs if (explore or {}).get(knob.id, knob.explored and _can_save(knob, scope))]
    served = [_from_serving(item) for item in serving_parameters if _means_something(item, scenario)]
    parameters = [_from_knob(knob) for knob in wanted] + served
    parameters = [parameter for parameter in parameters if len(parameter.choices) > 1]
    if not parameters:
        raise BadInputError(
            "There is nothing to tune: this machine has no knob with a choice, and the workload no serving parameter; "
            "'wattune probe' shows why each knob is absent."
        )
    names = {parameter.id for parameter in parameters}
    orders = [OrderConstraint(knob.id, knob.not_above.limit, knob.not_above.factor) for knob in knobs if knob.not_above]
    constraints = tuple(order for order in [*orders, _THREADS_WITHIN_CORES] if {order.lower, order.upper} <= names)
    return ConfigurationSpace(tuple(parameters), constraints)


def _means_something(parameter: ServingParameter, scenario: Scenario) -> bool:
    """A single stream knows no batches, streams keep one query under way, and live load is not of our making."""
    if scenario is Scenario.LIVE:
        return parameter.persistent
    if scenario is Scenario.SINGLE_STREAM and parameter.kind == ParameterKind.BATCH:
        return False
    return scenario not in (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM) or parameter.id != _CONCURRENCY


def _can_save(knob: KnobSpec, scope: Scope) -> bool:
    return scope is not Scope.GPU or knob.device not in _CPU_DEVICES


def _from_knob(knob: KnobSpec) -> Parameter:
    return Parameter(
        id=knob.id,
        unit=knob.unit,
        kind=ParameterKind(knob.kind.value),
        choices=knob.values,
        owner=Owner.PROCESS if knob.device == WORKLOAD_DEVICE else Owner.KNOB,
        switch_cost_s=knob.switch_cost_s,
    )


def _from_serving(parameter: ServingParameter) -> Parameter:
    return Parameter(
        id=parameter.id,
        unit=parameter.unit,
        kind=ParameterKind(parameter.kind),
        choices=parameter.values,
        owner=Owner.PERSISTENT if parameter.persistent else Owner.STUDY_ONLY,
    )


def choose_meter(inventory: InventoryRecord, scope: Scope | None) -> MeterSpec:
    """Returns the meter of a scope, or of the widest scope there is; rather measured than estimated.

    Raises:
        BadInputError: No meter has this scope, or there is no meter at all.
    """
    candidates = [meter for meter in inventory.meters if scope in (None, meter.scope)]
    if not candidates:
        reasons = "; ".join(f"{absence.id}: {absence.reason}" for absence in inventory.absent)
        wanted = f"of the scope '{scope}'" if scope else "at all"
        found = ", ".join(sorted({meter.scope.value for meter in inventory.meters})) or "none"
        raise BadInputError(f"This machine has no meter {wanted} (scopes with a meter: {found}). {reasons}".strip())
    # An estimate of a wide scope must not displace a measurement of a narrow one.
    return min(
        candidates, key=lambda meter: (_MOST_TRUE_FIRST.index(meter.provenance), _WIDEST_FIRST.index(meter.scope))
    )


def plan_study(
    study_id: str,
    request: StudyRequest,
    objective: Objective,
    inventory: InventoryRecord,
    serving_parameters: Sequence[ServingParameter],
    machine: MachineRecord,
    started_at: str,
    explore: Mapping[str, bool] | None = None,
) -> tuple[Study, MeterSpec]:
    """Returns a study that is ready to run, and the meter that it is to use.

    Args:
        study_id: The study's id.
        request: What the operator asks for.
        objective: The workload's objective, its SLOs already overridden by the request's.
        inventory: The machine's knobs and meters, those of the workload's process included.
        serving_parameters: What the workload's adapter can vary.
        machine: Facts about the machine; meters, absences and provenance are filled in here.
        started_at: Wall-clock time, ISO 8601 in UTC.
        explore: As for :func:`plan_space`.

    Raises:
        BadInputError: Nothing can be varied, or no meter has the objective's scope.
    """
    meter = choose_meter(inventory, objective.scope)
    study = Study(
        id=study_id,
        request=request,
        objective=replace(objective, scope=meter.scope),
        space=plan_space(inventory.knobs, serving_parameters, objective.scenario, meter.scope, explore),
        machine=replace(
            machine,
            provenance=meter.provenance,
            meters=tuple(found.id for found in inventory.meters),
            absent=inventory.absent,
        ),
        state=StudyState.RUNNING,
        reason="",
        trials=(),
        recommendation=None,
        started_at=started_at,
        duration_s=0.0,
    )
    return study, meter
