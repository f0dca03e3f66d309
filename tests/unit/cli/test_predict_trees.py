"""``wattune predict collect``, ``fit``, ``run`` and ``evaluate`` of measured trees."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.energy_model.model_tree.made_trees import BLUEPRINTS, models, write_device
from tuner.cli.main import main

FACTORY = """
import torch

def narrow():
    layers = [torch.nn.Linear(16, 32), torch.nn.GELU(), torch.nn.Linear(32, 4)]
    return torch.nn.Sequential(*layers), lambda items: (torch.rand(items, 16),)

def wide():
    layers = [torch.nn.Linear(16, 64), torch.nn.GELU(), torch.nn.Linear(64, 4), torch.nn.Softmax(dim=-1)]
    return torch.nn.Sequential(*layers), lambda items: (torch.rand(items, 16),)

def unseen():
    inner = torch.nn.Sequential(torch.nn.Linear(48, 48), torch.nn.Sigmoid())
    return torch.nn.Sequential(torch.nn.Linear(16, 48), inner), lambda items: (torch.rand(items, 16),)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tree_models.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(tmp_path)])
    monkeypatch.delitem(sys.modules, "tree_models", raising=False)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(list(arguments)) == 2
    return capsys.readouterr().err


def evaluated(capsys: pytest.CaptureFixture[str], path: Path, *arguments: str) -> Any:
    return printed(capsys, "predict", "evaluate", "--format", "irene-csv", str(path), *arguments)


def test_one_device_is_evaluated_in_every_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = evaluated(capsys, write_device(tmp_path / "gpu", models()))
    for way in ("unrun", "calibrated", "published", "unrun_without_reuse"):
        assert record[way].keys() == {"leaf_pct", "module_pct", "model_pct"}
    assert record["baselines"].keys() == {"flops", "time", "device_energy", "device_energy_and_time"}
    assert record["calibrated"]["model_pct"] < 0.5 < record["baselines"]["flops"]["model_pct"]
    assert record["unrun"] == record["devices"]["gpu"]["unrun"]
    assert record["devices"]["gpu"]["unrun_by_model"].keys() == models().keys()


def test_several_devices_are_printed_with_their_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        write_device(tmp_path / name, models() if name == "a" else models(BLUEPRINTS[:3]))
    record = evaluated(capsys, tmp_path)
    of_devices = [record["devices"][name]["unrun"]["model_pct"] for name in ("a", "b")]
    assert of_devices[0] != of_devices[1]
    assert record["unrun"]["model_pct"] == pytest.approx(sum(of_devices) / 2)
    assert main(["predict", "evaluate", "--format", "irene-csv", str(tmp_path), "--verbose"]) == 0
    shown = capsys.readouterr().out
    assert "Mean of 2 devices" in shown
    assert "line over operations" in shown
    assert "deep" in shown


def test_data_of_another_kind_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("predict", "evaluate", "--format", "irene-csv", str(tmp_path))
    assert "holds no measured trees" in complaint(capsys, *arguments)
    assert "--transfer goes with" in complaint(capsys, *arguments, "--transfer", str(tmp_path))
    assert "cannot be read" in complaint(
        capsys, "predict", "evaluate", "--format", "recording", str(tmp_path / "none.json")
    )


def test_models_are_measured_learned_from_and_one_that_never_ran_is_predicted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect = ["predict", "collect", "tree_models:narrow", "tree_models:wide", "--duration", "0.01", "-o", "p.json"]
    record = printed(capsys, *collect)
    assert record["models"].keys() == {"tree_models:narrow", "tree_models:wide"}
    assert record["failed"] == []
    assert record["metering"]["scope"]
    assert record["measured"] == 9  # 3 and 4 primitives, 2 models; nothing is equal
    assert printed(capsys, *collect)["measured"] == 9
    fitted = printed(capsys, "predict", "fit", "p.json", "-o", "d.json")
    assert set(fitted["operators"]) == {"linear", "gelu", "softmax"}
    predicted = printed(capsys, "predict", "run", "tree_models:unseen", "--device-model", "d.json")
    tree = predicted["tree"]
    assert tree["energy_j"]["low"] <= tree["energy_j"]["value"] <= tree["energy_j"]["high"]
    assert tree["time_s"]["value"] > 0
    assert list(predicted["unseen_operators"]) == ["sigmoid"]
    assert predicted["provenance"] == "estimated"
    assert main(["predict", "run", "tree_models:unseen", "--device-model", "d.json"]) == 0
    output = capsys.readouterr()
    assert "Predicted, not measured" in output.out
    assert "sigmoid was never measured" in output.err
    errors = printed(capsys, "predict", "evaluate", "--format", "recording", "p.json")["models"]
    assert [each["model"] for each in errors] == ["tree_models:narrow", "tree_models:wide"]


def test_a_budget_stops_the_measurement_and_the_same_command_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect = ["predict", "collect", "tree_models:narrow", "--duration", "0.01", "-o", "p.json"]
    first = printed(capsys, *collect, "--budget", "1e-9")
    assert (first["measured"], first["postponed"]) == (0, 4)
    second = printed(capsys, *collect)
    assert (second["measured"], second["postponed"]) == (4, 0)


def test_joules_of_another_setting_are_not_mixed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    collect = ["predict", "collect", "tree_models:narrow", "--duration", "0.01", "-o", "p.json"]
    printed(capsys, *collect)
    path = folder / "p.json"
    (folder / "q.json").write_text(path.read_text().replace('"meter":"', '"meter":"other.'))
    assert "another meter" in complaint(capsys, "predict", "fit", "p.json", "q.json", "-o", "d.json")
    (folder / "q.json").replace(path)
    assert "name another file" in complaint(capsys, *collect)


def test_a_device_model_of_another_kind_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "d.json").write_text("{}")
    sentence = complaint(capsys, "predict", "run", "tree_models:unseen", "--device-model", "d.json")
    assert "no device model of" in sentence
