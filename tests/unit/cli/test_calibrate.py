"""``wattune calibrate``: recordings, meters behind a real keeper, and what becomes of wattune.toml."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knobs.contract import Calibration, DeviceError, MeterSpec, Provenance, Quantity, Reading, Scope
from tests.unit.cli.places import ROOT
from tests.unit.energy_model.calibration.meter_recordings import (
    BASE_W,
    FACTOR,
    Faults,
    Machine,
    counter_readings,
    power_readings,
)
from tuner.cli.hardware import load_settings
from tuner.cli.main import main
from tuner.cli.toml_section import put_section, section_text
from tuner.config import load_config
from tuner.energy_model.calibration.sampling import MeterRecorder
from tuner.errors import BadInputError, WattuneError

_IDS = ["--meter", "gpu.energy", "--reference", "wall.plug"]


@contextmanager
def metered_keeper(provenance: str = "measured", fault: str = "none") -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wt-") as folder:
        command = [sys.executable, "-m", "tests.unit.cli.metered_keeper", folder, provenance, fault]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Path(folder)
        finally:
            process.terminate()
            process.communicate(timeout=30)


@pytest.fixture
def recording(tmp_path: Path) -> list[str]:
    """Two files, as a GPU's counter and a plug would leave them."""
    machine = Machine(120.0, seed=3)
    device = counter_readings(machine.device_j, 120.0, Faults(0.1, quantum=0.5), 1)
    reference = power_readings(machine.reference_j, 120.0, Faults(1.0, noise=0.01, lag_s=0.7), 2)
    paths = []
    for name, readings in (("device_j", device), ("reference_w", reference)):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"time_s,{name}\n" + "".join(f"{t},{value}\n" for t, value in zip(*readings, strict=True)))
        paths.append(str(path))
    return paths


def sentence_of(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("wattune: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("wattune: ").strip()


def test_a_recording_is_fitted_and_the_section_shown(recording: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", "--csv", *recording, "--meter", "gpu.energy"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("wall energy = 1.06")
    assert '[calibration."gpu.energy"]' in shown
    section = tomllib.loads(shown[shown.index("[calibration") :])["calibration"]["gpu.energy"]
    assert section == {
        "scope": "wall",
        "factor": pytest.approx(FACTOR, rel=0.015),
        "base_w": pytest.approx(BASE_W, rel=0.015),
        "error": pytest.approx(0.005, abs=0.003),
    }


def test_json_holds_the_fit_and_nothing_else_is_printed(
    recording: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "--csv", *recording, "--scope", "board", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert captured.err == ""
    assert found["scope"] == "board"
    assert found["fit"]["factor"] == pytest.approx(FACTOR, rel=0.015)
    assert found["error"] == max(found["fit"]["mean_error"], found["fit"]["largest_error"])
    assert found["values"]["error"] >= found["error"]
    assert found["fit"]["idle_reference_w"] > found["fit"]["idle_device_w"]


def test_what_is_written_is_what_daemon_and_keeper_read(
    recording: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wattune.toml"
    path.write_text('# mine\ndevice = "local"\n\n[study]  # budgets\nmax_trials = 9\n')
    options = ["calibrate", "--csv", *recording, "--meter", "gpu.energy", "--write", str(path)]
    assert main(options) == 0
    assert f"Written to {path}" in capsys.readouterr().err
    assert path.read_text().startswith('# mine\ndevice = "local"\n\n[study]  # budgets\nmax_trials = 9\n')
    config, (wish,) = load_config(path), load_settings(path).wishes.calibrations
    assert config.study.max_trials == 9
    fit = config.calibration["gpu.energy"]
    assert wish == Calibration("gpu.energy", Scope.WALL, fit.factor, fit.base_w, fit.error)
    before = path.read_text()
    assert main(options) == 0
    assert path.read_text() == before, "a second time changes nothing"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Name both meters"),
        (["--meter", "gpu.energy"], "Name both meters"),
        (["--csv", "a", "--reference", "wall.plug"], "leave --reference and --duration out"),
        (["--csv", "a", "--duration", "3"], "leave --reference and --duration out"),
        (["--csv", "a", "b", "c"], "not more"),
        (["--csv", "a", "--write", "wattune.toml"], "name it with --meter"),
        ([*_IDS, "--scope", "wall"], "leave --scope out"),
        ([*_IDS, "--duration", "0"], "'0' is not a number above zero"),
        (["--csv", "none.csv"], "none.csv cannot be read: No such file or directory"),
    ],
)
def test_a_wrong_command_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", *arguments]) == 2
    assert sentence in sentence_of(capsys)


def test_a_bad_fit_is_refused_and_nothing_is_written(
    recording: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wattune.toml"
    options = ["--meter", "gpu.energy", "--write", str(path), "--largest-error", "0.0001"]
    assert main(["calibrate", "--csv", *recording, *options]) == 2
    assert "0.0% is allowed" in sentence_of(capsys)
    assert not path.exists()


def test_without_a_keeper_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", *_IDS, "--runtime-dir", str(tmp_path)]) == 1
    assert "No keeper answers" in sentence_of(capsys)


def test_meters_are_sampled_through_the_keeper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plug does not answer now and then; that costs samples, not the calibration."""
    path = tmp_path / "wattune.toml"
    with metered_keeper(fault="flaps") as runtime_dir:
        status = main(
            ["calibrate", *_IDS, "--duration", "60", "--runtime-dir", str(runtime_dir), "--write", str(path), "--json"]
        )
    captured = capsys.readouterr()
    assert status == 0, captured.err
    found = json.loads(captured.out)
    assert (found["meter"], found["reference"], found["scope"]) == ("gpu.energy", "wall.plug", "wall")
    assert found["fit"]["factor"] == pytest.approx(FACTOR, rel=0.02)
    assert found["fit"]["base_w"] == pytest.approx(BASE_W, rel=0.02)
    assert "let the machine rest and work by turns" in captured.err
    assert "of 60 s: gpu.energy" in captured.err
    assert load_config(path).calibration["gpu.energy"].factor == found["values"]["factor"]


@pytest.mark.parametrize(
    ("meter", "reference", "sentence"),
    [
        ("gpu.energi", "wall.plug", "There is no meter 'gpu.energi': this machine has gpu.energy, wall.plug"),
        ("gpu.energy", "wall.plugg", "There is no meter 'wall.plugg'"),
        ("gpu.energy", "gpu.energy", "the reference must be another meter, of a wider scope"),
        ("wall.plug", "gpu.energy", "gpu.energy (scope gpu) does not cover what wall.plug (scope wall) measures"),
        ("workload.cpu.estimate", "wall.plug", "workload.cpu.estimate does not measure"),
    ],
)
def test_meters_that_cannot_be_fitted_are_refused(
    metered: Path, meter: str, reference: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--meter", meter, "--reference", reference, "--runtime-dir", str(metered)]
    assert main(["calibrate", *options]) == 2
    assert sentence in sentence_of(capsys)


@pytest.fixture(scope="module")
def metered() -> Iterator[Path]:
    with metered_keeper() as runtime_dir:
        yield runtime_dir


def test_a_simulated_meter_is_never_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wattune.toml"
    with metered_keeper("simulated") as runtime_dir:
        assert main(["calibrate", *_IDS, "--runtime-dir", str(runtime_dir), "--write", str(path)]) == 2
    assert "gpu.energy is simulated" in sentence_of(capsys)
    assert not path.exists()


class Bench:
    """Two meters and a clock that moves when somebody waits."""

    def __init__(self, fails_from_s: float = 1e9, stands_from_s: float = 1e9) -> None:
        self.now_s = 0.0
        self.fails_from_s, self.stands_from_s = fails_from_s, stands_from_s

    def sample(self, names: list[str]) -> dict[str, Reading]:
        if self.now_s >= self.fails_from_s:
            raise DeviceError("The plug does not answer.")
        shown_s = dict.fromkeys(names, self.now_s)
        shown_s["wall"] = min(self.now_s, self.stands_from_s)
        return {name: Reading(time_s, 100.0 * time_s) for name, time_s in shown_s.items()}

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def recorder(self, update_period_s: float = 1.0) -> MeterRecorder:
        meters = [
            MeterSpec(name, Quantity.ENERGY_J, scope, Provenance.MEASURED, update_period_s, 1e-3, "gpu0")
            for name, scope in (("gpu", Scope.GPU), ("wall", Scope.WALL))
        ]
        return MeterRecorder(self.sample, meters, lambda: self.now_s, self.sleep)


def test_a_recording_lasts_as_long_as_wanted_and_tells_how_far_it_is() -> None:
    bench, seen = Bench(), []
    device, reference = bench.recorder().record(20.0, lambda recorded_s, powers_w: seen.append((recorded_s, powers_w)))
    assert 20.0 <= bench.now_s < 21.0
    assert (device.name, reference.name) == ("gpu", "wall")
    assert device.at(19.0) - device.at(9.0) == pytest.approx(1000.0)
    assert [recorded_s for recorded_s, _ in seen] == sorted(recorded_s for recorded_s, _ in seen)
    assert seen[-1][0] >= 20.0
    assert seen[-1][1] == {"gpu": pytest.approx(100.0), "wall": pytest.approx(100.0)}


@pytest.mark.parametrize(
    ("bench", "sentence"),
    [
        (Bench(fails_from_s=5.0), "gpu has shown nothing new for 10 s: see wattune probe. The plug does not answer."),
        (Bench(stands_from_s=5.0), "wall has shown nothing new for 10 s: see wattune probe."),
    ],
)
def test_a_meter_that_is_lost_ends_the_recording_in_bounded_time(bench: Bench, sentence: str) -> None:
    with pytest.raises(WattuneError) as caught:
        bench.recorder().record(60.0, lambda *_: None)
    assert str(caught.value) == sentence
    assert bench.now_s < 16.0


def test_a_slow_meter_is_waited_for() -> None:
    """A battery's gauge moves every half minute."""
    bench = Bench(stands_from_s=5.0)
    with pytest.raises(WattuneError, match="for 300 s"):
        bench.recorder(update_period_s=30.0).record(3600.0, lambda *_: None)


VALUES: dict[str, str | float] = {"scope": "wall", "factor": 1.06, "base_w": 97.0, "error": 0.005}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "{}"),
        ('device = "local"', 'device = "local"\n\n{}'),
        ("[study]\nmax_trials = 3\n", "[study]\nmax_trials = 3\n\n{}"),
        ('[calibration."gpu.energy"]\nfactor = 2.0\n# why\n\n[study]\n', "{}# why\n\n[study]\n"),
        ("[ calibration . 'gpu.energy' ] # old\nscope = 'soc'\nerror=0.1\n[study]\n", "{}[study]\n"),
        ('[calibration."cpu"]\nfactor = 2.0\n', '[calibration."cpu"]\nfactor = 2.0\n\n{}'),
    ],
)
def test_a_section_is_put_where_it_belongs(before: str, after: str, tmp_path: Path) -> None:
    path = tmp_path / "wattune.toml"
    path.write_text(before)
    path.chmod(0o640)
    put_section(path, "calibration", "gpu.energy", VALUES)
    assert path.read_text() == after.format(section_text("calibration", "gpu.energy", VALUES))
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(item.name for item in tmp_path.iterdir()) == ["wattune.toml"]


@pytest.mark.parametrize(
    "text",
    [
        'calibration = {"gpu.energy" = {factor = 2.0}}\n',
        '[calibration]\n"gpu.energy" = {factor = 2.0}\n',
        '[calibration]\n"gpu.energy".factor = 2.0\n',
        '[calibration."gpu.energy"]\nfactor = 2.0\n# and\nbase_w = 3.0\n',
        "calibration = 3\n",
        "device =\n",
        'text = """\n[calibration."gpu.energy"]\nfactor = 2.0\n"""\n',
        f'text = """\n[calibration."gpu.energy"]\n"""\n{section_text("calibration", "gpu.energy", VALUES)}',
    ],
)
def test_a_file_that_cannot_be_changed_safely_is_left_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wattune.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match="was left as it is"):
        put_section(path, "calibration", "gpu.energy", VALUES)
    assert path.read_text() == text


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WattuneError, match="cannot be written: No such file or directory"):
        put_section(tmp_path / "none" / "wattune.toml", "calibration", "gpu.energy", VALUES)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "real.toml", tmp_path / "wattune.toml"
    target.write_text("")
    link.symlink_to(target)
    put_section(link, "calibration", "gpu.energy", VALUES)
    assert link.is_symlink()
    assert "gpu.energy" in target.read_text()


@given(st.lists(st.sampled_from(["device", "on_stop", "gpus"]), unique=True), st.floats(0.01, 10), st.floats(0, 1e4))
def test_whatever_numbers_are_written_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], factor: float, base_w: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "numbers.toml"
    path.write_text("".join(f'{key} = "x"\n' for key in keys))
    values: dict[str, str | float] = {"scope": "wall", "factor": factor, "base_w": base_w}
    put_section(path, "calibration", "gpu.energy", values)
    document = tomllib.loads(path.read_text())
    assert document["calibration"]["gpu.energy"] == values
    assert document.keys() == {*keys, "calibration"}
