"""What happens when the runner, or the daemon that started it, dies or stalls: real processes, really killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from serving_adapter.contract import Load
from serving_adapter.runner.client import RunnerClient, RunnerLostError
from tests.unit.serving_adapter.conftest import PACKAGE, WORKLOADS, StartRunner

SLEEPING = "stdlib_adapters:SleepingAdapter"
LONG_S = 300.0


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def in_a_long_inference(runner: RunnerClient) -> threading.Thread:
    """Starts an inference that takes minutes, in a thread that keeps the error in ``thread.errors``."""
    runner.open()
    runner.start_load(Load("offline", 1))
    errors: list[BaseException] = []

    def infer() -> None:
        try:
            runner.run(1.0)
        except RunnerLostError as error:
            errors.append(error)

    thread = threading.Thread(target=infer, daemon=True)
    thread.errors = errors  # type: ignore[attr-defined]
    thread.start()
    time.sleep(0.3)
    assert thread.is_alive()
    return thread


@pytest.mark.parametrize("how", ["by signal", "by the client"])
def test_a_runner_that_is_killed_in_an_inference_is_lost_at_once(
    start_runner: StartRunner, interpreter: str, how: str
) -> None:
    runner = start_runner(SLEEPING, {"service_s": LONG_S}, interpreter=interpreter)
    thread = in_a_long_inference(runner)
    if how == "by signal":
        os.kill(runner.pid, signal.SIGKILL)
    else:
        runner.kill()
    thread.join(10.0)
    (error,) = thread.errors  # type: ignore[attr-defined]
    assert "was ended by signal 9" in str(error)
    with pytest.raises(RunnerLostError):
        runner.current()


def test_the_last_words_of_a_model_that_crashed_are_in_the_message(start_runner: StartRunner) -> None:
    runner = start_runner("stdlib_adapters:FailingAdapter", {"failure": "crash"})
    runner.open()
    runner.start_load(Load("offline", 1))
    with pytest.raises(RunnerLostError, match=r"ended by signal 6.*the model overwrote its own memory") as raised:
        runner.run(1.0)
    assert "\n" not in str(raised.value)


def test_a_runner_that_stalls_is_ended_after_the_timeout(start_runner: StartRunner) -> None:
    runner = start_runner(SLEEPING, {"service_s": LONG_S}, answer_timeout_s=2.0)
    runner.open()
    runner.start_load(Load("offline", 1))
    pid = runner.pid
    with pytest.raises(RunnerLostError, match="did not answer in time"):
        runner.run(0.1)
    assert wait_until(lambda: is_gone(pid), 10.0)


def test_a_runner_that_does_not_even_read_is_ended_after_the_timeout(start_runner: StartRunner) -> None:
    runner = start_runner(SLEEPING, {"text": "x" * 10_000_000}, open_timeout_s=2.0)
    pid = runner.pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(RunnerLostError, match="did not answer in time"):
        runner.open()
    assert wait_until(lambda: is_gone(pid), 10.0)


def test_opening_and_configuring_may_take_longer_than_an_answer_but_not_for_ever(start_runner: StartRunner) -> None:
    slow = {"load_s": 1.0}
    runner = start_runner("stdlib_adapters:SlowlyLoadingAdapter", slow, answer_timeout_s=0.5)
    runner.open()
    assert runner.configure({"serving.batch_size": 2}) == {"serving.batch_size": 2}
    impatient = start_runner("stdlib_adapters:SlowlyLoadingAdapter", slow, open_timeout_s=0.1)
    with pytest.raises(RunnerLostError, match="did not answer in time"):
        impatient.open()


def test_closing_a_runner_that_was_stopped_ends_it(start_runner: StartRunner) -> None:
    runner = start_runner(SLEEPING, answer_timeout_s=2.0)
    runner.open()
    pid = runner.pid
    os.kill(pid, signal.SIGSTOP)
    runner.close()
    assert is_gone(pid)


def test_the_processes_of_the_model_end_with_a_runner_that_is_killed(start_runner: StartRunner) -> None:
    runner = start_runner("stdlib_adapters:ChildKeepingAdapter")
    runner.open()
    child = int(runner.current()["child"])
    os.kill(runner.pid, signal.SIGKILL)
    assert wait_until(lambda: is_gone(runner.pid), 10.0)
    with pytest.raises(RunnerLostError):
        runner.current()
    assert wait_until(lambda: is_gone(child), 10.0)


def tell(runner: subprocess.Popen[bytes], call: str, **arguments: object) -> None:
    assert runner.stdin is not None
    runner.stdin.write(json.dumps({"id": 1, "call": call, "arguments": arguments}).encode() + b"\n")
    runner.stdin.flush()


def hear(runner: subprocess.Popen[bytes]) -> dict[str, object]:
    assert runner.stdout is not None
    return json.loads(runner.stdout.readline())


def test_the_end_of_the_input_ends_the_runner_in_the_middle_of_an_inference(interpreter: str) -> None:
    command = [interpreter, str(PACKAGE / "runner" / "__main__.py"), "--package", f"serving_adapter={PACKAGE}"]
    environment = {**os.environ, "PYTHONPATH": str(WORKLOADS)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, start_new_session=True) as runner:
        assert runner.stdin is not None
        assert hear(runner)["protocol"] == 2
        workload = {"name": "tested", "options": {"service_s": LONG_S}, "parameters": {}}
        tell(runner, "open", adapter=SLEEPING, workload=workload)
        assert hear(runner) == {"id": 1, "result": {"notes": []}}
        tell(runner, "start_load", load={"scenario": "offline", "batch_size": 1, "rate_hz": None, "seed": 0})
        assert hear(runner) == {"id": 1, "result": None}
        tell(runner, "run", duration_s=1.0)
        time.sleep(0.3)
        assert runner.poll() is None
        runner.stdin.close()
        try:
            runner.wait(2.0)
        finally:
            runner.kill()


def test_a_daemon_that_is_killed_leaves_neither_runner_nor_processes_of_the_model() -> None:
    command = [sys.executable, "-c", DAEMON, str(PACKAGE), str(WORKLOADS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        runner, child = map(int, daemon.stdout.readline().split())
        daemon.kill()
    try:
        assert wait_until(lambda: is_gone(runner) and is_gone(child), 5.0)
    finally:
        for left_over in (runner, child):
            with contextlib.suppress(ProcessLookupError):
                os.kill(left_over, signal.SIGKILL)


DAEMON = """
import sys, time
from serving_adapter.contract import WorkloadDefinition
from serving_adapter.runner.client import RunnerClient
package, workloads = sys.argv[1:]
runner = RunnerClient(sys.executable, "stdlib_adapters:ChildKeepingAdapter", WorkloadDefinition("tested"),
                      {"serving_adapter": package}, {"PYTHONPATH": workloads})
runner.start()
runner.open()
print(runner.pid, runner.current()["child"], flush=True)
time.sleep(600)
"""
