"""``wattune predict index`` and ``evaluate --format toml-jsonl``, and how a model is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.energy_model.operations.imagined_device import specs, write_points
from tuner.cli.main import main
from tuner.cli.model_argument import load_model
from tuner.errors import BadInputError

FACTORY = """
import torch

class Odd(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 3, bias=False)
    def forward(self, x):
        x = self.layer(x)
        return torch.digamma(x) if float(x.sum()) > -1e9 else x

def odd():
    return Odd(), lambda items: (torch.ones(items, 4),)

def plain():
    layers = [torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)]
    return torch.nn.Sequential(*layers), lambda items: (torch.ones(items, 4),)

def broken():
    raise RuntimeError("no weights")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "odd_models.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(tmp_path)])
    monkeypatch.delitem(sys.modules, "odd_models", raising=False)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_factory_in_this_folder_is_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = printed(capsys, "predict", "index", "odd_models:plain", "--batch-size", "5")
    assert record["batch_size"] == 5
    assert record["flops"] == 2 * 5 * (12 + 9 + 9)
    assert record["counts"]["comparisons"] == 15
    assert record["index_to"] == pytest.approx(sum(record["by_kind"].values()))
    assert record["index_to"] == pytest.approx(record["linear_to"] + record["nonlinear_to"] + record["memory_to"])
    assert [child["class_name"] for child in record["by_layer"]["children"]] == ["Linear", "ReLU", "Linear", "Linear"]
    assert record["unknown_operators"] == {}


def test_what_is_not_known_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = printed(capsys, "predict", "index", "odd_models:odd")
    assert record["source"] == "one run with hooks"
    assert record["unknown_operators"] == {"aten.digamma": 1}
    assert len(record["missing"]) == 2
    assert main(["predict", "index", "odd_models:odd"]) == 0
    assert "aten.digamma (1 times)" in capsys.readouterr().err


def test_the_tree_is_shown_with_layers_alike_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "index", "odd_models:plain"]) == 0
    shown = capsys.readouterr().out
    assert "2 to 3, 2 alike (Linear)" in shown
    assert "comparisons" in shown


def test_a_workload_file_is_a_model_too(folder: Path) -> None:
    path = folder / "plain.toml"
    options = '[options]\nfactory = "odd_models:plain"\n[objective]\nslo = "p99 <= 1 s"\n'
    path.write_text(f'name = "plain"\nadapter = "torch_module"\n{options}')
    sys.path.insert(0, str(folder))
    model = load_model(str(path), 2)
    assert model.batch_size == 2
    assert model.inputs[0].shape == (2, 4)
    assert not model.module.training
    path.write_text(path.read_text().replace("torch_module", "kserve"))
    with pytest.raises(BadInputError, match="through the adapter 'kserve'"):
        load_model(str(path))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bert-bass", "There is no model 'bert-bass'"),
        ("odd_models:nothing", "has no 'nothing'"),
        ("no_such_package:model", "cannot be imported"),
        ("odd_models:broken", "no weights"),
        ("nowhere.toml", "cannot be read"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    assert main(["predict", "index", name]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_an_evaluation_of_measured_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "device.jsonl"
    write_points(path, [0.1 + 0.01 * number for number in range(len(specs()))])
    record = printed(capsys, "predict", "evaluate", "--format", "toml-jsonl", str(path))
    assert (record["runs"], record["models"]) == (len(specs()), 4)
    methods = [row["method"] for row in record["held_out"] if row["left_out"] == "model"]
    assert {"operations", "FLOPs alone", "index alone"} <= set(methods)
    assert record["transfer"] == []
    assert main(["predict", "evaluate", "--format", "toml-jsonl", str(path)]) == 0
    assert "FLOPs alone" in capsys.readouterr().out


def test_one_model_alone_cannot_be_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "device.jsonl"
    write_points(path, [0.1] * len(specs()))
    path.write_text("\n".join(line for line in path.read_text().splitlines() if '"BERT-base"' in line))
    assert main(["predict", "evaluate", "--format", "toml-jsonl", str(path)]) == 2
    assert "one model only" in capsys.readouterr().err
