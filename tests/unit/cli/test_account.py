"""``wattune account`` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.energy_model.accounting.test_comparison import net
from tests.unit.energy_model.accounting.test_recorded import UNIX_S, bursts, write_power, write_trace
from tuner.cli.main import main
from tuner.energy_model.accounting.account import account_json

FACTORY = """
import torch

def small():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4)), inputs

def inputs(items):
    return (torch.randn(items, 16),)

def broken():
    return torch.nn.Linear(3, 3), inputs
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATTUNE_RUNTIME_DIR", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("tuner.energy_model.accounting.live._WARM_UP_S", 0.0)
    (tmp_path / "networks_of_this_test.py").write_text(FACTORY)
    return tmp_path


MODEL = "networks_of_this_test:small"
QUICK = ("--repetitions", "6")


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_model_is_accounted_for_with_the_meter_of_this_process(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["account", MODEL, "--batch-size", "3", *QUICK, "--json"]) == 0
    account = printed(capsys)
    assert (account["batch_size"], account["repetitions"]) == (3, 6)
    assert {node["name"] for node in account["nodes"] if node["kind"] == "module"} == {"", "0", "1", "2"}
    active_j = sum(node["self_j"] for node in account["nodes"])
    total_j = sum(meter["energy_j"] for meter in account["meters"])
    idle_j = sum(meter["idle_j"] for meter in account["meters"])
    assert active_j + idle_j == pytest.approx(total_j, rel=1e-9)
    assert all(meter["provenance"] and meter["scope"] for meter in account["meters"])


def test_what_is_shown_states_where_joules_come_from(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", MODEL, *QUICK]) == 0
    shown = capsys.readouterr().out
    for words in ("By module", "By operator and shapes", "aten::addmm", "idle", "6 repetitions", "Clocks of meter"):
        assert words in shown
    assert "measured, " in shown or "estimated, cpu" in shown


def test_training_shows_both_passes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", MODEL, "--train", *QUICK, "--json"]) == 0
    roots = [node["name"] for node in printed(capsys)["nodes"] if node["parent"] == -1]
    assert sorted(roots) == ["backward", "forward"]


def test_files_are_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", MODEL, *QUICK, "--output", "out"]) == 0
    assert {path.name for path in (here / "out").iterdir()} == {
        "index.html",
        "account.json",
        "account.speedscope.json",
        "account.pb.gz",
    }
    assert "out/index.html" in capsys.readouterr().err


def test_two_batch_sizes_are_compared_by_the_item(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["account", MODEL, "--batch-size", "1", "8", *QUICK, "--json"]) == 0
    comparison = printed(capsys)
    assert comparison["unit"] == "item"
    assert (comparison["first"]["batch_size"], comparison["second"]["batch_size"]) == (1, 8)


def test_two_saved_accounts_are_compared_without_a_model(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "default.json").write_bytes(account_json(net(4, 2, title="default clocks")))  # type: ignore[arg-type]
    (here / "tuned.json").write_bytes(account_json(net(3, 2.5, title="tuned clocks")))  # type: ignore[arg-type]
    assert main(["account", "--compare", "default.json", "tuned.json", "--output", "out"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("\N{MINUS SIGN}", "-").split())
    assert "default clocks (batch 1): 6.00 J, tuned clocks (batch 1): 5.50 J a batch (measured, cpu), -8.3 %" in shown
    assert "-25.0 %" in shown
    assert (here / "out" / "index.html").is_file()


def test_a_recorded_trace_needs_no_model_and_no_meter(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    works = bursts()
    trace, power = write_trace(here, works), write_power(here, works, UNIX_S)
    assert main(["account", "--trace", str(trace), "--power", str(power), "--json"]) == 0
    account = printed(capsys)
    assert account["title"] == "trace.json"
    assert account["meters"][0]["provenance"] == "measured"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Name one of three things"),
        ([MODEL, "--compare", "a.json", "b.json"], "Name one of three things"),
        (["--trace", "x.json"], "A trace needs its power"),
        ([MODEL, "--power", "x.csv"], "A trace needs its power"),
        ([MODEL, "--clock-offset", "3"], "--clock-offset belongs to"),
        ([MODEL, "--clock-offset", "nan"], "is no finite number"),
        ([MODEL, "--clock-offset", "x"], "--clock-offset"),
        ([MODEL, "--batch-size", "1", "2", "3"], "Name one batch size, or two"),
        (["nonsense"], "There is no model 'nonsense'"),
        (["missing.json"], "missing.json cannot be read"),
        ([MODEL, "--meter", "no.such"], "There is no meter 'no.such'"),
        (["networks_of_this_test:broken"], "does not run"),
        (["--trace", "missing.json", "--power", "missing.csv"], "missing.json cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(["account", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.splitlines()[-1].startswith("wattune: ")


def test_the_command_starts_without_torch_and_numpy() -> None:
    code = "import sys, tuner.cli.account; sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
