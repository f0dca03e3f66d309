"""``wattune predict batch-sizes`` and ``wattune predict caches``: what is printed, and what is refused."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.energy_model.working_set.curves import SIZES, curve
from tuner.cli import predict_caches
from tuner.cli.main import main
from tuner.energy_model.working_set.hierarchy_file import read_hierarchy
from tuner.energy_model.working_set.probe import ReadCost

MODEL = "tests.unit.cli.test_predict_batch_sizes:small_network"
CACHES = """
device = "a small device"

[[level]]
name = "L1"
bytes_per_unit = 8000

[[level]]
name = "L2"
bytes_per_unit = 100000

[[level]]
name = "memory"
bytes_per_unit = 1000000000
"""


def small_network() -> tuple[Any, Any]:
    """40,400 bytes of parameters, 800 bytes an item between the layers."""
    return torch.nn.Linear(100, 100), lambda items: (torch.zeros(items, 100),)


def fixed_network() -> tuple[Any, Any]:
    """Does something else for larger batches."""

    class Fickle(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.relu() if x.shape[0] > 3 else x.exp()

    return Fickle(), lambda items: (torch.zeros(items, 4),)


@pytest.fixture
def caches(tmp_path: Path) -> str:
    path = tmp_path / "caches.toml"
    path.write_text(CACHES)
    return str(path)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["predict", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["predict", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_overflows_are_named_as_worked_by_hand(capsys: pytest.CaptureFixture[str], caches: str) -> None:
    found = answer(capsys, "batch-sizes", MODEL, "--caches", caches)
    last = {(each["level"], each["part"]): each["last_batch"] for each in found["overflows"] if each["is_bound"]}
    assert last == {
        ("L1", "inter-layer activations"): 10,
        ("L1", "forward pass"): 0,
        ("L1", "data"): 0,
        ("L2", "inter-layer activations"): 125,
        ("L2", "forward pass"): 74,
        ("L2", "data"): 37,
    }
    assert found["batch_sizes"] == [1, 2, 4, 10, 16, 37, 74, 125, 256]
    assert (found["parameter_bytes"], found["item_bytes"]) == (40_400, 800)
    assert found["provenance"] == "estimated"
    memory = {int(batch): served[-1] for batch, served in found["served_bytes"].items()}
    assert list(memory) == found["batch_sizes"]
    assert memory[found["least_memory_batch"]] == min(memory.values())


def test_training_adds_a_working_set_and_leaves_less_room(capsys: pytest.CaptureFixture[str], caches: str) -> None:
    found = answer(capsys, "batch-sizes", MODEL, "--caches", caches, "--train", "--largest", "64")
    last = {(each["level"], each["part"]): each["last_batch"] for each in found["overflows"]}
    # 8,000 of L1 are full of activations: 800 b + 80,800 B must fit 100,000 in L2.
    assert last["L2", "backward pass"] == 24
    assert last["L2", "forward pass"] == 64


def test_cores_have_a_cache_each_for_their_part_of_the_batch(capsys: pytest.CaptureFixture[str]) -> None:
    def last(cores: str) -> int:
        found = answer(capsys, "batch-sizes", MODEL, "--device", "a100", "--cores", cores, "--largest", "100000")
        return next(int(each["last_batch"]) for each in found["overflows"] if each["level"] == "L1")

    one, four = last("1"), last("4")
    assert one == 192 * 1024 // 800
    assert four == 4 * 192 * 1024 // 800


def test_tables_show_the_list_for_the_workload(capsys: pytest.CaptureFixture[str], caches: str) -> None:
    assert main(["predict", "batch-sizes", MODEL, "--caches", caches]) == 0
    shown = capsys.readouterr().out
    (line,) = (line for line in shown.splitlines() if line.startswith("batch_size = "))
    assert ast.literal_eval(line.removeprefix("batch_size = ")) == [1, 2, 4, 10, 16, 37, 74, 125, 256]
    assert "39.5 KiB of parameters" in shown
    assert "256 and more" in shown
    assert "Memory serves least for an item at batch" in shown


def test_a_model_that_changes_with_the_batch_is_refused(capsys: pytest.CaptureFixture[str], caches: str) -> None:
    model = MODEL.replace("small_network", "fixed_network")
    assert "runs other operations" in refusal(capsys, "batch-sizes", model, "--caches", caches)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("batch-sizes", "no-such-model", "--device", "a100"), "There is no model 'no-such-model'"),
        (("batch-sizes", MODEL, "--device", "toaster"), "'toaster' are not known"),
        (("batch-sizes", MODEL, "--device", "a100", "--largest", "0"), "not a whole number above zero"),
        (("batch-sizes", MODEL, "--caches", "/nowhere/caches.toml"), "cannot be read"),
        (("batch-sizes", MODEL, "--device", "a100", "--caches", "x"), "not allowed with"),
        (("caches", "--device", "a100", "--measure"), "Only this machine can be measured"),
    ],
)
def test_bad_input_gets_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    error = refusal(capsys, *arguments)
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_levels_are_written_for_another_call(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "levels.toml"
    shown = answer(capsys, "caches", "--device", "l4", "--write", str(path))
    again = answer(capsys, "caches", "--caches", str(path))
    assert again["levels"] == shown["levels"]
    assert again["source"] == shown["source"]


def test_levels_that_cannot_be_written_are_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["predict", "caches", "--device", "l4", "--write", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_json_may_stand_before_the_action(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "--json", "caches", "--device", "t4"]) == 0
    assert json.loads(capsys.readouterr().out)["device"] == "NVIDIA T4"


def test_what_reads_show_takes_the_place_of_what_is_stated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stated = read_hierarchy(_written(tmp_path, CACHES.replace("100000\n", "4000000\n")))
    costs = [ReadCost(round(size), cost) for size, cost in zip(SIZES, curve({1 << 20: 5.0}, 2.0, 0.02), strict=True)]
    monkeypatch.setattr(predict_caches, "read_levels", lambda arguments: stated)
    monkeypatch.setattr(predict_caches, "read_costs", lambda *arguments: costs)
    found = answer(capsys, "caches", "--measure")
    sizes = {level["name"]: level["bytes_per_unit"] for level in found["levels"]}
    assert sizes["L1"] == 8000
    assert sizes["L2"] == pytest.approx(1 << 20, rel=0.2)
    assert found["measured"]["knees"].keys() == {"L2"}


def _written(folder: Path, text: str) -> Path:
    path = folder / "stated.toml"
    path.write_text(text)
    return path
