"""The report as files: whole or not there."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.report.example_study import empty_study, estimated_study, infeasible_study, simulated_study
from tests.unit.report.served_studies import language_model_study, live_study
from tuner.errors import BadInputError
from tuner.report import writer
from tuner.report.writer import REPORT_FILES, write_report
from tuner.serialization import decode
from tuner.study_record import Study
from tuner.trial import Circumstances

_ROOT = Path(__file__).parents[3]


_STUDIES = [estimated_study, simulated_study, infeasible_study, empty_study, language_model_study, live_study]


@pytest.mark.parametrize("make_study", _STUDIES)
def test_every_study_has_a_whole_report(make_study, tmp_path: Path) -> None:
    write_report(make_study(), tmp_path / "report")
    assert {path.name for path in (tmp_path / "report").iterdir()} == set(REPORT_FILES)
    assert (tmp_path / "report" / "pareto.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("make_study", _STUDIES)
def test_the_study_is_read_back_from_its_json(make_study, tmp_path: Path) -> None:
    write_report(make_study(), tmp_path)
    assert decode((tmp_path / "study.json").read_bytes(), Study) == make_study()


def test_nothing_is_left_of_a_report_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_study: Study) -> bytes:
        raise BadInputError("no picture today")

    monkeypatch.setattr(writer, "pareto_png", fail)
    with pytest.raises(BadInputError, match="no picture today"):
        write_report(estimated_study(), tmp_path / "report")
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(estimated_study(), tmp_path / "report")
    before = {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()}
    written: list[Path] = []
    write_bytes = Path.write_bytes

    def run_out_of_space(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", run_out_of_space)
    with pytest.raises(BadInputError, match="No space left on device"):
        write_report(infeasible_study(), tmp_path / "report")
    assert {path.name: path.read_bytes() for path in (tmp_path / "report").iterdir()} == before


def test_other_files_in_the_directory_stay(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("ten years of work")
    write_report(estimated_study(), tmp_path)
    write_report(simulated_study(), tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "ten years of work"
    assert {path.name for path in tmp_path.iterdir()} == {*REPORT_FILES, "thesis.tex"}


def test_a_new_report_can_be_read_by_others(tmp_path: Path) -> None:
    write_report(estimated_study(), tmp_path / "report")
    assert (tmp_path / "report").stat().st_mode & 0o055 == 0o055


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("not a directory")
    with pytest.raises(BadInputError, match=r"cannot be written to .*report: it is not a directory"):
        write_report(estimated_study(), tmp_path / "report")
    assert (tmp_path / "report").read_text() == "not a directory"


def test_the_drawing_libraries_are_imported_only_when_needed() -> None:
    program = (
        "import sys, tuner.report.writer, tuner.report.tables\n"
        "print(*({'plotly', 'matplotlib', 'numpy', 'torch'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=_ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


@pytest.mark.parametrize("library", ["plotly", "matplotlib"])
def test_a_missing_library_is_named_with_the_extra(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(BadInputError, match=rf"needs {library}.*'wattune\[report\]'"):
        write_report(estimated_study(), tmp_path / "report")
    assert not (tmp_path / "report").exists()


def _rows(study: Study, directory: Path) -> list[dict[str, str]]:
    write_report(study, directory)
    with (directory / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_csv_has_one_row_a_trial_and_units_in_its_columns(tmp_path: Path) -> None:
    study = estimated_study()
    rows = _rows(study, tmp_path)
    assert [int(row["trial"]) for row in rows] == [trial.number for trial in study.trials]
    baseline = study.trials[0].measurement
    assert baseline is not None
    assert float(rows[0]["energy_per_request_j"]) == baseline.energy.per_request_j
    assert float(rows[0]["p90_s"]) == baseline.latency.p90_s
    assert rows[0]["workload.cpu.quota_percent"] == "200"
    assert rows[0]["serving.batch_size_items"] == "1"


def test_every_measured_row_of_the_csv_names_provenance_and_scope(tmp_path: Path) -> None:
    rows = [row for row in _rows(estimated_study(), tmp_path) if row["verdict"] != "rejected"]
    assert {(row["provenance"], row["scope"]) for row in rows} == {("estimated", "cpu")}


def test_the_csv_tells_what_the_hardware_ran_at_and_who_else_used_it(tmp_path: Path) -> None:
    study = estimated_study()
    knob = study.space.parameters[0].id
    seen = Circumstances(
        delivered={knob: 1.5},
        temperatures_c={"cpu": 61.0, "gpu": 72.5},
        power_capped_share=0.25,
        foreign=("process 77 (blender) on gpu",),
        background_cores=0.75,
    )
    first, *others = study.trials
    assert first.measurement is not None
    shared = replace(first, measurement=replace(first.measurement, circumstances=seen))
    row, other, *_ = _rows(replace(study, trials=(shared, *others)), tmp_path)
    (delivered,) = [name for name in row if name.startswith("delivered_")]
    assert (row[delivered], other[delivered]) == ("1.5", "")
    assert (row["highest_temperature_c"], row["power_capped_share"]) == ("72.5", "0.25")
    assert (row["shared_with"], row["background_cores"]) == ("process 77 (blender) on gpu", "0.75")


def test_the_csv_has_tokens_idle_time_failures_and_what_a_trial_cost(tmp_path: Path) -> None:
    study = language_model_study()
    rows = _rows(study, tmp_path)
    trial = study.trials[3]
    measurement = trial.measurement
    assert measurement is not None
    assert measurement.tokens is not None
    assert measurement.tokens.tpot is not None
    row = rows[3]
    assert float(row["energy_per_token_j"]) == measurement.energy.per_token_j
    assert float(row["ttft_p99_s"]) == measurement.tokens.ttft.p99_s
    assert float(row["tpot_mean_s"]) == measurement.tokens.tpot.mean_s
    assert float(row["tokens_per_s"]) == measurement.tokens.throughput_hz
    assert float(row["idle_share"]) == measurement.idle_share
    assert (row["tokens"], row["failed_requests"]) == (str(measurement.tokens.tokens), "1")
    assert row["ended_early"] == "the SLO does not hold"
    assert float(row["trial_energy_j"]) == trial.energy_j
    assert row["late_or_failed_requests"] == str(trial.late_requests)


def test_a_server_that_never_rests_is_not_one_of_which_nothing_is_known(tmp_path: Path) -> None:
    study = language_model_study()
    first, *others = study.trials
    assert first.measurement is not None
    busy = replace(first, measurement=replace(first.measurement, idle_share=0.0))
    assert _rows(replace(study, trials=(busy, *others)), tmp_path)[0]["idle_share"] == "0.0"


def test_the_csv_tells_what_the_search_compared_beside_what_was_measured(tmp_path: Path) -> None:
    study = language_model_study()
    rows = _rows(study, tmp_path)
    later = rows[9]
    assert float(later["levelled_energy_per_request_j"]) < float(later["energy_per_request_j"]) / 1.03
    assert rows[0]["levelled_energy_per_request_j"] == rows[0]["energy_per_request_j"]
    assert [row["levelled_energy_per_request_j"] for row in rows if row["purpose"] == "reference"] == ["", ""]


def test_the_csv_leaves_empty_what_a_study_without_tokens_lacks(tmp_path: Path) -> None:
    row = _rows(estimated_study(), tmp_path)[0]
    lacking = ("energy_per_token_j", "ttft_p50_s", "tpot_p50_s", "tokens", "idle_share", "background_cores")
    assert {row[column] for column in (*lacking, "trial_energy_j", "ended_early")} == {""}


def test_a_rejected_row_of_the_csv_has_its_reason_and_no_energy(tmp_path: Path) -> None:
    row = _rows(estimated_study(), tmp_path)[7]
    assert row["rejection_cause"] == "not-verified"
    assert "reads back 52" in row["rejection_reason"]
    assert row["energy_per_request_j"] == ""


def test_text_of_a_workload_is_no_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    study = estimated_study()
    rejection = study.trials[7].rejection
    assert rejection is not None
    hostile = replace(study.trials[7], rejection=replace(rejection, reason='=HYPERLINK("http://evil")'))
    rows = _rows(replace(study, trials=(*study.trials[:7], hostile, *study.trials[8:])), tmp_path)
    assert rows[7]["rejection_reason"] == '\'=HYPERLINK("http://evil")'
