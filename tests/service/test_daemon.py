"""The main job over gRPC, and what a person may ask for besides."""

from __future__ import annotations

import dataclasses
import stat

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from knobs.contract import Provenance
from tests.service.daemon_process import House, finished, is_trial, wait_until, watch_until
from tuner.client import Client
from tuner.errors import BadInputError, BusyError, InfeasibleError, NotFoundError
from tuner.study_record import StudyRequest, StudyState
from tuner.trial import Purpose

REQUEST = StudyRequest("classifier")
SHORT_REQUEST = dataclasses.replace(REQUEST, max_trials=3)
LONG_REQUEST = dataclasses.replace(REQUEST, max_trials=60)


def test_a_dry_run_study_recommends_and_leaves_the_machine_as_it_was(house: House, client: Client) -> None:
    before = house.knob_values()
    study_id = client.start_study(REQUEST)
    events = list(client.watch(study_id))
    study = client.get_study(study_id)

    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    assert sequences[0] > 0
    assert [event.trial for event in events if event.trial] == list(study.trials)
    assert [event.state.is_final for event in events] == [False] * (len(events) - 1) + [True]
    assert study.state is StudyState.DONE
    assert study.trials[0].purpose is Purpose.BASELINE
    assert study.recommendation is not None
    assert study.recommendation.comparison is not None
    assert study.recommendation.comparison.saving > 0
    assert "serving.batch_size" in study.recommendation.study_only
    assert study.machine.provenance is Provenance.SIMULATED
    assert study.duration_s > 0

    searched = {parameter.id for parameter in study.space.parameters if len(parameter.choices) > 1}
    assert {effect.parameter for effect in study.effects} == searched
    for effect in study.effects:
        assert study.trials[effect.through].is_feasible
        ratios = (*effect.latency_ratios, *effect.energy_ratios)
        assert all(0 < ratio.interval.low <= ratio.median <= ratio.interval.high for ratio in ratios)

    front = client.pareto_front(study_id)
    assert front
    assert all(trial in study.trials for trial in front)
    assert [(listed.id, listed.effects) for listed in client.list_studies()] == [(study_id, ())]
    assert house.knob_values() == before
    assert client.status().running_study is None
    # A finished study can still be watched, with the same numbers.
    assert [event for event in client.watch(study_id) if event.trial] == [event for event in events if event.trial]


def test_a_study_that_is_no_dry_run_is_applied_and_confirmed(house: House, client: Client) -> None:
    study = finished(client, client.start_study(dataclasses.replace(REQUEST, dry_run=False)))
    assert study.recommendation is not None
    wanted = {name: study.recommendation.configuration[name] for name in study.recommendation.applicable}
    assert study.reason.endswith("The recommendation is applied and confirmed.")
    assert client.status().confirmed == wanted
    assert client.verify().mismatches == ()
    assert house.knob_values().items() >= wanted.items()


def test_values_are_tried_confirmed_verified_and_restored(house: House, client: Client) -> None:
    before = house.knob_values()
    applied = client.apply_values({"gpu.core.max_mhz": 918, "serving.batch_size": 4}, hold_s=100)
    assert dict(applied.applied) == {"gpu.core.max_mhz": 918}
    assert applied.study_only == ("serving.batch_size",)
    assert house.knob_values()["gpu.core.max_mhz"] == 918
    assert dict(client.status().trial) == {"gpu.core.max_mhz": 918}
    with pytest.raises(BusyError, match="values are being tried; confirm or restore them first"):
        client.start_study(REQUEST)

    assert dict(client.confirm()) == {"gpu.core.max_mhz": 918}
    assert dict(client.status().trial) == {}
    verification = client.verify()
    assert (dict(verification.confirmed), verification.mismatches) == ({"gpu.core.max_mhz": 918}, ())

    assert client.restore().failed == ()
    assert house.knob_values()["gpu.core.max_mhz"] == 918
    client.restore(confirmed=True)
    assert house.knob_values() == before
    assert dict(client.status().confirmed) == {}


def test_what_nobody_confirms_is_taken_back_after_its_time(house: House, client: Client) -> None:
    before = house.knob_values()
    client.apply_values({"gpu.core.max_mhz": 918}, hold_s=0.5)
    wait_until(lambda: house.knob_values() == before, "the value is taken back")
    with pytest.raises(BadInputError, match="nothing to confirm"):
        client.confirm()


def test_what_a_study_recommends_can_be_applied_by_its_name(house: House, client: Client) -> None:
    study = finished(client, client.start_study(REQUEST))
    applied = client.apply_study(study.id, hold_s=100)
    assert study.recommendation is not None
    assert dict(applied.applied) == dict(study.recommendation.applicable)
    assert applied.study_only == study.recommendation.study_only
    assert house.knob_values().items() >= applied.applied.items()


def test_an_infeasible_study_shows_the_closest_and_applies_nothing(house: House, client: Client) -> None:
    before = house.knob_values()
    study = finished(
        client, client.start_study(dataclasses.replace(SHORT_REQUEST, slos=("p90 <= 1 us",), dry_run=False))
    )
    assert study.state is StudyState.INFEASIBLE
    assert "the closest is trial" in study.reason
    assert house.knob_values() == before
    with pytest.raises(InfeasibleError, match="recommends nothing"):
        client.apply_study(study.id, hold_s=100)


def test_one_study_at_a_time_and_a_cancelled_one_leaves_nothing(house: House, client: Client) -> None:
    before = house.knob_values()
    request = dataclasses.replace(LONG_REQUEST, idempotency_key="once")
    study_id = client.start_study(request)
    assert client.start_study(request) == study_id
    watch_until(client.watch(study_id), is_trial(1))
    assert client.status().running_study == study_id
    assert client.status().phase
    for refused in (
        lambda: client.start_study(REQUEST),
        lambda: client.apply_values({"gpu.core.max_mhz": 918}, hold_s=10),
        client.restore,
    ):
        with pytest.raises(BusyError, match=f"study {study_id} runs; wait until it ends, or cancel it"):
            refused()
    assert client.inventory().record.knobs

    client.cancel_study(study_id)
    assert house.knob_values() == before
    study = client.get_study(study_id)
    assert (study.state, study.reason) == (StudyState.CANCELLED, "Cancelled by the operator.")
    assert next(iter(client.watch(study_id, after_sequence=10**9)), None) is None
    with pytest.raises(BadInputError, match="has ended already"):
        client.cancel_study(study_id)
    assert client.start_study(request) == study_id
    assert len(client.list_studies()) == 1


def test_a_retune_starts_from_the_earlier_study(client: Client) -> None:
    parent = finished(client, client.start_study(dataclasses.replace(SHORT_REQUEST, slos=("p90 <= 90 ms",))))
    child = finished(client, client.retune(parent.id, max_trials=3))
    assert child.request.parent == parent.id
    assert child.objective == parent.objective
    assert child.request.max_trials == 3
    assert child.state is StudyState.DONE


def test_the_inventory_shows_knobs_with_their_values_and_meters(house: House, client: Client) -> None:
    inventory = client.inventory()
    assert inventory.current == house.knob_values()
    assert {knob.provenance for knob in inventory.record.knobs} == {Provenance.SIMULATED}
    assert inventory.record.meters


def test_bad_requests_get_one_sentence_and_store_nothing(house: House, client: Client) -> None:
    house_before = house.knob_values()
    refused = {
        "There is no workload 'bert'; the configuration defines: classifier": lambda: client.start_study(
            StudyRequest("bert")
        ),
        "is not a bound on a latency percentile": lambda: client.start_study(
            StudyRequest("classifier", slos=("energy <= 1 J",))
        ),
        "at least 2 trials": lambda: client.start_study(StudyRequest("classifier", max_trials=1)),
        "duration above zero": lambda: client.start_study(StudyRequest("classifier", max_duration_s=0.0)),
        "There is no study 'a-1'": lambda: client.get_study("a-1"),
        "There is no study 'a-2'": lambda: client.cancel_study("a-2"),
        "There is no study 'a-3'": lambda: list(client.watch("a-3")),
        "There is no study 'a-4'": lambda: client.pareto_front("a-4"),
        "There is no study 'a-5'": lambda: client.retune("a-5"),
        "There is no study 'a-6'": lambda: client.apply_study("a-6", hold_s=10),
        "There is no study 'a-7'": lambda: client.start_study(StudyRequest("classifier", parent="a-7")),
        "none of these is a knob of this machine: gpu.colour": lambda: client.apply_values({"gpu.colour": 1}, 10),
        "gpu.core.max_mhz cannot be 7": lambda: client.apply_values({"gpu.core.max_mhz": 7}, 10),
        "cannot be tried for 0 s": lambda: client.apply_values({"gpu.core.max_mhz": 918}, 0),
        "cannot be tried for nan s": lambda: client.apply_values({"gpu.core.max_mhz": 918}, float("nan")),
        "There is nothing to confirm": client.confirm,
    }
    for sentence, call in refused.items():
        with pytest.raises(BadInputError) as caught:
            call()
        assert sentence in str(caught.value)
        assert isinstance(caught.value, NotFoundError) == ("There is no " in sentence)
    assert client.list_studies() == ()
    assert house.knob_values() == house_before


def test_a_workload_that_does_not_load_is_one_sentence(house: House) -> None:
    house.add_workload(
        "broken", 'name = "broken"\nadapter = "virtual"\n[options]\nprofile = "none"\n[objective]\nslo = "p90 <= 1 s"'
    )
    house.add_workload("absent", 'name = "absent"\nadapter = "other"\n[objective]\nslo = "p90 <= 1 s"')
    house.start()
    with house.client() as client:
        with pytest.raises(Exception, match="none"):
            client.start_study(StudyRequest("broken"))
        with pytest.raises(BadInputError, match="names the adapter 'other'"):
            client.start_study(StudyRequest("absent"))
        assert client.list_studies() == ()
        # Neither of the two keeps the device.
        assert finished(client, client.start_study(SHORT_REQUEST)).state is StudyState.DONE


def test_the_reading_socket_refuses_to_change_anything(house: House, client: Client) -> None:
    with house.client("read.sock") as reader:
        assert reader.status().device == client.status().device
        assert reader.list_studies() == ()
        for refused in (
            lambda: reader.start_study(REQUEST),
            lambda: reader.retune("a"),
            lambda: reader.cancel_study("a"),
            lambda: reader.apply_values({"gpu.core.max_mhz": 918}, 10),
            reader.confirm,
            reader.restore,
        ):
            with pytest.raises(BadInputError, match=r"use control\.sock"):
                refused()


@pytest.mark.parametrize("socket", ["control.sock", "read.sock"])
def test_health_and_reflection_name_the_services(house: House, client: Client, socket: str) -> None:
    path = house.runtime_dir / socket
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    expected = {"wattune.v1.ReadService"} | ({"wattune.v1.ControlService"} if socket == "control.sock" else set())
    with grpc.insecure_channel(f"unix:{path}") as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", *expected):
            answer = health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answers = list(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request])))
        named = {service.name for service in answers[0].list_services_response.service}
    assert {name for name in named if name.startswith("wattune.")} == expected
