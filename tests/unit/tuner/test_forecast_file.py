"""Forecasts in a file: numbers that predictions write and studies read."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import Provenance, Scope
from tuner.configuration import Configuration, ConfigurationSpace, Owner, Parameter, ParameterKind
from tuner.errors import BadInputError, WattuneError
from tuner.forecast_file import (
    BatchForecast,
    ForecastFile,
    check_forecastable,
    read_forecast_file,
)
from tuner.objective import Objective, Scenario, Slo
from tuner.record_file import write_record

CLOCK = Parameter("gpu.core.max_mhz", "MHz", ParameterKind.CLOCK, (300, 600, 900), Owner.KNOB)
BATCH = Parameter("serving.batch_size", "items", ParameterKind.BATCH, (1, 4), Owner.STUDY_ONLY)
FILE = ForecastFile(
    "minilm",
    Scope.BOARD,
    Provenance.ESTIMATED,
    (BatchForecast(1, 0.01, 0.5, 0.1, 0.2), BatchForecast(4, 0.03, 0.3, 0.1, 0.2)),
)


class TestPlaces:
    def test_each_batch_is_tried_with_everything_else_as_it_is(self) -> None:
        baseline = Configuration({"gpu.core.max_mhz": 900, "serving.batch_size": 1, "other": 7})
        forecasts = FILE.at(baseline, ConfigurationSpace((CLOCK, BATCH)))
        assert [dict(one.configuration) for one in forecasts] == [
            {"gpu.core.max_mhz": 900, "serving.batch_size": 1},
            {"gpu.core.max_mhz": 900, "serving.batch_size": 4},
        ]
        assert [one.throughput_hz for one in forecasts] == pytest.approx([100.0, 4 / 0.03])
        assert [one.energy_per_request_j for one in forecasts] == [0.5, 0.3]

    def test_without_a_batch_to_choose_only_that_of_one_request_is_meant(self) -> None:
        forecasts = FILE.at(Configuration({"gpu.core.max_mhz": 600}), ConfigurationSpace((CLOCK,)))
        assert [(dict(one.configuration), one.latency_s) for one in forecasts] == [({"gpu.core.max_mhz": 600}, 0.01)]


class TestFile:
    @given(
        st.lists(st.integers(1, 4096), min_size=1, unique=True),
        st.floats(1e-9, 1e6),
        st.floats(1e-9, 1e6),
        st.floats(1e-6, 10.0),
    )
    def test_what_was_written_is_read(self, sizes: list[int], latency_s: float, energy_j: float, sd: float) -> None:
        file = replace(FILE, batches=tuple(BatchForecast(size, latency_s, energy_j, sd, sd) for size in sizes))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "forecasts.json"
            write_record(path, file)
            assert read_forecast_file(path) == file

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"batches": []}, "no forecast"),
            ({"batches": [{"batch_size": 1}]}, "wattune predict forecasts"),
            ({"scope": "moon"}, "wattune predict forecasts"),
        ],
    )
    def test_a_file_that_is_wrong_is_one_sentence(self, tmp_path: Path, change: dict[str, Any], words: str) -> None:
        path = tmp_path / "forecasts.json"
        write_record(path, FILE)
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        with pytest.raises(BadInputError, match=words):
            read_forecast_file(path)

    @pytest.mark.parametrize("field", ["latency_s", "energy_per_request_j", "latency_sd", "energy_sd", "batch_size"])
    def test_no_figure_may_be_zero(self, tmp_path: Path, field: str) -> None:
        path = tmp_path / "forecasts.json"
        write_record(path, replace(FILE, batches=(replace(FILE.batches[0], **{field: 0}),)))
        with pytest.raises(BadInputError, match="above zero"):
            read_forecast_file(path)

    def test_a_batch_size_may_not_stand_there_twice(self, tmp_path: Path) -> None:
        path = tmp_path / "forecasts.json"
        write_record(path, replace(FILE, batches=FILE.batches[:1] * 2))
        with pytest.raises(BadInputError, match="twice"):
            read_forecast_file(path)

    def test_a_file_that_is_not_there_and_one_that_is_cut(self, tmp_path: Path) -> None:
        path = tmp_path / "forecasts.json"
        with pytest.raises(BadInputError, match="No such file"):
            read_forecast_file(path)
        write_record(path, FILE)
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(BadInputError, match=str(path)):
            read_forecast_file(path)

    def test_what_cannot_be_written_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(WattuneError, match="cannot be written"):
            write_record(tmp_path, FILE)


@pytest.mark.parametrize("scenario", list(Scenario))
def test_idle_time_between_requests_cannot_be_forecast(scenario: Scenario) -> None:
    rate_hz = 5.0 if scenario is Scenario.SERVER else None
    objective = Objective(scenario, (Slo(99.0, 0.1),), arrival_rate_hz=rate_hz)
    if scenario in (Scenario.SERVER, Scenario.LIVE):
        with pytest.raises(BadInputError, match="between queries"):
            check_forecastable(objective, "Forecasts")
    else:
        check_forecastable(objective, "Forecasts")
