"""The command: exit statuses, one sentence for whatever is wrong, and what is imported."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from knobs.contract import DeviceError, KnobError, RefusedError
from serving_adapter.contract import AdapterError
from tests.unit.cli.places import ROOT
from tuner.cli import pareto
from tuner.cli.main import VERBS, main
from tuner.errors import BadInputError, BusyError, InfeasibleError, ProcessLostError, WattuneError


def sentence_of(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("wattune: ")
    assert captured.err.count("\n") == 1
    return captured.err.removeprefix("wattune: ").strip()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (WattuneError("w"), 1),
        (ProcessLostError("w"), 1),
        (BadInputError("w"), 2),
        (BusyError("w"), 2),
        (InfeasibleError("w"), 3),
        (KnobError("w"), 1),
        (DeviceError("w"), 1),
        (RefusedError("w"), 2),
        (AdapterError("w"), 1),
    ],
)
def test_every_error_is_one_sentence_and_has_its_status(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: object) -> int:
        raise error

    monkeypatch.setattr(pareto, "run", fail)
    assert main(["pareto", "s-1"]) == status
    assert sentence_of(capsys) == "w"


def test_an_interrupt_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(pareto, "run", interrupt)
    assert main(["pareto", "s-1"]) == 1
    assert sentence_of(capsys) == "Interrupted."


def test_no_verb_is_bad_input_and_shows_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(verb in captured.err for verb in VERBS)


def test_help_and_version_are_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "probe" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("wattune ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["frob"], "There is no verb 'frob'"),
        (["status", "--frob"], "Unrecognized arguments: --frob"),
        (["--json"], "Unrecognized arguments: --json"),
        (["tune"], "The following arguments are required: WORKLOAD"),
        (["tune", "w", "--slo", "fast"], "The SLO 'fast' is not a bound on a latency percentile"),
        (["tune", "w", "--slo", "p99 <= 50 ms", "--slo", "p0 <= 1 ms"], "The SLO 'p0 <= 1 ms' names no percentile"),
        (["tune", "w", "--max-trials", "0"], "'0' is not a whole number above zero"),
        (["tune", "w", "--max-trials", "many"], "'many' is not a whole number above zero"),
        (["tune", "w", "--max-duration", "-3"], "'-3' is not a number above zero"),
        (["tune", "w", "--max-duration", "nan"], "'nan' is not a number above zero"),
        (["apply"], "Name what to apply"),
        (["apply", "a.b=1", "--study", "s-1"], "Name what to apply"),
        (["apply", "a.b"], "'a.b' sets nothing"),
        (["apply", "=1"], "'=1' sets nothing"),
        (["report", "s-1"], "The following arguments are required: --output"),
    ],
)
def test_bad_input_gets_one_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert sentence in sentence_of(capsys)


@pytest.mark.parametrize(
    "arguments",
    [
        ["tune", "w"],
        ["retune", "s-1"],
        ["status"],
        ["watch", "s-1"],
        ["cancel", "s-1"],
        ["pareto", "s-1"],
        ["report", "s-1", "--output", "never"],
        ["apply", "a.b=1"],
        ["confirm"],
        ["verify"],
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_without_a_daemon_every_client_says_so(
    arguments: list[str], as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--runtime-dir", str(tmp_path), *(["--json"] if as_json else [])]
    assert main([*arguments, *options]) == 2
    assert sentence_of(capsys).startswith(f"No daemon answers at {tmp_path}")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_takes_json(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module(VERBS[verb].module)
    assert module.__doc__
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert VERBS[verb].has_own_json or "--json" in shown


def test_the_runtime_directory_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATTUNE_RUNTIME_DIR", str(tmp_path))
    assert main(["status"]) == 2
    assert str(tmp_path) in sentence_of(capsys)


def test_only_the_verb_that_is_asked_for_is_imported() -> None:
    program = (
        "import sys; from tuner.cli.main import main; main(['restore', '--help'])\n"
        "print(*sorted(name for name in sys.modules if name.startswith('tuner.cli.')), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(result.stderr.split()) == {
        f"tuner.cli.{name}" for name in ("main", "restore", "arguments", "hardware", "sockets")
    }


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    program = f"{sys.executable} -m tuner.cli.main doctor | true"
    result = subprocess.run(["/bin/sh", "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr
