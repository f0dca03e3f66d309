"""Whole studies against real servers, on this machine's real knobs, through the command that a person uses."""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving.household import ServingHouse, Tuned, affinity, described
from tests.serving.mlserver_process import INPUT, MODEL, MLServer, Network, mlserver
from tests.serving.transformers_process import transformers_server
from tuner.study_record import Study, StudyState
from tuner.trial import Purpose, RejectionCause

WIDTH = 512

pytestmark = [pytest.mark.serving, pytest.mark.timeout(600)]

KSERVE = """
name = "{name}"
adapter = "kserve"
{more}

[options]
url = "{url}"
model = "{model}"
{metrics}

[parameters]
{parameters}

[objective]
{objective}
"""

OPENAI = """
name = "chat"
adapter = "openai"

[options]
url = "{url}"
model = "{model}"
endpoint = "chat"
prompt = "Tell me a story."
max_tokens = 16

[parameters]
concurrency = [1, 2]

[objective]
scenario = "offline"
slo = ["p50 ttft <= 2 s", "p50 tpot <= 1 s"]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLServer]:
    with mlserver(tmp_path_factory.mktemp("mlserver"), Network(width=WIDTH, layers=8)) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ServingHouse]:
    made = ServingHouse(tmp_path / "house")
    yield made
    if made.process is not None:
        made.stop()


def kserve(name: str, url: str, parameters: str, objective: str, more: str = "", metrics: str = "") -> str:
    return KSERVE.format(
        name=name, url=url, model=MODEL, parameters=parameters, objective=objective, more=more, metrics=metrics
    )


def require_a_sound_study(tuned: Tuned) -> Study:
    study = tuned.study
    assert study is not None, tuned.said
    assert (tuned.status, study.state) == (0, StudyState.DONE), described(study)
    assert study.baseline is not None
    measured = [trial for trial in study.trials if trial.measurement is not None]
    assert len(measured) >= len(study.trials) - 1, described(study)
    assert all(trial.energy_j is not None and trial.energy_j > 0 for trial in study.trials)
    assert study.recommendation is not None
    return study


def require_fresh_looks(study: Study) -> None:
    assert {Purpose.CONFIRMATION, Purpose.REFERENCE} <= {trial.purpose for trial in study.trials}


def test_batches_over_http_back_to_back(house: ServingHouse, server: MLServer) -> None:
    before = affinity(server.pid)
    house.add_workload(
        "http", kserve("http", server.http_url, "batch_size = [1, 8]", 'scenario = "multi-stream"\nslo = "p50 <= 1 s"')
    )
    house.start()
    study = require_a_sound_study(house.tune("http"))
    require_fresh_looks(study)
    assert {parameter.id for parameter in study.space.parameters} >= {"serving.batch_size", "workload.cpu.cores"}
    assert affinity(server.pid) == before


def test_requests_over_grpc_at_a_rate_of_their_own(house: ServingHouse, server: MLServer) -> None:
    objective = 'scenario = "server"\narrival_rate_hz = 40\nslo = "p50 <= 500 ms"'
    house.add_workload(
        "grpc",
        kserve("grpc", server.grpc_url, "batch_size = [1, 4]\nconcurrency = [4]", objective, "batch_wait_s = 0.02"),
    )
    house.start()
    study = require_a_sound_study(house.tune("grpc"))
    assert study.baseline is not None
    assert study.baseline.measurement is not None
    assert study.baseline.measurement.throughput_hz == pytest.approx(40, rel=0.35)
    assert study.baseline.measurement.idle_share is not None
    assert study.baseline.measurement.idle_share > 0.05


def test_a_language_model_is_judged_by_its_tokens(house: ServingHouse, tmp_path: Path) -> None:
    with transformers_server(tmp_path / "server") as server:
        before = affinity(server.pid)
        house.add_workload("chat", OPENAI.format(url=server.url, model=server.model))
        house.start()
        study = require_a_sound_study(house.tune("chat"))
        assert affinity(server.pid) == before
    for trial in study.trials:
        if trial.measurement is None:
            continue
        tokens, energy = trial.measurement.tokens, trial.measurement.energy
        assert tokens is not None
        assert tokens.tokens == 16 * trial.measurement.requests
        assert energy.per_token_j == pytest.approx(energy.per_request_j / 16)
        assert trial.measurement.slo_latency_s == tokens.ttft.p50_s


@contextmanager
def real_traffic(url: str, rate_hz: float = 40.0) -> Iterator[None]:
    """Somebody else uses the server all the time, and sends nothing more once it is over."""
    ended = threading.Event()
    body = json.dumps(
        {"inputs": [{"name": INPUT, "datatype": "FP32", "shape": [1, WIDTH], "data": [0.5] * WIDTH}]}
    ).encode()

    def send() -> None:
        while not ended.wait(1.0 / rate_hz):
            request = urllib.request.Request(
                f"{url}/v2/models/{MODEL}/infer", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=10.0) as answer:
                answer.read()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_real_traffic_is_tuned_without_a_request_of_our_own(house: ServingHouse, server: MLServer) -> None:
    before = affinity(server.pid)
    house.add_workload(
        "live",
        kserve(
            "live",
            server.http_url,
            "batch_size = [1, 8]",
            'scenario = "live"\nslo = "p50 <= 100 ms"',
            metrics=f'metrics_url = "{server.metrics_url}"',
        ),
    )
    house.start()
    with real_traffic(server.http_url):
        study = require_a_sound_study(house.tune("live"))
    assert [parameter.id for parameter in study.space.parameters] == ["workload.cpu.cores"]
    assert study.baseline is not None
    assert study.baseline.measurement is not None
    assert study.baseline.measurement.throughput_hz == pytest.approx(35, rel=0.3)
    assert study.baseline.measurement.latency.p50_s < 0.1
    assert affinity(server.pid) == before


def test_a_server_that_is_not_there_is_one_sentence_and_no_study(house: ServingHouse) -> None:
    house.add_workload(
        "gone", kserve("gone", "http://127.0.0.1:9", "", 'scenario = "single-stream"\nslo = "p50 <= 1 s"')
    )
    house.start()
    tuned = house.tune("gone")
    assert tuned.study is None
    assert tuned.status in (1, 2)
    assert len(tuned.said.strip().splitlines()) == 1
    assert "127.0.0.1:9" in tuned.said


def wait_for_trials(house: ServingHouse, number: int) -> Study:
    deadline_s = time.monotonic() + 120
    with house.client() as client:
        while time.monotonic() < deadline_s:
            listed = client.list_studies()
            if listed and len(study := client.get_study(listed[0].id).trials) >= number:
                return client.get_study(listed[0].id)
            time.sleep(0.1)
    raise AssertionError(f"no {number} trials within two minutes: {study if listed else 'no study'}")


@contextmanager
def in_mid_study(house: ServingHouse, name: str, url: str) -> Iterator[list[Tuned]]:
    """Enters the block once a study has made a trial; the list holds the study's end once the block is left."""
    house.add_workload(name, kserve(name, url, "batch_size = [1, 8]", 'scenario = "multi-stream"\nslo = "p50 <= 1 s"'))
    house.start()
    with house.tuning(name) as ended:
        wait_for_trials(house, 1)
        yield ended


def test_a_server_that_is_started_again_in_mid_study_is_gone_on_with(house: ServingHouse, tmp_path: Path) -> None:
    with mlserver(tmp_path / "mlserver") as server:
        with in_mid_study(house, "flapping", server.http_url) as ended:
            server.kill()
            server.restart()
        [tuned] = ended
        study = tuned.study
        assert study is not None
        assert (tuned.status, study.state) == (0, StudyState.DONE), described(study)
        lost = [trial for trial in study.trials if trial.rejection is not None]
        assert {trial.rejection.cause for trial in lost if trial.rejection} <= {
            RejectionCause.PROCESS_LOST,
            RejectionCause.ERRORS,
            RejectionCause.WORKLOAD,
        }
        assert affinity(server.pid) == os.sched_getaffinity(0)


def test_a_server_that_is_gone_for_good_ends_the_study_with_the_reason(house: ServingHouse, tmp_path: Path) -> None:
    with mlserver(tmp_path / "mlserver") as server:
        with in_mid_study(house, "dying", server.http_url) as ended:
            server.kill()
        [tuned] = ended
        assert tuned.study is not None
        assert (tuned.status, tuned.study.state) == (1, StudyState.FAILED), described(tuned.study)
        assert "127.0.0.1" in tuned.study.reason
        with house.client() as client:
            assert client.status().trial == {}
