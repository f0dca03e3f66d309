"""The adapter of a program, with real programs that behave as badly as they can."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from serving_adapter.command import CommandAdapter, line_process, program
from serving_adapter.contract import AdapterError, Load, RequestFailedError, WorkloadDefinition
from tests.unit.serving_adapter.conftest import StartRunner

LONG_S = 60.0

ECHO = """
for line in sys.stdin:
    print("answer to " + line.strip(), flush=True)
"""

Start = Callable[..., CommandAdapter]


@pytest.fixture
def make() -> Iterator[Start]:
    """Makes adapters of Python programs, and closes them after the test."""
    adapters: list[CommandAdapter] = []

    def make_one(source: str, *arguments: str, **options: Any) -> CommandAdapter:
        argv = [sys.executable, "-c", "import json, os, sys, time\n" + textwrap.dedent(source), *arguments]
        merged = {"argv": argv, "request": '{"n": ${count}}', **options}
        adapters.append(CommandAdapter(WorkloadDefinition("tested", merged, {"batch_size": [1, 4]})))
        return adapters[-1]

    yield make_one
    for adapter in adapters:
        adapter.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a program that is asked to end have hardly any time for it."""
    monkeypatch.setattr(line_process, "_END_WITHIN_S", 0.1)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + LONG_S
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.005)
    return condition()


def failures_until_success(adapter: CommandAdapter, items: int) -> list[str]:
    failures: list[str] = []
    deadline_s = time.monotonic() + LONG_S
    while True:
        try:
            adapter.infer(items)
        except RequestFailedError as error:
            assert time.monotonic() < deadline_s
            failures.append(str(error))
        else:
            return failures


def one_sentence(error: BaseException) -> bool:
    return str(error).endswith(".") and "\n" not in str(error) and str(error)[0].isupper()


def test_a_batch_is_one_line_made_by_the_template(make: Start, tmp_path: Path) -> None:
    note = tmp_path / "note"
    adapter = make(
        """
        for line in sys.stdin:
            print(line, end="", file=open(os.environ["NOTE"], "a"), flush=True)
            print(json.dumps({"texts": len(json.loads(line)["texts"])}), flush=True)
        """,
        request='{"n": ${count}, "texts": [${quoted_items}]}',
        item='the "${index}"',
        expect_json=True,
        environment={"NOTE": str(note)},
        cwd=str(tmp_path),
    )
    adapter.open()
    note.unlink()
    adapter.infer(1)
    adapter.infer(3)
    assert note.read_text() == (
        '{"n": 1, "texts": ["the \\"0\\""]}\n{"n": 3, "texts": ["the \\"0\\"", "the \\"1\\"", "the \\"2\\""]}\n'
    )
    assert adapter.serving_pid is not None
    assert Path(f"/proc/{adapter.serving_pid}/cwd").resolve() == tmp_path
    assert adapter.concurrency == 1


def test_it_is_asked_once_it_is_ready(make: Start) -> None:
    source = 'print("loading ..."); time.sleep(0.05); print("model loaded in 0.05 s", flush=True)\n' + ECHO
    adapter = make(source, ready="model loaded", expect_contains="answer to")
    adapter.open()
    adapter.infer(4)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("is_always_one_line_ahead", [False, True])
def test_a_program_that_greets_is_found_at_the_start(
    make: Start, monkeypatch: pytest.MonkeyPatch, is_always_one_line_ahead: bool
) -> None:
    monkeypatch.setattr(program, "_QUIET_S", LONG_S)
    source = """
        import select
        print("welcome", flush=True)
        while True:
            while os.read(0, 1) not in (b"\\n", b""):
                pass
            if len(sys.argv) > 1 and sys.argv.pop():
                select.select([0], [], [])      # answers the first request when there is a second one
            print("answer", flush=True)
        """
    adapter = make(source, *(["ahead"] if is_always_one_line_ahead else []))
    with pytest.raises(
        AdapterError, match=r"wrote what nobody asked for \(answer\): .*named by the option ready"
    ) as raised:
        adapter.open()
    assert one_sentence(raised.value)


def test_lines_of_megabytes_cross_in_both_directions_at_once(make: Start) -> None:
    adapter = make(
        """
        while True:
            piece = os.read(0, 4096)
            if not piece:
                break
            os.write(1, piece)      # answers before the request is complete: both pipes are full meanwhile
        """,
        request="${items}",
        item="x" * 1_000_000,
    )
    adapter.open()
    adapter.infer(4)


OPENING_FAILS = [
    ("sys.exit('no weights\\nin here')", "has ended with status 1 .its last words: no weights | in here"),
    ("os.kill(os.getpid(), 11)", "was ended by signal 11"),
    ("time.sleep(600)", "did not answer within 0.3 s"),
    ("os.close(1); time.sleep(600)", "has closed its output"),
    ("os.close(0); time.sleep(600)", "has closed its input|did not answer within"),
    ("print()\n" + ECHO, "answered with an empty line"),
    ("for _ in sys.stdin: os.write(1, bytes(300_000))", "wrote more than 200000 bytes where a line belongs"),
    ("while True: os.write(1, b'spam\\n' * 1000)", "wrote what nobody asked for .spam"),
    ("for _ in sys.stdin: os.write(1, bytes(range(256)) * 9 + b'\\n')", "answered without 'answer'"),
]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("source", "words"), OPENING_FAILS)
def test_a_program_that_does_not_answer_is_named_in_one_sentence_and_ended(
    make: Start, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    monkeypatch.setattr(program, "_LONGEST_LINE_BYTES", 200_000)
    options = {"expect_contains": "answer"} if "answered without" in words else {}
    options |= {"start_timeout_s": 0.3} if "sleep" in source else {}
    adapter = make(source, **options)
    with pytest.raises(AdapterError, match=words) as raised:
        adapter.open()
    assert one_sentence(raised.value)
    assert f"The program '{sys.executable}' of the workload 'tested'" in str(raised.value)
    assert len(str(raised.value)) < 2500
    pid = adapter.serving_pid
    adapter.close()
    assert pid is not None
    assert is_gone(pid)


def answering(behaviour: str) -> str:
    """A program that is in order until its third request, the first after opening, and after it."""
    body = textwrap.indent(textwrap.dedent(behaviour), " " * 8)
    return f"for number, line in enumerate(sys.stdin):\n    if number == 2:\n{body}\n        continue\n" + (
        "    print('{\"answer\":', number, '}', flush=True)\n"
    )


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("print(flush=True)", "answered with an empty line"),
        ("print('Traceback (most recent call last):', flush=True)", "answered what is not JSON: Traceback"),
        ("print('[' * 100_000, flush=True)", "answered what is not JSON"),
        ("print('{\"error\": 1}', flush=True)", "answered without 'answer', which expect_contains asks for"),
    ],
)
def test_an_answer_that_is_none_fails_one_request(make: Start, behaviour: str, words: str) -> None:
    contained = {} if "JSON" in words else {"expect_contains": "answer"}
    adapter = make(answering(behaviour), expect_json=True, **contained)
    adapter.open()
    with pytest.raises(RequestFailedError, match=words) as raised:
        adapter.infer(1)
    assert one_sentence(raised.value)
    adapter.infer(1)


def test_lines_that_nobody_asked_for_fail_the_next_request(make: Start) -> None:
    adapter = make(answering("os.write(1, b'1\\n2\\n3\\n')"), expect_json=True)
    adapter.open()
    adapter.infer(1)
    with pytest.raises(RequestFailedError, match=r"wrote what nobody asked for .2 3"):
        adapter.infer(1)
    adapter.infer(1)


def test_a_late_answer_is_not_taken_for_that_of_the_next_request(make: Start, tmp_path: Path) -> None:
    go, note = tmp_path / "go", tmp_path / "note"
    adapter = make(
        f"""
        for number, line in enumerate(sys.stdin):
            while number == 2 and not os.path.exists({str(go)!r}):
                time.sleep(0.001)
            print("slow" if number == 2 else line.strip(), flush=True)
            print(line, end="", file=open({str(note)!r}, "a"))
        """,
        timeout_s=0.2,
        expect_contains="n",
    )
    adapter.open()
    for _ in range(2):  # the second one is not even sent
        with pytest.raises(RequestFailedError, match=r"did not answer within 0\.2 s"):
            adapter.infer(1)
    assert note.read_text() == '{"n": 1}\n' * 2
    go.touch()
    assert {failure for failure in failures_until_success(adapter, 4) if "did not answer" not in failure} == set()


def test_a_request_that_was_read_too_slowly_is_completed_before_the_next_one(make: Start, tmp_path: Path) -> None:
    go = tmp_path / "go"
    adapter = make(
        f"""
        for number in range(100):
            while number == 2 and not os.path.exists({str(go)!r}):
                time.sleep(0.001)
            line = sys.stdin.readline()
            print(len(line), set(line.strip()) <= set("xx, "), flush=True)
        """,
        request="${items}",
        item="x" * 300_000,
        timeout_s=0.3,
        expect_contains="True",
    )
    adapter.open()
    with pytest.raises(RequestFailedError, match=r"did not read a request within 0\.3 s"):
        adapter.infer(4)
    go.touch()
    assert {failure for failure in failures_until_success(adapter, 1) if "did not" not in failure} == set()


def test_a_program_that_dies_under_load_is_the_end_of_the_workload(make: Start) -> None:
    adapter = make(ECHO + "\n")
    adapter.open()
    assert adapter.serving_pid is not None
    os.kill(adapter.serving_pid, signal.SIGKILL)
    sentences = set()
    for _ in range(2):
        with pytest.raises(AdapterError, match="was ended by signal 9") as raised:
            adapter.infer(1)
        assert not isinstance(raised.value, RequestFailedError)
        sentences.add(str(raised.value))
    assert len(sentences) == 1


def test_what_it_says_on_standard_error_never_blocks_it_and_its_end_is_kept(make: Start) -> None:
    source = answering(
        "for count in range(3000): print('complaint', count, 'x' * 50, file=sys.stderr)\nsys.exit('the end.')"
    )
    adapter = make(source)
    adapter.open()
    with pytest.raises(AdapterError, match=r"complaint 2999 x+ \| the end\)\.$"):
        adapter.infer(1)


@pytest.mark.usefixtures("impatient")
def test_it_is_ended_with_all_that_it_has_started(make: Start) -> None:
    adapter = make(
        """
        import signal, subprocess
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        for line in sys.stdin:
            print(child.pid, flush=True)
        """
    )
    adapter.open()
    assert adapter.serving_pid is not None
    family = [adapter.serving_pid, *(child.pid for child in psutil.Process(adapter.serving_pid).children())]
    assert len(family) == 2
    adapter.close()
    assert wait_until(lambda: all(map(is_gone, family)))
    with pytest.raises(AdapterError, match="is not open"):
        _ = adapter.serving_pid


def test_a_program_that_saves_at_its_end_is_given_the_time(make: Start, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    adapter = make(ECHO + f"\ntime.sleep(0.05)\nopen({str(saved)!r}, 'w').close()")
    adapter.open()
    adapter.close()
    assert saved.exists()


@pytest.mark.usefixtures("impatient")
def test_closing_ends_a_request_that_is_under_way(make: Start) -> None:
    adapter = make(answering("time.sleep(600)"))
    adapter.open()
    errors: list[AdapterError] = []

    def infer() -> None:
        try:
            adapter.infer(1)
        except AdapterError as error:
            errors.append(error)

    asking = threading.Thread(target=infer)
    asking.start()
    time.sleep(0.05)
    adapter.close()
    asking.join(LONG_S)
    assert len(errors) == 1


def test_the_workloads_own_interpreter_can_drive_it(start_runner: StartRunner, interpreter: str) -> None:
    argv = [sys.executable, "-c", "import sys\n" + ECHO]
    options = {"argv": argv, "request": "${items}", "item": "${index}"}
    runner = start_runner("serving_adapter.command:CommandAdapter", options, {"batch_size": [2]}, interpreter)
    runner.open()
    pid = runner.serving_pid()
    assert pid is not None
    assert psutil.Process(pid).ppid() == runner.pid
    runner.start_load(Load("multi-stream", 2))
    assert {completion.failure for completion in runner.run(0.05).completions} == {""}
    runner.kill()
    assert wait_until(lambda: is_gone(pid))


def test_it_dies_with_the_process_that_drives_it(tmp_path: Path) -> None:
    driver = f"""
from serving_adapter.command import CommandAdapter
from serving_adapter.contract import WorkloadDefinition
source = "import sys, time\\nfor line in sys.stdin: print(1, flush=True)\\ntime.sleep(600)"
adapter = CommandAdapter(WorkloadDefinition("w", {{"argv": [{sys.executable!r}, "-c", source], "request": "x"}}))
adapter.open()
print(adapter.serving_pid, flush=True)
input()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert not is_gone(pid)
    process.kill()
    process.communicate()
    assert wait_until(lambda: is_gone(pid))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"argv": []}, "names no program"),
        ({"argv": "rm -rf /"}, "must be a list of texts"),
        ({"argv": ["/nowhere/program"]}, "cannot be started .FileNotFoundError"),
        ({"argv": ["/etc/passwd"]}, "cannot be started .PermissionError"),
        ({"argv": ["a\0b"]}, "cannot be started .ValueError"),
        ({"cwd": "/nowhere"}, "cannot be started .FileNotFoundError"),
        ({"environment": {"A": 1}}, "must be a table of texts"),
        ({"shell": True}, "the option 'shell', which its adapter does not know"),
        ({"request": "a\nb"}, "has several lines"),
        ({"request": "${items}", "item": "a\n"}, "has several lines"),
        ({"request": "${index}"}, "a request has no '\\${index}'"),
        ({"request": ""}, "must be a text"),
        ({"expect_json": "yes"}, "must be true or false"),
        ({"timeout_s": -1}, "must be a number above zero"),
    ],
)
def test_a_definition_that_is_wrong_is_refused(options: dict[str, Any], words: str) -> None:
    merged = {"argv": [sys.executable, "-c", "input()"], "request": "x", **options}
    with pytest.raises(AdapterError, match=words) as raised:
        CommandAdapter(WorkloadDefinition("tested", merged)).open()
    assert one_sentence(raised.value)
