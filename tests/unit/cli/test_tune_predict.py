"""``wattune tune --dry-run --predict``: a front from figures alone, marked as what it is."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from knobs.contract import Provenance, Scope
from tuner.cli.main import main
from tuner.forecast_file import BatchForecast, ForecastFile
from tuner.record_file import write_record

FILE = ForecastFile(
    "some-network",
    Scope.BOARD,
    Provenance.MEASURED,
    tuple(BatchForecast(size, 0.004 + 0.006 * size, 0.2 + 0.3 / size, 0.1, 0.1) for size in (1, 2, 4)),
)
SMALL_ORIN = """
device = "virtual:agx-orin-paper"
[knobs."gpu.core.min_mhz"]
explore = false
"""
WORKLOAD = """
name = "net"
adapter = "{adapter}"
[options]
factory = "nowhere:nothing"
[parameters]
batch_size = [1, 2, 4]
threads = [1]
[objective]
scenario = "{scenario}"
slo = "p90 <= 20 ms"
{more}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "workloads.d").mkdir()
    (tmp_path / "wattune.toml").write_text(SMALL_ORIN)
    write_record(tmp_path / "forecasts.json", FILE)
    write_workload(tmp_path)
    return tmp_path


def write_workload(place: Path, adapter: str = "torch_module", scenario: str = "multi-stream", more: str = "") -> None:
    text = WORKLOAD.format(adapter=adapter, scenario=scenario, more=more)
    (place / "workloads.d" / "net.toml").write_text(text)


def predict(place: Path, *more: str, forecasts: bool = True) -> int:
    named = ("--forecasts", str(place / "forecasts.json")) if forecasts else ()
    config = ("--config", str(place / "wattune.toml"), "--runtime-dir", str(place / "run"))
    return main(["tune", "net", "--predict", *config, *named, *more])


def predicted(place: Path, capsys: pytest.CaptureFixture[str], *more: str) -> Any:
    assert predict(place, "--dry-run", "--json", *more) == 0
    return json.loads(capsys.readouterr().out)


class TestFront:
    def test_it_is_marked_and_every_figure_has_its_interval(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        found = predicted(place, capsys)
        assert (found["provenance"], found["learned_from"], found["scope"]) == ("estimated", "measured", "board")
        assert found["model"] == "some-network"
        for one in (*found["front"], found["baseline"], found["recommended"]):
            assert one["latency_interval"]["low"] < one["latency_s"] < one["latency_interval"]["high"]
            assert one["energy_interval"]["low"] < one["energy_per_request_j"] < one["energy_interval"]["high"]

    def test_it_trades_latency_for_energy_over_knobs_and_batch(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        front = predicted(place, capsys)["front"]
        for before, after in pairwise(front):
            assert before["latency_s"] < after["latency_s"]
            assert before["energy_per_request_j"] > after["energy_per_request_j"]
        assert len({one["configuration"]["serving.batch_size"] for one in front}) > 1
        assert len({one["configuration"]["gpu.core.max_mhz"] for one in front}) > 1

    def test_what_is_recommended_saves_energy_within_the_slo(
        self, place: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        found = predicted(place, capsys)
        assert found["recommended"]["energy_per_request_j"] < found["baseline"]["energy_per_request_j"]
        assert found["recommended"]["latency_s"] <= 0.02
        tight = predicted(place, capsys, "--slo", "p90 <= 12 ms")
        assert tight["recommended"]["latency_s"] <= 0.012

    def test_a_person_reads_that_nothing_was_measured(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert predict(place, "--dry-run") == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "nothing was measured" in shown
        assert "Joules are estimated, board" in shown
        assert "as it is" in shown

    def test_the_workload_may_name_its_forecasts(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        text = (place / "workloads.d" / "net.toml").read_text()
        (place / "workloads.d" / "net.toml").write_text(f'forecasts = "{place / "forecasts.json"}"\n{text}')
        assert predict(place, "--dry-run", forecasts=False) == 0


class TestRefusals:
    def refused(self, place: Path, capsys: pytest.CaptureFixture[str], *more: str, forecasts: bool = True) -> str:
        assert predict(place, *more, forecasts=forecasts) == 2
        said = capsys.readouterr()
        assert not said.out
        assert said.err.count("\n") == 1
        return said.err

    def test_without_dry_run(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "--dry-run" in self.refused(place, capsys)

    def test_without_forecasts(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "names no forecasts" in self.refused(place, capsys, "--dry-run", forecasts=False)

    def test_with_a_report(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "no trials" in self.refused(place, capsys, "--dry-run", "--report", str(place / "report"))
        assert not (place / "report").exists()

    def test_requests_that_come_at_a_rate(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_workload(place, scenario="server", more="arrival_rate_hz = 5.0")
        assert "between queries" in self.refused(place, capsys, "--dry-run")

    def test_an_adapter_that_shows_nothing(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_workload(place, adapter="command")
        assert "torch_module" in self.refused(place, capsys, "--dry-run")

    def test_a_workload_that_is_not_there(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (place / "workloads.d" / "net.toml").unlink()
        assert "net" in self.refused(place, capsys, "--dry-run")
