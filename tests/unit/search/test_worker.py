"""The search worker as a real process: proposals, silence, death and end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.unit.search.records import SPACE, Outcome, clock, default_configuration, measured, search_task
from tuner import serialization
from tuner.configuration import Configuration, ConfigurationSpace
from tuner.errors import BadInputError, ProcessLostError
from tuner.search import protocol
from tuner.search.client import SearchClient, SearchError, SearchLostError
from tuner.search.contract import Proposal, SearchTask, Stop
from tuner.search.protocol import Greeting, Reply, Request
from tuner.search.registry import create_proposer
from tuner.trial import Trial

BASELINE = measured(0, default_configuration(SPACE))
GENEROUS_S = 60.0

HUGE_SPACE = ConfigurationSpace(tuple(clock(f"clock_{number}", tuple(range(1, 25))) for number in range(4)))
"""331,776 points: a proposal takes long enough to be interrupted."""


def huge_trials() -> list[Trial]:
    fastest = Configuration({parameter.id: parameter.choices[-1] for parameter in HUGE_SPACE.parameters})
    return [measured(0, fastest)]


@pytest.fixture(scope="module")
def client() -> Iterator[SearchClient]:
    """One for all tests that leave it at work: starting one takes seconds."""
    search = SearchClient()
    search.begin(search_task())
    yield search
    search.close()


def worker_of(search: SearchClient) -> psutil.Process:
    assert search.pid is not None
    return psutil.Process(search.pid)


def wait_until_gone(process: psutil.Process) -> None:
    psutil.wait_procs([process], timeout=GENEROUS_S)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def spawn() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", protocol.MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def send(worker: subprocess.Popen[bytes], request: Request) -> None:
    assert worker.stdin is not None
    worker.stdin.write(serialization.encode(request) + b"\n")
    worker.stdin.flush()


def receive(worker: subprocess.Popen[bytes]) -> Reply:
    assert worker.stdout is not None
    return serialization.decode(worker.stdout.readline(), Reply)


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    process = spawn()
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def greet(worker: subprocess.Popen[bytes]) -> Greeting:
    assert worker.stdout is not None
    return serialization.decode(worker.stdout.readline(), Greeting)


class TestClient:
    def test_it_answers_what_the_proposer_would_answer_in_process(self, client: SearchClient) -> None:
        trials = [BASELINE]
        expected = create_proposer("wattune", search_task())
        for number in (1, 2, 3):
            outcome = client.propose(trials)
            assert outcome == expected.propose(trials)
            assert isinstance(outcome, Proposal)
            trials.append(measured(number, outcome.configuration))

    def test_a_stop_comes_through_with_its_reason(self, client: SearchClient) -> None:
        trials = [measured(number, configuration) for number, configuration in enumerate(SPACE)]
        assert client.propose(trials) == create_proposer("wattune", search_task()).propose(trials)
        assert isinstance(client.propose(trials), Stop)

    def test_a_worker_killed_between_two_proposals_is_replaced(self, client: SearchClient) -> None:
        before = client.propose([BASELINE])
        first = worker_of(client)
        first.kill()
        wait_until_gone(first)
        assert client.propose([BASELINE]) == before
        assert client.pid != first.pid

    def test_a_worker_killed_while_it_loads_is_replaced(self) -> None:
        search = SearchClient()
        try:
            search.start()
            first = worker_of(search)
            first.kill()
            search.begin(search_task())
            assert search.pid != first.pid
            assert isinstance(search.propose([BASELINE]), Proposal)
        finally:
            search.close()

    def test_once_begun_the_worker_is_silent(self, client: SearchClient) -> None:
        worker = worker_of(client)
        before_s = sum(worker.cpu_times()[:2])
        time.sleep(0.5)
        assert sum(worker.cpu_times()[:2]) - before_s <= 0.05

    def test_a_worker_killed_during_a_proposal_is_replaced(self) -> None:
        search = SearchClient()
        try:
            search.begin(search_task(HUGE_SPACE))
            search.propose(huge_trials())
            first = worker_of(search)
            outcomes: list[Proposal | Stop] = []
            asking = threading.Thread(target=lambda: outcomes.append(search.propose(huge_trials())))
            used_s = sum(first.cpu_times()[:2])
            asking.start()
            while sum(first.cpu_times()[:2]) < used_s + 0.05:
                time.sleep(0.005)
            first.kill()
            asking.join(GENEROUS_S)
            assert isinstance(outcomes[0], Proposal)
            assert search.pid != first.pid
        finally:
            search.close()

    def test_a_worker_that_dies_every_time_is_given_up(self, tmp_path: Path) -> None:
        interpreter = tmp_path / "python"
        interpreter.write_text("#!/bin/sh\nexit 7\n")
        interpreter.chmod(0o755)
        search = SearchClient(interpreter=str(interpreter))
        with pytest.raises(SearchLostError, match="status 7") as caught:
            search.begin(search_task())
        assert isinstance(caught.value, ProcessLostError)

    def test_a_worker_that_never_answers_is_ended(self, tmp_path: Path) -> None:
        interpreter = tmp_path / "python"
        interpreter.write_text("#!/bin/sh\nexec sleep 600\n")
        interpreter.chmod(0o755)
        search = SearchClient(interpreter=str(interpreter), answer_timeout_s=0.3)
        search.start()
        silent = worker_of(search)
        with pytest.raises(SearchLostError, match="does not answer"):
            search.begin(search_task())
        wait_until_gone(silent)
        assert search.pid is None

    def test_an_interpreter_that_does_not_exist_is_named(self) -> None:
        with pytest.raises(SearchLostError, match="/no/python"):
            SearchClient(interpreter="/no/python").start()

    def test_an_unknown_method_is_refused_before_anything_starts(self) -> None:
        with pytest.raises(BadInputError, match="guess"):
            SearchClient(method="guess")

    def test_a_failure_of_the_search_is_told_and_the_worker_lives_on(self, client: SearchClient) -> None:
        client.propose([BASELINE])
        pid = client.pid
        broken = measured(1, next(iter(SPACE)), lambda _: Outcome((0.01,), -1.0, 100.0))
        with pytest.raises(SearchError, match="search failed"):
            client.propose([BASELINE, broken])
        assert isinstance(client.propose([BASELINE]), Proposal)
        assert client.pid == pid

    def test_closing_ends_the_worker_and_may_be_repeated(self) -> None:
        search = SearchClient()
        search.begin(search_task())
        process = worker_of(search)
        search.close()
        search.close()
        wait_until_gone(process)

    def test_the_client_holds_neither_torch_nor_numpy(self) -> None:
        heavy = ("torch", "numpy", "gpytorch", "botorch", "scipy")
        code = f"import sys, tuner.search.client; print([name for name in {heavy} if name in sys.modules])"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert result.stdout.strip() == "[]"


class TestWorker:
    def test_it_greets_with_its_versions(self, worker: subprocess.Popen[bytes]) -> None:
        assert greet(worker).versions.keys() == {"torch", "gpytorch", "botorch"}

    def test_it_exits_when_stdin_ends(self, worker: subprocess.Popen[bytes]) -> None:
        greet(worker)
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(GENEROUS_S) == 0

    def test_it_exits_when_stdin_ends_while_it_works(self, worker: subprocess.Popen[bytes]) -> None:
        greet(worker)
        send(worker, Request("start", "wattune", search_task(HUGE_SPACE, max_trials=10_000)))
        assert not receive(worker).error
        for _ in range(50):
            send(worker, Request("propose", trials=tuple(huge_trials())))
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.stdout is not None
        answered = len(worker.stdout.readlines())
        assert worker.wait(GENEROUS_S) == 0
        assert answered < 50

    def test_a_print_does_not_reach_the_protocol(self, tmp_path: Path) -> None:
        code = (
            "import os, sys, tuner.search.worker as worker\n"
            "answer = worker.Worker.answer\n"
            "def noisy(self, line):\n"
            "    print('stray'); os.system('echo stray'); sys.stdout.flush()\n"
            "    return answer(self, line)\n"
            "worker.Worker.answer = noisy\n"
            "sys.argv = ['worker']\n"
            "worker.main()\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        line = serialization.encode(Request("start", "random", search_task())) + b"\n"
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        process.stdin.flush()
        greet(process)
        assert receive(process) == Reply()
        _, errors = process.communicate(timeout=GENEROUS_S)
        assert errors.count(b"stray") == 2

    def test_it_is_silent_between_requests(self, worker: subprocess.Popen[bytes]) -> None:
        greet(worker)
        send(worker, Request("start", "wattune", search_task()))
        receive(worker)
        send(worker, Request("propose", trials=(BASELINE,)))
        receive(worker)
        process = psutil.Process(worker.pid)
        time.sleep(0.2)
        before_s = sum(process.cpu_times()[:2])
        time.sleep(1.0)
        assert sum(process.cpu_times()[:2]) - before_s <= 2 / os.sysconf("SC_CLK_TCK")

    def test_a_request_it_does_not_understand_is_answered(self, worker: subprocess.Popen[bytes]) -> None:
        greet(worker)
        assert worker.stdin is not None
        worker.stdin.write(b'{"call": "fly"}\n')
        worker.stdin.flush()
        assert "not a valid Request" in receive(worker).error
        send(worker, Request("propose", trials=(BASELINE,)))
        assert "before it had a task" in receive(worker).error


def test_a_task_survives_the_protocol() -> None:
    task: SearchTask = search_task(earlier=(BASELINE,))
    request = Request("start", "wattune", task, (BASELINE,))
    assert serialization.decode(serialization.encode(request), Request) == request
