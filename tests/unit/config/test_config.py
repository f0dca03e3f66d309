from __future__ import annotations

import sys
from pathlib import Path

import pytest

from knobs.contract import Scope
from tuner.config import load_config
from tuner.errors import BadInputError, NotFoundError
from tuner.objective import Scenario, Slo

WORKLOAD = """
name = "minilm"
adapter = "torch_module"

[objective]
slo = "p90 <= 300 ms"
"""


def write(folder: Path, config: str = "", **workloads: str) -> Path:
    path = folder / "wattune.toml"
    path.write_text(config)
    (folder / "workloads.d").mkdir(exist_ok=True)
    for name, text in workloads.items():
        (folder / "workloads.d" / f"{name}.toml").write_text(text)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        load_config(path)
    return str(caught.value)


def test_an_empty_file_takes_every_default(tmp_path: Path) -> None:
    config = load_config(write(tmp_path))
    assert config.device == "local"
    assert config.on_stop == "restore"
    assert config.study.max_trials == 16
    assert config.study.max_duration_s == 1800.0
    assert config.estimate.static_w[0] <= config.estimate.static_w[2]
    assert config.knobs == {}
    assert config.workloads == {}


def test_a_full_configuration_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        device = "virtual:agx-orin"
        on_stop = "keep"
        [sockets]
        group = "wattune"
        [knobs."workload.cpu.cores"]
        allowed = [1, 2]
        [knobs."gpu.core.max_mhz"]
        enabled = false
        [study]
        max_trials = 8
        [measurement]
        window_s = 5
        [estimate]
        cpu_core_w = [1, 2.5, 4]
        """,
        classifier="""
        name = "classifier"
        adapter = "virtual"
        interpreter = "/usr/bin/python3"
        [options]
        profile = "efficientnet-b0"
        [parameters]
        batch_size = [1, 2, 4]
        [environment]
        OMP_NUM_THREADS = "2"
        [objective]
        scenario = "server"
        slo = ["p90 <= 300 ms", "p99 <= 1 s"]
        scope = "board"
        arrival_rate_hz = 10
        peak_rate_hz = 20
        """,
    )
    config = load_config(path)
    assert config.is_simulated
    assert config.sockets.group == "wattune"
    assert config.knobs["workload.cpu.cores"].allowed == (1, 2)
    assert not config.knobs["gpu.core.max_mhz"].enabled
    assert config.study.max_trials == 8
    assert config.estimate.coefficients.cpu_core_w == (1, 2.5, 4)
    workload = config.workload("classifier")
    assert workload.interpreter == "/usr/bin/python3"
    assert workload.options == {"profile": "efficientnet-b0"}
    assert workload.parameters == {"batch_size": [1, 2, 4]}
    objective = workload.objective.resolve()
    assert objective.scenario is Scenario.SERVER
    assert objective.scope is Scope.BOARD
    assert objective.slos == (Slo(90, 0.3), Slo(99, 1.0))
    assert (objective.arrival_rate_hz, objective.peak_rate_hz) == (10, 20)


def test_a_workload_may_state_several_rates_and_how_often_each_is_served(tmp_path: Path) -> None:
    rates = "scenario = 'server'\narrival_rates_hz = [20, 60, 120]\nrate_shares = [0.5, 0.3, 0.2]\n"
    objective = load_config(write(tmp_path, a=WORKLOAD + rates)).workload("minilm").objective.resolve()
    assert (objective.arrival_rate_hz, objective.arrival_rates_hz) == (None, (20, 60, 120))
    assert objective.rate_shares == (0.5, 0.3, 0.2)


def test_the_search_is_set_as_the_operator_wants_it(tmp_path: Path) -> None:
    text = "[study]\nhysteresis = 0.2\nhorizon_hours = 8\nmin_feasibility = 0.8\nmax_steps = 1\nlearn_from = 'device'"
    settings = load_config(write(tmp_path, text)).study
    assert (settings.hysteresis, settings.horizon_hours) == (0.2, 8)
    assert (settings.min_feasibility, settings.max_steps, settings.learn_from) == (0.8, 1, "device")


def test_slos_of_a_request_override_those_of_the_file(tmp_path: Path) -> None:
    workload = load_config(write(tmp_path, a=WORKLOAD)).workload("minilm")
    assert workload.objective.resolve().slos == (Slo(90, 0.3),)
    assert workload.objective.resolve(("p99 <= 1 s",)).slos == (Slo(99, 1.0),)
    assert workload.interpreter == sys.executable


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        ("[study]\nmax_trials = 'x'", "study.max_trials", "expected 'int', got 'str'"),
        ("[study]\nmax_trials = 1", "study", "'max_trials' must be at least 2"),
        ("[study]\nconfirmation_rounds = 1", "study", "'confirmation_rounds' must be at least 2"),
        ("[study]\nmax_duration_s = 0", "study", "'max_duration_s' must be above zero"),
        ("[study]\nbudget = 1", "study", "there is no key 'budget'"),
        ("[study]\nhysteresis = 1.0", "study", "'hysteresis' must be at least 0 and below 1"),
        ("[study]\nhorizon_hours = 0", "study", "'horizon_hours' must be a time above zero"),
        ("[study]\nhorizon_hours = inf", "study", "'horizon_hours' must be a time above zero"),
        ("[study]\nmin_feasibility = 1", "study", "'min_feasibility' must be a probability"),
        ("[study]\nmax_steps = 0", "study", "'max_steps' must be at least 1"),
        ("[study]\nlearn_from = 'all'", "study.learn_from", "invalid enum value 'all'"),
        ("[measurement]\nwindow_s = 1\nmin_window_s = 2", "measurement", "not above 'window_s'"),
        ("[estimate]\nstatic_w = [3, 2, 1]", "estimate", "'static_w' must be [low, nominal, high]"),
        ("[estimate]\nstatic_w = [1]", "estimate.static_w", "length 3"),
        ('[knobs."gpu.core"]\nallowed = 1', 'knobs."gpu.core".allowed', "got 'int'"),
        ('[knobs."gpu.core"]\nalow = [1]', 'knobs."gpu.core"', "there is no key 'alow'"),
        ('[knobs."gpu.core"]\nallowed = [true]', 'knobs."gpu.core".allowed[0]', "got 'bool'"),
        ("knobs = 1", "knobs", "write a section"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_file(tmp_path: Path, text: str, key: str, what: str) -> None:
    path = write(tmp_path, text)
    sentence = complaint(path)
    assert sentence.startswith(f"{path} is wrong at '{key}': ")
    assert what in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("devices = 'local'", "there is no key 'devices'"),
        ("device = 'gpu'", "'device' must be 'local' or 'virtual:NAME', not 'gpu'"),
        ("on_stop = 'stay'", "'on_stop' must be 'restore' or 'keep', not 'stay'"),
        ("[workloads.a]\nname = 'a'", "each workload has its own file"),
        ("device = ", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, what: str) -> None:
    path = write(tmp_path, text)
    sentence = complaint(path)
    assert sentence.startswith(f"{path} ")
    assert what in sentence


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("adapter = 'virtual'", "the key 'name' is missing"),
        ("name = 'a'", "the key 'adapter' is missing"),
        ("name = 'Mini LM'\nadapter = 'virtual'", "small letters, digits and hyphens"),
        ("name = '../a'\nadapter = 'virtual'", "small letters, digits and hyphens"),
        (WORKLOAD.replace("p90 <= 300 ms", "energy <= 3 J"), "is not a bound on a latency percentile"),
        ("name = 'a'\nadapter = 'virtual'", "has no SLO"),
        (WORKLOAD + "scenario = 'flood'", "at 'objective.scenario': invalid enum value 'flood'"),
        (WORKLOAD + "scenario = 'server'", "needs an arrival rate"),
        (WORKLOAD + "arrival_rate_hz = 3", "takes no arrival rate"),
        (WORKLOAD + "arrival_rates_hz = [3, 5]", "takes no arrival rate"),
        (WORKLOAD + "scenario = 'server'\narrival_rates_hz = [5, 3]", "ascending and distinct"),
        (WORKLOAD + "scenario = 'server'\narrival_rates_hz = [3, 5]\narrival_rate_hz = 3", "not both"),
        (WORKLOAD + "scenario = 'server'\narrival_rates_hz = [3, 5]\nrate_shares = [1]", "as many rate shares"),
        (WORKLOAD + "scenario = 'server'\narrival_rates_hz = 3", "at 'objective.arrival_rates_hz'"),
        ("open_timeout_s = 0\n" + WORKLOAD, "'open_timeout_s' must be a time above zero"),
        ("open_timeout_s = inf\n" + WORKLOAD, "'open_timeout_s' must be a time above zero"),
    ],
)
def test_a_wrong_workload_is_named_with_its_file(tmp_path: Path, text: str, what: str) -> None:
    sentence = complaint(write(tmp_path, a=text))
    assert sentence.startswith(str(tmp_path / "workloads.d" / "a.toml"))
    assert what in sentence


def test_two_files_may_not_define_one_workload(tmp_path: Path) -> None:
    sentence = complaint(write(tmp_path, a=WORKLOAD, b=WORKLOAD))
    assert sentence == f"{tmp_path / 'workloads.d' / 'b.toml'} defines the workload 'minilm' a second time."


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    sentence = complaint(tmp_path / "wattune.toml")
    assert sentence == f"The configuration {tmp_path / 'wattune.toml'} cannot be read: No such file or directory."


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(b"device = '\xff'")
    assert complaint(path) == f"{path} is not valid TOML: it is not encoded in UTF-8."


def test_an_unknown_workload_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, a=WORKLOAD))
    with pytest.raises(NotFoundError, match="There is no workload 'bert'; the configuration defines: minilm"):
        config.workload("bert")
