from dataclasses import replace

import pytest

from knobs.contract import WORKLOAD_DEVICE, Absence, InventoryRecord, NotAbove, Provenance, Scope
from serving_adapter.contract import ServingParameter
from tests.unit.tuner.scripted_bench import BATCH, CLOCK, METER
from tuner.configuration import OrderConstraint, Owner
from tuner.errors import BadInputError
from tuner.objective import Objective, Scenario, Slo
from tuner.study.planning import choose_meter, plan_space, plan_study
from tuner.study_record import MachineRecord, StudyRequest

MULTI = Scenario.MULTI_STREAM


def test_knobs_and_serving_parameters_become_dimensions_with_their_owners():
    kept = ServingParameter("serving.instances", "instances", "instances", (1, 2), persistent=True)
    space = plan_space((CLOCK,), (BATCH, kept), MULTI, Scope.BOARD)
    assert [(p.id, p.owner) for p in space.parameters] == [
        (CLOCK.id, Owner.KNOB),
        (BATCH.id, Owner.STUDY_ONLY),
        (kept.id, Owner.PERSISTENT),
    ]


def test_orders_between_knobs_become_constraints():
    low = replace(CLOCK, id="gpu.core.min_mhz", not_above=NotAbove(CLOCK.id))
    space = plan_space((CLOCK, low), (), MULTI, Scope.BOARD)
    assert space.constraints == (OrderConstraint(low.id, CLOCK.id),)
    assert space.size == 6


def test_a_dimension_without_a_choice_is_left_out_with_its_orders():
    low = replace(CLOCK, id="gpu.core.min_mhz", not_above=NotAbove(CLOCK.id))
    single = replace(CLOCK, values=(500,))
    assert plan_space((single, low), (), MULTI, Scope.BOARD).constraints == ()


def test_nothing_to_tune_is_one_clear_sentence():
    with pytest.raises(BadInputError, match="nothing to tune"):
        plan_space((replace(CLOCK, values=(500,)),), (), MULTI, Scope.BOARD)


def test_a_measured_joule_goes_before_an_estimated_one_of_a_wider_scope():
    estimate = replace(METER, id="estimate", provenance=Provenance.ESTIMATED, scope=Scope.WALL)
    rapl = replace(METER, id="rapl", provenance=Provenance.MEASURED, scope=Scope.CPU)
    assert choose_meter(InventoryRecord((), (estimate, rapl), ()), None).id == "rapl"
    assert choose_meter(InventoryRecord((), (estimate, rapl), ()), Scope.WALL).id == "estimate"


def test_a_scope_without_a_meter_names_what_there_is_and_why():
    absent = Absence("cpu.package.rapl", "the counter is readable by root only")
    with pytest.raises(BadInputError, match=r"'gpu'.*board.*readable by root"):
        choose_meter(InventoryRecord((), (METER,), (absent,)), Scope.GPU)


def test_a_planned_study_knows_its_meter_scope_and_provenance():
    study, meter = plan_study(
        "s",
        StudyRequest("w"),
        Objective(Scenario.OFFLINE, (Slo(90, 0.1),)),
        InventoryRecord((CLOCK,), (METER,), ()),
        (BATCH,),
        MachineRecord("scripted", Provenance.MEASURED),
        "2026-11-22T04:00:00+00:00",
    )
    assert meter == METER
    assert (study.objective.scope, study.machine.provenance) == (Scope.BOARD, Provenance.SIMULATED)
    assert study.machine.meters == (METER.id,)


def test_a_single_stream_knows_no_batches():
    assert [p.id for p in plan_space((CLOCK,), (BATCH,), Scenario.SINGLE_STREAM, Scope.BOARD).parameters] == [CLOCK.id]


@pytest.mark.parametrize(
    ("scenario", "explored"),
    [
        (Scenario.SINGLE_STREAM, {"threads", "instances"}),
        (Scenario.MULTI_STREAM, {"batch_size", "threads", "instances"}),
        (Scenario.OFFLINE, {"batch_size", "concurrency", "threads", "instances"}),
        (Scenario.SERVER, {"batch_size", "concurrency", "threads", "instances"}),
        (Scenario.LIVE, {"instances"}),
    ],
)
def test_what_a_scenario_does_not_generate_is_not_explored(scenario, explored):
    offered = (
        BATCH,
        ServingParameter("serving.concurrency", "requests", "instances", (1, 8)),
        ServingParameter("serving.threads", "threads", "threads", (1, 2)),
        ServingParameter("serving.instances", "instances", "instances", (1, 2), persistent=True),
    )
    space = plan_space((CLOCK,), offered, scenario, Scope.BOARD)
    assert {parameter.id.removeprefix("serving.") for parameter in space.parameters} == {CLOCK.id, *explored}


def test_a_knob_of_the_workloads_process_is_kept_by_nobody():
    cores = replace(CLOCK, id="workload.cpu.cores", device=WORKLOAD_DEVICE)
    assert plan_space((cores,), (), MULTI, Scope.BOARD).parameters[0].owner is Owner.PROCESS


def test_a_study_explores_what_usually_pays_unless_the_operator_says_otherwise():
    low = replace(CLOCK, id="gpu.core.min_mhz", explored=False)

    def explored(explore=None):
        return [p.id for p in plan_space((CLOCK, low), (), MULTI, Scope.BOARD, explore).parameters]

    assert explored() == [CLOCK.id]
    assert explored({low.id: True}) == [CLOCK.id, low.id]
    assert explored({CLOCK.id: False, low.id: True}) == [low.id]


def test_knobs_of_the_cpu_are_left_alone_where_joules_cover_the_gpu_only():
    governor = replace(CLOCK, id="cpu.core.max_mhz", device="cpu")
    assert [p.id for p in plan_space((CLOCK, governor), (), MULTI, Scope.GPU).parameters] == [CLOCK.id]
    assert len(plan_space((CLOCK, governor), (), MULTI, Scope.BOARD).parameters) == 2
    assert len(plan_space((CLOCK, governor), (), MULTI, Scope.GPU, {governor.id: True}).parameters) == 2
