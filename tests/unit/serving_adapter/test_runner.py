"""A runner does what its adapter does: real processes, under this interpreter and under Python 3.8."""

import datetime
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from serving_adapter.contract import AdapterError, Load, WorkloadDefinition
from serving_adapter.runner import process
from serving_adapter.runner.client import RunnerClient, RunnerLostError
from tests.unit.serving_adapter.conftest import PACKAGE, WORKLOADS, StartRunner, find_python

SLEEPING = "stdlib_adapters:SleepingAdapter"


def one_sentence(error: BaseException) -> bool:
    text = str(error)
    return text.endswith(".") and "\n" not in text and "Traceback" not in text


def test_a_workload_is_served_from_opening_to_closing(start_runner: StartRunner, interpreter: str) -> None:
    runner = start_runner(SLEEPING, interpreter=interpreter)
    runner.open()
    (batch_size,) = runner.parameters()
    assert (batch_size.id, batch_size.kind, batch_size.values) == ("serving.batch_size", "batch", (1, 2, 4))
    assert runner.configure({"serving.batch_size": 4}) == {"serving.batch_size": 4} == runner.current()
    runner.start_load(Load("server", batch_size=4, rate_hz=200.0, seed=7))
    first = runner.run(0.2)
    runner.idle(0.05)
    second = runner.run(0.2)
    assert first.end_s - first.start_s >= 0.2
    assert second.start_s - first.end_s >= 0.05
    assert second.completions
    assert all(1 <= len(batch.arrivals_s) <= 4 for batch in first.completions + second.completions)
    running = psutil.Process(runner.pid)
    runner.close()
    runner.close()
    assert not running.is_running()


def test_the_workload_runs_in_a_process_of_its_interpreter(start_runner: StartRunner, interpreter: str) -> None:
    runner = start_runner(SLEEPING, interpreter=interpreter)
    running = Path(f"/proc/{runner.pid}/exe").resolve()
    asked = subprocess.run(
        [interpreter, "-c", "import os; print(os.path.realpath('/proc/self/exe'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(running) == asked.stdout.strip()


def test_an_error_of_the_workload_is_an_answer_and_the_runner_lives_on(start_runner: StartRunner) -> None:
    runner = start_runner(SLEEPING)
    with pytest.raises(AdapterError, match="not open"):
        runner.current()
    runner.open()
    with pytest.raises(AdapterError, match="open already"):
        runner.open()
    with pytest.raises(AdapterError, match="No load was started"):
        runner.run(1.0)
    with pytest.raises(AdapterError, match="cannot be 3"):
        runner.configure({"serving.batch_size": 3})
    with pytest.raises(AdapterError, match="'tidal' is unknown"):
        runner.start_load(Load("tidal", 1))
    assert runner.current() == {"serving.batch_size": 1}


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        ("exception", "The workload failed in 'run': ValueError: the tensor is upside down."),
        ("exit", "The workload failed in 'run': SystemExit: the model has had enough."),
    ],
)
def test_an_exception_in_the_model_becomes_one_sentence(
    start_runner: StartRunner, interpreter: str, failure: str, sentence: str
) -> None:
    runner = start_runner("stdlib_adapters:FailingAdapter", {"failure": failure}, interpreter=interpreter)
    runner.open()
    runner.start_load(Load("offline", 1))
    with pytest.raises(AdapterError) as raised:
        runner.run(1.0)
    assert str(raised.value) == sentence
    assert not isinstance(raised.value, RunnerLostError)
    assert runner.current() == {"serving.batch_size": 1}


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        ("stdlib_adapters", "is not a reference"),
        ("no_such_module:Adapter", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("stdlib_adapters:NoSuchAdapter", "has no 'NoSuchAdapter'"),
        ("stdlib_adapters:NotAnAdapter", "is not a ServingAdapter"),
    ],
)
def test_an_adapter_that_cannot_be_had_is_named_in_one_sentence(
    start_runner: StartRunner, adapter: str, message: str
) -> None:
    runner = start_runner(adapter)
    with pytest.raises(AdapterError, match=message) as raised:
        runner.open()
    assert one_sentence(raised.value)


def test_an_adapter_that_fails_to_open_is_closed(start_runner: StartRunner, tmp_path: Path) -> None:
    note = tmp_path / "note"
    runner = start_runner("stdlib_adapters:HalfOpenAdapter", {"note": str(note)})
    with pytest.raises(AdapterError, match="The server does not answer"):
        runner.open()
    assert note.read_text() == "closed"
    with pytest.raises(AdapterError, match="not open"):
        runner.current()


def test_what_an_adapter_notes_is_known_after_opening(start_runner: StartRunner, interpreter: str) -> None:
    plain = start_runner(SLEEPING, interpreter=interpreter)
    plain.open()
    assert plain.notes == ()
    notes = ["Tokens are counted as chunks.", "Größe and Länge are estimated."]
    runner = start_runner("stdlib_adapters:NotingAdapter", {"notes": notes}, interpreter=interpreter)
    assert runner.notes == ()
    runner.open()
    assert runner.notes == tuple(notes)


def test_notes_that_are_no_sentences_are_refused(start_runner: StartRunner) -> None:
    runner = start_runner("stdlib_adapters:NotingAdapter", {"notes": ["\x1b[2J"]})
    with pytest.raises(RunnerLostError, match="where a sentence belongs, and was ended"):
        runner.open()


def test_a_load_that_cannot_be_ended_is_not_used_and_holds_up_the_next(start_runner: StartRunner) -> None:
    runner = start_runner("stdlib_adapters:HangingAdapter")
    runner.open()
    runner.start_load(Load("offline", 1))
    runner.run(0.01)
    for call in (runner.stop_load, lambda: runner.start_load(Load("offline", 1)), lambda: runner.configure({})):
        with pytest.raises(AdapterError, match=r"2 batches .* are still under way"):
            call()
        with pytest.raises(AdapterError, match="was ended: start it again"):
            runner.run(0.01)
    runner.idle(0.0)  # lets the batches of this adapter come to their end
    runner.stop_load()
    with pytest.raises(AdapterError, match="No load was started"):
        runner.run(0.01)
    runner.start_load(Load("offline", 1))
    assert runner.run(0.05).completions


def test_a_load_that_cannot_be_ended_does_not_keep_the_adapter_open(start_runner: StartRunner, tmp_path: Path) -> None:
    note = tmp_path / "note"
    runner = start_runner("stdlib_adapters:HangingAdapter", {"note": str(note)})
    runner.open()
    runner.start_load(Load("offline", 1))
    runner.run(0.01)
    runner.close()
    assert note.read_text() == "closed"


def test_what_the_model_prints_or_reads_does_not_touch_the_protocol(
    start_runner: StartRunner, interpreter: str
) -> None:
    runner = start_runner("stdlib_adapters:ChattyAdapter", interpreter=interpreter)
    runner.open()
    runner.start_load(Load("offline", 1))
    assert runner.run(0.001).completions
    assert runner.current() == {"serving.batch_size": 1}


def test_messages_of_megabytes_cross_in_both_directions(start_runner: StartRunner, interpreter: str) -> None:
    text = "väl\n" * 1_000_000
    runner = start_runner("stdlib_adapters:EchoAdapter", {"text": text}, interpreter=interpreter)
    runner.open()
    assert runner.current() == {"characters": len(text), "text": text}


def test_an_answer_without_end_is_refused(start_runner: StartRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LONGEST_LINE_BYTES", 1_000_000)
    runner = start_runner("stdlib_adapters:EchoAdapter", {"text": "x" * 5_000_000})
    runner.open()
    with pytest.raises(RunnerLostError, match="sent a line of more than 1000000 bytes, and was ended"):
        runner.current()


def test_the_runner_imports_our_package_and_nothing_else_of_ours(
    start_runner: StartRunner, tmp_path: Path, interpreter: str
) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "somewhere" / "serving_adapter")
    (package.parent / "neighbour.py").write_text("")
    (package / "runner" / "colorsys.py").write_text("raise AssertionError('a file of the runner hides the library')")
    (tmp_path / "curious.py").write_text(
        "import colorsys, sys, serving_adapter\n"
        "from stdlib_adapters import SleepingAdapter\n"
        "class CuriousAdapter(SleepingAdapter):\n"
        "    def current(self):\n"
        "        try:\n"
        "            import neighbour\n"
        "        except ImportError:\n"
        "            return {'package': serving_adapter.__file__, 'path': ' '.join(sys.path)}\n"
    )
    runner = start_runner(
        "curious:CuriousAdapter",
        interpreter=interpreter,
        package=package,
        environment={"PYTHONPATH": os.pathsep.join([str(WORKLOADS), str(tmp_path)])},
    )
    runner.open()
    seen = runner.current()
    assert seen["package"] == str(package / "__init__.py")
    assert str(package.parent) not in str(seen["path"]).split()


def test_threads_of_openmp_wait_passively_unless_the_workload_says_otherwise(
    start_runner: StartRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def policy_of(runner: RunnerClient) -> str:
        return psutil.Process(runner.pid).environ()["OMP_WAIT_POLICY"]

    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert policy_of(start_runner(SLEEPING)) == "PASSIVE"
    assert policy_of(start_runner(SLEEPING, environment={"OMP_WAIT_POLICY": "ACTIVE"})) == "ACTIVE"


@pytest.mark.parametrize("option", [math.inf, datetime.date(2026, 11, 22)])
def test_an_option_that_json_does_not_know_is_refused_and_the_runner_lives_on(
    start_runner: StartRunner, option: object
) -> None:
    runner = start_runner(SLEEPING, {"since": option})
    with pytest.raises(AdapterError, match="'tested' cannot be told to 'open'") as raised:
        runner.open()
    assert one_sentence(raised.value)
    with pytest.raises(AdapterError, match="not open"):
        runner.current()


def test_another_version_of_the_protocol_is_refused(start_runner: StartRunner, tmp_path: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "serving_adapter")
    protocol = package / "runner" / "protocol.py"
    protocol.write_text(protocol.read_text().replace("PROTOCOL_VERSION = 2", "PROTOCOL_VERSION = 3"))
    with pytest.raises(AdapterError, match="speaks protocol 3 and this program protocol 2") as raised:
        start_runner(SLEEPING, package=package)
    assert one_sentence(raised.value)


def test_an_interpreter_that_does_not_exist_is_named(start_runner: StartRunner) -> None:
    with pytest.raises(AdapterError, match="The interpreter '/nowhere/python' cannot be started"):
        start_runner(SLEEPING, interpreter="/nowhere/python")


def test_an_interpreter_that_is_too_old_is_named(start_runner: StartRunner) -> None:
    too_old = find_python("3.7") or find_python("3.6")
    if too_old is None:
        pytest.skip("there is no Python 3.7 or 3.6 on this machine")
    with pytest.raises(AdapterError, match=r"The runner needs Python 3\.8 or later"):
        start_runner(SLEEPING, interpreter=too_old)


def test_a_program_that_is_no_runner_is_refused(start_runner: StartRunner, tmp_path: Path) -> None:
    (tmp_path / "runner").mkdir()
    (tmp_path / "runner" / "__main__.py").write_text("print('hello')")
    with pytest.raises(RunnerLostError, match="a line that is not JSON"):
        start_runner(SLEEPING, package=tmp_path)


def test_a_runner_that_was_not_started_or_was_closed_is_lost() -> None:
    runner = RunnerClient(sys.executable, SLEEPING, WorkloadDefinition("tested"), {"serving_adapter": str(PACKAGE)})
    with pytest.raises(RunnerLostError, match="is not running"):
        runner.current()
    runner.start()
    with pytest.raises(AdapterError, match="started already"):
        runner.start()
    runner.close()
    with pytest.raises(RunnerLostError, match="is not running"):
        runner.current()
